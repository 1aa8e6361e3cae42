//! This URL goes to that handler.

use actix_web::dev::HttpServiceFactory;
use actix_web::guard::{Any, Get, Head};
use actix_web::middleware::{DefaultHeaders, from_fn};
use actix_web::{Handler, Resource, Responder, Scope, web};

mod choice;
mod page;
mod signal;
mod graph;
mod numbers;
mod timing;
mod finished;
mod fragments;
mod assets;
mod health;
mod drain;
mod error;

pub use self::drain::Drain;
pub use self::fragments::Fragments;

/// Nothing but ourselves: no inline script or style, no frame around us, no other host.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";

/// All routes, with what every response has in common.
pub fn all() -> impl HttpServiceFactory {
    let headers = DefaultHeaders::new()
        .add(("Content-Security-Policy", CSP))
        .add(("X-Content-Type-Options", "nosniff"))
        .add(("Referrer-Policy", "same-origin"));
    scope().wrap(from_fn(error::render)).wrap(headers).wrap(from_fn(drain::close))
}

fn scope() -> Scope {
    web::scope("")
        .service(read("/", page::page))
        .service(read("/signal", signal::signal))
        .service(read("/graphs/{graph}.csv", numbers::csv))
        .service(read("/graphs/{graph}/table", numbers::table))
        .service(read("/graphs/{graph}", graph::graph))
        .service(read("/static/{name}", assets::asset))
        .service(read("/livez", health::livez))
        .service(read("/readyz", health::readyz))
        .default_service(web::to(error::not_found))
}

/// A resource that is only read; other methods learn which ones are meant.
fn read<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let is_read = || Any(Get()).or(Head());
    web::resource(path.to_owned())
        .route(web::route().guard(is_read()).to(handler))
        .default_service(web::to(error::wrong_method))
}
