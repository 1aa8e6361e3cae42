//! `/session/graphs/…`: the four graphs of a visitor's sample, and their numbers.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use oneflight::{Answer, Stamp};
use tokio::time::timeout;

use super::view::View;
use super::visitor::Visitor;
use crate::blocking::blocking;
use crate::dashboard::{Dashboard, Sampled};
use crate::figure::{self, Graph};
use crate::frame;
use crate::query::Sample;
use crate::web::error::Error;
use crate::web::encoded_body::{EncodedBody, PRIVATE};
use crate::pages::dashboard::graph::{PATIENCE, Source, fragment};
use crate::pages::dashboard::numbers::{named, table_of};
use crate::web::provenance::Timing;

/// `GET /session/graphs/{graph}`: the graph of the sample that the signal named, and of no other.
pub(crate) async fn graph(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    visitor: Visitor,
    graph: Path<String>,
    view: View,
) -> Result<HttpResponse, Error> {
    let graph = Graph::parse(&graph).ok_or(Error::NotFound)?;
    let (metric, drawn_by) = (view.metric, dashboard.worker());
    let draw = move |sample: Sample, stamp: Stamp| {
        let query = format!("metric={}&at={}", metric.word(), stamp.computed_ms());
        let source = Source { path: "/session/graphs", query, v: sample.about.fingerprint, stamp };
        fragment(graph, &sample.selection, metric, source, drawn_by)
    };
    answered(&dashboard, &request, &visitor, &view, draw).await
}

/// `GET /session/graphs/{graph}.csv`: its numbers in full precision.
pub(crate) async fn csv(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    visitor: Visitor,
    graph: Path<String>,
    view: View,
) -> Result<HttpResponse, Error> {
    let graph = Graph::parse(&graph).ok_or(Error::NotFound)?;
    let metric = view.metric;
    let csv = move |sample: Sample, _| {
        let numbers = graph.numbers(&sample.selection, metric)?;
        Ok(EncodedBody::new("text/csv; charset=utf-8", figure::csv(numbers)?))
    };
    let response = answered(&dashboard, &request, &visitor, &view, csv).await?;
    Ok(named(response, &format!("sample-{graph}-{}.csv", metric.word())))
}

/// `GET /session/graphs/{graph}/table`: its numbers as a table.
pub(crate) async fn table(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    visitor: Visitor,
    graph: Path<String>,
    view: View,
) -> Result<HttpResponse, Error> {
    let graph = Graph::parse(&graph).ok_or(Error::NotFound)?;
    let metric = view.metric;
    let table = move |sample: Sample, _| table_of(&graph.numbers(&sample.selection, metric)?);
    answered(&dashboard, &request, &visitor, &view, table).await
}

/// Answers with something made of the visitor's sample: of the one that is asked for, if it is one.
pub(crate) async fn answered(
    dashboard: &Dashboard,
    request: &HttpRequest,
    visitor: &Visitor,
    view: &View,
    form: impl FnOnce(Sample, Stamp) -> anyhow::Result<EncodedBody> + Send + 'static,
) -> Result<HttpResponse, Error> {
    let mut timing = Timing::start(dashboard.worker());
    let owner = visitor.name.as_ref().ok_or(Error::NoSample)?;
    let answer = match dashboard.kept_sample(owner).await {
        Some(kept) => kept,
        None => drawn(dashboard, owner).await?,
    };
    timing.answered(&answer);
    let stamp = answer.entry.stamp;
    if view.at.is_some_and(|asked| asked != stamp.computed_ms()) {
        return Err(Error::Gone);
    }
    let formed = move || form(frame::decode_sample(&answer.entry.bytes)?, stamp);
    // Not kept in memory: it is one visitor's.
    let finished = blocking(formed).await.map_err(anyhow::Error::from)??;
    Ok(finished.respond_with(request, PRIVATE, timing.headers()))
}

/// The sample that is to be drawn, if no signal has brought it about.
async fn drawn(dashboard: &Dashboard, owner: &str) -> Result<Answer, Error> {
    let sampled = timeout(PATIENCE, dashboard.sample(owner)).await.map_err(|_| Error::Busy)?;
    match sampled? {
        Sampled::Ready(answer) => Ok(answer),
        Sampled::Cleared | Sampled::Nothing => Err(Error::NoSample),
    }
}
