//! What every request has: an id, a client, its lines in the log, and its place in the numbers.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Uri;
use actix_web::http::header::{
    HeaderName, HeaderValue, STRICT_TRANSPORT_SECURITY as STRICT_TRANSPORT,
};
use actix_web::http::uri::PathAndQuery;
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest};
use tracing::{Instrument, debug, error_span, field};

use super::app::App;
use super::client::Client;
use super::route;
use crate::metrics;

/// The header in which an id comes, and goes out.
const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Longer than the ids of all routers and proxies that we know of.
const LONGEST_ID: usize = 128;
/// A year, as browsers ask for. Other names below this one may have no https, and are left alone.
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// What a request is called in the log, in its answer, and by whoever reports an error.
struct RequestId(HeaderValue);

/// Names the request, sees it through, and notes what became of it.
pub(crate) async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let started = Instant::now();
    let id = given(&request).unwrap_or_else(made);
    let client = App::of(request.request()).proxies.client(&request);
    // Whatever is logged must tell its request, so the span is there even if errors alone are.
    let span = error_span!("request", request_id = id.to_str().ok(), client = field::Empty);
    if let Some(client) = client {
        span.record("client", field::display(client.address));
        request.extensions_mut().insert(client);
    }
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.call(request).instrument(span.clone()).await?;
    let headers = response.headers_mut();
    headers.insert(HEADER, id);
    // From here on the browser comes by https alone, even if an address says http. It may only be
    // said over https: over http anybody on the way could.
    if client.is_some_and(|client| client.is_secure) {
        headers.insert(STRICT_TRANSPORT, HTTPS_ONLY);
    }
    span.in_scope(|| note(&response, started));
    Ok(response)
}

/// What the request is called.
pub(crate) fn id(request: &HttpRequest) -> String {
    let extensions = request.extensions();
    let id = extensions.get().and_then(|RequestId(id)| id.to_str().ok());
    id.unwrap_or_default().to_owned()
}

/// Whether it has come by https, as far as we know.
pub(crate) fn is_secure(request: &HttpRequest) -> bool {
    request.extensions().get().is_some_and(|client: &Client| client.is_secure)
}

/// Whether htmx sends the request, and swaps the answer into its page.
pub(crate) fn is_from_htmx(request: &HttpRequest) -> bool {
    request.headers().contains_key("HX-Request")
}

/// The path and query of the page that asks, where htmx tells it.
pub(crate) fn shown(request: &HttpRequest) -> Option<String> {
    let url = request.headers().get("HX-Current-URL")?.to_str().ok()?;
    let url: Uri = url.parse().ok()?;
    Some(url.path_and_query().map_or("/", PathAndQuery::as_str).to_owned())
}

/// Counts and logs what became of a request.
fn note(response: &ServiceResponse<impl MessageBody>, started: Instant) {
    let (request, status, took) = (response.request(), response.status(), started.elapsed());
    let route = route::of(request).map_or("other", |route| route.pattern);
    metrics::responded(route, status.as_str(), took);
    let (method, path) = (request.method(), request.uri());
    let (status, ms) = (status.as_u16(), took.as_secs_f64() * 1000.0);
    debug!(%method, %path, status, ms, "answered {method} {path} with {status}");
}

/// The id that the request has brought, if it may stand in logs, headers and pages as it is.
fn given(request: &ServiceRequest) -> Option<HeaderValue> {
    let id = request.headers().get(HEADER)?;
    let is_safe = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
    let is_one = (1..=LONGEST_ID).contains(&id.len()) && id.as_bytes().iter().all(is_safe);
    is_one.then(|| id.clone())
}

/// An id that no other request has: random digits of this process, then a number.
fn made() -> HeaderValue {
    static PROCESS: LazyLock<u32> = LazyLock::new(|| {
        let mut bytes = [0; 4];
        getrandom::fill(&mut bytes).expect("the operating system has random numbers");
        u32::from_le_bytes(bytes)
    });
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let id = format!("{:08x}{number:08x}", *PROCESS);
    id.try_into().expect("digits are a header's value")
}
