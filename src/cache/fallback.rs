//! Redis when it answers, this host's disk while it does not.
//!
//! After a failure Redis is left alone for a while, so that its time-outs are not paid by every
//! request; then one question tries again. A lease belongs to the store that gave it.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tracing::{info, warn};

use super::disk::DiskStore;
use super::entry::Entry;
use super::key::Key;
use super::redis::RedisStore;
use super::store::{Lease, Note, Published, Right, Store, StoreError};

/// How long Redis is left alone after a failure: a person hardly notices, and a Redis that has come
/// back is in use again within the time of two clicks.
const REST: Duration = Duration::from_secs(1);

/// Redis, with the disk of this host to fall back on.
pub struct FallbackStore {
    redis: RedisStore,
    disk: DiskStore,
    breaker: Mutex<Breaker>,
}

/// Whether Redis is asked, and what the users are told.
#[derive(Default)]
struct Breaker {
    resting_until: Option<Instant>,
    trouble: Option<Trouble>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Unreachable,
    Full,
}

impl FallbackStore {
    /// Joins the two.
    pub fn new(redis: RedisStore, disk: DiskStore) -> Self {
        Self { redis, disk, breaker: Mutex::default() }
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        self.breaker.lock().expect("nothing panics while it holds the breaker")
    }

    /// Whether Redis is to be asked. After its rest one question tries, and the others wait on.
    fn may_ask(&self) -> bool {
        let mut breaker = self.breaker();
        let Some(until) = breaker.resting_until else { return true };
        let is_over = Instant::now() >= until;
        if is_over {
            breaker.resting_until = Some(Instant::now() + REST);
        }
        is_over
    }

    /// Asks Redis unless it rests; none when it did not answer.
    async fn ask<T>(&self, question: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
        if self.may_ask() { self.note(question.await) } else { None }
    }

    /// Notes how Redis answered; the change, not every answer, is worth a line in the log.
    fn note<T>(&self, answer: Result<T, StoreError>) -> Option<T> {
        let mut breaker = self.breaker();
        match answer {
            Ok(value) => {
                breaker.resting_until = None;
                // Reading works while Redis is full; only a write proves that it has room again.
                if breaker.trouble == Some(Trouble::Unreachable) {
                    breaker.trouble = None;
                    info!("Redis answers again");
                }
                Some(value)
            }
            Err(error) => {
                let trouble = match error {
                    StoreError::Full { .. } => Trouble::Full,
                    StoreError::Failed { .. } => {
                        breaker.resting_until = Some(Instant::now() + REST);
                        Trouble::Unreachable
                    }
                };
                if breaker.trouble != Some(trouble) {
                    warn!(%error, "the disk of this host stands in for Redis: {error}");
                }
                breaker.trouble = Some(trouble);
                None
            }
        }
    }

    /// Whether the disk may have what Redis does not have.
    ///
    /// A miss is a miss: the disk of this host is no secret second cache. It is asked only while Redis
    /// is full, since what was computed then is here; and for what belongs to one user, which nobody
    /// else computes again, even if Redis has been full only for the process that computed it.
    fn may_be_here(&self, key: &Key) -> bool {
        key.is_private() || self.breaker().trouble.is_some()
    }

    fn has_room(&self) {
        let mut breaker = self.breaker();
        if breaker.trouble == Some(Trouble::Full) {
            breaker.trouble = None;
            info!("Redis takes entries again");
        }
    }
}

