//! Work that one process of all does once, such as preparing answers before anybody asks.

use bytes::Bytes;
use tracing::debug;

use super::Cache;
use super::entry::{Entry, Stamp};
use super::key::Key;

impl Cache {
    /// Does the work, unless another process has done it or is about to; false if so.
    ///
    /// Whoever gets the lease does it. If that process dies, the next call of another one begins
    /// anew; what has been prepared by then is found.
    pub async fn once(&self, key: &Key, work: impl Future<Output = ()>) -> bool {
        if self.look(key).await.is_some() {
            return false;
        }
        let Ok(Some(lease)) = self.store.try_lease(key).await else { return false };
        tokio::select! {
            () = work => {}
            () = self.renewing(&lease) => unreachable!("renewals end with the work"),
            () = self.ends() => {
                let _ = self.store.release(lease).await;
                return false;
            }
        }
        let stamp = Stamp::now(std::time::Duration::ZERO, self.worker);
        let done = Entry { stamp, bytes: Bytes::new() };
        if let Err(error) = self.store.publish(lease, &done).await {
            debug!(%key, %error, "could not note that {key} is done");
        }
        true
    }
}
