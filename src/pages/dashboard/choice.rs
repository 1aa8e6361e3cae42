//! What the dashboard shows: its address is its state.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderName, HeaderValue};
use serde::Deserialize;

use crate::dataset::{Dataset, Departures, Origin};
use crate::metric::Metric;
use crate::web::app::App;
use crate::web::base;
use crate::web::error::Error;
use crate::web::parameters::{self, Checked, Text};
use crate::web::reply::follow;

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

/// The page that shows a choice.
pub(crate) struct Shown {
    page: String,
    is_default: bool,
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
        Self::of(Departures::all(dataset), Metric::default())
    }

    /// Any answer for this airport and metric.
    fn of(departures: Departures, metric: Metric) -> Self {
        Self { departures, metric, v: None, at: None, after: None, seen: None }
    }

    /// The same choice, whichever answer about it the address names.
    pub(crate) fn plain(&self) -> Self {
        Self::of(self.departures.clone(), self.metric)
    }

    /// The address of the page that shows this choice.
    pub(crate) fn page(&self) -> String {
        format!("{}/?{}", base::path(), self.query())
    }

    /// The page that shows this choice.
    pub(crate) fn shown(&self) -> Shown {
        let is_default =
            self.departures.origin() == Origin::All && self.metric == Metric::default();
        Shown { page: self.page(), is_default }
    }

    /// `origin=ATL&metric=mean`
    pub(crate) fn query(&self) -> String {
        let origin = parameters::origin_query(self.departures.code());
        format!("{origin}&metric={}", self.metric.word())
    }
}

impl Shown {
    /// The header that has a browser which shows another page change its address.
    pub(crate) fn follow(&self, request: &HttpRequest) -> Option<(HeaderName, HeaderValue)> {
        follow(request, || self.page.clone(), |address| self.is_at(address))
    }

    /// Whether this address is that of the page. The bare address shows the default choice.
    fn is_at(&self, address: &str) -> bool {
        let is_bare = address.strip_prefix(base::path()) == Some("/");
        if is_bare { self.is_default } else { address == self.page }
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
