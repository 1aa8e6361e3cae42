//! What the session page shows, and which sample is to be drawn.

use serde::Deserialize;

use super::sample::{Draw, MOST_FLIGHTS};
use crate::metric::Metric;
use crate::web::app::App;
use crate::web::base;
use crate::web::error::Error;
use crate::web::parameters::{self, Checked, Text};

/// How a sample is shown.
#[derive(Default)]
pub(crate) struct View {
    pub(super) metric: Metric,
    /// When the sample was drawn that a signal named, in milliseconds since 1970.
    pub(super) at: Option<u64>,
    /// How much progress the page shows already, in thousandths.
    pub(super) seen: Option<u16>,
}

/// A sample to be drawn, and how it is shown.
pub(crate) struct Order {
    pub(super) draw: Draw,
    pub(super) view: View,
}

/// The parameters of a view as they are written.
#[derive(Deserialize)]
pub(crate) struct WrittenView {
    metric: Option<Text>,
    at: Option<Text>,
    seen: Option<Text>,
}

/// The parameters of an order as they are written.
#[derive(Deserialize)]
pub(crate) struct WrittenOrder {
    origin: Option<Text>,
    size: Option<Text>,
    metric: Option<Text>,
    at: Option<Text>,
    seen: Option<Text>,
}

impl View {
    /// `metric=mean`
    pub(super) fn query(&self) -> String {
        format!("metric={}", self.metric.word())
    }

    /// The address of the page that shows this.
    pub(super) fn page(&self) -> String {
        format!("{}/session?{}", base::path(), self.query())
    }

    /// Whether a page with this address shows the view. The bare address shows the default one.
    pub(super) fn is_shown_at(&self, address: &str) -> bool {
        let is_bare = address.strip_prefix(base::path()) == Some("/session");
        if is_bare { self.page() == Self::default().page() } else { self.page() == address }
    }
}

impl Checked for View {
    type Written = WrittenView;

    async fn check(written: WrittenView, _: &App) -> Result<Self, Error> {
        let WrittenView { metric, at, seen } = written;
        Ok(Self {
            metric: parameters::metric(metric.as_deref())?,
            at: parameters::number(at.as_deref(), "at")?,
            seen: parameters::number(seen.as_deref(), "seen")?,
        })
    }
}

impl Checked for Order {
    type Written = WrittenOrder;

    async fn check(written: WrittenOrder, app: &App) -> Result<Self, Error> {
        let WrittenOrder { origin, size, metric, at, seen } = written;
        let departures = parameters::departures(origin.as_deref(), app.dataset().await)?;
        let size = size.as_deref().unwrap_or_default();
        let size = parameters::amount(size, MOST_FLIGHTS, "flights for a sample")?;
        let draw = Draw::new(departures.code(), size);
        Ok(Self { draw, view: View::check(WrittenView { metric, at, seen }, app).await? })
    }
}
