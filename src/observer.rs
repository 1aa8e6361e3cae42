//! What the cache reports, as counts and as log lines.

use std::time::Duration;

use oneflight::observer::Fate;
use oneflight::{Event, Key, Observer, StoreError};
use tracing::{debug, info, warn};

use crate::metrics::{self, CacheEvent, StoreName};

/// What the client of Redis says of a certificate that this system does not trust.
const UNTRUSTED: &str = "invalid peer certificate";

/// Counts and logs on behalf of one worker.
pub struct CacheObserver {
    prefix: String,
}

impl CacheObserver {
    /// Logs keys as their stores name them, with this prefix.
    pub fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    fn named(&self, key: &Key) -> String {
        format!("{}:{key}", self.prefix)
    }

    fn computed(&self, key: &Key, compute: Duration, worker: u16, fate: &Fate<'_>) {
        metrics::computed(compute);
        let (key, compute_ms) = (self.named(key), compute.as_millis() as u64);
        info!(key, compute_ms, worker, "computed {key} and {fate}");
    }
}

impl Observer for CacheObserver {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::Computed { key, compute, worker, fate } => {
                self.computed(key, *compute, *worker, fate);
            }
            Event::LeaseWait(_) => metrics::lease_wait(),
            Event::LeaseTakeover(_) => metrics::lease_takeover(),
            Event::Damaged(key) => {
                metrics::cache(CacheEvent::Corrupt);
                warn!(key = self.named(key), "{event}");
            }
            Event::Evicted(_) => {
                metrics::cache(CacheEvent::Evicted);
                debug!("{event}");
            }
            Event::StoreFailed(error) => {
                metrics::store_error(store_name(error));
                debug!("{event}");
            }
            Event::FellBack(error) => {
                let hint = hint(error);
                warn!(%error, "the disk of this host stands in for Redis: {error}{hint}");
            }
            Event::Recovered(..) => info!("{event}"),
            _ => warn!("{event}"),
        }
    }
}

fn store_name(error: &StoreError) -> StoreName {
    if error.store == "disk" { StoreName::Disk } else { StoreName::Redis }
}

/// What an operator can do about an error, where that is known.
fn hint(error: &StoreError) -> &'static str {
    if error.reason.contains(UNTRUSTED) { "; REDIS_TLS_VERIFY=false accepts any" } else { "" }
}
