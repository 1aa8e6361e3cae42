//! `/session/flights`: the flights of a visitor's sample, one by one.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use oneflight::Answer;

use super::draw::Sample;
use super::graphs::Own;
use crate::figure::{self, count, counted};
use crate::pages::table::Table;
use crate::web::app::App;
use crate::web::base;
use crate::web::encoded_body::{CSV, EncodedBody, PRIVATE, encode_for};
use crate::web::error::Error;
use crate::web::provenance::Provenance;
use crate::web::reply::attachment;
use crate::web::time::Timestamp;

/// Flights on the page: enough to see what they are, and few enough for a phone.
const SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "session/flights.html")]
struct FlightsFragment {
    title: String,
    table: Table,
    drawn_at: Timestamp,
    drawn_by: u16,
}

/// `GET /session/flights`: the first ones as a table, with the time at which they were drawn.
pub(crate) async fn table(
    app: Data<App>,
    request: HttpRequest,
    own: Own,
) -> Result<HttpResponse, Error> {
    let mut provenance = Provenance::start(app.worker);
    let answer = own.sample(&app).await?;
    provenance.answered(&answer);
    let body = EncodedBody::make(encode_for(&request, move || first(&answer))).await?;
    Ok(body.respond_with(&request, PRIVATE, provenance.headers()))
}

/// `GET /session/flights.csv`: all of them.
pub(crate) async fn csv(
    app: Data<App>,
    request: HttpRequest,
    own: Own,
) -> Result<HttpResponse, Error> {
    let mut provenance = Provenance::start(app.worker);
    let answer = own.sample(&app).await?;
    provenance.answered(&answer);
    let csv = move || {
        let sample = Sample::decode(&answer.entry.bytes)?;
        let all = sample.table(sample.about.flights as usize)?;
        Ok(EncodedBody::new(CSV, figure::csv(all)?))
    };
    let body = app.large.make(&request, csv).await?;
    Ok(attachment(body.respond_with(&request, PRIVATE, provenance.headers()), "sample.csv"))
}

fn first(answer: &Answer) -> anyhow::Result<EncodedBody> {
    let sample = Sample::decode(&answer.entry.bytes)?;
    let all = sample.about.flights;
    let title = match SHOWN as u32 {
        shown if shown < all => format!("The first {shown} of {} flights", count(all.into())),
        _ => format!("The sample: {}", counted(all.into(), "flight")),
    };
    let stamp = answer.entry.stamp;
    let (drawn_at, drawn_by) = (Timestamp(stamp.computed_at), stamp.worker);
    let table = Table::new(&sample.table(SHOWN)?)?;
    EncodedBody::html(&FlightsFragment { title, table, drawn_at, drawn_by })
}
