//! A store with another to fall back on: Redis when it answers, and else the disk of this host.
//!
//! After a failure the first store is left alone for a while, so that its time-outs do not delay
//! every request; then one question tries it again. A lease belongs to the store that gave it.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use moka::sync::Cache;

use self::breaker::Breaker;
use self::lease::{FallbackLease, Origin, Reserve};
use super::{Attempt, Found, Note, Store, StoreError, StoreHealth};
use crate::entry::{Entry, Seen};
use crate::key::Key;
use crate::observer::Observer;

mod breaker;
mod lease;

/// Two stores, of which the second stands in for the first.
///
/// A miss is a miss: the second is no other cache beside the first. It is asked only while the first
/// is in trouble, since what was computed meanwhile is there; and for private keys, which nobody else
/// computes again.
pub struct FallbackStore(Arc<Pair>);

struct Pair {
    first: Arc<dyn Store>,
    second: Arc<dyn Store>,
    breaker: Breaker,
    /// Until when no leases of the second store are taken beside those of the first.
    unreserved_until: Mutex<Option<Instant>>,
    /// Keys for which another process of this host held a lease of the second store a moment ago. It
    /// publishes in the second, even if the first works again by then.
    computed_in_second: Cache<Key, ()>,
}

/// How long the second store is asked for such a key too.
const IN_SECOND: Duration = Duration::from_secs(10);
/// How many such keys are remembered.
const KEYS_IN_SECOND: u64 = 10_000;

/// How long a second store that failed to give a lease is not asked for one in reserve. It may be a
/// disk that is read-only on purpose.
const UNRESERVED: Duration = Duration::from_secs(60);

impl FallbackStore {
    /// Joins the two.
    pub fn new(first: Arc<dyn Store>, second: Arc<dyn Store>, observer: Arc<dyn Observer>) -> Self {
        let (breaker, unreserved_until) = (Breaker::new(observer), Mutex::default());
        let computed_in_second =
            Cache::builder().max_capacity(KEYS_IN_SECOND).time_to_live(IN_SECOND).build();
        Self(Arc::new(Pair { first, second, breaker, unreserved_until, computed_in_second }))
    }

    /// Asks the first store unless it rests; none when it did not answer.
    async fn ask<T>(&self, question: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
        if !self.0.breaker.may_ask() {
            return None;
        }
        let asking = self.0.breaker.asking(self.0.first.name());
        let answer = question.await;
        asking.end();
        self.0.breaker.note(answer).ok()
    }

    /// The same for a question that changes something: the first store takes entries if it answers.
    async fn tell<T>(&self, change: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
        let answer = self.ask(change).await;
        if answer.is_some() {
            self.0.breaker.has_written();
        }
        answer
    }

    /// Whether the second store may have what the first does not have.
    fn may_be_second(&self, key: &Key) -> bool {
        key.is_private() || self.is_second_used(key)
    }

    /// Whether processes of this host publish what callers share in the second store.
    fn is_second_used(&self, key: &Key) -> bool {
        self.0.breaker.trouble().is_some() || self.0.computed_in_second.contains_key(key)
    }

    /// Makes a lease of one of the stores a lease of both.
    async fn given(&self, origin: Origin, key: &Key, attempt: Attempt) -> Attempt {
        let Attempt::Granted(lease) = attempt else { return attempt };
        let reserve = match origin {
            Origin::First => {
                self.0.breaker.has_written();
                self.0.reserve(key).await
            }
            Origin::Second => Reserve::None,
        };
        let reserve = match reserve {
            Reserve::Lease(reserve) => Some(reserve),
            Reserve::None => None,
            Reserve::Held => {
                self.0.computed_in_second.insert(key.clone(), ());
                // If this fails, it ends by itself.
                let _ = lease.release().await;
                return Attempt::Held;
            }
        };
        let pair = self.0.clone();
        Attempt::Granted(Box::new(FallbackLease { pair, origin, key: key.clone(), lease, reserve }))
    }

    /// What one store has itself under a key, if that differs from what the caller has seen and the
    /// caller is nevertheless up to date.
    ///
    /// What a caller has seen may be from the other store, and looking again would show it the same
    /// for ever. So a caller is sent to look again only when a look shows something else.
    async fn own_seen(
        &self,
        origin: Origin,
        key: &Key,
        seen: &Seen,
    ) -> Result<Option<Seen>, StoreError> {
        if !self.may_be_second(key) || self.look(key).await?.seen != *seen {
            return Ok(None);
        }
        let found = match origin {
            Origin::First => self.ask(self.0.first.look(key)).await,
            Origin::Second => Some(self.0.second.look(key).await?),
        };
        Ok(found.map(|found| found.seen).filter(|own| own != seen))
    }

    async fn lease_first(&self, key: &Key, seen: &Seen) -> Result<Option<Attempt>, StoreError> {
        let first = &self.0.first;
        let attempt = self.ask(first.try_lease(key, seen)).await;
        if matches!(attempt, Some(Attempt::Changed))
            && let Some(own) = self.own_seen(Origin::First, key, seen).await?
        {
            return Ok(self.ask(first.try_lease(key, &own)).await);
        }
        Ok(attempt)
    }

