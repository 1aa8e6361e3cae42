//! What `/session` answers with: the page, and the parts of it that change.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ContentType};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use askama::Template;
use oneflight::{Answer, Outcome, Snapshot};

use super::view::View;
use crate::dashboard::{Dashboard, MOST_FLIGHTS};
use crate::dataset::{Airport, Dataset};
use crate::figure::{Graph, count, counted};
use crate::metric::Metric;
use crate::query::About;
use crate::web::error::ErrorFragment;
use crate::web::encoded_body::PRIVATE;
use crate::web::notice::notice;
use crate::web::provenance::{Timing, When, took};
use crate::web::wait::Wait;
use crate::web::assets;
use crate::web::base;
use crate::web::request;

/// How many flights are proposed.
const PROPOSED: u32 = 1000;

#[derive(Template)]
#[template(path = "session/page.html")]
pub(crate) struct Page<'a> {
    pub(crate) view: &'a View,
    pub(crate) dataset: &'a Dataset,
    /// What the visitor has, as a fragment.
    pub(crate) status: String,
    /// What the sample says of itself, if there is one.
    pub(crate) about: Option<About>,
}

/// Its arrival is the signal.
#[derive(Template)]
#[template(path = "session/sample.html")]
struct SampleFragment<'a> {
    view: &'a View,
    about: &'a About,
    answer: &'a Answer,
    drawn_at: When,
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
    /// Whether the visitor still has a session that he can be rid of.
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

    /// What the page shows by itself when the server does not answer.
    fn unreachable(&self) -> ErrorFragment {
        ErrorFragment::unreachable()
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
pub(crate) fn ready(
    dashboard: &Dashboard,
    view: &View,
    answer: &Answer,
    about: &About,
) -> anyhow::Result<String> {
    let lost = "Samples cannot be kept at the moment: the next question may find another time.";
    let is_lost = answer.outcome == Outcome::Computed;
    let fragment = SampleFragment {
        view,
        about,
        answer,
        drawn_at: When(answer.entry.stamp.computed_at),
        graphs: Graph::ALL,
        notice: notice(&dashboard.store_health()).or(is_lost.then_some(lost)),
    };
    Ok(fragment.render()?)
}

/// What stands where a sample is being drawn.
pub(crate) fn drawing(
    dashboard: &Dashboard,
    view: &View,
    progress: Option<Snapshot>,
) -> anyhow::Result<String> {
    let wait = Wait::new(view.seen, progress);
    Ok(DrawingFragment { view, wait, notice: notice(&dashboard.store_health()) }.render()?)
}

/// What stands where there is none, with the reason; it takes the graphs away.
pub(crate) fn no_sample(words: &'static str, is_known: bool) -> anyhow::Result<String> {
    Ok(NoSampleFragment { words, is_known, graphs: Graph::ALL }.render()?)
}

/// A response for one visitor, which takes the browser's address along.
pub(crate) fn reply(
    request: &HttpRequest,
    view: &View,
    status: StatusCode,
    timing: Option<&Timing>,
) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.insert_header(ContentType::html()).insert_header((CACHE_CONTROL, PRIVATE));
    for header in timing.map(Timing::headers).into_iter().flatten() {
        response.insert_header(header);
    }
    if status == StatusCode::ACCEPTED {
        // What stays the same stays on the page as it is, five times a second.
        response.insert_header(("HX-Reswap", "innerMorph"));
    }
    let bare = format!("{}/session", base::path());
    let shown = request::shown(request);
    let shown = shown.map(|it| if it == bare { View::default().page() } else { it });
    if shown.is_some_and(|shown| shown != view.page()) {
        response.insert_header(("HX-Push-Url", view.page()));
    }
    response
}
