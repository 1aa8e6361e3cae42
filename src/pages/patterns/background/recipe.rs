//! The question of `/patterns/background`: how sure is the mean delay to each destination?

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use oneflight::{Answer, CacheBy, Failure, Key, Lane, Progress, Recipe, Snapshot};

use super::{Dashboard, idle_for, idle_steps};
use crate::blocking::blocking;
use crate::dataset::{Dataset, Origin};
use crate::{frame, query};

/// Draws that take about as long as a step of the simulated cost, so that both show as progress in
/// the measure of their time.
const DRAWS_PER_STEP: u64 = 50_000_000;

/// Whose departures are resampled, and how often.
#[derive(Clone)]
pub struct Bootstrap {
    /// The data file as it was when the question came.
    pub dataset: Arc<Dataset>,
    /// One airport, or all.
    pub origin: Origin,
    /// How many resamples are drawn.
    pub resamples: u32,
    /// How often its button has been pressed, which changes nothing.
    pub clicks: u64,
}

impl Bootstrap {
    /// The intervals depend on the data and on the program, which has its numbers by the same random
    /// draws every time; on the airport and on the number of resamples; not on the clicks.
    fn key(&self) -> Key {
        Key::new("bootstrap")
            .by(CacheBy::Data(self.dataset.fingerprint()))
            .by(CacheBy::Build(env!("CARGO_PKG_VERSION")))
            .arg(self.origin.code(self.dataset.contents()))
            .arg(self.resamples)
            .ignoring(self.clicks)
    }
}

impl Dashboard {
    /// The intervals, as bytes for [`frame::decode_one`].
    ///
    /// # Errors
    ///
    /// What went wrong in the computation, also lately; that nobody waited, or this worker ends.
    pub async fn bootstrap(&self, question: &Bootstrap) -> Result<Answer, Failure> {
        let (asked, cost) = (question.clone(), self.simulated_cost);
        let recipe = Recipe::from(move |progress| compute(asked.clone(), cost, progress));
        self.cache.lane(Lane::Long).memoize(&question.key(), recipe).await
    }

    /// The same, if the store has it.
    pub async fn kept_bootstrap(&self, question: &Bootstrap) -> Option<Answer> {
        self.cache.kept(&question.key()).await
    }

    /// How far its computation is, wherever it runs.
    pub async fn bootstrap_progress(&self, question: &Bootstrap) -> Option<Snapshot> {
        self.cache.progress(&question.key()).await
    }
}

/// Computes the intervals, after their simulated cost.
async fn compute(question: Bootstrap, cost: Duration, progress: Progress) -> anyhow::Result<Bytes> {
    let failed = format!("{} cannot be computed", question.key());
    let Bootstrap { dataset, origin, resamples, .. } = question;
    let idle = idle_steps(cost) * DRAWS_PER_STEP;
    let draws = idle + query::draws(&dataset, origin, resamples);
    idle_for(cost, |step| Ok(progress.reached(step * DRAWS_PER_STEP, draws)?)).await?;
    let reached = move |drawn| Ok(progress.reached(idle + drawn, draws)?);
    let work = move || frame::encode_one(query::bootstrap(&dataset, origin, resamples, reached)?);
    blocking(work).await?.context(failed)
}
