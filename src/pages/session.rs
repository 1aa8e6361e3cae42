//! `/session`: a sample of flights that is drawn for one visitor, and shown to no other.
//!
//! A signed cookie names the visitor, and the store keeps the sample under a digest of that name, so
//! any worker answers. No worker, log or address holds anything that identifies a visitor.

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use askama::Template;
use tracing::warn;

use self::draw::About;
use self::fragments::{Page, drawing, no_sample};
pub use self::sample::SampleLimits;
use self::status::Status;
use self::view::{Order, View};
use self::visitor::Visitor;
use crate::web::app::App;
use crate::web::cookie::Session;
use crate::web::encoded_body::{EncodedBody, PRIVATE};
use crate::web::error::Error;
use crate::web::parameters::Parameters;
use crate::web::reply::{Reply, follow};
use crate::web::same_origin::SameOrigin;
use crate::web::wait::{GLANCE, HOLD};
use crate::web::{base, request};

mod visitor;
mod view;
mod status;
mod fragments;
pub(crate) mod graphs;
pub(crate) mod flights;
mod sample;
mod draw;

/// `GET /session`: the page with what the visitor has; it makes no session.
pub(crate) async fn page(
    app: Data<App>,
    request: HttpRequest,
    visitor: Visitor,
    view: Result<Parameters<View>, Error>,
) -> Result<HttpResponse, Error> {
    let view = match view {
        Ok(Parameters(view)) => view,
        Err(error) => return wrong(&app, &request, &View::default(), &error).await,
    };
    match Status::of(&visitor, &app, &view, GLANCE).await {
        Ok(Status { html, about, .. }) => page_of(&app, &request, &view, html, about).await,
        Err(error) => wrong(&app, &request, &view, &error).await,
    }
}

/// `POST /session`: a new session with a new sample, in the place of the former one.
///
/// Each draw makes another session, so that a cookie that an attacker has planted is worth nothing
/// after the victim's next draw.
pub(crate) async fn draw(
    app: Data<App>,
    request: HttpRequest,
    _same: SameOrigin,
    visitor: Visitor,
    Parameters(Order { draw, view }): Parameters<Order>,
) -> Result<HttpResponse, Error> {
    let session = Session::new();
    let unkept = |error| Error::Unkept("A sample cannot be kept at the moment.", error);
    sample::order(&app, &session.name(), draw).await.map_err(unkept)?;
    if let Some(former) = &visitor.name
        && let Err(error) = sample::forget(&app, former).await
    {
        warn!(%error, "a former sample stays until it expires: {error:#}");
    }
    let html = drawing(&app, &view, None)?;
    Ok(changed(&request, &view, StatusCode::ACCEPTED, html, visitor.cookie(&session)))
}

/// `GET /session/signal`: what the visitor has; asked again, it is the same.
pub(crate) async fn signal(
    app: Data<App>,
    request: HttpRequest,
    visitor: Visitor,
    Parameters(view): Parameters<View>,
) -> Result<HttpResponse, Error> {
    let Status { code, html, provenance, .. } = Status::of(&visitor, &app, &view, HOLD).await?;
    let reply = reply(&request, &view, code);
    Ok(match provenance {
        Some(provenance) => reply.provenance(&provenance).html(html),
        None => reply.html(html),
    })
}

/// `POST /session/forget`: deletes what is kept of the visitor, and the cookie.
pub(crate) async fn forget(
    app: Data<App>,
    request: HttpRequest,
    _same: SameOrigin,
    visitor: Visitor,
    Parameters(view): Parameters<View>,
) -> Result<HttpResponse, Error> {
    let unkept = |error| Error::Unkept("Your data cannot be deleted at the moment.", error);
    if let Some(owner) = &visitor.name {
        sample::forget(&app, owner).await.map_err(unkept)?;
    }
    let html = no_sample("Your data have been deleted. Nothing of them is kept.", false)?;
    Ok(changed(&request, &view, StatusCode::OK, html, visitor.removal()))
}

/// The page, with a fragment in the place of the status.
async fn page_of(
    app: &App,
    request: &HttpRequest,
    view: &View,
    status: String,
    about: Option<About>,
) -> Result<HttpResponse, Error> {
    let dataset = app.dataset().await;
    let page = EncodedBody::html(&Page { view, dataset: &dataset, status, about })?;
    Ok(page.respond(request, PRIVATE))
}

/// The page, with what is wrong in the place of the status.
async fn wrong(
    app: &App,
    request: &HttpRequest,
    view: &View,
    error: &Error,
) -> Result<HttpResponse, Error> {
    let again = format!("{}/session/signal?{}", base::path(), view.query());
    let alert = error.fragment(request, again).render().map_err(anyhow::Error::from)?;
    let mut response = page_of(app, request, view, alert, None).await?;
    *response.status_mut() = error.status_code();
    Ok(response)
}

/// The answer to a change of a session: a fragment, or for a form without scripts the page.
fn changed(
    request: &HttpRequest,
    view: &View,
    status: StatusCode,
    html: String,
    cookie: Cookie<'_>,
) -> HttpResponse {
    if !request::is_from_htmx(request) {
        return Reply::private(StatusCode::SEE_OTHER).cookie(cookie).to(&view.page());
    }
    reply(request, view, status).cookie(cookie).html(html)
}

/// A reply for one visitor, whose view the browser's address follows. While a sample is drawn, what
/// stays the same stays on the page.
fn reply(request: &HttpRequest, view: &View, status: StatusCode) -> Reply {
    let reply = Reply::private(status);
    let reply = reply.with(follow(request, || view.page(), |address| view.is_shown_at(address)));
    if status == StatusCode::ACCEPTED { reply.morph() } else { reply }
}
