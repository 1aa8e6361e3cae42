//! `GET /graphs/{graph}`: one of the four, drawn from the selection that the signal named; its
//! numbers as CSV and as a table.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use tokio::time::timeout;

use super::choice::Choice;
use super::error::Error;
use super::finished::{Finished, IMMUTABLE, REVALIDATE};
use super::timing::{Timing, When, cache_status};
use crate::blocking::blocking;
use crate::cache::{Answer, Outcome};
use crate::dashboard::Dashboard;
use crate::figure::{self, Figure, Graph};
use crate::frame;

/// How long a graph waits for a selection that no signal has brought about.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of finished fragments that a worker keeps: those of a hundred airports.
const KEPT: u64 = 16 << 20;

#[derive(Template)]
#[template(path = "graph.html")]
struct GraphFragment<'a> {
    graph: Graph,
    figure: Figure,
    query: String,
    v: &'a str,
    computed_at: When,
    worker: u16,
}

#[derive(Template)]
#[template(path = "table.html")]
struct TableFragment {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// Finished bodies by a name that tells everything they depend on; they never change.
pub struct Fragments(moka::sync::Cache<String, Arc<Finished>>);

impl Default for Fragments {
    fn default() -> Self {
        let weigh = |_: &String, body: &Arc<Finished>| body.weight();
        Self(moka::sync::Cache::builder().max_capacity(KEPT).weigher(weigh).build())
    }
}

impl Fragments {
    pub(super) fn get_or_render(
        &self,
        name: String,
        render: impl FnOnce() -> Result<Finished, Error>,
    ) -> Result<Arc<Finished>, Error> {
        if let Some(known) = self.0.get(&name) {
            return Ok(known);
        }
        let finished = Arc::new(render()?);
        self.0.insert(name, finished.clone());
        Ok(finished)
    }
}

/// Answers with the graph of the generation that is asked for, and of no other.
pub(super) async fn graph(
    dashboard: Data<Dashboard>,
    fragments: Data<Fragments>,
    request: HttpRequest,
    graph: Path<String>,
    choice: Choice,
) -> Result<HttpResponse, Error> {
    let graph = Graph::parse(&graph).ok_or(Error::NotFound)?;
    let mut timing = Timing::start(dashboard.worker());
    let known = choice
        .v
        .as_ref()
        .zip(choice.at)
        .and_then(|(v, at)| fragments.0.get(&name(graph, &choice, v, at)));
    let (finished, outcome, lifetime) = match known {
        Some(finished) => (finished, Outcome::Hit, IMMUTABLE),
        None => {
            let (v, answer) = generation(&dashboard, &choice).await?;
            timing.answered(&answer);
            let (outcome, stamp) = (answer.outcome, answer.entry.stamp);
            let at = stamp.computed_ms();
            let name = name(graph, &choice, &v, at);
            // The address names all that the body depends on, so it may be kept for ever.
            let is_named = choice.v.is_some() && choice.at.is_none_or(|asked| asked == at);
            let query = choice.query();
            let metric = choice.metric;
            let render = move || {
                fragments.get_or_render(name, || {
                    let selection = frame::decode(&answer.entry.bytes)?;
                    let figure = graph.figure(&selection, metric).map_err(anyhow::Error::from)?;
                    let (computed_at, worker) = (When(stamp.computed_at), stamp.worker);
                    fragment(&GraphFragment { graph, figure, query, v: &v, computed_at, worker })
                })
            };
            let finished = blocking(render).await.map_err(anyhow::Error::from)??;
            (finished, outcome, if is_named { IMMUTABLE } else { REVALIDATE })
        }
    };
    Ok(finished.respond_with(&request, lifetime, |response| {
        response.insert_header(cache_status(Some(outcome))).insert_header(timing.header());
    }))
}

/// Answers with the numbers of a graph, for programs.
pub(super) async fn csv(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    graph: Path<String>,
    choice: Choice,
) -> Result<HttpResponse, Error> {
    let graph = Graph::parse(&graph).ok_or(Error::NotFound)?;
    let (_, answer) = generation(&dashboard, &choice).await?;
    let selection = frame::decode(&answer.entry.bytes)?;
    let numbers = graph.numbers(&selection, choice.metric).map_err(anyhow::Error::from)?;
    let csv = figure::csv(numbers).map_err(anyhow::Error::from)?;
    let file = format!("{graph}-{}-{}.csv", choice.code(), choice.metric.word());
    let finished = Finished::new("text/csv; charset=utf-8", csv);
    Ok(finished.respond_with(&request, lifetime(&choice), |response| {
        let disposition = format!("attachment; filename=\"{file}\"");
        response.insert_header((CONTENT_DISPOSITION, disposition));
        response.insert_header(cache_status(Some(answer.outcome)));
    }))
}

/// Answers with the numbers of a graph, for people who cannot or would not see it.
pub(super) async fn table(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    graph: Path<String>,
    choice: Choice,
) -> Result<HttpResponse, Error> {
    let graph = Graph::parse(&graph).ok_or(Error::NotFound)?;
    let (_, answer) = generation(&dashboard, &choice).await?;
    let selection = frame::decode(&answer.entry.bytes)?;
    let numbers = graph.numbers(&selection, choice.metric).map_err(anyhow::Error::from)?;
    let rows = figure::rows(&numbers).map_err(anyhow::Error::from)?;
    let columns = numbers.get_column_names().iter().map(|name| name.replace('_', " ")).collect();
    let finished = fragment(&TableFragment { columns, rows })?;
    Ok(finished.respond_with(&request, lifetime(&choice), |response| {
        response.insert_header(cache_status(Some(answer.outcome)));
    }))
}

/// The selection of the fingerprint that is asked for: computed if it is that of the data file as
/// it is now, else only if the store still has it.
async fn generation(dashboard: &Dashboard, choice: &Choice) -> Result<(String, Answer), Error> {
    let now = choice.dataset.fingerprint();
    let v = choice.v.as_deref().unwrap_or(now);
    if v != now {
        let kept = dashboard.kept(v, choice.code()).await.ok_or(Error::Gone)?;
        return Ok((v.to_owned(), kept));
    }
    let selection = dashboard.selection(&choice.dataset, choice.origin);
    let answer = timeout(PATIENCE, selection).await.map_err(|_| Error::Busy)?;
    Ok((v.to_owned(), answer.map_err(Error::Internal)?))
}

fn name(graph: Graph, choice: &Choice, v: &str, at: u64) -> String {
    format!("{graph}?{}&v={v}&at={at}", choice.query())
}

fn lifetime(choice: &Choice) -> &'static str {
    if choice.v.is_some() { IMMUTABLE } else { REVALIDATE }
}

fn fragment(template: &impl Template) -> Result<Finished, Error> {
    let html = template.render().map_err(anyhow::Error::from)?;
    Ok(Finished::new("text/html; charset=utf-8", html))
}
