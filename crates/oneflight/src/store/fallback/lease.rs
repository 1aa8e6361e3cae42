//! A lease of either store.

use std::sync::{Arc, MutexGuard};
use std::time::Instant;

use async_trait::async_trait;
use futures_util::future;

use super::{Pair, UNRESERVED};
use crate::entry::Entry;
use crate::key::Key;
use crate::store::{Attempt, Lease, Published, StoreError};

/// Which store gave a lease.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    First,
    Second,
}

/// What came of asking for a lease of the second store beside that of the first.
pub(super) enum Reserve {
    Lease(Box<dyn Lease>),
    /// Another process of this host computes under a lease of the second.
    Held,
    /// There is none to be had.
    None,
}

pub(super) struct FallbackLease {
    pub(super) pair: Arc<Pair>,
    pub(super) origin: Origin,
    pub(super) key: Key,
    pub(super) lease: Box<dyn Lease>,
    /// The lease of the second store beside that of the first. If the first fails during the
    /// computation, processes that fall back on the second wait for this one.
    pub(super) reserve: Option<Box<dyn Lease>>,
}

/// A lease of the first store can only be kept there, so that store is asked even while it rests: a
/// process that was paused may believe it away, and must learn that it is too late.
#[async_trait]
impl Lease for FallbackLease {
    async fn renew(&self) -> Result<bool, StoreError> {
        // At the same time: the first may take long to fail, and the reserve must not run out.
        let reserve = async {
            if let Some(reserve) = &self.reserve {
                // Its failures are reported by its store, and the lease counts without it.
                let _ = reserve.renew().await;
            }
        };
        let (answer, ()) = future::join(self.lease.renew(), reserve).await;
        match self.origin {
            Origin::First => self.pair.breaker.note(answer),
            Origin::Second => answer,
        }
    }

    async fn publish(self: Box<Self>, entry: &Entry) -> Result<Published, StoreError> {
        let Self { pair, origin, key, lease, reserve } = *self;
        let answer = lease.publish(entry).await;
        if origin == Origin::Second {
            return answer;
        }
        match pair.breaker.note(answer) {
            Ok(Published::Stored) => {
                pair.breaker.has_written();
                give_back(reserve).await;
                Ok(Published::Stored)
            }
            Ok(Published::Refused) => pair.publish_refused(&key, reserve, entry).await,
            // It may have been removed meanwhile, and must not come back.
            Err(error) if key.is_private() => Err(error),
            Err(_) => match reserve {
                Some(reserve) => reserve.publish(entry).await,
                None => pair.publish_second(&key, entry).await,
            },
        }
    }

    async fn release(self: Box<Self>) -> Result<(), StoreError> {
        let Self { pair, origin, lease, reserve, .. } = *self;
        give_back(reserve).await;
        let answer = lease.release().await;
        match origin {
            Origin::First => pair.breaker.note(answer),
            Origin::Second => answer,
        }
    }
}

/// Releases a lease of the second store; if that fails, it ends by itself.
async fn give_back(reserve: Option<Box<dyn Lease>>) {
    if let Some(reserve) = reserve {
        let _ = reserve.release().await;
    }
}

impl Pair {
    /// Publishes in the second store what the first refused because it has lost the lease together with
    /// all else, as after a restart. A successor's value and a removal stand.
    async fn publish_refused(
        &self,
        key: &Key,
        reserve: Option<Box<dyn Lease>>,
        entry: &Entry,
    ) -> Result<Published, StoreError> {
        let Some(reserve) = reserve else { return Ok(Published::Refused) };
        let is_there = self.first.look(key).await.is_ok_and(|found| found.entry.is_some());
        if is_there {
            give_back(Some(reserve)).await;
            return Ok(Published::Refused);
        }
        reserve.publish(entry).await
    }

    /// The lease of the second store, for the case that the first fails before the publication.
    pub(super) async fn reserve(&self, key: &Key) -> Reserve {
        // A private value is never published to the second.
        if key.is_private() || !self.may_reserve() {
            return Reserve::None;
        }
        let attempt = async {
            let seen = self.second.look(key).await?.seen;
            self.second.try_lease(key, &seen).await
        };
        match attempt.await {
            Ok(Attempt::Granted(lease)) => Reserve::Lease(lease),
            Ok(Attempt::Held) => Reserve::Held,
            Ok(Attempt::Changed) => Reserve::None,
            Err(_) => {
                *self.unreserved() = Some(Instant::now() + UNRESERVED);
                Reserve::None
            }
        }
    }

    fn may_reserve(&self) -> bool {
        self.unreserved().is_none_or(|until| Instant::now() >= until)
    }

    fn unreserved(&self) -> MutexGuard<'_, Option<Instant>> {
        self.unreserved_until.lock().expect("nothing panics while it holds the time")
    }

    /// Publishes what the first store did not take, in the place of what the second has.
    async fn publish_second(&self, key: &Key, entry: &Entry) -> Result<Published, StoreError> {
        let seen = self.second.look(key).await?.seen;
        match self.second.try_lease(key, &seen).await? {
            Attempt::Granted(lease) => lease.publish(entry).await,
            // Another process of this host computes it, or has just published it.
            Attempt::Held | Attempt::Changed => Ok(Published::Refused),
        }
    }
}
