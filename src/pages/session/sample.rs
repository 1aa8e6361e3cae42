//! The question of `/session`: some flights, drawn for one visitor and kept for no other.

use std::num::NonZeroU32;
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use oneflight::{Answer, Cache, CacheBy, Failure, Key, Lane, Progress, Recipe, Snapshot};
use serde::{Deserialize, Serialize};
use tracing::{debug, warn};

use super::draw::sample;
use crate::blocking::blocking;
use crate::dataset::Departures;
use crate::simulated_cost::SimulatedCost;
use crate::web::app::App;
use crate::{frame, query};

/// The namespace of samples.
const SAMPLE: &str = "sample";
/// The most flights of a sample.
pub(super) const MOST_FLIGHTS: u32 = 100_000;
/// The most bytes of a sample: a third more than those of the largest one of the published flights.
const MOST_BYTES: usize = 2 << 20;
/// How long the note of an ordered draw is kept after the last request for it.
const DRAWING: Duration = Duration::from_secs(60);
/// How long the note that a sample was cleared is kept, at most: visitors who draw once and never
/// come back must not leave notes for days.
const CLEARED: Duration = Duration::from_secs(3600);

/// The bounds of what visitors may keep.
#[derive(Debug, Clone, Copy)]
pub struct SampleLimits {
    /// How many visitors may have a sample.
    pub most: NonZeroU32,
    /// How long a sample is kept after its last use.
    pub expire: Duration,
}

/// What is to be drawn.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Draw {
    /// The code of an airport, or `ALL`. It is looked up again by the worker that draws, in the data
    /// file of that moment.
    origin: String,
    /// How many flights, if there are as many.
    size: u32,
    /// Makes it differ from every other draw.
    seed: u64,
}

/// What a visitor has.
pub(super) enum Sampled {
    /// A sample.
    Ready(Answer),
    /// None any more: it was the least recently used of too many.
    Cleared,
    /// None.
    Nothing,
}

/// What is noted beside a visitor's sample.
#[derive(Serialize, Deserialize)]
enum Noted {
    Drawing(Draw),
    Drawn,
    Cleared,
}

impl Draw {
    /// A new draw of `size` flights.
    pub(super) fn new(origin: &str, size: u32) -> Self {
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).expect("the operating system has random numbers");
        Self { origin: origin.to_owned(), size, seed: u64::from_le_bytes(seed) }
    }
}

/// Cached by the user and the format of the frames. A sample stays as it was drawn when the data file
/// is replaced, and every metric is drawn from the same value.
fn key(owner: &str) -> Key {
    let key = Key::new(SAMPLE).by(CacheBy::User(owner)).by(CacheBy::Build(frame::VERSION));
    key.ignoring("the data file").ignoring("metric")
}

/// Notes what is to be drawn for an owner who has nothing yet; [`find`] draws it.
///
/// # Errors
///
/// When no store takes it.
pub(super) async fn order(app: &App, owner: &str, draw: Draw) -> anyhow::Result<()> {
    let text = serde_json::to_string(&Noted::Drawing(draw))?;
    Ok(app.cache.annotate(&key(owner), &text, DRAWING).await?)
}

/// What an owner has; it is drawn if that was ordered.
///
/// # Errors
///
/// What the draw said, now or a moment ago; that no caller waited, or this worker ends.
pub(super) async fn find(app: &App, owner: &str) -> Result<Sampled, Failure> {
    let key = key(owner);
    let draw = match noted(&app.cache, &key).await.map_err(Failure::new)? {
        Some(Noted::Drawing(draw)) => draw,
        Some(Noted::Cleared) => return Ok(Sampled::Cleared),
        Some(Noted::Drawn) => {
            return Ok(app.cache.kept(&key).await.map_or(Sampled::Cleared, Sampled::Ready));
        }
        None => return Ok(app.cache.kept(&key).await.map_or(Sampled::Nothing, Sampled::Ready)),
    };
    amend(&app.cache, &key, &Noted::Drawing(draw.clone()), DRAWING).await;
    let drawn = app.cache.lane(Lane::Private).memoize(&key, recipe(app, &key, draw).await).await;
    if matches!(noted(&app.cache, &key).await, Ok(None)) {
        // It was forgotten in the meantime.
        return Ok(Sampled::Nothing);
    }
    if drawn.is_ok() && app.cache.kept(&key).await.is_some() {
        let limits = app.sample_limits;
        // From now on it is never drawn again, even if it is cleared.
        amend(&app.cache, &key, &Noted::Drawn, limits.expire).await;
        make_room(&app.cache, limits, limits.most.get()).await;
    }
    drawn.map(Sampled::Ready)
}

