//! The memoized questions of the dashboard: each has a key and a recipe.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::blocking::blocking;
use crate::cache::key::Key;
use crate::cache::{Answer, Cache, Failure};
use crate::dataset::{Dataset, Datasets, Origin};
use crate::{frame, query};

/// What a worker needs to answer every question.
pub struct Dashboard {
    datasets: Datasets,
    cache: Cache,
    /// Added to every computation, to see what caching does.
    simulated_cost: Duration,
    worker: u16,
}

impl Dashboard {
    /// Answers questions about a data file, and remembers the answers in a cache.
    pub fn new(datasets: Datasets, cache: Cache, simulated_cost: Duration, worker: u16) -> Self {
        Self { datasets, cache, simulated_cost, worker }
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

    /// A sentence for the users while the cache is not as it should be.
    pub fn notice(&self) -> Option<&'static str> {
        self.cache.notice()
    }

    /// The frames of all four graphs for one origin, as bytes for [`frame::decode`].
    ///
    /// The metric is not part of the question: all of them come from one computation.
    ///
    /// # Errors
    ///
    /// What went wrong in the computation; it is not remembered.
    pub async fn selection(
        &self,
        dataset: &Arc<Dataset>,
        origin: Origin,
    ) -> Result<Answer, Failure> {
        let key = key(dataset.fingerprint(), origin.code(dataset.contents()));
        let (dataset, cost) = (dataset.clone(), self.simulated_cost);
        let failed = format!("{key} cannot be computed");
        let recipe = move || async move {
            tokio::time::sleep(cost).await;
            let compute = move || frame::encode(query::selection(&dataset, origin)?);
            blocking(compute).await?.context(failed)
        };
        self.cache.memoize(&key, recipe).await
    }

    /// The selection of an earlier state of the data file, if the store still has it.
    pub async fn kept(&self, fingerprint: &str, code: &str) -> Option<Answer> {
        self.cache.kept(&key(fingerprint, code)).await
    }

    /// How long the question has been in computation, if it is.
    pub fn computing(&self, dataset: &Dataset, origin: Origin) -> Option<Duration> {
        self.cache.computing(&key(dataset.fingerprint(), origin.code(dataset.contents())))
    }
}

/// `quadrant:selection:9f3c1a7e60b2d514:ATL`
fn key(fingerprint: &str, code: &str) -> Key {
    Key::new("selection").arg(fingerprint).arg(code)
}
