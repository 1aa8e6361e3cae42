//! Answers that are computed before anybody asks: all airports, and the ones used last.

use std::sync::Arc;
use std::time::Duration;

use oneflight::{CacheBy, Key};
use tokio::time::sleep;
use tracing::{debug, info};

use super::{Dashboard, SELECTION, key};
use crate::dataset::{Dataset, Origin};

/// How often it is seen whether the data file was replaced, or the process that prepares has died.
const LOOK: Duration = Duration::from_secs(2);
/// How long a worker that has just started is left to those who wait for it.
const START: Duration = Duration::from_secs(3);

impl Dashboard {
    /// Prepares the answers for all airports and for the `most` used last, at the start and whenever
    /// the data file is replaced. One worker of all does so, one answer after the other, beside what
    /// people ask for. It ends with the worker.
    pub async fn keep_warm(&self, most: usize) {
        let mut warm = None;
        sleep(START).await;
        loop {
            let dataset = self.dataset().await;
            if warm.as_deref() != Some(dataset.fingerprint()) {
                let key = Key::new("warm").by(CacheBy::Data(dataset.fingerprint()));
                let work = self.warm(&dataset, most);
                if self.cache.once(&key, work).await || self.cache.kept(&key).await.is_some() {
                    warm = Some(dataset.fingerprint().to_owned());
                }
            }
            sleep(LOOK).await;
        }
    }

    /// Prepares the answers; false when one of them failed.
    async fn warm(&self, dataset: &Arc<Dataset>, most: usize) -> bool {
        let origins = self.used_lately(dataset, most).await;
        let count = origins.len() + 1;
        for origin in std::iter::once(Origin::All).chain(origins) {
            let (key, recipe) = (key(dataset, origin), self.recipe(dataset, origin));
            if let Err(failure) = self.cache.prepare(&key, recipe).await {
                debug!("stopped preparing answers: {failure}");
                return false;
            }
        }
        info!(answers = count, worker = self.worker, "prepared {count} answers");
        true
    }

    /// The airports whose answers were used last, of this data file or one before.
    async fn used_lately(&self, dataset: &Dataset, most: usize) -> Vec<Origin> {
        // One airport may have an answer for each of several data files.
        let keys = self.cache.recent(SELECTION, most.saturating_mul(4)).await;
        let mut origins = Vec::new();
        for key in keys {
            let origin = key.part(1).and_then(|code| Origin::parse(code, dataset.contents()));
            if let Some(origin) = origin.filter(|it| *it != Origin::All && !origins.contains(it)) {
                origins.push(origin);
            }
        }
        origins.truncate(most);
        origins
    }
}
