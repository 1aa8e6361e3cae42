//! `/signal`: answers once the selection is in the store; the answer starts the four graphs.
//!
//! No request is held longer than a second. While a computation takes longer the answer is 202, with
//! a fragment that shows the progress and asks again by itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use oneflight::{Asked, Failure};
use tokio::time::timeout;

use self::fragments::{cancelled, computing, landed};
use self::kept::kept;
use super::choice::Choice;
use super::selection;
use crate::web::app::App;
use crate::web::encoded_body::UNKEPT;
use crate::web::error::Error;
use crate::web::parameters::Parameters;
use crate::web::provenance::Provenance;
use crate::web::reply::Reply;
use crate::web::same_origin::SameOrigin;
use crate::web::wait::{GLANCE, HOLD, held};

mod fragments;
pub(super) mod kept;

/// An answer that is younger than this is new enough for a visitor who asks to recompute: the button
/// was pressed twice, or by two visitors.
const NEW: Duration = Duration::from_secs(1);

/// `GET /signal`: the latest answer, at once if there is any.
pub(crate) async fn signal(
    app: Data<App>,
    request: HttpRequest,
    Parameters(choice): Parameters<Choice>,
) -> Result<HttpResponse, Error> {
    if choice.after.is_some() {
        // It may cause a computation although there is an answer, which no other site may do.
        SameOrigin::check(&request)?;
    }
    answer(&app, &request, &choice).await
}

/// `POST /signal/refresh`: recomputes, once for all concurrent requests; the old answer stays until then.
pub(crate) async fn refresh(
    app: Data<App>,
    request: HttpRequest,
    _same: SameOrigin,
    Parameters(mut choice): Parameters<Choice>,
) -> Result<HttpResponse, Error> {
    let departures = &choice.departures;
    let kept = selection::kept(&app, departures.fingerprint(), departures.code()).await;
    // A page that says which answer it shows gets a newer one, and no third if there is one already.
    choice.after = choice.at.or(kept.map(|kept| {
        let stamp = kept.entry.stamp;
        let is_new = stamp.computed_at.elapsed().is_ok_and(|age| age < NEW);
        stamp.computed_ms().saturating_sub(is_new.into())
    }));
    answer(&app, &request, &choice).await
}

/// `POST /signal/cancel`: this page waits no more. The computation goes on while other requests wait
/// for it, and ends three seconds after the last.
pub(crate) async fn cancel(
    app: Data<App>,
    request: HttpRequest,
    _same: SameOrigin,
    Parameters(choice): Parameters<Choice>,
) -> Result<HttpResponse, Error> {
    let provenance = Provenance::start(app.worker);
    let html = cancelled(&choice)?;
    Ok(reply(&request, &choice, StatusCode::OK).provenance(&provenance).html(html))
}

async fn answer(app: &App, request: &HttpRequest, choice: &Choice) -> Result<HttpResponse, Error> {
    let mut provenance = Provenance::start(app.worker);
    let progress = async || selection::progress(app, &choice.departures).await;
    let asked = held(ask(app, choice), HOLD, choice.seen, progress).await;
    let (asked, old) = match asked.transpose()? {
        Some(asked) => (Some(asked), None),
        // It may have landed just after the request was held for long enough.
        None => match shown(app, choice).await {
            Some(shown) if is_newer(&shown, choice) => (Some(shown), None),
            shown => (None, shown),
        },
    };
    let Some(asked) = asked else {
        provenance.waited();
        let html = match old {
            Some(old) => landed(app, choice, &old, progress().await)?,
            None => computing(app, choice, progress().await)?,
        };
        let reply = reply(request, choice, StatusCode::ACCEPTED).morph();
        return Ok(reply.provenance(&provenance).html(html));
    };
    provenance.answered(&asked.answer);
    if let Some(kept) = kept(app, request, choice, &asked)? {
        let mut response = kept.body.respond_with(request, UNKEPT, provenance.headers());
        if let Some((name, value)) = choice.shown().follow(request) {
            response.headers_mut().insert(name, value);
        }
        return Ok(response);
    }
    let html = landed(app, choice, &asked, None)?;
    Ok(reply(request, choice, StatusCode::OK).provenance(&provenance).html(html))
}

async fn ask(app: &App, choice: &Choice) -> Result<Asked, Failure> {
    match choice.after {
        None => selection::latest(app, &choice.departures).await,
        Some(ms) => {
            // A time in the future would never be reached.
            let newer_than = (UNIX_EPOCH + Duration::from_millis(ms)).min(SystemTime::now());
            selection::renewed(app, &choice.departures, newer_than).await
        }
    }
}

/// Whether an answer is the newer one that was asked for.
fn is_newer(asked: &Asked, choice: &Choice) -> bool {
    choice.after.is_some_and(|ms| asked.answer.entry.stamp.computed_ms() > ms)
}

/// The old answer that stays on the page while a newer one is computed.
async fn shown(app: &App, choice: &Choice) -> Option<Asked> {
    choice.after?;
    // It is in the store, so this does not wait.
    timeout(GLANCE, selection::latest(app, &choice.departures)).await.ok()?.ok()
}

/// A reply whose choice the browser's address follows.
fn reply(request: &HttpRequest, choice: &Choice, status: StatusCode) -> Reply {
    Reply::new(status).with(choice.shown().follow(request))
}
