//! `GET /metrics`: what has been counted, for Prometheus.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Data;

use crate::blocking::blocking;
use crate::metrics;
use crate::web::app::App;
use crate::web::error::Error;

/// Answers with the numbers of all workers together, in any of them.
pub(crate) async fn metrics(app: Data<App>) -> Result<HttpResponse, Error> {
    let mut texts = app.supervisor.gather().await;
    texts.push(blocking(metrics::text).await.map_err(anyhow::Error::from)?);
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"));
    Ok(response.insert_header((CACHE_CONTROL, "no-store")).body(metrics::merged(&texts)))
}
