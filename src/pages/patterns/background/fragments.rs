//! What `/patterns/background` answers with: the page, and the parts of it that change.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ContentType};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use askama::Template;
use oneflight::{Answer, Outcome, Snapshot};

use super::question::{MOST, Question};
use crate::blocking::blocking;
use crate::dashboard::Dashboard;
use crate::dataset::Airport;
use crate::figure::{self, Figure, count, counted};
use crate::frame;
use crate::web::error::{Error, ErrorFragment};
use crate::web::notice::notice;
use crate::web::provenance::{Timing, When, took};
use crate::web::assets;
use crate::web::base;
use crate::web::request;

/// What is proposed as numbers of resamples.
const PRESETS: [u32; 4] = [100, 1000, 10_000, 100_000];

/// What became of a question.
pub(crate) enum State {
    /// Nobody has asked, and there is no answer.
    Idle,
    Running(Option<Snapshot>),
    Done(Answer),
    Cancelled,
    /// With the reason, in words.
    Failed(String),
}

#[derive(Template)]
#[template(path = "patterns/background/page.html")]
struct Page<'a> {
    question: &'a Question,
    run: String,
    intervals: Option<String>,
}

/// The buttons, as they may be pressed now, and what there is to say. A result brings its graph.
#[derive(Template)]
#[template(path = "patterns/background/run.html")]
struct RunFragment<'a> {
    question: &'a Question,
    state: &'a State,
    /// The graph, unless it is on the page already.
    intervals: Option<&'a str>,
    notice: Option<&'static str>,
}

/// How far it is, in the place of how far it was; it asks again by itself.
#[derive(Template)]
#[template(path = "patterns/background/resampling.html")]
struct CourseFragment<'a> {
    question: &'a Question,
    progress: Option<Snapshot>,
}

#[derive(Template)]
#[template(path = "patterns/background/intervals.html")]
struct IntervalsFragment {
    figure: Figure,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
    v: String,
    computed_at: When,
    computed_by: u16,
}

impl State {
    fn word(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Running(_) => "running",
            Self::Done(_) => "done",
            Self::Cancelled => "cancelled",
            Self::Failed(_) => "failed",
        }
    }

    fn is_running(&self) -> bool {
        matches!(self, Self::Running(_))
    }
}

impl Page<'_> {
    fn airports(&self) -> impl Iterator<Item = &Airport> {
        self.question.asked.dataset.contents().origins()
    }

    fn most(&self) -> String {
        count(MOST.into())
    }

    fn unreachable(&self) -> ErrorFragment {
        ErrorFragment::unreachable()
    }
}

impl RunFragment<'_> {
    fn resamples(&self) -> String {
        counted(self.question.asked.resamples.into(), "resample")
    }

    fn clicks(&self) -> String {
        counted(self.question.asked.clicks, "time")
    }

    fn course(&self) -> askama::Result<String> {
        let State::Running(progress) = *self.state else { return Ok(String::new()) };
        CourseFragment { question: self.question, progress }.render()
    }

    fn computed_at(&self, answer: &Answer) -> When {
        When(answer.entry.stamp.computed_at)
    }

    fn took(&self, answer: &Answer) -> String {
        took(answer.entry.stamp.compute)
    }
}

impl CourseFragment<'_> {
    fn bar(&self, progress: &Snapshot) -> String {
        let resamples = self.question.asked.resamples.into();
        let done = count(resamples * u64::from(progress.permille) / 1000);
        let of = counted(resamples, "resample");
        let elapsed = format!("{done} of {of} after {} s", progress.elapsed_ms / 1000);
        match progress.left_ms {
            Some(left) => format!("{elapsed}, about {} s left", left.div_ceil(1000)),
            None => elapsed,
        }
    }
}

/// The whole page.
pub(crate) async fn page_of(
    dashboard: &Dashboard,
    question: &Question,
    status: StatusCode,
    state: State,
) -> Result<HttpResponse, Error> {
    let intervals = drawn(question, &state).await?;
    let run = run(dashboard, question, &state, None)?;
    let html = Page { question, run, intervals }.render().map_err(anyhow::Error::from)?;
    Ok(unkept(status).body(html))
}

/// How far it is, for a page that shows that it runs.
pub(crate) fn course(
    question: &Question,
    timing: &Timing,
    progress: Option<Snapshot>,
) -> Result<HttpResponse, Error> {
    let html = CourseFragment { question, progress }.render().map_err(anyhow::Error::from)?;
    let mut response = unkept(StatusCode::ACCEPTED);
    for header in timing.headers() {
        response.insert_header(header);
    }
    Ok(response.body(html))
}

/// The part with the buttons, and the graph of a result.
pub(crate) async fn reply(
    dashboard: &Dashboard,
    request: &HttpRequest,
    question: &Question,
    timing: &Timing,
    status: StatusCode,
    state: State,
) -> Result<HttpResponse, Error> {
    let intervals = drawn(question, &state).await?;
    let html = run(dashboard, question, &state, intervals.as_deref())?;
    let mut response = unkept(status);
    for header in timing.headers() {
        response.insert_header(header);
    }
    // Also to who asked how far it is.
    response.insert_header(("HX-Retarget", "#run"));
    if status.is_success() && is_elsewhere(request, question) {
        response.insert_header(("HX-Push-Url", question.page()));
    }
    Ok(response.body(html))
}

fn run(
    dashboard: &Dashboard,
    question: &Question,
    state: &State,
    intervals: Option<&str>,
) -> anyhow::Result<String> {
    let lost = "Results cannot be kept at the moment: each is computed anew.";
    let is_lost = matches!(state, State::Done(answer) if answer.outcome == Outcome::Computed);
    let notice = notice(&dashboard.store_health()).or(is_lost.then_some(lost));
    Ok(RunFragment { question, state, intervals, notice }.render()?)
}

/// The graph and the numbers of a result.
async fn drawn(question: &Question, state: &State) -> anyhow::Result<Option<String>> {
    let State::Done(answer) = state else { return Ok(None) };
    let (bytes, stamp) = (answer.entry.bytes.clone(), answer.entry.stamp);
    let (resamples, place) = (question.asked.resamples, question.place());
    let v = question.asked.dataset.fingerprint().to_owned();
    let draw = move || -> anyhow::Result<String> {
        let frame = frame::decode_one(&bytes)?;
        let figure = figure::intervals(&frame, resamples, &place)?;
        let (columns, rows) = (figure::columns(&frame), figure::rows(&frame)?);
        let (computed_at, computed_by) = (When(stamp.computed_at), stamp.worker);
        Ok(IntervalsFragment { figure, columns, rows, v, computed_at, computed_by }.render()?)
    };
    blocking(draw).await?.map(Some)
}

/// A response that nobody keeps.
fn unkept(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.insert_header(ContentType::html()).insert_header((CACHE_CONTROL, "no-store"));
    response
}

/// Whether the browser's address is that of another question, and has to follow.
fn is_elsewhere(request: &HttpRequest, question: &Question) -> bool {
    request::shown(request).is_some_and(|shown| shown != question.page())
}
