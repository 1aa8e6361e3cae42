//! `GET /signal`: answers once the selection is in the store; the answer starts the four graphs.

use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, ContentType};
use actix_web::http::{StatusCode, Uri};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use tokio::time::timeout;

use super::base;
use super::choice::Choice;
use super::error::Error;
use super::timing::{Timing, When};
use crate::cache::{Answer, Outcome};
use crate::dashboard::Dashboard;
use crate::figure::{Graph, counted};

/// How long a request is held: a computation that takes longer is asked for again, so that no
/// router, proxy or browser runs out of time.
const HOLD: Duration = Duration::from_secs(1);

/// Its arrival is the signal.
#[derive(Template)]
#[template(path = "signal.html")]
struct SignalFragment<'a> {
    choice: &'a Choice,
    place: String,
    flights: String,
    answer: &'a Answer,
    computed_at: When,
    graphs: [Graph; 4],
    notice: Option<&'static str>,
}

/// Asks again by itself.
#[derive(Template)]
#[template(path = "computing.html")]
struct ComputingFragment<'a> {
    choice: &'a Choice,
    place: String,
    seconds: u64,
    notice: Option<&'static str>,
}

impl SignalFragment<'_> {
    fn took(&self) -> String {
        let ms = self.answer.entry.stamp.compute.as_millis();
        if ms < 1000 { format!("{ms} ms") } else { format!("{:.1} s", ms as f64 / 1000.0) }
    }
}

/// Waits for the selection for [`HOLD`] at most.
pub(super) async fn signal(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    choice: Choice,
) -> Result<HttpResponse, Error> {
    let mut timing = Timing::start(dashboard.worker());
    let selection = dashboard.selection(&choice.dataset, choice.origin);
    let Ok(answer) = timeout(HOLD, selection).await else {
        timing.waited();
        let html = computing(&dashboard, &choice)?;
        return Ok(fragment(StatusCode::ACCEPTED, html, &request, &choice, &timing));
    };
    let answer = answer.map_err(Error::Internal)?;
    timing.answered(&answer);
    let html = landed(&dashboard, &choice, &answer)?;
    Ok(fragment(StatusCode::OK, html, &request, &choice, &timing))
}

fn landed(dashboard: &Dashboard, choice: &Choice, answer: &Answer) -> anyhow::Result<String> {
    let lost = "Results cannot be kept at the moment: each is computed anew.";
    let is_lost = answer.outcome == Outcome::Computed;
    let notice = dashboard.notice().or(is_lost.then_some(lost));
    let flights = counted(choice.dataset.rows(choice.origin).len() as u64, "flight");
    let (place, graphs) = (place(choice), Graph::ALL);
    let computed_at = When(answer.entry.stamp.computed_at);
    Ok(SignalFragment { choice, place, flights, answer, computed_at, graphs, notice }.render()?)
}

fn computing(dashboard: &Dashboard, choice: &Choice) -> anyhow::Result<String> {
    let since = dashboard.computing(&choice.dataset, choice.origin).unwrap_or_default();
    let (place, notice) = (place(choice), dashboard.notice());
    Ok(ComputingFragment { choice, place, seconds: since.as_secs(), notice }.render()?)
}

/// A response that nobody keeps, and that takes the browser's address along.
fn fragment(
    status: StatusCode,
    html: String,
    request: &HttpRequest,
    choice: &Choice,
    timing: &Timing,
) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    response.insert_header(ContentType::html()).insert_header((CACHE_CONTROL, "no-store"));
    for header in timing.headers() {
        response.insert_header(header);
    }
    if is_elsewhere(request, choice) {
        response.insert_header(("HX-Push-Url", choice.page()));
    }
    response.body(html)
}

fn place(choice: &Choice) -> String {
    match choice.dataset.contents().airport(choice.origin) {
        None => "All airports".to_owned(),
        Some(airport) if airport.city.is_empty() => airport.code.clone(),
        Some(airport) => format!("{} ({})", airport.city, airport.code),
    }
}

/// Whether the browser's address is that of another choice, and has to follow.
fn is_elsewhere(request: &HttpRequest, choice: &Choice) -> bool {
    let shown = request.headers().get("HX-Current-URL").and_then(|url| url.to_str().ok());
    let Some(Ok(shown)) = shown.map(str::parse::<Uri>) else { return false };
    let shown = shown.path_and_query().map_or("/", |shown| shown.as_str());
    // The bare page shows the default choice.
    let is_bare = shown.strip_prefix(base::path()) == Some("/");
    let shown = if is_bare { Choice::default(choice.dataset.clone()).page() } else { shown.into() };
    shown != choice.page()
}