/// The sample that an owner has, without drawing one.
pub(super) async fn kept(app: &App, owner: &str) -> Option<Answer> {
    app.cache.kept(&key(owner)).await
}

/// How far the draw is, in whatever worker it runs.
pub(super) async fn progress(app: &App, owner: &str) -> Option<Snapshot> {
    app.cache.progress(&key(owner)).await
}

/// Removes all that is kept for an owner. What is being drawn will not be kept.
///
/// # Errors
///
/// When something may still be in a store that does not answer.
pub(super) async fn forget(app: &App, owner: &str) -> anyhow::Result<()> {
    Ok(app.cache.remove(&key(owner)).await?)
}

async fn noted(cache: &Cache, key: &Key) -> anyhow::Result<Option<Noted>> {
    let noted = cache.annotation(key).await?;
    Ok(noted.map(|text| serde_json::from_str(&text)).transpose()?)
}

/// Replaces the note, unless it has been removed in the meantime.
async fn amend(cache: &Cache, key: &Key, noted: &Noted, lifetime: Duration) {
    let text = serde_json::to_string(noted).expect("it is words and numbers");
    if let Err(error) = cache.annotate_again(key, &text, lifetime).await {
        warn!(%key, %error, "could not note the state of a draw: {error}");
    }
}

async fn recipe(app: &App, key: &Key, draw: Draw) -> Recipe {
    let (cache, limits, cost) = (app.cache.clone(), app.sample_limits, app.simulated_cost);
    let (key, dataset) = (key.clone(), app.dataset().await);
    Recipe::from(move |progress| {
        let (cache, key, draw) = (cache.clone(), key.clone(), draw.clone());
        let departures = Departures::find(&draw.origin, dataset.clone());
        async move {
            // A flight that waited for its turn may begin after its owner has left.
            ensure!(cache.annotation(&key).await?.is_some(), "its owner has forgotten it");
            let drawn = compute(departures, draw, cost, progress).await?;
            make_room(&cache, limits, limits.most.get() - 1).await;
            Ok(drawn)
        }
    })
}

/// Draws a sample, after the simulated cost.
async fn compute(
    departures: Option<Departures>,
    draw: Draw,
    cost: SimulatedCost,
    progress: Progress,
) -> anyhow::Result<Bytes> {
    let Draw { origin: code, size, seed } = draw;
    let departures =
        departures.with_context(|| format!("the data file has no flights from {code}"))?;
    let idle = cost.steps();
    let steps = idle + query::slices(departures.dataset(), departures.origin());
    cost.pass(|step| Ok(progress.reached(step, steps)?)).await?;
    let reached = move |slices| Ok(progress.reached(idle + slices, steps)?);
    let work = move || sample(&departures, size, seed, reached)?.encode();
    let bytes = blocking(work).await?.with_context(|| format!("{code} cannot be drawn from"))?;
    let found = bytes.len();
    ensure!(found <= MOST_BYTES, "a sample of {size} flights has {found} bytes, of {MOST_BYTES}");
    Ok(bytes)
}

/// Removes the least recently used samples until `most` are left; their owners will be told.
async fn make_room(cache: &Cache, limits: SampleLimits, most: u32) {
    for key in cache.trim(SAMPLE, most as usize).await {
        debug!(%key, "cleared a sample to make room");
        let text = serde_json::to_string(&Noted::Cleared).expect("it is a word");
        // Without the note, the page says that the sample is gone, but not why.
        let _ = cache.annotate(&key, &text, limits.expire.min(CLEARED)).await;
    }
}
