//! `GET /signal`: answers once the selection is in the store; the answer starts the four graphs.

use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, ContentType};
use actix_web::http::{StatusCode, Uri};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use tokio::time::timeout;

use super::choice::Choice;
use super::error::Error;
use super::timing::{Timing, When};
use crate::cache::{Answer, Outcome};
use crate::dashboard::Dashboard;
use crate::figure::{Graph, count};

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
    let answer = match timeout(HOLD, selection).await {
        Ok(answer) => Some(answer.map_err(Error::Internal)?),
        Err(_still_computing) => None,
    };
    let (status, html) = match &answer {
        Some(answer) => {
            timing.answered(answer);
            (StatusCode::OK, landed(&dashboard, &choice, answer))
        }
        None => {
            timing.waited();
            (StatusCode::ACCEPTED, computing(&dashboard, &choice))
        }
    };
    let html = html.map_err(anyhow::Error::from)?;
    let mut response = HttpResponse::build(status);
    response.insert_header(ContentType::html()).insert_header((CACHE_CONTROL, "no-store"));
    for header in timing.headers() {
        response.insert_header(header);
    }
    if is_elsewhere(&request, &choice) {
        response.insert_header(("HX-Push-Url", choice.page()));
    }
    Ok(response.body(html))
}

fn landed(dashboard: &Dashboard, choice: &Choice, answer: &Answer) -> askama::Result<String> {
    let (graphs, notice) = (Graph::ALL, dashboard.notice());
    let flights = count(choice.dataset.rows(choice.origin).len() as u64);
    let (place, computed_at) = (place(choice), When(answer.entry.stamp.computed_at));
    SignalFragment { choice, place, flights, answer, computed_at, graphs, notice }.render()
}

fn computing(dashboard: &Dashboard, choice: &Choice) -> askama::Result<String> {
    let since = dashboard.computing(&choice.dataset, choice.origin).unwrap_or_default();
    let (place, notice) = (place(choice), dashboard.notice());
    ComputingFragment { choice, place, seconds: since.as_secs(), notice }.render()
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
    let default = Choice::default(choice.dataset.clone()).page();
    let shown = if shown == "/" { &default } else { shown };
    shown != choice.page()
}
