//! What `/patterns/background` answers with: the page, and the parts of it that change.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use oneflight::{Answer, Outcome, Snapshot};

use super::figure::intervals;
use super::question::{MOST, Question};
use crate::blocking::blocking;
use crate::dataset::Airport;
use crate::figure::{Figure, count, counted};
use crate::frame;
use crate::pages::table::Table;
use crate::web::app::App;
use crate::web::error::Error;
use crate::web::notice::{LOST, notice};
use crate::web::provenance::Provenance;
use crate::web::reply::{Reply, follow};
use crate::web::time::{Timestamp, took};
use crate::web::{assets, base};

/// What is proposed as numbers of resamples.
const PRESETS: [u32; 4] = [100, 1000, 10_000, 100_000];

/// What became of a question.
pub(super) enum State {
    /// There is no result, and no computation.
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
struct ProgressFragment<'a> {
    question: &'a Question,
    progress: Option<Snapshot>,
}

#[derive(Template)]
#[template(path = "patterns/background/intervals.html")]
struct IntervalsFragment {
    figure: Figure,
    table: Table,
    v: String,
    computed_at: Timestamp,
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
        self.question.departures.contents().origins()
    }

    fn most(&self) -> String {
        count(MOST.into())
    }
}

impl RunFragment<'_> {
    fn resamples(&self) -> String {
        counted(self.question.resamples.into(), "resample")
    }

    fn clicks(&self) -> String {
        counted(self.question.clicks, "time")
    }

    fn progress(&self) -> askama::Result<String> {
        let State::Running(progress) = *self.state else { return Ok(String::new()) };
        ProgressFragment { question: self.question, progress }.render()
    }

    fn computed_at(&self, answer: &Answer) -> Timestamp {
        Timestamp(answer.entry.stamp.computed_at)
    }

    fn took(&self, answer: &Answer) -> String {
        took(answer.entry.stamp.compute)
    }
}

impl ProgressFragment<'_> {
    fn bar(&self, progress: &Snapshot) -> String {
        let resamples = self.question.resamples.into();
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
pub(super) async fn page_of(
    app: &App,
    question: &Question,
    status: StatusCode,
    state: State,
) -> Result<HttpResponse, Error> {
    let intervals = drawn(question, &state).await?;
    let run = run(app, question, &state, None)?;
    let html = Page { question, run, intervals }.render().map_err(anyhow::Error::from)?;
    Ok(Reply::new(status).html(html))
}

/// How far it is, for a page that shows that it runs.
pub(super) fn progress_of(
    question: &Question,
    provenance: &Provenance,
    progress: Option<Snapshot>,
) -> Result<HttpResponse, Error> {
    let html = ProgressFragment { question, progress }.render().map_err(anyhow::Error::from)?;
    Ok(Reply::new(StatusCode::ACCEPTED).provenance(provenance).html(html))
}

/// The part with the buttons, and the graph of a result.
pub(super) async fn reply(
    app: &App,
    request: &HttpRequest,
    question: &Question,
    provenance: &Provenance,
    status: StatusCode,
    state: State,
) -> Result<HttpResponse, Error> {
    let intervals = drawn(question, &state).await?;
    let html = run(app, question, &state, intervals.as_deref())?;
    // The progress alone may have been asked for.
    let reply = Reply::new(status).provenance(provenance).retarget("#run");
    let is_shown_at = |address: &str| !status.is_success() || address == question.page();
    Ok(reply.with(follow(request, || question.page(), is_shown_at)).html(html))
}

fn run(
    app: &App,
    question: &Question,
    state: &State,
    intervals: Option<&str>,
) -> anyhow::Result<String> {
    let is_lost = matches!(state, State::Done(answer) if answer.outcome == Outcome::Computed);
    let notice = notice(&app.store_health()).or(is_lost.then_some(LOST));
    Ok(RunFragment { question, state, intervals, notice }.render()?)
}

/// The graph and the numbers of a result.
async fn drawn(question: &Question, state: &State) -> anyhow::Result<Option<String>> {
    let State::Done(answer) = state else { return Ok(None) };
    let (bytes, stamp) = (answer.entry.bytes.clone(), answer.entry.stamp);
    let (resamples, place) = (question.resamples, question.place());
    let v = question.departures.fingerprint().to_owned();
    let draw = move || -> anyhow::Result<String> {
        let frame = frame::decode_one(&bytes)?;
        let (figure, table) = (intervals(&frame, resamples, &place)?, Table::new(&frame)?);
        let (computed_at, computed_by) = (Timestamp(stamp.computed_at), stamp.worker);
        Ok(IntervalsFragment { figure, table, v, computed_at, computed_by }.render()?)
    };
    blocking(draw).await?.map(Some)
}
