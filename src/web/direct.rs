//! Direct answers: the address of a request is the name of a body in this worker's memory, so its
//! response is sent without routing, parsing and rendering.
//!
//! Only canonical addresses are names: those that our own pages write. Another spelling of the same
//! question is routed, and finds the same body.

use std::time::Instant;

use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};

use super::app::App;
use super::provenance::Provenance;
use super::route::Route;

/// How a body is sent to a request for its address.
pub(crate) struct Direct {
    /// The route that would answer.
    pub(crate) route: Route,
    pub(crate) cache_control: &'static str,
    /// What its response depends on; none if the address says all of that.
    pub(crate) terms: Option<Box<dyn Terms>>,
}

/// What a response depends on besides its address.
pub(crate) trait Terms: Send + Sync {
    /// Whether the body is what the route would answer with now.
    fn hold(&self, app: &App) -> bool;

    /// A header for this request alone.
    fn header(&self, request: &HttpRequest) -> Option<(HeaderName, HeaderValue)>;
}

/// The response to a request for the address of a body, and the route of the address.
pub(crate) fn answer(request: &HttpRequest, asked: Instant) -> Option<(Route, HttpResponse)> {
    let address = request.uri().path_and_query().filter(|_| request.method() == Method::GET)?;
    let app = App::of(request);
    let fragment = app.fragments.get(address.as_str()).filter(|fragment| fragment.holds(app))?;
    let Direct { route, cache_control, terms } = fragment.direct.as_ref()?;
    let provenance = Provenance::hit(asked, app.worker).headers();
    let mut response = fragment.body.respond_with(request, cache_control, provenance);
    if let Some((name, value)) = terms.as_ref().and_then(|terms| terms.header(request)) {
        response.headers_mut().insert(name, value);
    }
    Some((*route, response))
}
