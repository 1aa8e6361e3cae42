//! `/patterns/aggregates`: three small aggregates travel in one response, and three graphs are made of
//! them; beside it, what it takes to send every flight instead, measured when somebody wants to know.

use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Serialize;
use tokio::time::timeout;

use super::departures::Departures;
use super::summary::{JSON, UNKEPT};
use super::{page, summary};
use crate::dashboard::Dashboard;
use crate::figure::{Aggregates, Columns, Outline};
use crate::web::error::{Error, ErrorFragment};
use crate::web::encoded_body::{EncodedBody, encoding};
use crate::web::fragment_cache::FragmentCache;
use crate::web::assets;
use crate::web::base;

/// How long a request waits for its turn to read rows: many times what one turn takes.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Template)]
#[template(path = "patterns/aggregates/page.html")]
struct Page<'a> {
    departures: &'a Departures,
    outlines: [Outline; 3],
    error: Option<ErrorFragment>,
}

/// Every flight, by columns, a slice of the file after the other.
#[derive(Serialize)]
struct Flights {
    v: String,
    slices: Vec<Columns>,
}

/// `GET /patterns/aggregates`: the page, which asks for the aggregates by itself.
pub(crate) async fn page(
    dashboard: Data<Dashboard>,
    fragments: Data<FragmentCache>,
    request: HttpRequest,
    departures: Result<Departures, Error>,
) -> Result<HttpResponse, Error> {
    let render = |departures: &Departures, error| {
        Ok(Page { departures, outlines: Outline::all(), error }.render()?)
    };
    page::page(&dashboard, &fragments, &request, departures, render).await
}

/// `GET /patterns/aggregates/summary`: all three aggregates.
pub(crate) async fn summary(
    dashboard: Data<Dashboard>,
    fragments: Data<FragmentCache>,
    request: HttpRequest,
    departures: Departures,
) -> Result<HttpResponse, Error> {
    let form = |selection| Ok(Aggregates::of(selection)?);
    summary::summary(&dashboard, fragments, &request, departures, form).await
}

/// `GET /patterns/aggregates/rows`: the flights that the aggregates were counted of.
pub(crate) async fn rows(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    departures: Departures,
) -> Result<HttpResponse, Error> {
    let Departures { dataset, origin } = departures;
    let (v, encoding) = (dataset.fingerprint().to_owned(), encoding(&request));
    let form = move |rows: Vec<_>| {
        let slices = rows.into_iter().map(Columns).collect();
        let finished = EncodedBody::new(JSON, serde_json::to_vec(&Flights { v, slices })?);
        // Here, because compressing megabytes would hold up the event loop.
        finished.encode(encoding);
        Ok(finished)
    };
    let read = timeout(PATIENCE, dashboard.rows(&dataset, origin, form));
    let finished = read.await.map_err(|_| Error::Busy)??;
    Ok(finished.respond(&request, UNKEPT))
}
