//! `/patterns/background`: a computation of seconds or minutes, run and cancelled by buttons. Its
//! result is kept for everybody with the same question.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use oneflight::Snapshot;

use self::fragments::{State, page_of, progress_of, reply};
use self::question::{Press, Question};
use crate::web::app::App;
use crate::web::error::Error;
use crate::web::parameters::Parameters;
use crate::web::provenance::Provenance;
use crate::web::same_origin::SameOrigin;
use crate::web::wait::{GLANCE, HOLD, held};

mod question;
mod recipe;
mod bootstrap;
mod figure;
mod fragments;

/// What a page reads whose run is over, without a result that the store has.
const ENDED: &str = "The run has ended without a result. Press Run to start it again.";

/// `GET /patterns/background`: the page, with the result if there is one; it computes nothing.
pub(crate) async fn page(
    app: Data<App>,
    request: HttpRequest,
    question: Result<Parameters<Question>, Error>,
) -> Result<HttpResponse, Error> {
    let (question, status, state) = match question {
        Ok(Parameters(question)) => {
            let kept = recipe::kept(&app, &question).await;
            (question, StatusCode::OK, kept.map_or(State::Idle, State::Done))
        }
        Err(error) => {
            let question = Question::default(app.dataset().await)?;
            (question, error.status_code(), State::Failed(error.words(&request)))
        }
    };
    page_of(&app, &question, status, state).await
}

/// `POST /patterns/background/run`: runs the computation, unless its result is kept or it runs
/// already.
pub(crate) async fn run(
    app: Data<App>,
    request: HttpRequest,
    _same: SameOrigin,
    press: Result<Parameters<Press>, Error>,
) -> Result<HttpResponse, Error> {
    let provenance = Provenance::start(app.worker);
    let question = match asked(press) {
        Ok(question) => question,
        Err((error, clicks)) => return refused(&app, &request, provenance, error, clicks).await,
    };
    recipe::want(&app, &question).await;
    // The page has to show which button works now, before it is pressed twice.
    answer(&app, &request, &question, provenance, GLANCE).await
}

/// `GET /patterns/background/result`: the result, or how far its computation is. It starts none.
pub(crate) async fn result(
    app: Data<App>,
    request: HttpRequest,
    press: Result<Parameters<Press>, Error>,
) -> Result<HttpResponse, Error> {
    let mut provenance = Provenance::start(app.worker);
    let question = match asked(press) {
        Ok(question) => question,
        Err((error, clicks)) => return refused(&app, &request, provenance, error, clicks).await,
    };
    if recipe::is_wanted(&app, &question).await {
        let hold = if question.seen.is_some() { HOLD } else { GLANCE };
        return answer(&app, &request, &question, provenance, hold).await;
    }
    let state = match recipe::kept(&app, &question).await {
        Some(kept) => {
            provenance.answered(&kept);
            State::Done(kept)
        }
        None if question.seen.is_some() => State::Failed(ENDED.to_owned()),
        None => State::Idle,
    };
    reply(&app, &request, &question, &provenance, StatusCode::OK, state).await
}

/// `POST /patterns/background/cancel`: this page waits no more. The computation goes on while other
/// pages wait for it, and ends three seconds after the last.
pub(crate) async fn cancel(
    app: Data<App>,
    request: HttpRequest,
    _same: SameOrigin,
    Parameters(question): Parameters<Question>,
) -> Result<HttpResponse, Error> {
    let provenance = Provenance::start(app.worker);
    reply(&app, &request, &question, &provenance, StatusCode::OK, State::Cancelled).await
}

/// Answers with what becomes of a run within the time that a request is held.
async fn answer(
    app: &App,
    request: &HttpRequest,
    question: &Question,
    mut provenance: Provenance,
    hold: Duration,
) -> Result<HttpResponse, Error> {
    let progress = async || progress(app, question).await;
    let waiting = recipe::wait(app, question);
    let (status, state) = match held(waiting, hold, question.seen, progress).await {
        Some(Ok(answer)) => {
            provenance.answered(&answer);
            (StatusCode::OK, State::Done(answer))
        }
        // Not the usual fragment of an error: the buttons have to stay.
        Some(Err(failure)) => {
            let error = Error::from(failure);
            (error.status_code(), State::Failed(error.words(request)))
        }
        None => {
            provenance.waited();
            let progress = progress().await;
            if question.seen.is_some() {
                return progress_of(question, &provenance, progress);
            }
            (StatusCode::ACCEPTED, State::Running(progress))
        }
    };
    reply(app, request, question, &provenance, status, state).await
}

/// The question, or what is wrong with it and how often the button was pressed.
fn asked(press: Result<Parameters<Press>, Error>) -> Result<Question, (Error, u64)> {
    match press {
        Ok(Parameters(Press { question, clicks })) => question.map_err(|error| (error, clicks)),
        Err(error) => Err((error, 0)),
    }
}

/// The buttons with what is wrong.
async fn refused(
    app: &App,
    request: &HttpRequest,
    provenance: Provenance,
    error: Error,
    clicks: u64,
) -> Result<HttpResponse, Error> {
    let question = Question { clicks, ..Question::default(app.dataset().await)? };
    let state = State::Failed(error.words(request));
    reply(app, request, &question, &provenance, error.status_code(), state).await
}

/// How far it is. Another worker may know less than the one that answered the page before, and
/// progress never goes back.
async fn progress(app: &App, question: &Question) -> Option<Snapshot> {
    let progress = recipe::progress(app, question).await?;
    let seen = question.seen.unwrap_or(0).min(1000);
    Some(Snapshot { permille: progress.permille.max(seen), ..progress })
}
