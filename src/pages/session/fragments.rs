//! What `/session` answers with: the page, and the parts of it that change.

use askama::Template;
use oneflight::{Answer, Outcome, Snapshot};

use super::draw::About;
use super::sample::MOST_FLIGHTS;
use super::view::View;
use crate::dataset::{Airport, Dataset};
use crate::figure::{Graph, count, counted};
use crate::metric::Metric;
use crate::web::app::App;
use crate::web::notice::notice;
use crate::web::time::{Timestamp, took};
use crate::web::wait::Wait;
use crate::web::{assets, base};

/// How many flights are proposed.
const PROPOSED: u32 = 1000;

#[derive(Template)]
#[template(path = "session/page.html")]
pub(super) struct Page<'a> {
    pub(super) view: &'a View,
    pub(super) dataset: &'a Dataset,
    /// What the visitor has, as a fragment.
    pub(super) status: String,
    /// What the sample says of itself, if there is one.
    pub(super) about: Option<About>,
}

/// Its arrival is the signal.
#[derive(Template)]
#[template(path = "session/sample.html")]
struct SampleFragment<'a> {
    view: &'a View,
    about: &'a About,
    answer: &'a Answer,
    drawn_at: Timestamp,
    graphs: [Graph; 4],
    notice: Option<&'static str>,
}

/// Asks again by itself.
#[derive(Template)]
#[template(path = "session/drawing.html")]
struct DrawingFragment<'a> {
    view: &'a View,
    wait: Wait,
    notice: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "session/no_sample.html")]
struct NoSampleFragment {
    words: &'static str,
    /// Whether the visitor still has a session, which can be forgotten.
    is_known: bool,
    graphs: [Graph; 4],
}

impl Page<'_> {
    fn airports(&self) -> impl Iterator<Item = &Airport> {
        self.dataset.contents().origins()
    }

    /// What the last sample was drawn from, and how many flights it has.
    fn chosen(&self) -> (&str, u32) {
        self.about.as_ref().map_or(("ALL", PROPOSED), |it| (it.origin.as_str(), it.flights))
    }

    fn most(&self) -> String {
        count(MOST_FLIGHTS.into())
    }
}

impl SampleFragment<'_> {
    /// `1,000 of 124,711 flights`
    fn flights(&self) -> String {
        let About { flights, of, .. } = *self.about;
        match flights {
            all if all == of => format!("all {}, there are no more", counted(of.into(), "flight")),
            some => format!("{} of {}", count(some.into()), counted(of.into(), "flight")),
        }
    }

    fn took(&self) -> String {
        took(self.answer.entry.stamp.compute)
    }
}

/// The signal.
pub(super) fn ready(
    app: &App,
    view: &View,
    answer: &Answer,
    about: &About,
) -> anyhow::Result<String> {
    let lost = "Samples cannot be kept at the moment: the next request may find another time.";
    let is_lost = answer.outcome == Outcome::Computed;
    let fragment = SampleFragment {
        view,
        about,
        answer,
        drawn_at: Timestamp(answer.entry.stamp.computed_at),
        graphs: Graph::ALL,
        notice: notice(&app.store_health()).or(is_lost.then_some(lost)),
    };
    Ok(fragment.render()?)
}

/// What stands where a sample is being drawn.
pub(super) fn drawing(
    app: &App,
    view: &View,
    progress: Option<Snapshot>,
) -> anyhow::Result<String> {
    let wait = Wait::new(view.seen, progress);
    Ok(DrawingFragment { view, wait, notice: notice(&app.store_health()) }.render()?)
}

/// What stands where there is none, with the reason; it takes the graphs away.
pub(super) fn no_sample(words: &'static str, is_known: bool) -> anyhow::Result<String> {
    Ok(NoSampleFragment { words, is_known, graphs: Graph::ALL }.render()?)
}
