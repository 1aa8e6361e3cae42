//! What `/signal` answers with: the signal itself, or what stands in its place until it comes.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ContentType, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use oneflight::{Answer, Asked, Outcome, Snapshot};

use crate::dashboard::Dashboard;
use crate::figure::{Graph, counted};
use crate::web::base;
use crate::pages::dashboard::choice::Choice;
use crate::web::notice::notice;
use crate::web::request;
use crate::web::provenance::{Timing, When, took};
use crate::web::wait::Wait;

/// Its arrival is the signal.
#[derive(Template)]
#[template(path = "dashboard/signal.html")]
struct SignalFragment<'a> {
    choice: &'a Choice,
    place: String,
    flights: String,
    /// The fingerprint of what the answer was computed from.
    v: &'a str,
    answer: &'a Answer,
    computed_at: When,
    /// The graphs to draw; none while the page shows those of this very answer.
    graphs: &'static [Graph],
    /// While a newer answer is being computed.
    wait: Option<Wait>,
    notice: Option<&'static str>,
}

/// Asks again by itself.
#[derive(Template)]
#[template(path = "dashboard/computing.html")]
struct ComputingFragment<'a> {
    choice: &'a Choice,
    place: String,
    wait: Wait,
    notice: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "dashboard/cancelled.html")]
struct CancelledFragment<'a> {
    choice: &'a Choice,
    place: String,
}

impl SignalFragment<'_> {
    fn took(&self) -> String {
        took(self.answer.entry.stamp.compute)
    }
}

/// The signal; with a progress, what the page shows of the old answer until the new one comes.
pub(crate) fn landed(
    dashboard: &Dashboard,
    choice: &Choice,
    asked: &Asked,
    progress: Option<Snapshot>,
) -> anyhow::Result<String> {
    let lost = "Results cannot be kept at the moment: each is computed anew.";
    let answer = &asked.answer;
    let is_lost = answer.outcome == Outcome::Computed;
    let notice = notice(&dashboard.store_health()).or(is_lost.then_some(lost));
    let flights = counted(choice.dataset.rows(choice.origin).len() as u64, "flight");
    let stamp = answer.entry.stamp;
    // Who has asked for something newer than this shows its graphs already.
    let is_shown = choice.after.is_some_and(|after| stamp.computed_ms() <= after);
    let fragment = SignalFragment {
        choice,
        place: place(choice),
        flights,
        v: asked.cached_by.first().map_or("", String::as_str),
        answer,
        computed_at: When(stamp.computed_at),
        graphs: if is_shown { &[] } else { &Graph::ALL },
        wait: (asked.is_stale || is_shown).then(|| Wait::new(choice.seen, progress)),
        notice,
    };
    Ok(fragment.render()?)
}

/// What stands where there is no answer yet.
pub(crate) fn computing(
    dashboard: &Dashboard,
    choice: &Choice,
    progress: Option<Snapshot>,
) -> anyhow::Result<String> {
    let (place, notice, wait) =
        (place(choice), notice(&dashboard.store_health()), Wait::new(choice.seen, progress));
    Ok(ComputingFragment { choice, place, wait, notice }.render()?)
}

/// What stands where somebody has given up waiting.
pub(crate) fn cancelled(choice: &Choice) -> anyhow::Result<String> {
    Ok(CancelledFragment { choice, place: place(choice) }.render()?)
}

/// A response that nobody keeps, and that takes the browser's address along.
pub(crate) struct Reply<'a> {
    request: &'a HttpRequest,
    choice: &'a Choice,
    timing: &'a Timing,
}

impl<'a> Reply<'a> {
    pub(crate) fn new(request: &'a HttpRequest, choice: &'a Choice, timing: &'a Timing) -> Self {
        Self { request, choice, timing }
    }

    pub(crate) fn ok(self, html: String) -> HttpResponse {
        self.with(StatusCode::OK, html)
    }

    /// The end is still to come. What stays the same stays on the page as it is, five times a
    /// second: whoever holds its button by mouse or by keyboard does not lose it.
    pub(crate) fn accepted(self, html: String) -> HttpResponse {
        let mut response = self.with(StatusCode::ACCEPTED, html);
        let morph = HeaderValue::from_static("innerMorph");
        response.headers_mut().insert(HeaderName::from_static("hx-reswap"), morph);
        response
    }

    fn with(self, status: StatusCode, html: String) -> HttpResponse {
        let mut response = HttpResponse::build(status);
        response.insert_header(ContentType::html()).insert_header((CACHE_CONTROL, "no-store"));
        for header in self.timing.headers() {
            response.insert_header(header);
        }
        if is_elsewhere(self.request, self.choice) {
            response.insert_header(("HX-Push-Url", self.choice.page()));
        }
        response.body(html)
    }
}

fn place(choice: &Choice) -> String {
    choice.origin.place(choice.dataset.contents())
}

/// Whether the browser's address is that of another choice, and has to follow.
fn is_elsewhere(request: &HttpRequest, choice: &Choice) -> bool {
    let Some(shown) = request::shown(request) else { return false };
    // The bare page shows the default choice.
    let is_bare = shown.strip_prefix(base::path()) == Some("/");
    let shown = if is_bare { Choice::default(choice.dataset.clone()).page() } else { shown };
    shown != choice.page()
}
