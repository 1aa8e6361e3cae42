//! The question of `/patterns/background`: how sure is the mean delay to each destination?

use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use oneflight::{Answer, CacheBy, Failure, Key, Lane, Progress, Recipe, Snapshot};

use super::bootstrap::{VERSION, bootstrap, draws};
use super::question::Question;
use crate::blocking::blocking;
use crate::dataset::Departures;
use crate::frame;
use crate::simulated_cost::SimulatedCost;
use crate::web::app::App;

/// The namespace of these entries.
const BOOTSTRAP: &str = "bootstrap";
/// The most results that are kept: anybody can ask for a million different ones of each airport.
const MOST_RESULTS: usize = 100;
/// How long a run is wanted after the last request about it. Pages that show it ask at least once a
/// second; a computation ends three seconds after its last waiter.
const WANTED: Duration = Duration::from_secs(3);
/// Draws that take about as long as a step of the simulated cost, so that both show as progress in
/// proportion to their time.
const DRAWS_PER_STEP: u64 = 50_000_000;

/// Cached by the data and by the program, which draws the same random numbers every time; by the
/// airport and the number of resamples, and not by the clicks.
fn key(question: &Question) -> Key {
    Key::new(BOOTSTRAP)
        .by(CacheBy::Data(question.departures.fingerprint()))
        .by(CacheBy::Build(env!("CARGO_PKG_VERSION")))
        .by(CacheBy::Build(VERSION))
        .arg(question.code())
        .arg(question.resamples)
        .ignoring(question.clicks)
}

/// Notes that a run is wanted, so that every worker may go on with it. [`wait`] runs it.
pub(super) async fn want(app: &App, question: &Question) {
    // Without the note, only this worker can tell what becomes of the run.
    let _ = app.cache.annotate(&key(question), "", WANTED).await;
}

/// Whether a run is wanted, by a POST or by a page that has followed it a moment ago; it is wanted
/// for as long again.
pub(super) async fn is_wanted(app: &App, question: &Question) -> bool {
    let key = key(question);
    if app.cache.annotate_again(&key, "", WANTED).await.unwrap_or(false) {
        return true;
    }
    // The note may be lost with its store, but not the run.
    let is_here = app.cache.is_in_flight(&key);
    if is_here {
        want(app, question).await;
    }
    is_here
}

/// The result, if the store has it.
pub(super) async fn kept(app: &App, question: &Question) -> Option<Answer> {
    app.cache.kept(&key(question)).await
}

/// How far the computation is, in whatever worker it runs.
pub(super) async fn progress(app: &App, question: &Question) -> Option<Snapshot> {
    app.cache.progress(&key(question)).await
}

/// The intervals, as bytes for [`frame::decode_one`]; they are computed unless they are kept.
///
/// # Errors
///
/// What the computation said, now or a moment ago; that no caller waited, or this worker ends.
pub(super) async fn wait(app: &App, question: &Question) -> Result<Answer, Failure> {
    let (cache, cost) = (app.cache.clone(), app.simulated_cost);
    let (departures, resamples) = (question.departures.clone(), question.resamples);
    let failed = format!("{} cannot be computed", key(question));
    let recipe = Recipe::from(move |progress| {
        let (cache, departures, failed) = (cache.clone(), departures.clone(), failed.clone());
        async move {
            let computed = compute(departures, resamples, cost, progress).await.context(failed)?;
            // Room for this one, at the cost of those used least recently.
            cache.trim(BOOTSTRAP, MOST_RESULTS - 1).await;
            anyhow::Ok(computed)
        }
    });
    app.cache.lane(Lane::Long).memoize(&key(question), recipe).await
}

/// Computes the intervals, after the simulated cost.
async fn compute(
    departures: Departures,
    resamples: u32,
    cost: SimulatedCost,
    progress: Progress,
) -> anyhow::Result<Bytes> {
    let idle = cost.steps() * DRAWS_PER_STEP;
    let all = idle + draws(&departures, resamples);
    cost.pass(|step| Ok(progress.reached(step * DRAWS_PER_STEP, all)?)).await?;
    let reached = move |drawn| Ok(progress.reached(idle + drawn, all)?);
    let work = move || frame::encode_one(bootstrap(&departures, resamples, reached)?);
    blocking(work).await?
}
