//! The dashboard's question: the frames of all four graphs for one origin.

use std::time::SystemTime;

use anyhow::Context;
use bytes::Bytes;
use oneflight::{Answer, Asked, CacheBy, Failure, Key, Progress, Recipe, Snapshot};

use crate::blocking::blocking;
use crate::dataset::Departures;
use crate::simulated_cost::SimulatedCost;
use crate::web::app::App;
use crate::{frame, query};

/// The namespace of these entries.
pub(super) const SELECTION: &str = "selection";

/// Cached by the data (its fingerprint covers the version of the query and the format of the frames)
/// and the origin. Every metric is drawn from the same value.
fn key_of(fingerprint: &str, code: &str) -> Key {
    Key::new(SELECTION).by(CacheBy::Data(fingerprint)).arg(code).ignoring("metric")
}

pub(super) fn key(departures: &Departures) -> Key {
    key_of(departures.fingerprint(), departures.code())
}

/// The frames, as bytes for [`frame::decode`]: of this very data file.
///
/// # Errors
///
/// What the computation said, now or a moment ago; that no caller waited, or this worker ends.
pub(crate) async fn exact(app: &App, departures: &Departures) -> Result<Answer, Failure> {
    app.cache.memoize(&key(departures), recipe(app, departures)).await
}

/// The same at once, if there is any answer: that of the data file before, or one that is too old,
/// will do until the new one is there.
///
/// # Errors
///
/// Those of [`exact`].
pub(crate) async fn latest(app: &App, departures: &Departures) -> Result<Asked, Failure> {
    app.cache.ask(&key(departures), recipe(app, departures)).await
}

/// The same, computed after `newer_than`.
///
/// # Errors
///
/// Those of [`exact`].
pub(crate) async fn renewed(
    app: &App,
    departures: &Departures,
    newer_than: SystemTime,
) -> Result<Asked, Failure> {
    app.cache.renewed(&key(departures), newer_than, recipe(app, departures)).await
}

/// The answer for a state of the data file, if the store has it.
pub(crate) async fn kept(app: &App, fingerprint: &str, code: &str) -> Option<Answer> {
    app.cache.kept(&key_of(fingerprint, code)).await
}

/// How far the computation is, in whatever worker it runs.
pub(crate) async fn progress(app: &App, departures: &Departures) -> Option<Snapshot> {
    app.cache.progress(&key(departures)).await
}

pub(super) fn recipe(app: &App, departures: &Departures) -> Recipe {
    let (departures, cost) = (departures.clone(), app.simulated_cost);
    Recipe::from(move |progress| compute(departures.clone(), cost, progress))
}

/// Computes the frames, after the simulated cost.
async fn compute(
    departures: Departures,
    cost: SimulatedCost,
    progress: Progress,
) -> anyhow::Result<Bytes> {
    let failed = format!("{} cannot be computed", key(&departures));
    let idle = cost.steps();
    let steps = idle + query::slices(departures.dataset(), departures.origin());
    cost.pass(|step| Ok(progress.reached(step, steps)?)).await?;
    let reached = move |slices| Ok(progress.reached(idle + slices, steps)?);
    let work = move || {
        frame::encode(query::selection(departures.dataset(), departures.origin(), reached)?)
    };
    blocking(work).await?.context(failed)
}
