//! The question of `/session`: some flights, drawn for one visitor and kept for nobody else.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::Bytes;
use oneflight::{Answer, Cache, CacheBy, Failure, Key, Lane, Progress, Recipe, Snapshot};
use serde::{Deserialize, Serialize};
use tracing::{debug, warn};

use super::{Dashboard, idle_for, idle_steps};
use crate::blocking::blocking;
use crate::dataset::{Dataset, Origin};
use crate::{frame, query};

/// The namespace of samples.
const SAMPLE: &str = "sample";
/// The most flights of a sample.
pub const MOST_FLIGHTS: u32 = 100_000;
/// The most bytes of a sample: a third more than those of the largest one of the published flights.
const MOST_BYTES: usize = 2 << 20;
/// How long it is known what is to be drawn, after the last question for it.
const DRAWING: Duration = Duration::from_secs(60);
/// How long an owner can be told that his sample is gone, at most: whoever draws and never comes back
/// must not leave notes for days.
const CLEARED: Duration = Duration::from_secs(3600);

/// The bounds of what visitors may keep.
#[derive(Debug, Clone, Copy)]
pub struct Samples {
    /// How many of them may have a sample.
    pub most: NonZeroU32,
    /// How long a sample is kept after its last use.
    pub expire: Duration,
}

/// What is to be drawn.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Draw {
    /// The code of an airport, or `ALL`.
    pub origin: String,
    /// How many flights, if there are as many.
    pub size: u32,
    /// What makes it another draw than all others.
    pub seed: u64,
}

/// What a visitor has.
pub enum Sampled {
    /// A sample.
    Ready(Answer),
    /// None any more: others have used theirs later.
    Cleared,
    /// None.
    Nothing,
}

/// What is noted of a visitor's sample.
#[derive(Serialize, Deserialize)]
enum Noted {
    Drawing(Draw),
    Drawn,
    Cleared,
}

/// A sample is cached by its user and the format of its frames. It stays as it was drawn when the
/// data file is replaced, and every metric is drawn from the same value.
fn key(owner: &str) -> Key {
    let key = Key::new(SAMPLE).by(CacheBy::User(owner)).by(CacheBy::Build(frame::VERSION));
    key.ignoring("the data file").ignoring("metric")
}

impl Dashboard {
    /// Notes what is to be drawn for an owner who has nothing yet; [`Dashboard::sample`] draws it.
    ///
    /// # Errors
    ///
    /// When no store takes it.
    pub async fn begin_draw(&self, owner: &str, draw: Draw) -> anyhow::Result<()> {
        let text = serde_json::to_string(&Noted::Drawing(draw))?;
        Ok(self.cache.annotate(&key(owner), &text, DRAWING).await?)
    }

    /// What an owner has; it is drawn if he has just asked for that.
    ///
    /// # Errors
    ///
    /// What went wrong in the draw, also lately; that nobody waited, or this worker ends.
    pub async fn sample(&self, owner: &str) -> Result<Sampled, Failure> {
        let key = key(owner);
        let draw = match self.noted(&key).await.map_err(Failure::new)? {
            Some(Noted::Drawing(draw)) => draw,
            Some(Noted::Cleared) => return Ok(Sampled::Cleared),
            Some(Noted::Drawn) => {
                return Ok(self.cache.kept(&key).await.map_or(Sampled::Cleared, Sampled::Ready));
            }
            None => {
                return Ok(self.cache.kept(&key).await.map_or(Sampled::Nothing, Sampled::Ready));
            }
        };
        self.amend(&key, &Noted::Drawing(draw.clone()), DRAWING).await;
        let drawn =
            self.cache.lane(Lane::Private).memoize(&key, self.drawing(&key, draw).await).await;
        if matches!(self.noted(&key).await, Ok(None)) {
            // It was forgotten meanwhile.
            return Ok(Sampled::Nothing);
        }
        if drawn.is_ok() && self.cache.kept(&key).await.is_some() {
            // From now on it is never drawn again, even if it is cleared.
            self.amend(&key, &Noted::Drawn, self.samples.expire).await;
            make_room(&self.cache, self.samples, self.samples.most.get()).await;
        }
        drawn.map(Sampled::Ready)
    }

