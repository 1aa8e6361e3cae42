//! `/patterns/aggregates`: three small aggregates travel in one response, and three graphs are made of
//! them. Beside it, on request, the page measures what it takes to send every flight instead.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Serialize;

use self::figure::{Aggregates, Outline};
use super::airport::OneAirport;
use super::{airport_page, summary};
use crate::figure::Columns;
use crate::web::app::App;
use crate::web::encoded_body::UNKEPT;
use crate::web::encoded_body::{EncodedBody, JSON};
use crate::web::error::{Error, ErrorFragment};
use crate::web::parameters::Parameters;
use crate::web::{assets, base};

mod figure;
mod rows;

#[derive(Template)]
#[template(path = "patterns/aggregates/page.html")]
struct Page<'a> {
    departures: &'a OneAirport,
    outlines: [Outline; 3],
    error: Option<ErrorFragment>,
}

/// Every flight by columns, one slice of the file after the other.
#[derive(Serialize)]
struct Flights {
    v: String,
    slices: Vec<Columns>,
}

/// `GET /patterns/aggregates`: the page, which asks for the aggregates by itself.
pub(crate) async fn page(
    app: Data<App>,
    request: HttpRequest,
    airport: Result<Parameters<OneAirport>, Error>,
) -> Result<HttpResponse, Error> {
    let render = |departures: &OneAirport, error| {
        Ok(Page { departures, outlines: Outline::all(), error }.render()?)
    };
    airport_page::page(&app, &request, airport, render).await
}

/// `GET /patterns/aggregates/summary`: all three aggregates.
pub(crate) async fn summary(
    app: Data<App>,
    request: HttpRequest,
    Parameters(airport): Parameters<OneAirport>,
) -> Result<HttpResponse, Error> {
    summary::summary(&app, &request, airport, |selection| Ok(Aggregates::of(selection)?)).await
}

/// `GET /patterns/aggregates/rows`: the flights that the aggregates were counted from, read anew for
/// each request.
pub(crate) async fn rows(
    app: Data<App>,
    request: HttpRequest,
    Parameters(airport): Parameters<OneAirport>,
) -> Result<HttpResponse, Error> {
    let make = move || {
        let slices = rows::rows(&airport.0)?.into_iter().map(Columns).collect();
        let flights = Flights { v: airport.fingerprint().to_owned(), slices };
        Ok(EncodedBody::new(JSON, serde_json::to_vec(&flights)?))
    };
    Ok(app.large.make(&request, make).await?.respond(&request, UNKEPT))
}
