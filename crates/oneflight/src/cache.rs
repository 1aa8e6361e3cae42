//! The cache: one store, the flights of this process, and what callers may ask.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::answer::{Answer, Asked, BoxError, Failure, Outcome};
use crate::flight::Flights;
use crate::key::Key;
use crate::lane::{Bounds, Lane, Lanes};
use crate::memoize::Want;
use crate::observer::{Event, LogObserver, Observer};
use crate::progress::{Progress, Snapshot};
use crate::store::{Note, Store, StoreError, StoreHealth};

/// Memoizes over one store. Clones share everything but the lane.
#[derive(Clone)]
pub struct Cache {
    pub(crate) inner: Arc<Inner>,
    pub(crate) lane: Lane,
}

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) flights: Arc<Flights>,
    pub(crate) lanes: Lanes,
    pub(crate) closing: CancellationToken,
    pub(crate) config: CacheConfig,
}

/// How a cache works.
#[derive(Clone)]
pub struct CacheConfig {
    /// An answer that was computed longer ago is stale; without, no answer ever is for its age.
    pub max_age: Option<Duration>,
    /// Number of this worker, which stamps say.
    pub worker: u16,
    /// How many computations run at the same time.
    pub bounds: Bounds,
    /// Gets what happens.
    pub observer: Arc<dyn Observer>,
}

/// Computes a value. It may be called again when no caller waited for the former run.
#[derive(Clone)]
pub struct Recipe(Arc<dyn Fn(Progress) -> Cooking + Send + Sync>);

type Cooking = BoxFuture<'static, Result<Bytes, BoxError>>;

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            max_age: None,
            worker: 0,
            bounds: Bounds::default(),
            observer: Arc::new(LogObserver),
        }
    }
}

impl Cache {
    /// Memoizes in `store`, in the lane [`Lane::Shared`].
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime. Computations run on the runtime of this call, which must outlive
    /// those that answer requests.
    pub fn new(store: Arc<dyn Store>, config: CacheConfig) -> Self {
        let flights = Arc::new(Flights::new(Handle::current()));
        let (lanes, closing) = (Lanes::new(config.bounds), CancellationToken::new());
        let inner = Inner { store, flights, lanes, closing, config };
        Self { inner: Arc::new(inner), lane: Lane::Shared }
    }

    /// The same cache, whose computations run in this lane.
    #[must_use]
    pub fn lane(&self, lane: Lane) -> Self {
        Self { lane, ..self.clone() }
    }

    /// Answers from the store, or runs `recipe` once for all concurrent callers.
    ///
    /// Dropping the future gives up the waiting. The computation goes on while other callers wait,
    /// and for three seconds in case the same caller asks again.
    ///
    /// # Errors
    ///
    /// What the recipe returned, or that it panicked: for all callers that waited, and for those of
    /// the next second, or longer when it fails repeatedly. No entry is stored and none is removed.
    pub async fn memoize(&self, key: &Key, recipe: impl Into<Recipe>) -> Result<Answer, Failure> {
        let asked = self.answer(Want::of(key), recipe.into()).await?;
        Ok(asked.answer)
    }

    /// The same, but answers at once with a stale value if there is one: of other data, or too old.
    /// One process of all then renews it in the background.
    ///
    /// # Errors
    ///
    /// Those of [`Cache::memoize`], when there is no value at all.
    pub async fn ask(&self, key: &Key, recipe: impl Into<Recipe>) -> Result<Asked, Failure> {
        self.answer(Want { is_stale_good: true, ..Want::of(key) }, recipe.into()).await
    }

    /// Waits for a value that was computed after `newer_than`. One computation brings it to all
    /// concurrent callers.
    ///
    /// # Errors
    ///
    /// Those of [`Cache::memoize`]. The value that the store has stays.
    pub async fn renewed(
        &self,
        key: &Key,
        newer_than: SystemTime,
        recipe: impl Into<Recipe>,
    ) -> Result<Asked, Failure> {
        self.answer(Want { newer_than: Some(newer_than), ..Want::of(key) }, recipe.into()).await
    }

    /// Computes in the background what the store does not have, and waits for it.
    ///
    /// # Errors
    ///
    /// Those of [`Cache::memoize`].
    pub async fn prepare(&self, key: &Key, recipe: impl Into<Recipe>) -> Result<(), Failure> {
        self.lane(Lane::Background).memoize(key, recipe).await.map(drop)
    }

