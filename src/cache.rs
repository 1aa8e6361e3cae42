//! Memoize: an answer from the store, or one computation for everybody who asks.
//!
//! In a process, callers of the same key join one flight. Over processes and hosts, the flight that
//! gets the lease of the store computes, and the others wait for what it publishes. The computation
//! belongs to a task, which goes on while anybody, in any process, asks for its value.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::{RwLock, Semaphore, watch};
use tracing::debug;

use self::course::{Course, Progress};
use self::entry::Entry;
use self::failure::FailureNote;
use self::flight::{Flight, Flights, Kind};
use self::key::Key;
use self::store::{Note, Store};

pub use self::answer::{Answer, Outcome};
pub use self::failure::Failure;
pub use self::stale::Asked;

pub mod key;
pub mod policy;
mod answer;
pub mod course;
mod failure;
pub mod entry;
pub mod store;
pub mod disk;
pub mod redis;
pub mod fallback;
mod flight;
mod fly;
mod lead;
mod stale;
mod once;
mod private;

/// Memoizes over one store; clones share it.
#[derive(Clone)]
pub struct Cache {
    store: Arc<dyn Store>,
    flights: Arc<Flights>,
    /// One computation at a time: a second would slow the first and double the memory.
    turn: Arc<Semaphore>,
    /// Read by whoever computes, until its lease is handed in.
    leading: Arc<RwLock<()>>,
    /// Whether this process ends and computes no more.
    ending: Arc<watch::Sender<bool>>,
    lifetime: Lifetime,
    worker: u16,
}

/// How long answers are good.
#[derive(Debug, Clone, Copy)]
pub struct Lifetime {
    /// After its last use an entry is kept for so long.
    pub expire: Duration,
    /// An answer that was computed longer ago is renewed; none is ever too old without.
    pub max_age: Option<Duration>,
}

/// Computes a value. It is called again when whoever ran it before was not needed any more.
pub struct Recipe(Arc<dyn Fn(Course) -> BoxFuture<'static, anyhow::Result<Bytes>> + Send + Sync>);

impl Cache {
    /// Memoizes in `store`, on behalf of the worker of this number.
    ///
    /// Computations belong to the event loop that this is called on, which outlives those that
    /// answer requests.
    pub fn new(store: Arc<dyn Store>, lifetime: Lifetime, worker: u16) -> Self {
        let (turn, leading) = (Arc::new(Semaphore::new(1)), Arc::default());
        let flights = Flights::new(Handle::current());
        Self { store, flights, turn, leading, ending: Arc::default(), lifetime, worker }
    }

    /// A sentence for the users while the store is not as it should be.
    pub fn notice(&self) -> Option<&'static str> {
        self.store.trouble()
    }

    /// Answers from the store, or has `recipe` run once for all who ask for `key` meanwhile.
    ///
    /// Dropping the future gives up the waiting. The computation goes on for as long as others ask,
    /// and for a moment in case the same one asks again.
    ///
    /// # Errors
    ///
    /// What the recipe returned, or that it panicked: for all who waited, and for those who ask
    /// within the next second or so. No entry is stored, and none is removed.
    pub async fn memoize(&self, key: &Key, recipe: impl Into<Recipe>) -> Result<Answer, Failure> {
        self.answer(key, None, recipe.into()).await
    }

    /// What the store has, without computing anything.
    pub async fn kept(&self, key: &Key) -> Option<Answer> {
        let entry = self.look(key).await?;
        Some(Answer { entry, outcome: Outcome::Hit })
    }

    /// How far the computation of a key is, wherever it runs.
    pub async fn progress(&self, key: &Key) -> Option<Progress> {
        let ours = self.flights.in_the_air(key).and_then(|flight| flight.progress());
        match ours {
            Some(progress) => Some(progress),
            None => self.told(key).await,
        }
    }

    /// The keys that begin so and have an entry, the last used first.
    pub async fn recent(&self, beginning: &Key, most: usize) -> Vec<Key> {
        self.store.recent(beginning, most).await.unwrap_or_default()
    }

    /// Stops what this process computes and hands back its leases, so that another need not wait
    /// for them to expire. Nothing is computed here from then on.
    pub async fn hand_back(&self) {
        self.ending.send_replace(true);
        // It is free once all leases are handed in, and never again for anybody else.
        std::mem::forget(self.leading.clone().write_owned().await);
    }

    /// An answer, and one that is newer than something if that is asked for.
    async fn answer(
        &self,
        key: &Key,
        than: Option<SystemTime>,
        recipe: Recipe,
    ) -> Result<Answer, Failure> {
        loop {
            // The air before the store: who asks again for a flight that has just landed is its
            // caller. But nobody has to wait for a newer value who did not ask for one.
            let flight = self.flights.in_the_air(key);
            if let Some(flight) = flight.filter(|it| than.is_some() || it.than.is_none()) {
                match flight.landing().await {
                    Err(Failure::Abandoned) => continue,
                    landed => return landed,
                }
            }
            if let Some(entry) = self.look_for(key, than).await {
                return Ok(Answer { entry, outcome: Outcome::Hit });
            }
            if let Some(failure) = self.failed_lately(key).await {
                return Err(failure);
            }
            match self.start(key, Kind::Asked, than, recipe.clone()).landing().await {
                Err(Failure::Abandoned) => {}
                landed => return landed,
            }
        }
    }

    /// The flight of a key, which is started unless it is in the air.
    fn start(
        &self,
        key: &Key,
        kind: Kind,
        than: Option<SystemTime>,
        recipe: Recipe,
    ) -> Arc<Flight> {
        let fly = |flight| self.clone().fly(key.clone(), flight, recipe);
        self.flights.join(key, kind, than, fly)
    }

    async fn look(&self, key: &Key) -> Option<Entry> {
        let found = self.store.get(key).await;
        found.unwrap_or_else(|error| {
            debug!(%key, %error, "a store error is a miss");
            None
        })
    }

    /// What a process that computes the key has told of it.
    async fn told(&self, key: &Key) -> Option<Progress> {
        let note = self.store.note(key, Note::Progress).await.ok()??;
        serde_json::from_str(&note).ok()
    }

    /// How long the computation took that has brought the entry there is.
    async fn last_compute(&self, key: &Key) -> Option<Duration> {
        self.look(key).await.map(|entry| entry.stamp.compute)
    }

    async fn failure_note(&self, key: &Key) -> Option<FailureNote> {
        let note = self.store.note(key, Note::Failure).await.ok()??;
        serde_json::from_str(&note).ok()
    }

    /// A failure that is so recent that nobody tries again.
    async fn failed_lately(&self, key: &Key) -> Option<Failure> {
        self.failure_note(key).await?.standing()
    }
}

impl Clone for Recipe {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R, F> From<R> for Recipe
where
    R: Fn(Course) -> F + Send + Sync + 'static,
    F: Future<Output = anyhow::Result<Bytes>> + Send + 'static,
{
    fn from(recipe: R) -> Self {
        Self(Arc::new(move |course| Box::pin(recipe(course))))
    }
}
