//! `GET /metrics`: what has been counted, for Prometheus.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::Data;

use super::error::Error;
use crate::blocking::blocking;
use crate::control::SupervisorLink;
use crate::metrics;

/// Answers with the numbers of all workers, whichever of them is asked.
pub(super) async fn metrics(supervisor: Data<SupervisorLink>) -> Result<HttpResponse, Error> {
    let mut texts = supervisor.gather_metrics().await;
    texts.push(blocking(metrics::text).await.map_err(anyhow::Error::from)?);
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"));
    Ok(response.insert_header((CACHE_CONTROL, "no-store")).body(metrics::merged(&texts)))
}
