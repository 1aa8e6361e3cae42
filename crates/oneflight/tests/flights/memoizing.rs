//! Single flight: one computation for all callers, and a way out of every end it may take.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::bail;
use bytes::Bytes;
use oneflight::store::disk::{DiskConfig, DiskStore};
use oneflight::{Answer, Cache, CacheConfig, Failure, Key, LogObserver, Outcome, Progress};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::place::{Place, at_each_place};

/// A recipe that counts how often it runs, and how many run at a time.
#[derive(Clone, Default)]
struct Kitchen {
    started: Arc<AtomicUsize>,
    busy: Arc<AtomicUsize>,
    busiest: Arc<AtomicUsize>,
}

impl Kitchen {
    async fn cook(self) -> anyhow::Result<Bytes> {
        self.started.fetch_add(1, Ordering::SeqCst);
        let busy = self.busy.fetch_add(1, Ordering::SeqCst) + 1;
        self.busiest.fetch_max(busy, Ordering::SeqCst);
        sleep(Duration::from_millis(300)).await;
        self.busy.fetch_sub(1, Ordering::SeqCst);
        Ok(Bytes::from_static(b"value"))
    }

    fn started(&self) -> usize {
        self.started.load(Ordering::SeqCst)
    }
}

/// For how long a first failure stands.
const FAILURE: Duration = Duration::from_millis(1050);
const MINUTE: Duration = Duration::from_secs(60);

fn key(name: &str) -> Key {
    Key::new("test").arg(name)
}

fn cache(place: &Place) -> Cache {
    Cache::new(place.open(MINUTE), CacheConfig::default())
}

async fn ask(cache: &Cache, key: &Key, kitchen: &Kitchen) -> Result<Answer, Failure> {
    let kitchen = kitchen.clone();
    cache.memoize(key, move |_course| kitchen.clone().cook()).await
}

async fn outcomes(caches: &[Cache], callers: usize, kitchen: &Kitchen) -> Vec<Outcome> {
    let mut asking = JoinSet::new();
    for at in 0..callers {
        let (cache, kitchen) = (caches[at % caches.len()].clone(), kitchen.clone());
        asking.spawn(async move { ask(&cache, &key("one"), &kitchen).await.unwrap() });
    }
    let answers = asking.join_all().await;
    assert!(answers.iter().all(|answer| answer.entry.bytes == "value"));
    answers.into_iter().map(|answer| answer.outcome).collect()
}

fn count(outcomes: &[Outcome], outcome: Outcome) -> usize {
    outcomes.iter().filter(|one| **one == outcome).count()
}

#[tokio::test]
async fn twenty_callers_compute_once() {
    at_each_place(async |place: Place| {
        let kitchen = Kitchen::default();

        let outcomes = outcomes(&[cache(&place)], 20, &kitchen).await;

        assert_eq!(kitchen.started(), 1);
        assert_eq!(count(&outcomes, Outcome::Stored), 1);
        assert_eq!(count(&outcomes, Outcome::Collapsed), 19);
    })
    .await;
}

#[tokio::test]
async fn callers_of_three_processes_compute_once() {
    at_each_place(async |place: Place| {
        let kitchen = Kitchen::default();
        let caches = [cache(&place), cache(&place), cache(&place)];

        let outcomes = outcomes(&caches, 24, &kitchen).await;

        assert_eq!(kitchen.started(), 1);
        assert_eq!(count(&outcomes, Outcome::Stored), 1);
    })
    .await;
}

#[tokio::test]
async fn a_value_that_is_stored_is_a_hit_for_everybody() {
    at_each_place(async |place: Place| {
        let kitchen = Kitchen::default();
        ask(&cache(&place), &key("one"), &kitchen).await.unwrap();

        let answer = ask(&cache(&place), &key("one"), &kitchen).await.unwrap();

        assert_eq!((answer.outcome, kitchen.started()), (Outcome::Hit, 1));
    })
    .await;
}

#[tokio::test]
async fn an_error_reaches_all_who_wait_and_is_not_stored() {
    at_each_place(async |place: Place| {
        let (one, other) = (cache(&place), cache(&place));
        let key_one = key("one");
        let (first, second) =
            tokio::join!(one.memoize(&key_one, |_| fail()), one.memoize(&key_one, |_| fail()));

        assert_eq!(first.unwrap_err().to_string(), "no such luck");
        assert_eq!(second.unwrap_err().to_string(), "no such luck");
        assert!(place.open(MINUTE).look(&key("one")).await.unwrap().entry.is_none());
        let (key, kitchen) = (key("one"), Kitchen::default());
        sleep(FAILURE).await;
        let soon = timeout(Duration::from_secs(1), ask(&other, &key, &kitchen));
        assert_eq!(soon.await.expect("the lease is free").unwrap().outcome, Outcome::Stored);
    })
    .await;
}

