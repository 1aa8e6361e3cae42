//! The four graphs, their tables and their CSV, of whichever selection of flights.
//!
//! Two pages draw the same graphs: the dashboard those of the selection that all visitors share, the
//! session page those of one visitor's sample. [`Source`] is what differs.

use std::time::{Duration, Instant};

use actix_web::web::{Data, Path};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use askama::Template;
use oneflight::{Answer, Stamp};

use super::table::Table;
use crate::figure::{self, Figure, Graph, Numbers};
use crate::metric::Metric;
use crate::query::Selection;
use crate::web::app::App;
use crate::web::direct::Direct;
use crate::web::encoded_body::{CSV, EncodedBody, IMMUTABLE, encode_for};
use crate::web::error::Error;
use crate::web::fragment_cache::Fragment;
use crate::web::provenance::Provenance;
use crate::web::reply::attachment;
use crate::web::time::Timestamp;
use crate::web::{base, route};

/// How long a graph waits for an answer that no signal has brought.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// The flights that a request for a graph is about.
pub(crate) trait Source: FromRequest<Error = Error> + 'static {
    /// The address of these graphs, below the base path.
    const PATH: &'static str;

    /// Which number stands for the delays.
    fn metric(&self) -> Metric;

    /// The query of the address if it says all that the graph depends on.
    fn complete(&self) -> Option<String>;

    /// Finds the answer that the graphs are drawn from.
    async fn find(&self, app: &App) -> Result<Found, Error>;

    /// The name of a file with the numbers of a graph.
    fn file(&self, graph: Graph) -> String;
}

/// The answer that the graphs are drawn from.
pub(crate) struct Found {
    pub(crate) answer: Answer,
    pub(crate) decode: fn(&[u8]) -> anyhow::Result<Selection>,
    /// The fingerprint of the data file.
    pub(crate) v: String,
    /// The query of addresses that name this answer.
    pub(crate) query: String,
    /// The same, with all that a graph depends on; none for one visitor's, which is not kept in memory.
    pub(crate) complete: Option<String>,
    /// How long caches may keep the response.
    pub(crate) cache_control: &'static str,
}

/// A graph with its foot, which tells where its numbers come from.
#[derive(Template)]
#[template(path = "graphs/graph.html")]
struct GraphFragment {
    graph: Graph,
    figure: Figure,
    path: &'static str,
    query: String,
    v: String,
    computed_at: Timestamp,
    computed_by: u16,
    drawn_by: u16,
}

/// Answers with the graph of the answer that the address names, and of no other.
pub(crate) async fn graph<S: Source>(
    app: Data<App>,
    request: HttpRequest,
    graph: Path<String>,
    source: S,
) -> Result<HttpResponse, Error> {
    let graph = Graph::parse(&graph).ok_or(Error::NotFound)?;
    let asked = Instant::now();
    let name = |query| format!("{}{}/{graph}?{query}", base::path(), S::PATH);
    if let Some(known) = source.complete().and_then(|query| app.fragments.get(&name(query))) {
        let provenance = Provenance::hit(asked, app.worker);
        return Ok(known.body.respond_with(&request, IMMUTABLE, provenance.headers()));
    }
    let mut provenance = Provenance::start(app.worker);
    let found = source.find(&app).await?;
    provenance.answered(&found.answer);
    let (kept_as, cache_control) = (found.complete.clone().map(name), found.cache_control);
    let (metric, drawn_by) = (source.metric(), app.worker);
    let draw = encode_for(&request, move || draw(graph, found, metric, S::PATH, drawn_by));
    let Some(name) = kept_as else {
        let body = EncodedBody::make(draw).await?;
        return Ok(body.respond_with(&request, cache_control, provenance.headers()));
    };
    let route = route::of(&request);
    let direct = route.map(|route| Direct { route, cache_control: IMMUTABLE, terms: None });
    let draw = move || Ok(Fragment { body: draw()?, direct });
    let fragment = app.fragments.get_or_draw(name, draw).await?;
    Ok(fragment.body.respond_with(&request, cache_control, provenance.headers()))
}

/// Answers with the numbers of a graph as CSV, in full precision.
pub(crate) async fn csv<S: Source>(
    app: Data<App>,
    request: HttpRequest,
    graph: Path<String>,
    source: S,
) -> Result<HttpResponse, Error> {
    let graph = Graph::parse(&graph).ok_or(Error::NotFound)?;
    let csv = |numbers| Ok(EncodedBody::new(CSV, figure::csv(numbers)?));
    let response = numbers(&app, &request, graph, &source, csv).await?;
    Ok(attachment(response, &source.file(graph)))
}

/// Answers with the numbers of a graph as a table.
pub(crate) async fn table<S: Source>(
    app: Data<App>,
    request: HttpRequest,
    graph: Path<String>,
    source: S,
) -> Result<HttpResponse, Error> {
    let graph = Graph::parse(&graph).ok_or(Error::NotFound)?;
    let table = |numbers: Numbers| EncodedBody::html(&Table::new(&numbers)?);
    numbers(&app, &request, graph, &source, table).await
}

async fn numbers<S: Source>(
    app: &App,
    request: &HttpRequest,
    graph: Graph,
    source: &S,
    form: impl FnOnce(Numbers) -> anyhow::Result<EncodedBody> + Send + 'static,
) -> Result<HttpResponse, Error> {
    let mut provenance = Provenance::start(app.worker);
    let Found { answer, decode, cache_control, .. } = source.find(app).await?;
    provenance.answered(&answer);
    let metric = source.metric();
    let make = move || form(graph.numbers(&decode(&answer.entry.bytes)?, metric)?);
    let body = EncodedBody::make(encode_for(request, make)).await?;
    Ok(body.respond_with(request, cache_control, provenance.headers()))
}

fn draw(
    graph: Graph,
    found: Found,
    metric: Metric,
    path: &'static str,
    drawn_by: u16,
) -> anyhow::Result<EncodedBody> {
    let Found { answer, decode, v, query, .. } = found;
    let Stamp { computed_at, worker: computed_by, .. } = answer.entry.stamp;
    let figure = graph.figure(&decode(&answer.entry.bytes)?, metric)?;
    let computed_at = Timestamp(computed_at);
    let fragment =
        GraphFragment { graph, figure, path, query, v, computed_at, computed_by, drawn_by };
    EncodedBody::html(&fragment)
}
