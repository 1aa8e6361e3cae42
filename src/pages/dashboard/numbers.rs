//! `GET /graphs/{graph}.csv` and `/graphs/{graph}/table`: the numbers of a graph, for programs and
//! for people who cannot or would not see it.

use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::choice::Choice;
use crate::web::error::Error;
use crate::web::encoded_body::EncodedBody;
use super::graph::{generation, lifetime};
use crate::web::provenance::Timing;
use crate::blocking::blocking;
use crate::dashboard::Dashboard;
use crate::figure::{self, Graph, Numbers};
use crate::frame;

#[derive(Template)]
#[template(path = "web/table.html")]
pub(crate) struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// All rows of a frame.
    pub(crate) fn new(numbers: &Numbers) -> anyhow::Result<Self> {
        Ok(Self { columns: figure::columns(numbers), rows: figure::rows(numbers)? })
    }
}

/// Answers with the numbers in full precision.
pub(crate) async fn csv(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    graph: Path<String>,
    choice: Choice,
) -> Result<HttpResponse, Error> {
    let graph = Graph::parse(&graph).ok_or(Error::NotFound)?;
    // A code comes from the data file and may hold anything; a file name may not.
    let code = choice.code().replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
    let file = format!("{graph}-{code}-{}.csv", choice.metric.word());
    let csv = |numbers| Ok(EncodedBody::new("text/csv; charset=utf-8", figure::csv(numbers)?));
    let response = numbers(&dashboard, &request, &choice, graph, csv).await?;
    Ok(named(response, &file))
}

/// Answers with the numbers as a table.
pub(crate) async fn table(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    graph: Path<String>,
    choice: Choice,
) -> Result<HttpResponse, Error> {
    let graph = Graph::parse(&graph).ok_or(Error::NotFound)?;
    let table = |numbers: Numbers| table_of(&numbers);
    numbers(&dashboard, &request, &choice, graph, table).await
}

/// All rows of a frame, as a fragment.
pub(crate) fn table_of(numbers: &Numbers) -> anyhow::Result<EncodedBody> {
    EncodedBody::html(&Table::new(numbers)?)
}

/// The same response, to be saved under a name.
pub(crate) fn named(mut response: HttpResponse, file: &str) -> HttpResponse {
    let disposition = format!("attachment; filename=\"{file}\"").parse();
    let disposition = disposition.expect("file names are letters, digits, - and _");
    response.headers_mut().insert(CONTENT_DISPOSITION, disposition);
    response
}

/// Answers with the numbers in some form.
async fn numbers(
    dashboard: &Dashboard,
    request: &HttpRequest,
    choice: &Choice,
    graph: Graph,
    form: impl FnOnce(Numbers) -> anyhow::Result<EncodedBody> + Send + 'static,
) -> Result<HttpResponse, Error> {
    let mut timing = Timing::start(dashboard.worker());
    let (_, answer) = generation(dashboard, choice).await?;
    timing.answered(&answer);
    let lifetime = lifetime(choice, &answer);
    let (metric, bytes) = (choice.metric, answer.entry.bytes);
    let formed = blocking(move || form(graph.numbers(&frame::decode(&bytes)?, metric)?)).await;
    let finished = formed.map_err(anyhow::Error::from)??;
    Ok(finished.respond_with(request, lifetime, timing.headers()))
}
