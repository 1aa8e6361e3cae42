//! `/signal`: answers once the selection is in the store; the answer starts the four graphs.
//!
//! No request is held longer than a second. A computation that takes longer answers 202, with a
//! fragment that shows its progress and asks again by itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use oneflight::{Asked, Failure, Snapshot};
use tokio::time::timeout;

use self::fragments::{Reply, cancelled, computing, landed};
use super::choice::Choice;
use crate::web::error::Error;
use crate::web::same_origin::SameOrigin;
use crate::web::provenance::Timing;
use crate::web::wait::{GLANCE, HOLD, held};
use crate::dashboard::Dashboard;

mod fragments;

/// An answer that is younger is as new as somebody can want who asks for a new one: he pressed
/// twice, or others pressed with him.
const NEW: Duration = Duration::from_secs(1);

/// `GET /signal`: the latest answer, at once if there is any.
pub(crate) async fn signal(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    choice: Choice,
) -> Result<HttpResponse, Error> {
    if choice.after.is_some() {
        // It may cause a computation even though there is an answer, which no other site may do.
        SameOrigin::check(&request)?;
    }
    answered(&dashboard, &request, &choice).await
}

/// `POST /signal/refresh`: computes anew, once however many ask; the old answer stays until then.
pub(crate) async fn refresh(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    _same: SameOrigin,
    mut choice: Choice,
) -> Result<HttpResponse, Error> {
    let kept = dashboard.kept(choice.dataset.fingerprint(), choice.code()).await;
    // Who says which answer he has seen gets a newer one, and no third if there is one already.
    choice.after = choice.at.or(kept.map(|kept| {
        let stamp = kept.entry.stamp;
        let is_new = stamp.computed_at.elapsed().is_ok_and(|age| age < NEW);
        stamp.computed_ms().saturating_sub(is_new.into())
    }));
    answered(&dashboard, &request, &choice).await
}

/// `POST /signal/cancel`: whoever sends this waits no more. What others wait for goes on; what
/// nobody waits for ends by itself a moment later.
pub(crate) async fn cancel(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    _same: SameOrigin,
    choice: Choice,
) -> Result<HttpResponse, Error> {
    let timing = Timing::start(dashboard.worker());
    Ok(Reply::new(&request, &choice, &timing).ok(cancelled(&choice)?))
}

async fn answered(
    dashboard: &Dashboard,
    request: &HttpRequest,
    choice: &Choice,
) -> Result<HttpResponse, Error> {
    let mut timing = Timing::start(dashboard.worker());
    let progressing = async || progress(dashboard, choice).await;
    let asked = held(ask(dashboard, choice), HOLD, choice.seen, progressing).await;
    let (asked, old) = match asked.transpose()? {
        Some(asked) => (Some(asked), None),
        // It may have landed just after the request was held for long enough.
        None => match shown(dashboard, choice).await {
            Some(shown) if is_newer(&shown, choice) => (Some(shown), None),
            shown => (None, shown),
        },
    };
    let Some(asked) = asked else {
        timing.waited();
        let html = match old {
            Some(old) => landed(dashboard, choice, &old, progress(dashboard, choice).await)?,
            None => computing(dashboard, choice, progress(dashboard, choice).await)?,
        };
        return Ok(Reply::new(request, choice, &timing).accepted(html));
    };
    timing.answered(&asked.answer);
    let html = landed(dashboard, choice, &asked, None)?;
    Ok(Reply::new(request, choice, &timing).ok(html))
}

async fn ask(dashboard: &Dashboard, choice: &Choice) -> Result<Asked, Failure> {
    match choice.after {
        None => dashboard.latest(&choice.dataset, choice.origin).await,
        Some(ms) => {
            // A time to come would never be reached.
            let than = (UNIX_EPOCH + Duration::from_millis(ms)).min(SystemTime::now());
            dashboard.renewed(&choice.dataset, choice.origin, than).await
        }
    }
}

/// Whether an answer is the newer one that was asked for.
fn is_newer(asked: &Asked, choice: &Choice) -> bool {
    choice.after.is_some_and(|ms| asked.answer.entry.stamp.computed_ms() > ms)
}

/// The old answer that stays on the page while a newer one is computed.
async fn shown(dashboard: &Dashboard, choice: &Choice) -> Option<Asked> {
    choice.after?;
    let (dataset, origin) = (&choice.dataset, choice.origin);
    // It is there, so this does not wait.
    timeout(GLANCE, dashboard.latest(dataset, origin)).await.ok()?.ok()
}

async fn progress(dashboard: &Dashboard, choice: &Choice) -> Option<Snapshot> {
    dashboard.progress(&choice.dataset, choice.origin).await
}