#[async_trait]
impl Store for FallbackStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        if let Some(found) = self.ask(self.redis.get(key)).await
            && (found.is_some() || !self.may_be_here(key))
        {
            return Ok(found);
        }
        self.disk.get(key).await
    }

    async fn try_lease(&self, key: &Key) -> Result<Option<Lease>, StoreError> {
        if let Some(lease) = self.ask(self.redis.try_lease(key)).await {
            // A full Redis refuses to look whether the lease is free: it answered, so it has room.
            self.has_room();
            return Ok(lease);
        }
        self.disk.try_lease(key).await
    }

    async fn renew(&self, lease: &Lease) -> Result<bool, StoreError> {
        match lease.right {
            Right::Lock(_) => self.disk.renew(lease).await,
            // A lease of Redis can only be kept there, so it is asked even while it rests.
            Right::Token(_) => Ok(self.note(self.redis.renew(lease).await).unwrap_or(false)),
        }
    }

    async fn publish(&self, lease: Lease, entry: &Entry) -> Result<Published, StoreError> {
        if let Right::Lock(_) = lease.right {
            return self.disk.publish(lease, entry).await;
        }
        let key = lease.key.clone();
        // Asked even while it rests: a worker that was paused may believe it away, and must learn
        // that it is too late.
        if let Some(published) = self.note(self.redis.publish(lease, entry).await) {
            return Ok(published);
        }
        // Redis went away between the lease and now: keep the value here.
        match self.disk.try_lease(&key).await? {
            Some(lease) => self.disk.publish(lease, entry).await,
            None => Ok(Published::Refused),
        }
    }

    async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        match lease.right {
            Right::Token(_) => self.redis.release(lease).await,
            Right::Lock(_) => self.disk.release(lease).await,
        }
    }

    async fn remove(&self, key: &Key) -> Result<bool, StoreError> {
        // First: while it cannot be removed there, nothing is.
        let away = || StoreError::Failed { store: "Redis", reason: "it is away".to_owned() };
        let removed = self.ask(self.redis.remove(key)).await.ok_or_else(away)?;
        // What was computed while Redis was away is here.
        Ok(self.disk.remove(key).await? || removed)
    }

    async fn trim(&self, beginning: &Key, most: usize) -> Result<Vec<Key>, StoreError> {
        match self.ask(self.redis.trim(beginning, most)).await {
            Some(gone) => Ok(gone),
            None => self.disk.trim(beginning, most).await,
        }
    }

    async fn changed(&self, key: &Key, patience: Duration) -> Result<(), StoreError> {
        // While Redis is in trouble, leases are the disk's.
        if self.breaker().trouble.is_some() {
            return self.disk.changed(key, patience).await;
        }
        self.redis.changed(key, patience).await
    }

    async fn leave(
        &self,
        key: &Key,
        note: Note,
        text: &str,
        lifetime: Duration,
    ) -> Result<(), StoreError> {
        match self.ask(self.redis.leave(key, note, text, lifetime)).await {
            Some(()) => Ok(()),
            None => self.disk.leave(key, note, text, lifetime).await,
        }
    }

    async fn amend(
        &self,
        key: &Key,
        note: Note,
        text: &str,
        lifetime: Duration,
    ) -> Result<bool, StoreError> {
        match self.ask(self.redis.amend(key, note, text, lifetime)).await {
            Some(true) => Ok(true),
            Some(false) if !self.may_be_here(key) => Ok(false),
            _ => self.disk.amend(key, note, text, lifetime).await,
        }
    }

    async fn note(&self, key: &Key, note: Note) -> Result<Option<String>, StoreError> {
        match self.ask(self.redis.note(key, note)).await {
            Some(Some(found)) => Ok(Some(found)),
            Some(None) if !self.may_be_here(key) => Ok(None),
            _ => self.disk.note(key, note).await,
        }
    }

    async fn recent(&self, beginning: &Key, most: usize) -> Result<Vec<Key>, StoreError> {
        match self.ask(self.redis.recent(beginning, most)).await {
            Some(found) => Ok(found),
            None => self.disk.recent(beginning, most).await,
        }
    }

    fn trouble(&self) -> Option<&'static str> {
        match self.breaker().trouble? {
            Trouble::Unreachable => {
                Some("Redis cannot be reached. Results are kept on this host until it is back.")
            }
            Trouble::Full => Some("Redis is full. New results are kept on this host."),
        }
    }
}
