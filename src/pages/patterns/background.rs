//! `/patterns/background`: a computation of seconds or minutes, run and cancelled by buttons, and
//! kept for everybody who asks the same.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use oneflight::{Answer, Snapshot};

use self::fragments::{State, course, page_of, reply};
use self::question::{Question, clicks};
use crate::dashboard::Dashboard;
use crate::web::error::Error;
use crate::web::same_origin::SameOrigin;
use crate::web::request;
use crate::web::provenance::Timing;
use crate::web::wait::{GLANCE, HOLD, held};

mod fragments;
mod question;

/// `GET /patterns/background`: the page, with what has been computed already; it computes nothing.
pub(crate) async fn page(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    question: Result<Question, Error>,
) -> Result<HttpResponse, Error> {
    let (question, status, state) = match question {
        Ok(question) => {
            let kept = dashboard.kept_bootstrap(&question.asked).await;
            (question, StatusCode::OK, kept.map_or(State::Idle, State::Done))
        }
        Err(error) => {
            let words = error.words(&request::id(&request));
            let question = Question::default(dashboard.dataset().await)?;
            (question, error.status_code(), State::Failed(words))
        }
    };
    page_of(&dashboard, &question, status, state).await
}

/// `GET /patterns/background/result`: runs the computation, unless somebody has or does.
pub(crate) async fn result(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    question: Result<Question, Error>,
) -> Result<HttpResponse, Error> {
    let mut timing = Timing::start(dashboard.worker());
    let (question, asked) = match question {
        Ok(question) => {
            let asked = answered(&dashboard, &question).await;
            (question, asked)
        }
        Err(error) => {
            let mut question = Question::default(dashboard.dataset().await)?;
            question.asked.clicks = clicks(request.query_string());
            (question, Err(error))
        }
    };
    let (status, state) = match asked {
        Ok(Some(answer)) => {
            timing.answered(&answer);
            (StatusCode::OK, State::Done(answer))
        }
        Ok(None) => {
            timing.waited();
            let progress = progress(&dashboard, &question).await;
            if question.seen.is_some() {
                return course(&question, &timing, progress);
            }
            (StatusCode::ACCEPTED, State::Running(progress))
        }
        // Not an error's usual fragment: the buttons have to stay.
        Err(error) => (error.status_code(), State::Failed(error.words(&request::id(&request)))),
    };
    reply(&dashboard, &request, &question, &timing, status, state).await
}

/// `POST /patterns/background/cancel`: whoever sends this asks no more. What nobody asks for ends by
/// itself a moment later.
pub(crate) async fn cancel(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    _same: SameOrigin,
    question: Question,
) -> Result<HttpResponse, Error> {
    let timing = Timing::start(dashboard.worker());
    reply(&dashboard, &request, &question, &timing, StatusCode::OK, State::Cancelled).await
}

/// The answer, if it is there before the page has to show something else: a page that shows nothing
/// yet has to show which button can be pressed, before anybody presses twice.
async fn answered(dashboard: &Dashboard, question: &Question) -> Result<Option<Answer>, Error> {
    let hold = if question.seen.is_some() { HOLD } else { GLANCE };
    let progressing = async || progress(dashboard, question).await;
    let asked = held(dashboard.bootstrap(&question.asked), hold, question.seen, progressing).await;
    Ok(asked.transpose()?)
}

/// How far it is. Another worker may know less than the one that the page has asked before, and
/// progress never goes back.
async fn progress(dashboard: &Dashboard, question: &Question) -> Option<Snapshot> {
    let progress = dashboard.bootstrap_progress(&question.asked).await?;
    let seen = question.seen.unwrap_or(0).min(1000);
    Some(Snapshot { permille: progress.permille.max(seen), ..progress })
}
