//! Entries in the memory of one process: for tests, and for programs of one process.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Notify;

use self::state::State;
use super::{Attempt, Found, Lease, Note, Published, Store, StoreError};
use crate::entry::{Entry, Seen};
use crate::key::Key;

mod state;

/// Entries in memory. Clones share them. The number of their bytes is not bounded.
#[derive(Clone)]
pub struct MemoryStore {
    expire: Duration,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Told when a lease ends.
    ended: Notify,
}

impl MemoryStore {
    /// An empty store; its entries expire when this time has passed since their last use.
    pub fn new(expire: Duration) -> Self {
        Self { expire, shared: Arc::default() }
    }

    /// The same entries with another time to expire.
    #[must_use]
    pub fn expiring(&self, expire: Duration) -> Self {
        Self { expire, shared: self.shared.clone() }
    }

    /// The stored form of an entry, expired or not. It is for tests and counts as no use.
    pub fn stored(&self, key: &Key) -> Option<Bytes> {
        self.state().stored(key)
    }

    /// Puts these bytes in the place of an entry, sound or not, without a lease. It is for tests.
    pub fn plant(&self, key: &Key, stored: Bytes) {
        self.state().store(key, stored);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn name(&self) -> &'static str {
        "memory"
    }

    async fn look(&self, key: &Key) -> Result<Found, StoreError> {
        let mut state = self.state();
        let (entry, seen) = state.read(key, self.expire);
        if entry.is_some() {
            return Ok(Found { entry, seen, ..Found::default() });
        }
        let failure = state.note(key, Note::Failure);
        let progress = state.note(key, Note::Progress);
        let is_cached_by_anything = !key.cached_by().is_empty();
        let latest =
            is_cached_by_anything.then(|| state.note(&key.question(), Note::Latest)).flatten();
        Ok(Found { entry, seen, failure, progress, latest })
    }

    fn in_memory(&self, key: &Key) -> Option<Entry> {
        self.state().read(key, self.expire).0
    }

    async fn try_lease(&self, key: &Key, seen: &Seen) -> Result<Attempt, StoreError> {
        let mut state = self.state();
        if state.holder(key).is_some() {
            return Ok(Attempt::Held);
        }
        if state.seen(key, self.expire) != *seen {
            return Ok(Attempt::Changed);
        }
        let token = state.lease(key);
        Ok(Attempt::Granted(Box::new(MemoryLease { store: self.clone(), key: key.clone(), token })))
    }

    async fn remove(&self, key: &Key) -> Result<bool, StoreError> {
        let removed = self.state().remove(key);
        self.shared.ended.notify_waiters();
        Ok(removed)
    }

    async fn changed(&self, key: &Key, patience: Duration) -> Result<(), StoreError> {
        // An end of the patience is no error.
        drop(tokio::time::timeout(patience, self.shared.free(key)).await);
        Ok(())
    }

    async fn leave(
        &self,
        key: &Key,
        note: Note,
        text: &str,
        lifetime: Duration,
    ) -> Result<(), StoreError> {
        self.state().leave(key, note, text, lifetime);
        Ok(())
    }

    async fn amend(
        &self,
        key: &Key,
        note: Note,
        text: &str,
        lifetime: Duration,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let is_there = state.note(key, note).is_some();
        if is_there {
            state.leave(key, note, text, lifetime);
        }
        Ok(is_there)
    }

    async fn note(&self, key: &Key, note: Note) -> Result<Option<String>, StoreError> {
        Ok(self.state().note(key, note))
    }

    async fn erase(&self, key: &Key, note: Note) -> Result<(), StoreError> {
        self.state().erase(key, note);
        Ok(())
    }

    async fn recent(&self, namespace: &str, most: usize) -> Result<Vec<Key>, StoreError> {
        Ok(self.state().used(namespace, self.expire).into_iter().take(most).collect())
    }

    async fn trim(&self, namespace: &str, most: usize) -> Result<Vec<Key>, StoreError> {
        let mut state = self.state();
        let gone: Vec<Key> = state.used(namespace, self.expire).into_iter().skip(most).collect();
        for key in &gone {
            state.remove(key);
        }
        drop(state);
        self.shared.ended.notify_waiters();
        Ok(gone)
    }
}

/// A token, which the store compares with that of the present holder. Dropping it ends the lease.
struct MemoryLease {
    store: MemoryStore,
    key: Key,
    token: u64,
}

#[async_trait]
impl Lease for MemoryLease {
    async fn renew(&self) -> Result<bool, StoreError> {
        Ok(self.store.state().renew(&self.key, self.token))
    }

    async fn publish(self: Box<Self>, entry: &Entry) -> Result<Published, StoreError> {
        let stored = Bytes::from(entry.encode());
        let mut state = self.store.state();
        if state.holder(&self.key) != Some(self.token) {
            return Ok(Published::Refused);
        }
        state.tidy(self.store.expire);
        state.store(&self.key, stored);
        state.end(&self.key, self.token);
        drop(state);
        self.store.shared.ended.notify_waiters();
        Ok(Published::Stored)
    }

    async fn release(self: Box<Self>) -> Result<(), StoreError> {
        // Dropped, it ends.
        Ok(())
    }
}

impl Drop for MemoryLease {
    fn drop(&mut self) {
        if self.store.state().end(&self.key, self.token) {
            self.store.shared.ended.notify_waiters();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn free(&self, key: &Key) {
        loop {
            // Before the look at the lease, so that an end in between is not missed.
            let ended = self.ended.notified();
            let Some(until) = self.state().held_until(key) else { return };
            drop(tokio::time::timeout_at(until, ended).await);
        }
    }
}