    /// The sample that an owner has, without drawing any.
    pub async fn kept_sample(&self, owner: &str) -> Option<Answer> {
        self.cache.kept(&key(owner)).await
    }

    /// How far its draw is, wherever it runs.
    pub async fn sample_progress(&self, owner: &str) -> Option<Snapshot> {
        self.cache.progress(&key(owner)).await
    }

    /// Removes all that is kept for an owner. What is being drawn for him will not be kept.
    ///
    /// # Errors
    ///
    /// When something may still be in a store that does not answer.
    pub async fn forget(&self, owner: &str) -> anyhow::Result<()> {
        Ok(self.cache.remove(&key(owner)).await?)
    }

    async fn noted(&self, key: &Key) -> anyhow::Result<Option<Noted>> {
        let noted = self.cache.annotation(key).await?;
        Ok(noted.map(|text| serde_json::from_str(&text)).transpose()?)
    }

    /// Notes it, unless all that was noted has been removed meanwhile.
    async fn amend(&self, key: &Key, noted: &Noted, lifetime: Duration) {
        let text = serde_json::to_string(noted).expect("it is words and numbers");
        if let Err(error) = self.cache.annotate_again(key, &text, lifetime).await {
            warn!(%key, %error, "could not note what became of a draw: {error}");
        }
    }

    async fn drawing(&self, key: &Key, draw: Draw) -> Recipe {
        let (cache, samples, cost) = (self.cache.clone(), self.samples, self.simulated_cost);
        let (key, dataset) = (key.clone(), self.dataset().await);
        Recipe::from(move |progress| {
            let (cache, key, dataset) = (cache.clone(), key.clone(), dataset.clone());
            let draw = draw.clone();
            async move {
                // Whoever waited for another worker may get its turn after the owner has left.
                ensure!(cache.annotation(&key).await?.is_some(), "its owner has forgotten it");
                let drawn = compute(dataset, draw, cost, progress).await?;
                make_room(&cache, samples, samples.most.get() - 1).await;
                Ok(drawn)
            }
        })
    }
}

/// Draws a sample, after its simulated cost.
async fn compute(
    dataset: Arc<Dataset>,
    draw: Draw,
    cost: Duration,
    progress: Progress,
) -> anyhow::Result<Bytes> {
    let Draw { origin: code, size, seed } = draw;
    let origin = Origin::parse(&code, dataset.contents());
    let origin = origin.with_context(|| format!("the data file has no flights from {code}"))?;
    let idle = idle_steps(cost);
    let steps = idle + query::slices(&dataset, origin);
    idle_for(cost, |step| Ok(progress.reached(step, steps)?)).await?;
    let reached = move |slices| Ok(progress.reached(idle + slices, steps)?);
    let work = move || frame::encode_sample(query::sample(&dataset, origin, size, seed, reached)?);
    let bytes = blocking(work).await?.with_context(|| format!("{code} cannot be drawn from"))?;
    let found = bytes.len();
    ensure!(found <= MOST_BYTES, "a sample of {size} flights has {found} bytes, of {MOST_BYTES}");
    Ok(bytes)
}

/// Leaves so many samples, the ones used last; the owners of the others will be told.
async fn make_room(cache: &Cache, samples: Samples, most: u32) {
    for key in cache.trim(SAMPLE, most as usize).await {
        debug!(%key, "cleared a sample to make room");
        let text = serde_json::to_string(&Noted::Cleared).expect("it is a word");
        // Without the note its owner is told that it is gone, and not why.
        let _ = cache.annotate(&key, &text, samples.expire.min(CLEARED)).await;
    }
}
