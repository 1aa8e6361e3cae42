//! `GET /graphs/{graph}`: one of the four, drawn from the selection that the signal named.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use oneflight::{Answer, Stamp};
use tokio::time::timeout;

use crate::web::base;
use super::choice::Choice;
use crate::web::error::Error;
use crate::web::encoded_body::{EncodedBody, IMMUTABLE, REVALIDATE};
use crate::web::fragment_cache::FragmentCache;
use crate::web::provenance::{Timing, When};
use crate::blocking::blocking;
use crate::dashboard::Dashboard;
use crate::figure::{Figure, Graph};
use crate::frame;
use crate::metric::Metric;
use crate::query::Selection;

/// How long a graph waits for an answer that no signal has brought about.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Template)]
#[template(path = "dashboard/graph.html")]
struct GraphFragment {
    graph: Graph,
    figure: Figure,
    source: Source,
    computed_at: When,
    computed_by: u16,
    drawn_by: u16,
}

/// What a graph is drawn from, and where its numbers are.
pub(crate) struct Source {
    /// `/graphs`, below the base path.
    pub(crate) path: &'static str,
    /// `origin=ATL&metric=mean`, and what else names the same answer.
    pub(crate) query: String,
    /// The fingerprint of the data file.
    pub(crate) v: String,
    /// When it was computed, and by whom.
    pub(crate) stamp: Stamp,
}

/// Answers with the graph of the generation that is asked for, and of no other.
pub(crate) async fn graph(
    dashboard: Data<Dashboard>,
    fragments: Data<FragmentCache>,
    request: HttpRequest,
    graph: Path<String>,
    choice: Choice,
) -> Result<HttpResponse, Error> {
    let graph = Graph::parse(&graph).ok_or(Error::NotFound)?;
    let mut timing = Timing::start(dashboard.worker());
    if let Some(known) = known(&fragments, graph, &choice) {
        timing.hit();
        return Ok(known.respond_with(&request, IMMUTABLE, timing.headers()));
    }
    let (v, answer) = generation(&dashboard, &choice).await?;
    timing.answered(&answer);
    let lifetime = lifetime(&choice, &answer);
    let drawn = drawn(dashboard.worker(), fragments, graph, &choice, v, answer).await?;
    Ok(drawn.respond_with(&request, lifetime, timing.headers()))
}

/// The fragment of an address that names all that it depends on, if it has been drawn before.
fn known(fragments: &FragmentCache, graph: Graph, choice: &Choice) -> Option<Arc<EncodedBody>> {
    fragments.get(&name(graph, choice, choice.v.as_deref()?, choice.at?))
}

/// The selection of the fingerprint that is asked for: computed if it is that of the data file as
/// it is now, else only if the store still has it.
pub(crate) async fn generation(
    dashboard: &Dashboard,
    choice: &Choice,
) -> Result<(String, Answer), Error> {
    let now = choice.dataset.fingerprint();
    let v = choice.v.as_deref().unwrap_or(now);
    if v != now {
        let kept = dashboard.kept(v, choice.code()).await.ok_or(Error::Gone)?;
        return Ok((v.to_owned(), kept));
    }
    let selection = dashboard.selection(&choice.dataset, choice.origin);
    let answer = timeout(PATIENCE, selection).await.map_err(|_| Error::Busy)?;
    Ok((v.to_owned(), answer?))
}

/// For ever, if the address names the generation; a second computation of it is not another one.
pub(crate) fn lifetime(choice: &Choice, answer: &Answer) -> &'static str {
    let computed = answer.entry.stamp.computed_ms();
    let is_named = choice.v.is_some() && choice.at.is_none_or(|asked| asked == computed);
    if is_named { IMMUTABLE } else { REVALIDATE }
}

async fn drawn(
    drawn_by: u16,
    fragments: Data<FragmentCache>,
    graph: Graph,
    choice: &Choice,
    v: String,
    answer: Answer,
) -> Result<Arc<EncodedBody>, Error> {
    let (metric, stamp) = (choice.metric, answer.entry.stamp);
    let name = name(graph, choice, &v, stamp.computed_ms());
    let query = format!("{}&v={v}", choice.query());
    let source = Source { path: "/graphs", query, v, stamp };
    let draw = move || {
        let selection = frame::decode(&answer.entry.bytes)?;
        fragment(graph, &selection, metric, source, drawn_by)
    };
    let drawn = blocking(move || fragments.get_or_render(name, draw)).await;
    Ok(drawn.map_err(anyhow::Error::from)??)
}

/// A graph with its foot, which tells where it is from.
pub(crate) fn fragment(
    graph: Graph,
    selection: &Selection,
    metric: Metric,
    source: Source,
    drawn_by: u16,
) -> anyhow::Result<EncodedBody> {
    let figure = graph.figure(selection, metric)?;
    let (computed_at, computed_by) = (When(source.stamp.computed_at), source.stamp.worker);
    EncodedBody::html(&GraphFragment { graph, figure, source, computed_at, computed_by, drawn_by })
}

fn name(graph: Graph, choice: &Choice, v: &str, at: u64) -> String {
    format!("{graph}?{}&v={v}&at={at}", choice.query())
}
