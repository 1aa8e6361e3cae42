//! What the dashboard shows: its address is its state.

use std::sync::Arc;

use serde::Deserialize;

use crate::dataset::{Dataset, Departures};
use crate::metric::Metric;
use crate::web::app::App;
use crate::web::base;
use crate::web::error::Error;
use crate::web::parameters::{self, Checked, Text};

/// An origin and a metric, and which answer about them.
pub(crate) struct Choice {
    pub(crate) departures: Departures,
    pub(crate) metric: Metric,
    /// The fingerprint that a signal named; none asks for the data file as it is.
    pub(crate) v: Option<String>,
    /// When the answer of that signal was computed, in milliseconds since 1970.
    pub(crate) at: Option<u64>,
    /// Only an answer that was computed later will do, in milliseconds since 1970.
    pub(crate) after: Option<u64>,
    /// How much progress the page shows already, in thousandths.
    pub(crate) seen: Option<u16>,
}

/// The parameters as they are written.
#[derive(Deserialize)]
pub(crate) struct Written {
    origin: Option<Text>,
    metric: Option<Text>,
    v: Option<Text>,
    at: Option<Text>,
    after: Option<Text>,
    seen: Option<Text>,
}

impl Choice {
    /// All airports by the default metric.
    pub(crate) fn default(dataset: Arc<Dataset>) -> Self {
        let (departures, metric) = (Departures::all(dataset), Metric::default());
        Self { departures, metric, v: None, at: None, after: None, seen: None }
    }

    /// The address of the page that shows this choice.
    pub(crate) fn page(&self) -> String {
        format!("{}/?{}", base::path(), self.query())
    }

    /// Whether a page with this address shows the choice. The bare address shows the default one.
    pub(crate) fn is_shown_at(&self, address: &str) -> bool {
        let is_bare = address.strip_prefix(base::path()) == Some("/");
        let default = || Self::default(self.departures.dataset().clone()).page();
        if is_bare { self.page() == default() } else { self.page() == address }
    }

    /// `origin=ATL&metric=mean`
    pub(crate) fn query(&self) -> String {
        let origin = parameters::origin_query(self.departures.code());
        format!("{origin}&metric={}", self.metric.word())
    }
}

impl Checked for Choice {
    type Written = Written;

    async fn check(written: Written, app: &App) -> Result<Self, Error> {
        let dataset = app.dataset().await;
        Ok(Self {
            departures: parameters::departures(written.origin.as_deref(), dataset)?,
            metric: parameters::metric(written.metric.as_deref())?,
            v: parameters::fingerprint(written.v.as_deref())?,
            at: parameters::number(written.at.as_deref(), "at")?,
            after: parameters::number(written.after.as_deref(), "after")?,
            seen: parameters::number(written.seen.as_deref(), "seen")?,
        })
    }
}
