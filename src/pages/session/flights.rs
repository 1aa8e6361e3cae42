//! `/session/flights`: the flights of a visitor's sample, one by one.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use oneflight::Stamp;

use super::graphs::answered;
use super::view::View;
use super::visitor::Visitor;
use crate::dashboard::Dashboard;
use crate::figure::{self, count, counted};
use crate::query::Sample;
use crate::web::base;
use crate::web::error::Error;
use crate::web::encoded_body::EncodedBody;
use crate::pages::dashboard::numbers::{Table, named};
use crate::web::provenance::When;

/// Flights on the page: enough to see what they are, and few enough for a phone.
const SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "session/flights.html")]
struct FlightsFragment {
    title: String,
    table: Table,
    drawn_at: When,
    drawn_by: u16,
}

/// `GET /session/flights`: the first ones as a table, with the time at which they were drawn.
pub(crate) async fn table(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    visitor: Visitor,
    view: View,
) -> Result<HttpResponse, Error> {
    let table = |sample: Sample, stamp: Stamp| {
        let all = sample.about.flights;
        let title = match SHOWN as u32 {
            shown if shown < all => format!("The first {shown} of {} flights", count(all.into())),
            _ => format!("The sample: {}", counted(all.into(), "flight")),
        };
        let (drawn_at, drawn_by) = (When(stamp.computed_at), stamp.worker);
        let table = Table::new(&sample.table(SHOWN)?)?;
        EncodedBody::html(&FlightsFragment { title, table, drawn_at, drawn_by })
    };
    answered(&dashboard, &request, &visitor, &view, table).await
}

/// `GET /session/flights.csv`: all of them.
pub(crate) async fn csv(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    visitor: Visitor,
    view: View,
) -> Result<HttpResponse, Error> {
    let csv = |sample: Sample, _| {
        let all = sample.table(sample.about.flights as usize)?;
        Ok(EncodedBody::new("text/csv; charset=utf-8", figure::csv(all)?))
    };
    let response = answered(&dashboard, &request, &visitor, &view, csv).await?;
    Ok(named(response, "sample.csv"))
}
