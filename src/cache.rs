//! Memoize: an answer from the store, or one computation for everybody who asks.
//!
//! In a process, callers of the same key join one flight. Over processes and hosts, the flight that
//! gets the lease of the store computes, and the others wait for what it publishes. The computation
//! belongs to a task: a caller that goes away does not stop what others wait for.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::sleep;
use tracing::{debug, warn};

use self::entry::Entry;
use self::flight::Flights;
use self::key::Key;
use self::store::{LEASE, Store};
use crate::metrics::LeaseWait;

pub use self::answer::{Answer, Failure, Outcome};

pub mod key;
mod answer;
pub mod entry;
pub mod store;
pub mod disk;
pub mod redis;
pub mod fallback;
mod flight;
mod lead;

/// How often a flight that waits for its turn looks whether another process has published: seldom
/// enough to cost nothing, often enough that nobody notices.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// Between two attempts to get a lease: not noticed by people, and no load for a store.
const PAUSE: Duration = Duration::from_millis(10);

/// Memoizes over one store; clones share it.
#[derive(Clone)]
pub struct Cache {
    store: Arc<dyn Store>,
    flights: Arc<Flights>,
    /// One computation at a time: a second would slow the first and double the memory.
    turn: Arc<Semaphore>,
    /// Whether this process ends and computes no more.
    ending: Arc<watch::Sender<bool>>,
    worker: u16,
}

impl Cache {
    /// Memoizes in `store`, on behalf of the worker of this number.
    ///
    /// Computations belong to the event loop that this is called on, which outlives those that
    /// answer requests.
    pub fn new(store: Arc<dyn Store>, worker: u16) -> Self {
        let turn = Arc::new(Semaphore::new(1));
        Self {
            store,
            flights: Flights::new(Handle::current()),
            turn,
            ending: Arc::default(),
            worker,
        }
    }

    /// A sentence for the users while the store is not as it should be.
    pub fn notice(&self) -> Option<&'static str> {
        self.store.notice()
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

    /// Stops what this process computes and hands back its lease, so that another need not wait for
    /// it to expire. Nothing is computed here from then on.
    pub async fn hand_back(&self) {
        self.ending.send_replace(true);
        // Whoever computes has the turn until its lease is released; it is never given back.
        let turn = self.turn.acquire().await;
        turn.expect("the turns are never closed").forget();
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
        let mut wait = None;
        loop {
            let turn = match self.turn_unless_published(&key).await {
                Ok(turn) => turn,
                Err(entry) => return Ok(Answer { entry, outcome: Outcome::Collapsed }),
            };
            match self.store.try_lease(&key).await {
                Ok(Some(lease)) => return self.lead(lease, wait, recipe).await,
                Ok(None) => wait = wait.or_else(|| Some(LeaseWait::begin())),
                Err(error) => {
                    warn!(%key, %error, "no store gives a lease: {error}");
                    return self.alone(&key, recipe).await;
                }
            }
            drop(turn);
            if let Err(error) = self.store.changed(&key, LEASE).await {
                debug!(%key, %error, "could not wait for the lease of {key}");
            }
            // Whatever a store says, no flight may circle without a pause.
            sleep(PAUSE).await;
            if let Some(entry) = self.look(&key).await {
                return Ok(Answer { entry, outcome: Outcome::Collapsed });
            }
        }
    }

    /// Waits for the right to compute in this process; meanwhile another process may publish.
    async fn turn_unless_published(&self, key: &Key) -> Result<OwnedSemaphorePermit, Entry> {
        let mut turn = pin!(self.turn.clone().acquire_owned());
        loop {
            tokio::select! {
                turn = &mut turn => return Ok(turn.expect("the turns are never closed")),
                () = sleep(LOOK_AGAIN) => {}
            }
            if let Some(entry) = self.look(key).await {
                return Err(entry);
            }
        }
    }
}
