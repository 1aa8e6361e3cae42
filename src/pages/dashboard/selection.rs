//! The memoized questions of the dashboard: each has a key and a recipe.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use oneflight::{
    Answer, Asked, Cache, CacheBy, Failure, Key, Progress, Recipe, Snapshot, StoreHealth,
};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use crate::blocking::blocking;
use crate::dataset::{Dataset, Datasets, Origin};
use crate::{frame, query};

pub use self::bootstrap::Bootstrap;
pub use self::sample::{Draw, MOST_FLIGHTS, Sampled, Samples};

mod bootstrap;
mod sample;
mod warming;
mod rows;

/// A simulated cost passes in steps, so that it shows progress and can be given up.
const STEP: Duration = Duration::from_millis(100);

/// What a worker needs to answer every question.
pub struct Dashboard {
    datasets: Datasets,
    cache: Cache,
    /// Added to every computation, to see what caching does.
    simulated_cost: Duration,
    samples: Samples,
    worker: u16,
    /// The turn of who reads rows.
    reading: Arc<Mutex<()>>,
}

/// The namespace of the frames of all four graphs for one origin.
const SELECTION: &str = "selection";

/// The frames of all four graphs for one origin, for all metrics: cached by the data (its
/// fingerprint covers the query and the format of the frames too), for each origin. Every metric is
/// drawn from the same value.
fn selection(fingerprint: &str, origin: &str) -> Key {
    Key::new(SELECTION).by(CacheBy::Data(fingerprint)).arg(origin).ignoring("metric")
}

impl Dashboard {
    /// Answers questions about a data file from `cache`.
    pub fn new(
        datasets: Datasets,
        cache: Cache,
        simulated_cost: Duration,
        samples: Samples,
        worker: u16,
    ) -> Self {
        let reading = Arc::default();
        Self { datasets, cache, simulated_cost, samples, worker, reading }
    }

    /// The data file as it is now; a request holds on to the one that it began with.
    pub async fn dataset(&self) -> Arc<Dataset> {
        self.datasets.current().await
    }

    /// Whether questions can be answered: the path of the data file holds the one that is in use.
    pub fn is_ready(&self) -> bool {
        self.datasets.is_readable()
    }

    /// The number of this worker.
    pub fn worker(&self) -> u16 {
        self.worker
    }

    /// Whether the store of the cache works as it should.
    pub fn store_health(&self) -> StoreHealth {
        self.cache.health()
    }

    /// The frames for one origin, as bytes for [`frame::decode`]: of this very data file.
    ///
    /// # Errors
    ///
    /// What went wrong in the computation, also lately; that nobody waited, or this worker ends.
    pub async fn selection(
        &self,
        dataset: &Arc<Dataset>,
        origin: Origin,
    ) -> Result<Answer, Failure> {
        let key = key(dataset, origin);
        self.cache.memoize(&key, self.recipe(dataset, origin)).await
    }

    /// The same at once, if there is any: an answer of the data file before, or one that is too
    /// old, is good until the new one is there.
    ///
    /// # Errors
    ///
    /// Those of [`Dashboard::selection`].
    pub async fn latest(&self, dataset: &Arc<Dataset>, origin: Origin) -> Result<Asked, Failure> {
        self.cache.ask(&key(dataset, origin), self.recipe(dataset, origin)).await
    }

    /// The same, computed after `than`.
    ///
    /// # Errors
    ///
    /// Those of [`Dashboard::selection`].
    pub async fn renewed(
        &self,
        dataset: &Arc<Dataset>,
        origin: Origin,
        than: SystemTime,
    ) -> Result<Asked, Failure> {
        self.cache.renewed(&key(dataset, origin), than, self.recipe(dataset, origin)).await
    }

    /// The selection of a state of the data file, if the store has it.
    pub async fn kept(&self, fingerprint: &str, code: &str) -> Option<Answer> {
        self.cache.kept(&selection(fingerprint, code)).await
    }

    /// How far the computation of a selection is, wherever it runs.
    pub async fn progress(&self, dataset: &Dataset, origin: Origin) -> Option<Snapshot> {
        self.cache.progress(&key(dataset, origin)).await
    }

    fn recipe(&self, dataset: &Arc<Dataset>, origin: Origin) -> Recipe {
        let (dataset, cost) = (dataset.clone(), self.simulated_cost);
        Recipe::from(move |progress| compute(dataset.clone(), origin, cost, progress))
    }
}

/// Computes a selection, after its simulated cost.
async fn compute(
    dataset: Arc<Dataset>,
    origin: Origin,
    cost: Duration,
    progress: Progress,
) -> anyhow::Result<bytes::Bytes> {
    let failed = format!("{} cannot be computed", key(&dataset, origin));
    let idle = idle_steps(cost);
    let steps = idle + query::slices(&dataset, origin);
    idle_for(cost, |step| Ok(progress.reached(step, steps)?)).await?;
    let reached = move |slices| Ok(progress.reached(idle + slices, steps)?);
    let work = move || frame::encode(query::selection(&dataset, origin, reached)?);
    blocking(work).await?.context(failed)
}

/// How many steps a simulated cost has.
fn idle_steps(cost: Duration) -> u64 {
    cost.as_millis().div_ceil(STEP.as_millis()) as u64
}

/// Lets a simulated cost pass. `reached` is told each of its steps, and may end it.
async fn idle_for(
    cost: Duration,
    reached: impl Fn(u64) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let started = Instant::now();
    for step in 1..=idle_steps(cost) {
        sleep_until(started + cost.min(STEP * step as u32)).await;
        reached(step)?;
    }
    Ok(())
}

fn key(dataset: &Dataset, origin: Origin) -> Key {
    selection(dataset.fingerprint(), origin.code(dataset.contents()))
}
