//! The uses of shared entries: told to Redis together, a moment later.
//!
//! They only prolong the lives of entries and put keys in order, so a question need not wait for that,
//! nor pay for it. If the process dies before, an entry expires a moment earlier.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::{StreamExt, stream};
use moka::sync::Cache;
use tokio::time::sleep;

use super::Shared;
use crate::key::Key;

/// One process tells the use of a key at most once in this time.
const INTERVAL: Duration = Duration::from_secs(60);
/// How long uses are collected before they are told.
const COLLECTING: Duration = Duration::from_secs(2);
/// A process remembers that it told the uses of this number of keys. Forgetting one costs a command.
const TOLD: u64 = 100_000;
/// Concurrent commands. They leave half of the connections to questions.
const AT_A_TIME: usize = 4;
/// Members of an index that are told in one command; Lua bounds the arguments of a call.
const MEMBERS_AT_A_TIME: usize = 1000;

/// What one process has used and not told yet.
pub(super) struct Uses {
    told: Cache<String, ()>,
    /// The keys with the times of their uses, in microseconds since 1970.
    collected: Mutex<Vec<(Key, u64)>>,
    collecting: Duration,
}

impl Uses {
    /// No uses yet, of entries that expire after this time.
    pub(super) fn new(expire: Duration) -> Self {
        // A small part of the expiry, so that an entry in use never expires.
        let interval = (expire / 100).clamp(Duration::from_millis(1), INTERVAL);
        let told = Cache::builder().max_capacity(TOLD).time_to_live(interval).build();
        Self { told, collected: Mutex::default(), collecting: COLLECTING.min(expire / 20) }
    }

    /// Lets the next use be told even if one was told recently. The key may have left its index.
    pub(super) fn forget(&self, key: &Key) {
        self.told.invalidate(key.name());
    }

    /// Adds a use, unless one of this key was told a moment ago. True for the first of a collection.
    fn add(&self, key: &Key) -> bool {
        if !self.told.entry_by_ref(key.name()).or_insert(()).is_fresh() {
            return false;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut collected = self.collected();
        collected.push((key.clone(), now.as_micros() as u64));
        collected.len() == 1
    }

    fn take(&self) -> Vec<(Key, u64)> {
        std::mem::take(&mut *self.collected())
    }

    fn collected(&self) -> MutexGuard<'_, Vec<(Key, u64)>> {
        self.collected.lock().expect("nothing panics while it holds the uses")
    }
}

impl Shared {
    /// Collects the use of a shared entry.
    pub(super) fn collect_use(self: &Arc<Self>, key: &Key) {
        if self.uses.add(key) {
            let shared = self.clone();
            self.runtime.spawn(async move {
                sleep(shared.uses.collecting).await;
                shared.tell_uses().await;
            });
        }
    }

    /// Prolongs the lives of the entries that were used, and puts their keys in order. Failures are
    /// reported by the server.
    async fn tell_uses(&self) {
        let uses = self.uses.take();
        let mut by_namespace: BTreeMap<&str, Vec<(u64, &str)>> = BTreeMap::new();
        for (key, at) in &uses {
            by_namespace.entry(key.namespace()).or_default().push((*at, key.name()));
        }
        for (namespace, members) in by_namespace {
            for members in members.chunks(MEMBERS_AT_A_TIME) {
                let _ = self.rank(namespace, members).await;
            }
        }
        let prolong = |(key, _): (Key, u64)| async move { drop(self.prolong(&key).await) };
        stream::iter(uses).for_each_concurrent(AT_A_TIME, prolong).await;
    }
}
