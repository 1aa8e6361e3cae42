//! This URL goes to that handler.

use actix_web::dev::HttpServiceFactory;
use actix_web::guard::{Any, Get, Head};
use actix_web::middleware::{DefaultHeaders, from_fn};
use actix_web::{Handler, Resource, Responder, Scope, web};

mod base;
mod client;
mod request;
mod choice;
mod origin;
mod page;
mod signal;
mod graph;
mod numbers;
mod patterns;
mod session;
mod timing;
mod wait;
mod notice;
mod finished;
mod fragments;
mod assets;
mod health;
mod drain;
mod metrics;
mod error;

pub use self::base::BasePath;
pub use self::client::TrustedProxies;
pub use self::drain::Drain;
pub use self::fragments::FragmentCache;
use self::patterns::{aggregates, background, browser, overview, stateless};
use self::request::Pattern;

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
    let scope = scope().wrap(from_fn(error::render)).wrap(from_fn(request::observe));
    scope.wrap(headers).wrap(from_fn(drain::close))
}

fn scope() -> Scope {
    let root = probes(web::scope(""));
    match base::path() {
        "" => dashboard(root),
        base => {
            let bare = read("", base::redirect).app_data(Pattern("/"));
            let dashboard = dashboard(probes(web::scope(base)).service(bare));
            root.service(dashboard).default_service(web::to(error::not_found))
        }
    }
}

/// What a platform asks the process itself, whatever path its proxy gives to users.
fn probes(scope: Scope) -> Scope {
    scope
        .service(read("/livez", health::livez))
        .service(read("/readyz", health::readyz))
        .service(read("/metrics", metrics::metrics))
}

fn dashboard(scope: Scope) -> Scope {
    scope
        .service(read("/", page::page))
        .service(read("/signal", signal::signal))
        .service(change("/signal/refresh", signal::refresh))
        .service(change("/signal/cancel", signal::cancel))
        .service(read("/graphs/{graph}.csv", numbers::csv))
        .service(read("/graphs/{graph}/table", numbers::table))
        .service(read("/graphs/{graph}", graph::graph))
        .service(
            web::resource("/session")
                .app_data(Pattern("/session"))
                .route(web::route().guard(Any(Get()).or(Head())).to(session::page))
                .route(web::post().to(session::draw))
                .default_service(web::to(error::not_read_or_changed)),
        )
        .service(read("/session/signal", session::signal))
        .service(change("/session/forget", session::forget))
        .service(read("/session/graphs/{graph}.csv", session::graphs::csv))
        .service(read("/session/graphs/{graph}/table", session::graphs::table))
        .service(read("/session/graphs/{graph}", session::graphs::graph))
        .service(read("/session/flights.csv", session::flights::csv))
        .service(read("/session/flights", session::flights::table))
        .service(read("/patterns", overview::page))
        .service(read("/patterns/source/{name}", overview::source))
        .service(read("/patterns/stateless", stateless::answer))
        .service(change("/patterns/stateless/choose", stateless::choose))
        .service(read("/patterns/browser", browser::page))
        .service(read("/patterns/browser/summary", browser::summary))
        .service(read("/patterns/aggregates", aggregates::page))
        .service(read("/patterns/aggregates/summary", aggregates::summary))
        .service(read("/patterns/aggregates/rows", aggregates::rows))
        .service(read("/patterns/background", background::page))
        .service(read("/patterns/background/result", background::result))
        .service(change("/patterns/background/cancel", background::cancel))
        .service(read("/static/{name}", assets::asset))
        .default_service(web::to(error::not_found))
}

/// A resource that is only read; other methods learn which ones are meant.
fn read<F, Args>(path: &'static str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let is_read = || Any(Get()).or(Head());
    web::resource(path)
        .app_data(Pattern(path))
        .route(web::route().guard(is_read()).to(handler))
        .default_service(web::to(error::not_read))
}

/// A resource that changes something, and is never read.
fn change<F, Args>(path: &'static str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path)
        .app_data(Pattern(path))
        .route(web::post().to(handler))
        .default_service(web::to(error::not_changed))
}
