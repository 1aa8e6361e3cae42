//! Whether the process is up, and whether it can answer.

use actix_web::http::header::{CACHE_CONTROL, ContentType};
use actix_web::web::Data;
use actix_web::{HttpResponse, HttpResponseBuilder};

use crate::web::drain::Drain;
use crate::web::notice;
use crate::dashboard::Dashboard;

/// `GET /livez`: the event loop turns.
pub(crate) async fn livez() -> HttpResponse {
    said(HttpResponse::Ok(), "live\n")
}

/// `GET /readyz`: the data can be read, and the worker does not drain. Redis is not required: the disk stands in for it.
pub(crate) async fn readyz(dashboard: Data<Dashboard>, drain: Data<Drain>) -> HttpResponse {
    if drain.has_begun() {
        return said(HttpResponse::ServiceUnavailable(), "the worker drains\n");
    }
    // A replaced data file is opened by whoever asks first.
    dashboard.dataset().await;
    match dashboard.is_ready() {
        true => {
            // The disk of this host stands in for a Redis in trouble, so the worker is ready.
            let trouble = notice::line(&dashboard.store_health()).unwrap_or_default();
            said(HttpResponse::Ok(), format!("ready\n{trouble}"))
        }
        false => said(HttpResponse::ServiceUnavailable(), "the data file cannot be read\n"),
    }
}

fn said(mut response: HttpResponseBuilder, words: impl Into<String>) -> HttpResponse {
    response.content_type(ContentType::plaintext());
    response.insert_header((CACHE_CONTROL, "no-store")).body(words.into())
}
