//! `/session`: a sample of flights that is drawn for one visitor, and shown to nobody else.
//!
//! The visitor is known by a signed cookie, and the sample is in the store under a name made of it,
//! so any worker answers. What tells him from others is in no worker, no log and no address.

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use askama::Template;
use tracing::warn;

use self::fragments::{Page, drawing, no_sample, reply};
use self::status::Status;
use self::view::{Order, View};
use self::visitor::Visitor;
use crate::web::base;
use crate::web::error::Error;
use crate::web::encoded_body::{EncodedBody, PRIVATE};
use crate::web::same_origin::SameOrigin;
use crate::web::wait::{GLANCE, HOLD};
use crate::dashboard::Dashboard;
use crate::query::About;
use crate::session::Session;

mod visitor;
mod view;
mod status;
mod fragments;
pub(crate) mod graphs;
pub(crate) mod flights;

/// `GET /session`: the page with what the visitor has; it makes no session.
pub(crate) async fn page(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    visitor: Visitor,
    view: Result<View, Error>,
) -> Result<HttpResponse, Error> {
    let view = match view {
        Ok(view) => view,
        Err(error) => return wrong(&dashboard, &request, &View::default(), &error).await,
    };
    match Status::of(&visitor, &dashboard, &view, GLANCE).await {
        Ok(Status { html, about, .. }) => page_of(&dashboard, &request, &view, html, about).await,
        Err(error) => wrong(&dashboard, &request, &view, &error).await,
    }
}

/// `POST /session`: a new session with a new sample, in the place of the former one.
///
/// The session is another one each time, so that a cookie that somebody has planted is worth nothing
/// once its victim has drawn something.
pub(crate) async fn draw(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    _same: SameOrigin,
    visitor: Visitor,
    order: Order,
) -> Result<HttpResponse, Error> {
    let (session, Order { draw, view }) = (Session::new(), order);
    let unkept = |error| Error::Unkept("A sample cannot be kept at the moment.", error);
    dashboard.begin_draw(&session.name(), draw).await.map_err(unkept)?;
    if let Some(former) = &visitor.name
        && let Err(error) = dashboard.forget(former).await
    {
        warn!(%error, "a former sample stays until it expires: {error:#}");
    }
    let html = drawing(&dashboard, &view, None)?;
    changed(&request, &view, StatusCode::ACCEPTED, html, visitor.cookie(&session))
}

/// `GET /session/signal`: what the visitor has; asked again, it is the same.
pub(crate) async fn signal(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    visitor: Visitor,
    view: View,
) -> Result<HttpResponse, Error> {
    let status = Status::of(&visitor, &dashboard, &view, HOLD).await?;
    Ok(reply(&request, &view, status.code, status.timing.as_ref()).body(status.html))
}

/// `POST /session/forget`: deletes what is kept of the visitor, and his cookie.
pub(crate) async fn forget(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    _same: SameOrigin,
    visitor: Visitor,
    view: View,
) -> Result<HttpResponse, Error> {
    let unkept = |error| Error::Unkept("Your data cannot be deleted at the moment.", error);
    if let Some(owner) = &visitor.name {
        dashboard.forget(owner).await.map_err(unkept)?;
    }
    let html = no_sample("Your data have been deleted. Nothing of them is kept.", false)?;
    changed(&request, &view, StatusCode::OK, html, visitor.removal())
}

/// The page, with a fragment in the place of the status.
async fn page_of(
    dashboard: &Dashboard,
    request: &HttpRequest,
    view: &View,
    status: String,
    about: Option<About>,
) -> Result<HttpResponse, Error> {
    let dataset = dashboard.dataset().await;
    let page = EncodedBody::html(&Page { view, dataset: &dataset, status, about })?;
    Ok(page.respond(request, PRIVATE))
}

/// The page, with what is wrong in the place of the status.
async fn wrong(
    dashboard: &Dashboard,
    request: &HttpRequest,
    view: &View,
    error: &Error,
) -> Result<HttpResponse, Error> {
    let again = format!("{}/session/signal?{}", base::path(), view.query());
    let alert = error.fragment(request, again).render().map_err(anyhow::Error::from)?;
    let mut response = page_of(dashboard, request, view, alert, None).await?;
    *response.status_mut() = error.status_code();
    Ok(response)
}

/// The answer to what has changed a session: a fragment, or the way back for a form without scripts.
fn changed(
    request: &HttpRequest,
    view: &View,
    status: StatusCode,
    html: String,
    cookie: Cookie<'_>,
) -> Result<HttpResponse, Error> {
    let mut response = if request.headers().contains_key("HX-Request") {
        reply(request, view, status, None).body(html)
    } else {
        let mut response = reply(request, view, StatusCode::SEE_OTHER, None);
        response.insert_header((LOCATION, view.page())).finish()
    };
    response.add_cookie(&cookie).map_err(anyhow::Error::from)?;
    Ok(response)
}