    async fn lease_second(&self, key: &Key, seen: &Seen) -> Result<Attempt, StoreError> {
        let second = &self.0.second;
        let attempt = second.try_lease(key, seen).await?;
        if matches!(attempt, Attempt::Changed)
            && let Some(own) = self.own_seen(Origin::Second, key, seen).await?
        {
            return second.try_lease(key, &own).await;
        }
        Ok(attempt)
    }
}

#[async_trait]
impl Store for FallbackStore {
    async fn look(&self, key: &Key) -> Result<Found, StoreError> {
        let Some(first) = self.ask(self.0.first.look(key)).await else {
            return self.0.second.look(key).await;
        };
        if first.entry.is_some() || !self.may_be_second(key) {
            return Ok(first);
        }
        // A second store in trouble, which has reported that, does not spoil the answer of the first.
        let Ok(second) = self.0.second.look(key).await else { return Ok(first) };
        if second.entry.is_some() {
            return Ok(second);
        }
        let (failure, progress) =
            (first.failure.or(second.failure), first.progress.or(second.progress));
        Ok(Found { failure, progress, latest: first.latest.or(second.latest), ..first })
    }

    fn in_memory(&self, key: &Key) -> Option<Entry> {
        // While the first store rests, a look decides which of the two is asked.
        if self.0.breaker.is_resting() { None } else { self.0.first.in_memory(key) }
    }

    async fn try_lease(&self, key: &Key, seen: &Seen) -> Result<Attempt, StoreError> {
        match self.lease_first(key, seen).await? {
            Some(attempt) => Ok(self.given(Origin::First, key, attempt).await),
            None => {
                let attempt = self.lease_second(key, seen).await?;
                if matches!(attempt, Attempt::Held) {
                    // The first may work again before that holder publishes.
                    self.0.computed_in_second.insert(key.clone(), ());
                }
                Ok(self.given(Origin::Second, key, attempt).await)
            }
        }
    }

    async fn remove(&self, key: &Key) -> Result<bool, StoreError> {
        // First: while it cannot be removed there, nothing is.
        if let Some(trouble) = self.0.breaker.rest() {
            return Err(trouble);
        }
        let removed = self.0.breaker.note(self.0.first.remove(key).await)?;
        // What was computed while the first store was away is in the second.
        Ok(self.0.second.remove(key).await? || removed)
    }

    async fn changed(&self, key: &Key, patience: Duration) -> Result<(), StoreError> {
        let asked = Instant::now();
        let breaker = &self.0.breaker;
        if !breaker.is_resting()
            && breaker.note_failure(self.0.first.changed(key, patience).await).is_ok()
            && !self.is_second_used(key)
        {
            return Ok(());
        }
        // The lease may be of either store, and a wait for the one that is free ends at once.
        self.0.second.changed(key, patience.saturating_sub(asked.elapsed())).await
    }

    async fn leave(
        &self,
        key: &Key,
        note: Note,
        text: &str,
        lifetime: Duration,
    ) -> Result<(), StoreError> {
        match self.tell(self.0.first.leave(key, note, text, lifetime)).await {
            Some(()) => Ok(()),
            None => self.0.second.leave(key, note, text, lifetime).await,
        }
    }

    async fn amend(
        &self,
        key: &Key,
        note: Note,
        text: &str,
        lifetime: Duration,
    ) -> Result<bool, StoreError> {
        match self.ask(self.0.first.amend(key, note, text, lifetime)).await {
            Some(true) => {
                self.0.breaker.has_written();
                Ok(true)
            }
            Some(false) if !self.may_be_second(key) => Ok(false),
            _ => self.0.second.amend(key, note, text, lifetime).await,
        }
    }

    async fn note(&self, key: &Key, note: Note) -> Result<Option<String>, StoreError> {
        match self.ask(self.0.first.note(key, note)).await {
            Some(Some(found)) => Ok(Some(found)),
            Some(None) if !self.may_be_second(key) => Ok(None),
            _ => self.0.second.note(key, note).await,
        }
    }

    async fn erase(&self, key: &Key, note: Note) -> Result<(), StoreError> {
        match self.ask(self.0.first.erase(key, note)).await {
            Some(()) if !self.may_be_second(key) => Ok(()),
            _ => self.0.second.erase(key, note).await,
        }
    }

    async fn recent(&self, namespace: &str, most: usize) -> Result<Vec<Key>, StoreError> {
        match self.ask(self.0.first.recent(namespace, most)).await {
            Some(found) => Ok(found),
            None => self.0.second.recent(namespace, most).await,
        }
    }

    async fn trim(&self, namespace: &str, most: usize) -> Result<Vec<Key>, StoreError> {
        let Some(gone) = self.ask(self.0.first.trim(namespace, most)).await else {
            return self.0.second.trim(namespace, most).await;
        };
        // A look for a private key asks the second store too, and must not find the entry there.
        for key in gone.iter().filter(|key| key.is_private()) {
            // The store reports its failure, and the other keys are removed all the same.
            let _ = self.0.second.remove(key).await;
        }
        Ok(gone)
    }

    fn name(&self) -> &'static str {
        self.0.first.name()
    }

    fn health(&self) -> StoreHealth {
        match self.0.breaker.trouble() {
            None => StoreHealth::Healthy,
            Some(StoreError { store, cause, reason }) => {
                StoreHealth::Degraded { store, cause, reason }
            }
        }
    }
}
