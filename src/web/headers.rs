//! What every response says, whatever it answers.

use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::ConnectionType;
use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};

use super::app::App;

/// The header in which the id of a request comes, and goes out.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Nothing but ourselves: no inline script or style, no frame around us, no other host.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";
/// A year, as browsers ask for. Other names below this one may have no https, and are left alone.
const HTTPS_ONLY: &str = "max-age=31536000";

/// Headers that a response has when it is complete; a map with room for them need not grow.
const ROOM: usize = 14;

/// The headers that are the same for every response, and room for its own.
pub(crate) fn common() -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(ROOM);
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, CSP),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
}

/// Adds the headers that are missing. While the worker drains, the connection closes after the
/// response: a client that reads this header sends its next request elsewhere, instead of losing it on
/// a connection that is being closed.
pub(crate) fn complete(response: &mut ServiceResponse<BoxBody>, id: HeaderValue, is_secure: bool) {
    let is_draining = App::of(response.request()).drain.has_begun();
    let head = response.response_mut().head_mut();
    // Bodies that are kept have them already.
    if !head.headers.contains_key(CONTENT_SECURITY_POLICY) {
        common().into_iter().for_each(|(name, value)| drop(head.headers.insert(name, value)));
    }
    head.headers.insert(REQUEST_ID, id);
    // From here on the browser comes by https alone, even if an address says http. It may only be
    // said over https: over http anybody on the way could.
    if is_secure {
        head.headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HTTPS_ONLY));
    }
    if is_draining {
        head.set_connection_type(ConnectionType::Close);
    }
}
