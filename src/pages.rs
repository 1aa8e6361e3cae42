//! The route table: this address goes to that handler.

use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::{Error, Scope, web};

use self::dashboard::choice::Choice;
use self::patterns::{aggregates, background, browser, overview, stateless};
use crate::web::app::App;
use crate::web::parameters::Parameters;
use crate::web::route::{document, fragment, not_found, page};
use crate::web::{assets, base, body, error, request};

pub mod dashboard;
pub mod session;
pub(crate) mod patterns;
pub(crate) mod graphs;
pub(crate) mod table;
mod health;
mod metrics;

/// All routes, with what every request and response has in common.
pub fn app(
    shared: web::Data<App>,
) -> actix_web::App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse,
        Error = Error,
        InitError = (),
    >,
> {
    let routed = scope().wrap(from_fn(error::render)).wrap(from_fn(body::bound));
    actix_web::App::new().app_data(shared).service(routed).wrap(from_fn(request::observe))
}

fn scope() -> Scope {
    let root = probes(web::scope(""));
    match base::path() {
        "" => site(root),
        base => {
            let bare = page("/").at("").get(base::redirect);
            let site = site(probes(web::scope(base)).service(bare));
            root.service(site).default_service(web::to(not_found))
        }
    }
}

/// What a platform asks the process itself, whatever path its proxy gives to users.
fn probes(scope: Scope) -> Scope {
    scope
        .service(document("/livez").get(health::livez))
        .service(document("/readyz").get(health::readyz))
        .service(document("/metrics").get(metrics::metrics))
}

fn site(scope: Scope) -> Scope {
    scope
        .configure(dashboard)
        .configure(session)
        .configure(patterns)
        .service(document("/static/{name}").get(assets::asset))
        .default_service(web::to(not_found))
}

fn dashboard(site: &mut web::ServiceConfig) {
    type Shared = Parameters<Choice>;
    site.service(page("/").get(dashboard::page::page))
        .service(fragment("/signal").get(dashboard::signal::signal))
        .service(fragment("/signal/refresh").post(dashboard::signal::refresh))
        .service(fragment("/signal/cancel").post(dashboard::signal::cancel))
        .service(document("/graphs/{graph}.csv").get(graphs::csv::<Shared>))
        .service(fragment("/graphs/{graph}/table").get(graphs::table::<Shared>))
        .service(fragment("/graphs/{graph}").get(graphs::graph::<Shared>));
}

fn session(site: &mut web::ServiceConfig) {
    type Own = session::graphs::Own;
    site.service(page("/session").private().get_and_post(session::page, session::draw))
        .service(fragment("/session/signal").private().get(session::signal))
        .service(fragment("/session/forget").private().post(session::forget))
        .service(document("/session/graphs/{graph}.csv").private().get(graphs::csv::<Own>))
        .service(fragment("/session/graphs/{graph}/table").private().get(graphs::table::<Own>))
        .service(fragment("/session/graphs/{graph}").private().get(graphs::graph::<Own>))
        .service(document("/session/flights.csv").private().get(session::flights::csv))
        .service(fragment("/session/flights").private().get(session::flights::table));
}

fn patterns(site: &mut web::ServiceConfig) {
    site.service(page("/patterns").get(overview::page))
        .service(document("/patterns/source/{name}").get(overview::source))
        .service(fragment("/patterns/stateless").get(stateless::answer))
        .service(fragment("/patterns/stateless/choose").post(stateless::choose))
        .service(page("/patterns/browser").get(browser::page))
        .service(document("/patterns/browser/summary").get(browser::summary))
        .service(page("/patterns/aggregates").get(aggregates::page))
        .service(document("/patterns/aggregates/summary").get(aggregates::summary))
        .service(document("/patterns/aggregates/rows").get(aggregates::rows))
        .service(page("/patterns/background").get(background::page))
        .service(fragment("/patterns/background/run").post(background::run))
        .service(fragment("/patterns/background/result").get(background::result))
        .service(fragment("/patterns/background/cancel").post(background::cancel));
}