    /// What the store has, without computing anything; none too when the store does not answer.
    pub async fn kept(&self, key: &Key) -> Option<Answer> {
        let entry = self.inner.store.look(key).await.ok()?.entry?;
        Some(Answer { entry, outcome: Outcome::Hit })
    }

    /// The value that [`Cache::ask`] would return from the memory of this process, without waiting.
    /// None does not mean that there is no value.
    pub fn in_memory(&self, key: &Key) -> Option<Answer> {
        let entry = self.inner.store.in_memory(key)?;
        (!self.is_too_old(&entry)).then_some(Answer { entry, outcome: Outcome::Hit })
    }

    /// How far the computation of a key is, in whatever process it runs.
    pub async fn progress(&self, key: &Key) -> Option<Snapshot> {
        match self.inner.flights.get(key).and_then(|flight| flight.snapshot()) {
            Some(snapshot) => Some(snapshot),
            None => self.told(key).await,
        }
    }

    /// Whether this process computes the value of a key, or waits for the process that does.
    pub fn is_in_flight(&self, key: &Key) -> bool {
        self.inner.flights.get(key).is_some()
    }

    /// The keys of a namespace in the order of their last use, the latest first.
    pub async fn recent(&self, namespace: &str, most: usize) -> Vec<Key> {
        self.inner.store.recent(namespace, most).await.unwrap_or_default()
    }

    /// Removes the least recently used entries of a namespace until `most` are left. Returns the
    /// keys of those that were removed.
    pub async fn trim(&self, namespace: &str, most: usize) -> Vec<Key> {
        let gone = self.inner.store.trim(namespace, most).await.unwrap_or_default();
        gone.iter().for_each(|key| self.observe(&Event::Evicted(&key.to_string())));
        gone
    }

    /// Removes an entry and all notes about it. What any process computes for it is not stored, and
    /// this process starts over for the next caller. Another process that computes it at this moment
    /// still answers the callers that wait there.
    ///
    /// # Errors
    ///
    /// When it may still be in a store that does not answer.
    pub async fn remove(&self, key: &Key) -> Result<(), StoreError> {
        self.inner.flights.forget(key);
        self.inner.store.remove(key).await.map(drop)
    }

    /// Keeps a text of the application beside an entry, or beside the entry to come, for `lifetime`.
    /// [`Cache::remove`] removes it too.
    ///
    /// # Errors
    ///
    /// When no store takes it.
    pub async fn annotate(
        &self,
        key: &Key,
        text: &str,
        lifetime: Duration,
    ) -> Result<(), StoreError> {
        self.inner.store.leave(key, Note::Annotation, text, lifetime).await
    }

    /// Replaces the annotation, unless it was removed; false if so.
    ///
    /// # Errors
    ///
    /// When no store answers.
    pub async fn annotate_again(
        &self,
        key: &Key,
        text: &str,
        lifetime: Duration,
    ) -> Result<bool, StoreError> {
        self.inner.store.amend(key, Note::Annotation, text, lifetime).await
    }

    /// The annotation of a key.
    ///
    /// # Errors
    ///
    /// When no store answers.
    pub async fn annotation(&self, key: &Key) -> Result<Option<String>, StoreError> {
        self.inner.store.note(key, Note::Annotation).await
    }

    /// Whether the store works as it should.
    pub fn health(&self) -> StoreHealth {
        self.inner.store.health()
    }

    /// Stops what this process computes and hands in its leases, so that another process need not
    /// wait until they expire. Nothing is computed here from then on.
    pub async fn close(&self) {
        self.inner.closing.cancel();
        self.inner.flights.closed().await;
    }

    pub(crate) fn observe(&self, event: &Event<'_>) {
        self.inner.config.observer.observe(event);
    }
}

impl Recipe {
    pub(crate) fn cook(&self, progress: Progress) -> Cooking {
        (self.0)(progress)
    }
}

impl<R, F, E> From<R> for Recipe
where
    R: Fn(Progress) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Bytes, E>> + Send + 'static,
    E: Into<BoxError>,
{
    fn from(recipe: R) -> Self {
        Self(Arc::new(move |progress| {
            let cooking = recipe(progress);
            Box::pin(async move { cooking.await.map_err(Into::into) })
        }))
    }
}
