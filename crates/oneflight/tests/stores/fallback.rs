//! What becomes of a store in trouble.

use std::sync::Arc;
use std::time::{Duration, Instant};

use oneflight::entry::Seen;
use oneflight::store::fallback::FallbackStore;
use oneflight::store::memory::MemoryStore;
use oneflight::store::{Attempt, Cause, LEASE, Note, Published, Store, StoreHealth};
use oneflight::{CacheBy, Key};
use tokio::time::{sleep, timeout};

use super::faulty::{Faulty, entry, lease, publish, text};
use super::places::{DAY, Events};

const ALL: [Cause; 5] =
    [Cause::Unreachable, Cause::Full, Cause::ReadOnly, Cause::Unauthenticated, Cause::Forbidden];

/// Longer than the first store is left alone.
const REST: Duration = Duration::from_millis(1100);

struct Pair {
    first: Faulty,
    second: MemoryStore,
    both: FallbackStore,
    events: Arc<Events>,
}

impl Pair {
    fn new() -> Self {
        let (first, second, events) = (Faulty::new(), MemoryStore::new(DAY), Arc::default());
        let observer: Arc<Events> = Arc::clone(&events);
        let both = FallbackStore::new(Arc::new(first.clone()), Arc::new(second.clone()), observer);
        Self { first, second, both, events }
    }

    /// A pair whose first store has just been found to fail.
    async fn failing(cause: Cause) -> Self {
        let pair = Self::new();
        pair.first.fail(cause);
        pair.both.leave(&Key::new("x"), Note::Interest, "", DAY).await.unwrap();
        pair
    }

    fn cause(&self) -> Option<Cause> {
        match self.both.health() {
            StoreHealth::Healthy => None,
            StoreHealth::Degraded { cause, store, .. } => {
                assert_eq!(store, "faulty");
                Some(cause)
            }
        }
    }

    async fn kept(&self, key: &Key) -> Option<&'static str> {
        text(&self.both, key).await
    }
}

/// At once for all causes, since most of the time is spent waiting.
async fn for_each_cause<F: Future<Output = ()>>(claim: impl Fn(Cause) -> F) {
    let [one, two, three, four, five] = ALL.map(claim);
    tokio::join!(one, two, three, four, five);
}

fn shared() -> Key {
    Key::new("test").by(CacheBy::Data("9f3c")).arg("one")
}

fn private() -> Key {
    Key::new("test").by(CacheBy::User("ann")).arg("one")
}

