//! What every request has: an id, a client, its lines in the log, and its place in the numbers.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::Uri;
use actix_web::http::header::HeaderValue;
use actix_web::http::uri::PathAndQuery;
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest};
use tracing::{Instrument, Level, Span, debug, enabled, error_span, field};

use super::app::App;
use super::client::Client;
use super::{direct, headers, route};
use crate::metrics;

/// Longer than the ids of all routers and proxies that we know of.
const LONGEST_ID: usize = 128;

/// What a request is called in the log, in its response, and in reports of errors.
struct RequestId(HeaderValue);

/// Names the request, has it answered, and adds what every response has.
pub(crate) async fn observe(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let asked = Instant::now();
    let id = given(&request).unwrap_or_else(made);
    let client = App::of(request.request()).proxies.client(&request);
    // Whatever is logged must tell its request, so the span is there even if errors alone are.
    let span = || {
        let span = error_span!("request", request_id = id.to_str().ok(), client = field::Empty);
        if let Some(client) = client {
            span.record("client", field::display(client.address));
        }
        span
    };
    // A request with a body is routed: the body may be a form, and it has to be read to its end.
    let is_whole = matches!(request.parts_mut().1, Payload::None);
    let direct = if is_whole { direct::answer(request.request(), asked) } else { None };
    let (route, mut response) = match direct {
        Some((route, response)) => (Some(route), request.into_response(response)),
        None => {
            request.extensions_mut().insert(RequestId(id.clone()));
            if let Some(client) = client {
                request.extensions_mut().insert(client);
            }
            let response = next.call(request).instrument(span()).await?.map_into_boxed_body();
            (route::of(response.request()), response)
        }
    };
    let route = route.map_or("other", |route| route.pattern);
    note(route, &response, asked.elapsed(), span);
    headers::complete(&mut response, id, client.is_some_and(|client| client.is_secure));
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
fn note(
    route: &'static str,
    response: &ServiceResponse,
    took: Duration,
    span: impl FnOnce() -> Span,
) {
    let (request, status) = (response.request(), response.status());
    metrics::responded(route, status.as_str(), took);
    if enabled!(Level::DEBUG) {
        let (method, path) = (request.method(), request.uri());
        let (status, ms) = (status.as_u16(), took.as_secs_f64() * 1000.0);
        let _entered = span().entered();
        debug!(%method, %path, status, ms, "answered {method} {path} with {status}");
    }
}

/// The id that the request has brought, if it may stand in logs, headers and pages as it is.
fn given(request: &ServiceRequest) -> Option<HeaderValue> {
    let id = request.headers().get(headers::REQUEST_ID)?;
    let is_safe = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
    let is_one = (1..=LONGEST_ID).contains(&id.len()) && id.as_bytes().iter().all(is_safe);
    is_one.then(|| id.clone())
}

/// An id that no other request has: eight random digits of this process, then a number of eight.
fn made() -> HeaderValue {
    static PROCESS: LazyLock<[u8; 4]> = LazyLock::new(|| {
        let mut bytes = [0; 4];
        getrandom::fill(&mut bytes).expect("the operating system has random numbers");
        bytes
    });
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let mut id = [0; 16];
    let bytes = [*PROCESS, number].concat();
    hex::encode_to_slice(bytes, &mut id).expect("a byte has two digits");
    HeaderValue::from_bytes(&id).expect("digits are a header's value")
}
