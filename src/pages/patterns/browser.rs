//! `/patterns/browser`: an answer that is computed once is kept by the browser, for one tab. A graph
//! and a table are made of it there, and other inputs need no request.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Serialize;

use super::airport::OneAirport;
use super::{airport_page, summary};
use crate::figure::{self, Columns, Graph};
use crate::metric::Metric;
use crate::web::app::App;
use crate::web::error::{Error, ErrorFragment};
use crate::web::parameters::Parameters;
use crate::web::{assets, base};

#[derive(Template)]
#[template(path = "patterns/browser/page.html")]
struct Page<'a> {
    departures: &'a OneAirport,
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

/// `GET /patterns/browser`: the page, which asks for its numbers by itself if it must.
pub(crate) async fn page(
    app: Data<App>,
    request: HttpRequest,
    airport: Result<Parameters<OneAirport>, Error>,
) -> Result<HttpResponse, Error> {
    let render = |departures: &OneAirport, error| {
        let outline = figure::bubbles();
        Ok(Page { departures, metrics: Metric::ALL, outline, error }.render()?)
    };
    airport_page::page(&app, &request, airport, render).await
}

/// `GET /patterns/browser/summary`: the numbers of all destinations, by columns.
pub(crate) async fn summary(
    app: Data<App>,
    request: HttpRequest,
    Parameters(airport): Parameters<OneAirport>,
) -> Result<HttpResponse, Error> {
    let form = |selection| {
        let numbers = Graph::Destinations.numbers(&selection, Metric::ALL[0])?;
        Ok(Destinations { destinations: Columns(numbers) })
    };
    summary::summary(&app, &request, airport, form).await
}
