//! Memoize: an answer from the store, or one computation for everybody who asks.
//!
//! In a process, callers of the same key join one flight. Over processes and hosts, the flight that
//! gets the lease of the store computes, and the others wait for what it publishes. The computation
//! belongs to a task: a caller that goes away does not stop what others wait for.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{interval, sleep};
use tracing::{Instrument, debug, info, warn};

use self::entry::{Entry, Stamp};
use self::flight::Flights;
use self::key::Key;
use self::store::{LEASE, Lease, Published, Store};

pub use self::answer::{Answer, Failure, Outcome};

pub mod key;
mod answer;
pub mod entry;
pub mod store;
pub mod disk;
pub mod redis;
pub mod fallback;
mod flight;

/// How often a flight that waits looks for itself, in case nobody tells it: seldom enough to cost
/// nothing, often enough that nobody notices a message that was lost.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Memoizes over one store; clones share it.
#[derive(Clone)]
pub struct Cache {
    store: Arc<dyn Store>,
    flights: Arc<Flights>,
    /// One computation at a time: a second would slow the first and double the memory.
    turn: Arc<Semaphore>,
    /// Whether the last value that was computed is kept anywhere.
    is_keeping: Arc<AtomicBool>,
    worker: u16,
}

impl Cache {
    /// Memoizes in `store`, on behalf of the worker of this number.
    pub fn new(store: Arc<dyn Store>, worker: u16) -> Self {
        let (turn, is_keeping) = (Arc::new(Semaphore::new(1)), Arc::new(AtomicBool::new(true)));
        Self { store, flights: Arc::default(), turn, is_keeping, worker }
    }

