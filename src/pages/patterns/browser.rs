//! `/patterns/browser`: what was computed once is kept by the browser, for one tab; a graph and a
//! table are made of it there, and every other input asks the server nothing.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Serialize;

use super::departures::Departures;
use super::{page, summary};
use crate::dashboard::Dashboard;
use crate::figure::{self, Columns, Graph};
use crate::metric::Metric;
use crate::web::error::{Error, ErrorFragment};
use crate::web::fragment_cache::FragmentCache;
use crate::web::assets;
use crate::web::base;

#[derive(Template)]
#[template(path = "patterns/browser/page.html")]
struct Page<'a> {
    departures: &'a Departures,
    metrics: [Metric; 3],
    /// The graph without its bubbles.
    outline: String,
    error: Option<ErrorFragment>,
}

/// What the browser keeps.
#[derive(Serialize)]
struct Destinations {
    destinations: Columns,
}

/// `GET /patterns/browser`: the page, which asks for its numbers itself, if it has to.
pub(crate) async fn page(
    dashboard: Data<Dashboard>,
    fragments: Data<FragmentCache>,
    request: HttpRequest,
    departures: Result<Departures, Error>,
) -> Result<HttpResponse, Error> {
    let render = |departures: &Departures, error| {
        let outline = figure::bubbles();
        Ok(Page { departures, metrics: Metric::ALL, outline, error }.render()?)
    };
    page::page(&dashboard, &fragments, &request, departures, render).await
}

/// `GET /patterns/browser/summary`: the numbers of all destinations, by columns.
pub(crate) async fn summary(
    dashboard: Data<Dashboard>,
    fragments: Data<FragmentCache>,
    request: HttpRequest,
    departures: Departures,
) -> Result<HttpResponse, Error> {
    let form = |selection| {
        let numbers = Graph::Destinations.numbers(&selection, Metric::ALL[0])?;
        Ok(Destinations { destinations: Columns(numbers) })
    };
    summary::summary(&dashboard, fragments, &request, departures, form).await
}
