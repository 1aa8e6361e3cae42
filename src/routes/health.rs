//! Whether the process is up, and whether it can answer.

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;

use crate::dashboard::Dashboard;

/// `GET /livez`: the event loop turns.
pub(super) async fn livez() -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).body("live\n")
}

/// `GET /readyz`: the data can be read. Redis is not required: the disk stands in for it.
pub(super) async fn readyz(dashboard: Data<Dashboard>) -> HttpResponse {
    // A replaced data file is opened by whoever asks first.
    dashboard.dataset().await;
    let (mut response, says) = match dashboard.is_ready() {
        true => (HttpResponse::Ok(), "ready\n"),
        false => (HttpResponse::ServiceUnavailable(), "the data file cannot be read\n"),
    };
    response.insert_header((CACHE_CONTROL, "no-store")).body(says)
}
