//! Whether the process is up, and whether it can answer.

use actix_web::http::header::{CACHE_CONTROL, ContentType};
use actix_web::web::Data;
use actix_web::{HttpResponse, HttpResponseBuilder};

use crate::web::app::App;
use crate::web::notice;

/// `GET /livez`: the event loop turns.
pub(crate) async fn livez() -> HttpResponse {
    said(HttpResponse::Ok(), "live\n")
}

/// `GET /readyz`: the data file can be read, and the worker does not drain. Redis is not required, since
/// the disk stands in for it.
pub(crate) async fn readyz(app: Data<App>) -> HttpResponse {
    if app.drain.has_begun() {
        return said(HttpResponse::ServiceUnavailable(), "the worker drains\n");
    }
    // The first request after a replacement opens the data file.
    app.dataset().await;
    match app.datasets.is_readable() {
        true => {
            // The disk of this host stands in for a Redis in trouble, so the worker is ready.
            let trouble = notice::line(&app.store_health()).unwrap_or_default();
            said(HttpResponse::Ok(), format!("ready\n{trouble}"))
        }
        false => said(HttpResponse::ServiceUnavailable(), "the data file cannot be read\n"),
    }
}

fn said(mut response: HttpResponseBuilder, words: impl Into<String>) -> HttpResponse {
    response.content_type(ContentType::plaintext());
    response.insert_header((CACHE_CONTROL, "no-store")).body(words.into())
}