async fn fail() -> anyhow::Result<Bytes> {
    sleep(Duration::from_millis(100)).await;
    bail!("no such luck")
}

#[tokio::test]
async fn a_panic_is_an_error_and_the_lease_is_free() {
    at_each_place(async |place: Place| {
        let (one, other) = (cache(&place), cache(&place));

        let panics = |_| async { panic!("a mistake of ours") as anyhow::Result<Bytes> };
        let answer = one.memoize(&key("one"), panics).await;

        assert!(answer.unwrap_err().to_string().contains("a mistake of ours"));
        let (key, kitchen) = (key("one"), Kitchen::default());
        sleep(FAILURE).await;
        let soon = timeout(Duration::from_secs(1), ask(&other, &key, &kitchen));
        assert_eq!(soon.await.expect("the lease is free").unwrap().outcome, Outcome::Stored);
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_stop_the_computation() {
    at_each_place(async |place: Place| {
        let (cache, kitchen) = (cache(&place), Kitchen::default());
        let key = key("one");

        let gone = timeout(Duration::from_millis(50), ask(&cache, &key, &kitchen)).await;
        let answer = ask(&cache, &key, &kitchen).await.unwrap();

        assert!(gone.is_err());
        assert_eq!(kitchen.started(), 1);
        // The caller that asks again is the one that caused it.
        assert_eq!(answer.outcome, Outcome::Stored);
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_asks_again_after_the_landing_is_told_that_it_caused_it() {
    at_each_place(async |place: Place| {
        let (cache, kitchen) = (cache(&place), Kitchen::default());
        let key = key("one");

        let gone = timeout(Duration::from_millis(50), ask(&cache, &key, &kitchen)).await;
        sleep(Duration::from_millis(400)).await;
        let again = ask(&cache, &key, &kitchen).await.unwrap();
        let once_more = ask(&cache, &key, &kitchen).await.unwrap();

        assert!(gone.is_err());
        assert_eq!((again.outcome, once_more.outcome), (Outcome::Stored, Outcome::Hit));
        assert_eq!(kitchen.started(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_process_computes_one_thing_at_a_time() {
    at_each_place(async |place: Place| {
        let (cache, kitchen) = (cache(&place), Kitchen::default());
        let (one, two, three) = (key("one"), key("two"), key("three"));

        let answers = tokio::join!(
            ask(&cache, &one, &kitchen),
            ask(&cache, &two, &kitchen),
            ask(&cache, &three, &kitchen)
        );

        assert!(answers.0.is_ok() && answers.1.is_ok() && answers.2.is_ok());
        assert_eq!((kitchen.started(), kitchen.busiest.load(Ordering::SeqCst)), (3, 1));
    })
    .await;
}

/// A folder that cannot be made: what runs as root may write everywhere else.
#[tokio::test]
async fn without_any_store_a_process_still_computes_once_for_its_callers() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let settings = DiskConfig {
        path: file.path().join("cache"),
        prefix: "test".to_owned(),
        expire: MINUTE,
        max_bytes: 1 << 20,
        remembered_bytes: 0,
    };
    let store = DiskStore::new(settings, Arc::new(LogObserver));
    let cache = Cache::new(Arc::new(store), CacheConfig::default());
    let kitchen = Kitchen::default();

    let outcomes = outcomes(&[cache], 10, &kitchen).await;

    assert_eq!(kitchen.started(), 1);
    assert_eq!(count(&outcomes, Outcome::Computed), 1);
    assert_eq!(count(&outcomes, Outcome::Collapsed), 9);
}

/// A store that is too small for the value, so that it stays with its flight for a while.
#[tokio::test]
async fn a_newer_value_is_computed_although_no_store_took_the_former_one() {
    let folder = tempfile::TempDir::new().unwrap();
    let config = DiskConfig {
        path: folder.path().join("cache"),
        prefix: "test".to_owned(),
        expire: MINUTE,
        max_bytes: 1,
        remembered_bytes: 0,
    };
    let store = DiskStore::new(config, Arc::new(LogObserver));
    let cache = Cache::new(Arc::new(store), CacheConfig::default());
    let kitchen = Kitchen::default();
    let first = ask(&cache, &key("one"), &kitchen).await.unwrap();

    let cooking = kitchen.clone();
    let recipe = move |_: Progress| cooking.clone().cook();
    let key = key("one");
    let renewed = cache.renewed(&key, first.entry.stamp.computed_at, recipe);
    let renewed = timeout(Duration::from_secs(10), renewed).await.expect("it does not wait");

    assert_eq!(first.outcome, Outcome::Computed);
    assert!(renewed.unwrap().answer.entry.stamp.computed_at > first.entry.stamp.computed_at);
    assert_eq!(kitchen.started(), 2);
}
