//! `/session`: a sample of flights that is drawn for one visitor, and shown to nobody else.
//!
//! The visitor is known by a signed cookie, and the sample is in the store under a name made of it,
//! so any worker answers. Nothing of it is kept in a worker, told in a log, or part of an address.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use tracing::warn;

use self::fragments::{Page, drawing, no_sample, ready, reply};
use self::view::{Order, View};
use self::visitor::Visitor;
use super::base;
use super::error::Error;
use super::finished::{Finished, PRIVATE};
use super::origin::SameOrigin;
use super::timing::Timing;
use super::wait::{GLANCE, HOLD, held};
use crate::dashboard::{Dashboard, Sampled};
use crate::frame;
use crate::query::About;
use crate::session::Session;

mod visitor;
mod view;
mod fragments;
pub(super) mod graphs;
pub(super) mod flights;

/// What a visitor has, and how that was found out.
struct Status {
    code: StatusCode,
    html: String,
    timing: Option<Timing>,
    about: Option<About>,
}

/// `GET /session`: the page with what the visitor has; it makes no session.
pub(super) async fn page(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    visitor: Visitor,
    view: Result<View, Error>,
) -> Result<HttpResponse, Error> {
    let dataset = dashboard.dataset().await;
    let (view, status) = match view {
        Ok(view) => {
            let status = status(&dashboard, &visitor, &view, GLANCE).await;
            (view, status)
        }
        Err(error) => (View::default(), Err(error)),
    };
    let (code, html, about) = match status {
        Ok(status) => (StatusCode::OK, status.html, status.about),
        Err(error) => {
            let again = format!("{}/session/signal?{}", base::path(), view.query());
            (error.status_code(), error.fragment(&request, Some(again))?, None)
        }
    };
    let page = Page { view: &view, dataset: &dataset, status: html, about };
    let mut response = Finished::html(&page)?.respond(&request, PRIVATE);
    if code != StatusCode::OK {
        *response.status_mut() = code;
    }
    Ok(response)
}

/// `POST /session`: a new session with a new sample, in the place of the former one.
///
/// The session is another one each time, so that a cookie that somebody has planted is worth nothing
/// once its victim has drawn something.
pub(super) async fn draw(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    _same: SameOrigin,
    visitor: Visitor,
    order: Order,
) -> Result<HttpResponse, Error> {
    let (session, Order { draw, view }) = (Session::new(), order);
    dashboard
        .begin_draw(&session.name(), draw)
        .await
        .map_err(|error| Error::Unkept("A sample cannot be kept at the moment.", error.into()))?;
    if let Some(former) = &visitor.name
        && let Err(error) = dashboard.forget(former).await
    {
        warn!(%error, "a former sample stays until it expires: {error:#}");
    }
    let mut response = if request.headers().contains_key("HX-Request") {
        let html = drawing(&dashboard, &view, None)?;
        reply(&request, &view, StatusCode::ACCEPTED, None).body(html)
    } else {
        // A form without scripts: the page shows what comes of it.
        let mut response = reply(&request, &view, StatusCode::SEE_OTHER, None);
        response.insert_header((LOCATION, view.page())).finish()
    };
    response.add_cookie(&visitor.cookie(&session)).map_err(anyhow::Error::from)?;
    Ok(response)
}

/// `GET /session/signal`: what the visitor has; asked again, it is the same.
pub(super) async fn signal(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    visitor: Visitor,
    view: View,
) -> Result<HttpResponse, Error> {
    let Status { code, html, timing, .. } = status(&dashboard, &visitor, &view, HOLD).await?;
    Ok(reply(&request, &view, code, timing.as_ref()).body(html))
}

async fn status(
    dashboard: &Dashboard,
    visitor: &Visitor,
    view: &View,
    hold: Duration,
) -> Result<Status, Error> {
    let mut timing = Timing::start(dashboard.worker());
    let none = |words| {
        let html = no_sample(words)?;
        Ok(Status { code: StatusCode::OK, html, timing: None, about: None })
    };
    let Some(owner) = &visitor.name else {
        return none("You have no sample yet. Choose an airport and how many of its flights.");
    };
    let progress = async || dashboard.sample_progress(owner).await;
    let Some(sampled) = held(dashboard.sample(owner), hold, view.seen, progress).await else {
        timing.waited();
        let html = drawing(dashboard, view, progress().await)?;
        return Ok(Status { code: StatusCode::ACCEPTED, html, timing: Some(timing), about: None });
    };
    match sampled? {
        Sampled::Ready(answer) => {
            timing.answered(&answer);
            let about = frame::decode_about(&answer.entry.bytes)?;
            let html = ready(dashboard, view, &answer, &about)?;
            Ok(Status { code: StatusCode::OK, html, timing: Some(timing), about: Some(about) })
        }
        Sampled::Cleared => {
            none("Your earlier sample has been cleared to make room. You can draw another one.")
        }
        Sampled::Nothing => {
            none("Your earlier sample is no longer kept. You can draw another one.")
        }
    }
}

/// `POST /session/forget`: deletes what is kept of the visitor, and his cookie.
pub(super) async fn forget(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    _same: SameOrigin,
    visitor: Visitor,
    view: View,
) -> Result<HttpResponse, Error> {
    if let Some(owner) = &visitor.name {
        dashboard.forget(owner).await.map_err(|error| {
            Error::Unkept("Your data cannot be deleted at the moment: try again.", error.into())
        })?;
    }
    let mut response = if request.headers().contains_key("HX-Request") {
        let html = no_sample("Your data have been deleted. Nothing of them is kept.")?;
        reply(&request, &view, StatusCode::OK, None).body(html)
    } else {
        let mut response = reply(&request, &view, StatusCode::SEE_OTHER, None);
        response.insert_header((LOCATION, view.page())).finish()
    };
    response.add_cookie(&visitor.removal()).map_err(anyhow::Error::from)?;
    Ok(response)
}