#[tokio::test]
async fn in_every_trouble_the_second_stands_in_and_the_first_is_used_again_after_it() {
    for_each_cause(|cause| async move {
        let pair = Pair::failing(cause).await;
        assert_eq!(pair.cause(), Some(cause));

        publish(&pair.both, &shared(), "first").await;
        pair.both.leave(&shared(), Note::Progress, "half", DAY).await.unwrap();

        assert_eq!(pair.kept(&shared()).await, Some("first"), "{cause:?}");
        assert_eq!(text(&pair.second, &shared()).await, Some("first"), "{cause:?}");
        let note = pair.both.note(&shared(), Note::Progress).await.unwrap();
        assert_eq!(note.as_deref(), Some("half"), "{cause:?}");

        pair.first.work();
        sleep(REST).await;
        publish(&pair.both, &shared(), "second").await;
        assert_eq!(pair.cause(), None, "{cause:?}");
        assert_eq!(text(&pair.first.inner, &shared()).await, Some("second"), "{cause:?}");
        assert_eq!(text(&pair.second, &shared()).await, Some("first"), "{cause:?}");
        assert_eq!(pair.events.count("falling back"), 1, "{}", pair.events.all());
        assert_eq!(pair.events.count("again"), 1, "{}", pair.events.all());
    })
    .await;
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_left_alone_for_a_second() {
    for_each_cause(|cause| async move {
        let pair = Pair::failing(cause).await;
        let (asked, started) = (pair.first.asked(), Instant::now());

        for _ in 0..20 {
            pair.both.leave(&shared(), Note::Interest, "", DAY).await.unwrap();
        }
        let times = pair.first.asked() - asked;
        if started.elapsed() < Duration::from_millis(900) {
            assert_eq!(times, if cause == Cause::Full { 20 } else { 0 }, "{cause:?}");
        }
        sleep(REST).await;
        let asked = pair.first.asked();
        for _ in 0..20 {
            pair.both.leave(&shared(), Note::Interest, "", DAY).await.unwrap();
        }
        assert!(pair.first.asked() > asked, "after its rest it is tried");
        assert!(cause == Cause::Full || pair.first.asked() < asked + 3, "by one question");
    })
    .await;
}

#[tokio::test]
async fn reading_does_not_prove_that_a_store_takes_entries() {
    for (cause, is_over) in [
        (Cause::Full, false),
        (Cause::ReadOnly, false),
        (Cause::Forbidden, false),
        (Cause::Unreachable, true),
        (Cause::Unauthenticated, true),
    ] {
        let pair = Pair::failing(cause).await;
        pair.first.work();
        sleep(REST).await;

        pair.both.look(&shared()).await.unwrap();
        pair.both.note(&shared(), Note::Progress).await.unwrap();
        assert_eq!(pair.cause().is_none(), is_over, "{cause:?}");

        pair.both.leave(&shared(), Note::Progress, "", DAY).await.unwrap();
        assert_eq!(pair.cause(), None, "{cause:?}");
    }
}

#[tokio::test]
async fn a_miss_of_a_healthy_store_is_a_miss() {
    let pair = Pair::new();
    publish(&pair.second, &shared(), "second").await;
    publish(&pair.second, &private(), "second").await;
    for note in [Note::Failure, Note::Latest] {
        pair.second.leave(&shared(), note, "text", DAY).await.unwrap();
        pair.second.leave(&shared().question(), note, "text", DAY).await.unwrap();
    }

    assert_eq!(pair.both.look(&shared()).await.unwrap(), oneflight::store::Found::default());
    assert_eq!(pair.both.note(&shared(), Note::Failure).await.unwrap(), None);
    assert!(!pair.both.amend(&shared(), Note::Failure, "text", DAY).await.unwrap());
    assert_eq!(pair.kept(&private()).await, Some("second"), "nobody else computes it again");
}

#[tokio::test]
async fn a_caller_is_never_sent_to_look_again_without_end() {
    for cause in ALL {
        for key in [shared(), private()] {
            // Each store has an entry of its own, of another version or sound, or none.
            for case in 0..16 {
                let pair = Pair::new();
                plant(&pair.first.inner, &key, case % 4);
                plant(&pair.second, &key, case / 4);
                publish(&pair.both, &key, "third").await;
                assert_eq!(text(&pair.first.inner, &key).await, Some("third"), "{case}");

                plant(&pair.first.inner, &key, case % 4);
                plant(&pair.second, &key, case / 4);
                pair.first.fail(cause);
                publish(&pair.both, &key, "third").await;
                assert_eq!(text(&pair.second, &key).await, Some("third"), "{cause:?} {case}");
            }
        }
    }
}

fn plant(store: &MemoryStore, key: &Key, case: u8) {
    let mut stored = entry(if case == 1 { "first" } else { "second" }).encode();
    if case == 3 {
        stored[3] += 1;
    }
    let stored = if case == 0 { Vec::new() } else { stored };
    store.plant(key, stored.into());
}

#[tokio::test]
async fn what_was_published_between_look_and_lease_is_not_computed_again_in_trouble() {
    for cause in ALL {
        let pair = Pair::failing(cause).await;
        let seen = pair.both.look(&shared()).await.unwrap().seen;
        publish(&pair.both, &shared(), "first").await;

        let late = pair.both.try_lease(&shared(), &seen).await.unwrap();

        assert!(matches!(late, Attempt::Changed), "{cause:?}");
    }
}

#[tokio::test]
async fn an_entry_whose_first_store_fails_meanwhile_is_kept_if_it_is_shared() {
    for cause in ALL {
        let pair = Pair::new();
        let shared_lease = lease(&pair.both, &shared()).await;
        let private_lease = lease(&pair.both, &private()).await;
        pair.first.fail(cause);

        let published = shared_lease.publish(&entry("first")).await.unwrap();
        let refused = private_lease.publish(&entry("first")).await.unwrap_err();

        assert_eq!(published, Published::Stored);
        assert_eq!(pair.kept(&shared()).await, Some("first"), "{cause:?}");
        assert_eq!(refused.cause, cause);
        assert_eq!(pair.second.stored(&private()), None, "it may have been removed meanwhile");
        assert_eq!(pair.cause(), Some(cause));
    }
}

#[tokio::test]
async fn a_lease_of_the_first_is_asked_there_even_while_it_rests() {
    let pair = Pair::new();
    let held = lease(&pair.both, &shared()).await;
    let removed = lease(&pair.both, &private()).await;
    pair.first.fail(Cause::Unreachable);
    assert_eq!(held.renew().await.unwrap_err().cause, Cause::Unreachable);
    pair.first.work();
    pair.first.inner.remove(&private()).await.unwrap();

    assert_eq!(pair.cause(), Some(Cause::Unreachable), "it rests");
    assert_eq!(removed.publish(&entry("first")).await.unwrap(), Published::Refused);
    assert!(held.renew().await.unwrap());
    assert_eq!(held.publish(&entry("first")).await.unwrap(), Published::Stored);
    assert_eq!(text(&pair.first.inner, &shared()).await, Some("first"));
}

#[tokio::test]
async fn nothing_is_removed_while_the_first_is_away_and_afterwards_in_both() {
    for cause in [Cause::Unreachable, Cause::Unauthenticated, Cause::ReadOnly] {
        let pair = Pair::failing(cause).await;
        publish(&pair.both, &private(), "second").await;
        publish(&pair.first.inner, &private(), "first").await;

        for _ in 0..2 {
            assert_eq!(pair.both.remove(&private()).await.unwrap_err().cause, cause);
        }
        assert_eq!(text(&pair.second, &private()).await, Some("second"), "{cause:?}");

        pair.first.work();
        sleep(REST).await;
        assert!(pair.both.remove(&private()).await.unwrap());
        assert_eq!(pair.kept(&private()).await, None, "{cause:?}");
    }
}

#[tokio::test]
async fn a_private_entry_that_is_trimmed_does_not_come_back_from_the_second() {
    let pair = Pair::new();
    publish(&pair.second, &private(), "second").await;
    publish(&pair.first.inner, &private(), "first").await;

    assert_eq!(pair.both.trim("test", 0).await.unwrap(), [private()]);

    assert_eq!(pair.kept(&private()).await, None);
}

#[tokio::test]
async fn waiting_while_the_first_is_full_is_no_busy_loop_whichever_gave_the_lease() {
    let pair = Pair::failing(Cause::Full).await;
    for store in [&pair.first.inner, &pair.second] {
        let held = lease(store, &shared()).await;
        let attempt = pair.both.try_lease(&shared(), &Seen::default()).await.unwrap();
        assert!(matches!(attempt, Attempt::Held));

        let asked = Instant::now();
        let patience = Duration::from_millis(300);
        pair.both.changed(&shared(), patience).await.unwrap();
        assert!(asked.elapsed() >= patience, "{:?}", asked.elapsed());

        let (key, asked) = (shared(), Instant::now());
        let release = async {
            sleep(Duration::from_millis(100)).await;
            held.release().await.unwrap();
        };
        let ((), told) = tokio::join!(release, pair.both.changed(&key, DAY));
        told.unwrap();
        assert!(asked.elapsed() < LEASE / 2, "{:?}", asked.elapsed());
    }
}

/// Two processes of one host, of which one computes when the first store goes away.
#[tokio::test]
async fn a_process_that_falls_back_waits_for_a_computation_under_a_lease_of_the_first() {
    let (pair, key) = (Pair::new(), Key::new("x"));
    let (first, second) = (Arc::new(pair.first.clone()), Arc::new(pair.second.clone()));
    let other = FallbackStore::new(first, second, pair.events.clone());
    let held = lease(&pair.both, &key).await;

    pair.first.fail(Cause::Unreachable);
    let attempt = other.try_lease(&key, &Seen::default()).await.unwrap();
    let published = held.publish(&entry("first")).await.unwrap();

    assert!(matches!(attempt, Attempt::Held));
    assert_eq!(published, Published::Stored);
    assert_eq!(text(&other, &key).await, Some("first"));
}

#[tokio::test]
async fn a_computation_that_the_first_store_takes_leaves_nothing_in_the_second() {
    let pair = Pair::new();
    let [published, released] = ["a", "b"].map(Key::new);

    publish(&pair.both, &published, "value").await;
    lease(&pair.both, &released).await.release().await.unwrap();

    for key in [published, released] {
        assert_eq!(text(&pair.second, &key).await, None);
        let attempt = pair.second.try_lease(&key, &Seen::default()).await.unwrap();
        assert!(matches!(attempt, Attempt::Granted(_)), "the lease of {key} is free");
    }
}

/// A store that hangs for longer than its callers wait.
#[tokio::test]
async fn a_store_is_left_alone_when_callers_give_up_waiting_for_it() {
    let (pair, key) = (Pair::new(), Key::new("x"));
    publish(&pair.second, &key, "second").await;
    pair.first.hang();

    let short = timeout(Duration::from_millis(100), pair.kept(&key)).await;
    assert!(short.is_err() && pair.cause().is_none(), "a caller that leaves soon says nothing");
    let long = timeout(Duration::from_millis(700), pair.kept(&key)).await;

    assert!(long.is_err());
    assert_eq!(pair.cause(), Some(Cause::Unreachable));
    let asked = Instant::now();
    assert_eq!(pair.kept(&key).await, Some("second"));
    assert!(asked.elapsed() < Duration::from_millis(100), "{:?}", asked.elapsed());
}

/// Two processes of one host, of which one has not noticed yet that the first store works again.
#[tokio::test]
async fn a_process_waits_for_one_that_computes_under_a_lease_of_the_second() {
    let (pair, key) = (Pair::failing(Cause::Unreachable).await, Key::new("x"));
    let held = lease(&pair.both, &key).await;
    pair.first.work();
    let (first, second) = (Arc::new(pair.first.clone()), Arc::new(pair.second.clone()));
    let other = FallbackStore::new(first, second, pair.events.clone());

    let attempt = other.try_lease(&key, &Seen::default()).await.unwrap();
    let asked = Instant::now();
    let publication = async {
        sleep(Duration::from_millis(300)).await;
        held.publish(&entry("second")).await.unwrap()
    };
    let (told, published) = tokio::join!(other.changed(&key, DAY), publication);
    told.unwrap();

    assert!(matches!(attempt, Attempt::Held));
    assert!(asked.elapsed() >= Duration::from_millis(300), "it waits");
    assert_eq!(published, Published::Stored);
    assert_eq!(text(&other, &key).await, Some("second"));
}

/// As after a restart of a Redis that keeps nothing on disk.
#[tokio::test]
async fn a_value_is_kept_when_the_first_store_has_lost_its_lease_together_with_all_else() {
    let (pair, key) = (Pair::new(), Key::new("x"));
    let held = lease(&pair.both, &key).await;
    pair.first.inner.remove(&key).await.unwrap();
    let (first, second) = (Arc::new(pair.first.clone()), Arc::new(pair.second.clone()));
    let other = FallbackStore::new(first, second, pair.events.clone());

    let attempt = other.try_lease(&key, &Seen::default()).await.unwrap();
    let published = held.publish(&entry("first")).await.unwrap();

    assert!(matches!(attempt, Attempt::Held), "the other process waits for the reserve");
    assert_eq!(published, Published::Stored);
    assert_eq!(text(&other, &key).await, Some("first"));
}

#[tokio::test]
async fn a_computation_whose_key_is_removed_from_both_stores_is_refused() {
    let (pair, key) = (Pair::new(), Key::new("x"));
    let held = lease(&pair.both, &key).await;

    pair.both.remove(&key).await.unwrap();

    assert_eq!(held.publish(&entry("first")).await.unwrap(), Published::Refused);
    assert_eq!((pair.kept(&key).await, text(&pair.second, &key).await), (None, None));
}

#[tokio::test]
async fn a_wait_that_ends_by_itself_does_not_prove_that_the_first_store_works() {
    let pair = Pair::failing(Cause::Unreachable).await;
    pair.first.work();

    pair.both.changed(&Key::new("x"), Duration::from_millis(10)).await.unwrap();

    assert_eq!(pair.cause(), Some(Cause::Unreachable));
}
