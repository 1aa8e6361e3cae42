//! What is computed before any request: one flight, so that the first computation is not the slowest,
//! and the answers for all airports and for the airports used last.

use std::sync::Arc;
use std::time::Duration;

use oneflight::{CacheBy, Key};
use tokio::time::sleep;
use tracing::{debug, info};

use super::selection::{SELECTION, key, recipe};
use crate::blocking::blocking;
use crate::dataset::{Dataset, Departures, Origin};
use crate::web::app::App;
use crate::{frame, query};

/// How long a new worker leaves the processors to those that start beside it.
const REST: Duration = Duration::from_millis(100);
/// How often we check whether the data file was replaced, or the worker that prepares has died.
const CHECK: Duration = Duration::from_secs(2);
/// How long a new worker serves its first requests before it prepares anything.
const START: Duration = Duration::from_secs(3);

/// Computes the frames of one flight and drops them: the first computation of a process takes longer.
pub async fn warm_up(app: &App) {
    sleep(REST).await;
    let dataset = app.dataset().await;
    match blocking(move || frame::encode(query::warm_up(&dataset)?)).await {
        Ok(Ok(_)) => {}
        // A computation that is asked for will say the same, to its user and in the log.
        Ok(Err(error)) => debug!("the first computation failed: {error:#}"),
        Err(panic) => debug!("the first computation failed: {panic}"),
    }
}

/// Prepares the answers for all airports and for the `most` used last, at the start and after each
/// replacement of the data file; it never returns.
///
/// One worker does so for all, one answer after the other, beside the
/// computations that requests cause.
pub async fn keep_warm(app: &App, most: usize) {
    let mut warm = None;
    sleep(START).await;
    loop {
        let dataset = app.dataset().await;
        if warm.as_deref() != Some(dataset.fingerprint()) {
            let key = Key::new("warm").by(CacheBy::Data(dataset.fingerprint()));
            let work = prepare(app, &dataset, most);
            if app.cache.once(&key, work).await || app.cache.kept(&key).await.is_some() {
                warm = Some(dataset.fingerprint().to_owned());
            }
        }
        sleep(CHECK).await;
    }
}

/// Prepares the answers; false when one of them failed.
async fn prepare(app: &App, dataset: &Arc<Dataset>, most: usize) -> bool {
    let used = used_last(app, dataset, most).await;
    let count = used.len() + 1;
    for departures in std::iter::once(Departures::all(dataset.clone())).chain(used) {
        if let Err(failure) = app.cache.prepare(&key(&departures), recipe(app, &departures)).await {
            debug!("stopped preparing answers: {failure}");
            return false;
        }
    }
    info!(answers = count, worker = app.worker, "prepared {count} answers");
    true
}

/// The airports whose answers were used last, of this data file or one before.
async fn used_last(app: &App, dataset: &Arc<Dataset>, most: usize) -> Vec<Departures> {
    // One airport may have an answer for each of several data files.
    let keys = app.cache.recent(SELECTION, most.saturating_mul(4)).await;
    let mut used: Vec<Departures> = Vec::new();
    for key in keys {
        let found = key.part(1).and_then(|code| Departures::find(code, dataset.clone()));
        let is_new = |it: &Departures| {
            it.origin() != Origin::All && used.iter().all(|known| known.origin() != it.origin())
        };
        if let Some(found) = found.filter(is_new) {
            used.push(found);
        }
    }
    used.truncate(most);
    used
}
