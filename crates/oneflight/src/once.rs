//! Work done once across all processes, such as preparing answers before anybody asks.

use std::time::Duration;

use bytes::Bytes;
use tracing::debug;

use crate::cache::Cache;
use crate::entry::{Entry, Stamp};
use crate::key::Key;
use crate::memoize::renewing;
use crate::store::Attempt;

impl Cache {
    /// Does the work, unless another process has done it or is doing it; true when this call has done
    /// it. The work returns whether it is done.
    ///
    /// If it is not, or the process that does it dies, the next call of any process starts over.
    pub async fn once(&self, key: &Key, work: impl Future<Output = bool>) -> bool {
        self.inner.flights.track(self.once_untracked(key, work)).await
    }

    async fn once_untracked(&self, key: &Key, work: impl Future<Output = bool>) -> bool {
        let Ok(found) = self.inner.store.look(key).await else { return false };
        if found.entry.is_some() || self.inner.closing.is_cancelled() {
            return false;
        }
        let attempt = self.inner.store.try_lease(key, &found.seen).await;
        let Ok(Attempt::Granted(lease)) = attempt else { return false };
        let is_done = tokio::select! {
            is_done = work => is_done,
            () = renewing(&*lease) => unreachable!("renewals end with the work"),
            () = self.inner.closing.cancelled() => false,
        };
        let stamp = Stamp::now(Duration::ZERO, self.inner.config.worker);
        let handed_in = match is_done {
            true => lease.publish(&Entry { stamp, bytes: Bytes::new() }).await.map(drop),
            false => lease.release().await,
        };
        if let Err(error) = handed_in {
            debug!(%key, %error, "the lease of {key} ends by itself: {error}");
        }
        is_done
    }
}