    /// A sentence for the users while the store is not as it should be.
    pub fn notice(&self) -> Option<&'static str> {
        let is_keeping = self.is_keeping.load(Ordering::Relaxed);
        let lost = "Results cannot be kept at the moment: each is computed anew.";
        self.store.notice().or((!is_keeping).then_some(lost))
    }

    /// Answers from the store, or has `recipe` run once for all who ask for `key` meanwhile.
    ///
    /// Dropping the future gives up the waiting, not the computation.
    ///
    /// # Errors
    ///
    /// What the recipe returned, or that it panicked. Errors are not stored.
    pub async fn memoize<F>(
        &self,
        key: &Key,
        recipe: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Answer, Failure>
    where
        F: Future<Output = anyhow::Result<Bytes>> + Send + 'static,
    {
        // The air before the store: who asks again for a flight that has just landed is its caller.
        if let Some(flight) = self.flights.in_the_air(key) {
            return flight.landing().await;
        }
        if let Some(entry) = self.look(key).await {
            return Ok(Answer { entry, outcome: Outcome::Hit });
        }
        let fly = || self.clone().fly(key.clone(), recipe);
        self.flights.join(key, fly).landing().await
    }

    /// What the store has, without computing anything.
    pub async fn kept(&self, key: &Key) -> Option<Answer> {
        let entry = self.look(key).await?;
        Some(Answer { entry, outcome: Outcome::Hit })
    }

    /// How long this process has waited for the key, if it does.
    pub fn computing(&self, key: &Key) -> Option<Duration> {
        self.flights.in_the_air(key).map(|flight| flight.started.elapsed())
    }

    async fn look(&self, key: &Key) -> Option<Entry> {
        let found = self.store.get(key).await;
        found.unwrap_or_else(|error| {
            debug!(%key, %error, "a store error is a miss");
            None
        })
    }

    /// Look, take a turn, lease, look again, compute, publish; on every other exit, release.
    async fn fly<F>(
        self,
        key: Key,
        recipe: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Answer, Failure>
    where
        F: Future<Output = anyhow::Result<Bytes>> + Send + 'static,
    {
        loop {
            let turn = self.turn.clone().acquire_owned();
            let mut turn = pin!(turn);
            // While this process computes something else, another may publish.
            let turn = loop {
                tokio::select! {
                    turn = &mut turn => break turn,
                    () = sleep(LOOK_AGAIN) => {}
                }
                if let Some(entry) = self.look(&key).await {
                    return Ok(Answer { entry, outcome: Outcome::Collapsed });
                }
            };
            match self.store.try_lease(&key).await {
                Ok(Some(lease)) => return self.lead(lease, recipe).await,
                Ok(None) => {}
                Err(error) => {
                    warn!(%key, %error, "no store gives a lease: {error}");
                    return self.alone(&key, recipe).await;
                }
            }
            drop(turn);
            if let Err(error) = self.store.changed(&key, LOOK_AGAIN).await {
                debug!(%key, %error, "could not wait for the lease of {key}");
                sleep(LOOK_AGAIN).await;
            }
            if let Some(entry) = self.look(&key).await {
                return Ok(Answer { entry, outcome: Outcome::Collapsed });
            }
        }
    }

    async fn lead<F>(
        &self,
        lease: Lease,
        recipe: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Answer, Failure>
    where
        F: Future<Output = anyhow::Result<Bytes>> + Send + 'static,
    {
        let key = lease.key().clone();
        // Another worker may have published between our miss and our lease.
        if let Some(entry) = self.look(&key).await {
            self.release(lease).await;
            return Ok(Answer { entry, outcome: Outcome::Collapsed });
        }
        let started = Instant::now();
        let computed = self.renewing(&lease, tokio::spawn(recipe().in_current_span())).await;
        let entry = match computed {
            Ok(bytes) => self.stamped(bytes, started),
            Err(error) => {
                self.release(lease).await;
                return Err(error.into());
            }
        };
        let published = self.store.publish(lease, &entry).await;
        let said = match &published {
            Ok(Published::Stored) => "published it".to_owned(),
            Ok(Published::Refused) => "was too late: another had taken over".to_owned(),
            Err(error) => format!("could not publish it: {error}"),
        };
        self.log(&key, &entry, &said);
        self.is_keeping.store(published.is_ok(), Ordering::Relaxed);
        match published {
            Ok(Published::Stored) => Ok(Answer { entry, outcome: Outcome::Stored }),
            // The successor's value is everybody's; ours is the same unless it has not come yet.
            Ok(Published::Refused) => Ok(match self.look(&key).await {
                Some(entry) => Answer { entry, outcome: Outcome::Collapsed },
                None => Answer { entry, outcome: Outcome::Computed },
            }),
            Err(_) => Ok(Answer { entry, outcome: Outcome::Computed }),
        }
    }

    /// Computes without a lease: with no store at all, each process helps itself.
    async fn alone<F>(&self, key: &Key, recipe: impl FnOnce() -> F) -> Result<Answer, Failure>
    where
        F: Future<Output = anyhow::Result<Bytes>> + Send + 'static,
    {
        let started = Instant::now();
        let bytes = joined(tokio::spawn(recipe().in_current_span()).await)?;
        let entry = self.stamped(bytes, started);
        self.log(key, &entry, "kept it nowhere");
        self.is_keeping.store(false, Ordering::Relaxed);
        Ok(Answer { entry, outcome: Outcome::Computed })
    }

    /// Waits for the computation, and shows meanwhile that this worker lives.
    async fn renewing(
        &self,
        lease: &Lease,
        mut computing: JoinHandle<anyhow::Result<Bytes>>,
    ) -> anyhow::Result<Bytes> {
        // Two renewals may be lost before the lease is.
        let mut renewal = interval(LEASE / 3);
        loop {
            tokio::select! {
                computed = &mut computing => return joined(computed),
                _ = renewal.tick() => {}
            }
            // A lease that is lost shows when we publish; the value is as good for our callers.
            if let Err(error) = self.store.renew(lease).await {
                debug!(%error, "could not renew a lease: {error}");
            }
        }
    }

    async fn release(&self, lease: Lease) {
        let key = lease.key().clone();
        if let Err(error) = self.store.release(lease).await {
            warn!(%key, %error, "the lease of {key} ends by itself: {error}");
        }
    }

    fn stamped(&self, bytes: Bytes, started: Instant) -> Entry {
        Entry { stamp: Stamp::now(started.elapsed(), self.worker), bytes }
    }

    fn log(&self, key: &Key, entry: &Entry, said: &str) {
        let (compute_ms, worker) = (entry.stamp.compute.as_millis() as u64, self.worker);
        info!(%key, compute_ms, worker, "computed {key} and {said}");
    }
}

/// The value of a task, or its error, or the fact that it panicked.
fn joined(done: Result<anyhow::Result<Bytes>, tokio::task::JoinError>) -> anyhow::Result<Bytes> {
    done.unwrap_or_else(|panic| Err(anyhow!("the computation failed: {panic}")))
}
