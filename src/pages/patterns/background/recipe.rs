//! The question of `/patterns/background`: how sure is the mean delay to each destination?

use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use oneflight::{Answer, Cache, CacheBy, Failure, Key, Lane, Progress, Recipe, Snapshot};

use super::bootstrap::{bootstrap, draws};
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

/// Cached by the data and the program, which draws the same random numbers every time; by the
/// airport and the number of resamples, and not by the clicks.
fn key(question: &Question) -> Key {
    Key::new(BOOTSTRAP)
        .by(CacheBy::Data(question.departures.fingerprint()))
        .by(CacheBy::Build(env!("CARGO_PKG_VERSION")))
        .arg(question.code())
        .arg(question.resamples)
        .ignoring(question.clicks)
}

/// The intervals, as bytes for [`frame::decode_one`]; they are computed unless they are kept.
///
/// # Errors
///
/// What the computation said, now or a moment ago; that no caller waited, or this worker ends.
pub(super) async fn run(app: &App, question: &Question) -> Result<Answer, Failure> {
    // Without the note, the page asks only this worker how far it is.
    let _ = app.cache.annotate(&key(question), "", WANTED).await;
    wait(app, question).await
}

/// The same while it runs, in whatever worker; none when it is neither kept nor running. Asking
/// starts nothing, but keeps a run going: another worker takes it over when its worker dies.
///
/// # Errors
///
/// Those of [`run`].
pub(super) async fn follow(app: &App, question: &Question) -> Result<Option<Answer>, Failure> {
    let key = key(question);
    let is_wanted = app.cache.annotate_again(&key, "", WANTED).await;
    // Without a store that takes notes, this worker knows its own computations.
    if is_wanted.unwrap_or(false) || app.cache.progress(&key).await.is_some() {
        return wait(app, question).await.map(Some);
    }
    Ok(app.cache.kept(&key).await)
}

/// The result, if the store has it.
pub(super) async fn kept(app: &App, question: &Question) -> Option<Answer> {
    app.cache.kept(&key(question)).await
}

/// How far the computation is, in whatever worker it runs.
pub(super) async fn progress(app: &App, question: &Question) -> Option<Snapshot> {
    app.cache.progress(&key(question)).await
}

async fn wait(app: &App, question: &Question) -> Result<Answer, Failure> {
    let (cache, cost) = (app.cache.clone(), app.simulated_cost);
    let (departures, resamples) = (question.departures.clone(), question.resamples);
    let failed = format!("{} cannot be computed", key(question));
    let recipe = Recipe::from(move |progress| {
        let (cache, departures, failed) = (cache.clone(), departures.clone(), failed.clone());
        async move {
            let computed = compute(departures, resamples, cost, progress).await.context(failed)?;
            make_room(&cache).await;
            anyhow::Ok(computed)
        }
    });
    app.cache.lane(Lane::Long).memoize(&key(question), recipe).await
}

/// Leaves room for one more result, at the cost of those used least recently.
async fn make_room(cache: &Cache) {
    cache.trim(BOOTSTRAP, MOST_RESULTS - 1).await;
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
