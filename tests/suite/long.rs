//! Long computations: everybody sees their progress, nobody's leaving harms another, and what
//! nobody wants any more ends.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime};

use anyhow::bail;
use bytes::Bytes;
use futures_util::future::join_all;
use quadrant::cache::course::Course;
use quadrant::cache::key::Key;
use quadrant::cache::policy::{CacheBy, Policy};
use quadrant::cache::{Cache, Failure, Lifetime, Outcome, Recipe};
use tokio::time::{sleep, timeout};

use crate::helpers::place::Place;

const MINUTE: Duration = Duration::from_secs(60);
/// How long a computation goes on after the last question for it, and may take to end.
const UNWANTED: Duration = Duration::from_millis(3500);

fn cache(place: &Place) -> Cache {
    aging(place, None)
}

fn aging(place: &Place, max_age: Option<Duration>) -> Cache {
    Cache::new(place.open(MINUTE), Lifetime { expire: MINUTE, max_age }, 1)
}

static KEY: LazyLock<Key> = LazyLock::new(|| Key::new("test").arg("one"));

/// Counts how often it is begun and ended; it takes a hundred steps.
#[derive(Clone, Default)]
struct Work {
    begun: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
}

impl Work {
    fn lasting(&self, duration: Duration) -> Recipe {
        let work = self.clone();
        Recipe::from(move |course: Course| {
            let work = work.clone();
            async move {
                let value = work.begun.fetch_add(1, Ordering::SeqCst) + 1;
                for step in 1..=100 {
                    sleep(duration / 100).await;
                    course.reached(step, 100)?;
                }
                work.ended.fetch_add(1, Ordering::SeqCst);
                Ok(Bytes::from(value.to_string()))
            }
        })
    }

    fn counts(&self) -> (usize, usize) {
        (self.begun.load(Ordering::SeqCst), self.ended.load(Ordering::SeqCst))
    }
}

/// Asks as a page does: again and again, for a short time each, until the value is there.
async fn polling(cache: &Cache, recipe: Recipe, until: Instant) -> Option<Bytes> {
    while Instant::now() < until {
        let asked = timeout(Duration::from_millis(500), cache.memoize(&KEY, recipe.clone()));
        if let Ok(answer) = asked.await {
            return Some(answer.unwrap().entry.bytes);
        }
    }
    None
}

#[tokio::test]
async fn every_process_sees_the_same_progress_grow_several_times_a_second() {
    for place in Place::both() {
        let (leader, other, work) = (cache(&place), cache(&place), Work::default());
        let recipe = work.lasting(Duration::from_secs(3));
        let leading = leader.memoize(&KEY, recipe);
        let watching = async {
            let (mut here, mut there) = (Vec::new(), Vec::new());
            for _ in 0..50 {
                sleep(Duration::from_millis(50)).await;
                here.extend(leader.progress(&KEY).await.map(|it| it.permille));
                there.extend(other.progress(&KEY).await.map(|it| it.permille));
            }
            [here, there]
        };

        let (answer, seen) = tokio::join!(leading, watching);

        assert_eq!(answer.unwrap().outcome, Outcome::Stored);
        for (mut seen, a_second) in seen.into_iter().zip([4, 2]) {
            assert!(seen.is_sorted(), "{seen:?}");
            seen.dedup();
            // Two and a half seconds were watched.
            assert!(seen.len() >= a_second * 5 / 2, "{seen:?}");
            assert!(*seen.last().unwrap() > 500, "{seen:?}");
        }
    }
}

#[tokio::test]
async fn what_nobody_asks_for_any_more_ends_and_leaves_nothing() {
    for place in Place::both() {
        let (cache, other, work) = (cache(&place), cache(&place), Work::default());
        let recipe = work.lasting(MINUTE);
        let asked = timeout(Duration::from_millis(300), cache.memoize(&KEY, recipe.clone()));
        assert!(asked.await.is_err());
        let left = Instant::now();

        // The lease is free once it has ended, and nothing has been stored.
        let store = place.open(MINUTE);
        let lease = loop {
            if let Some(lease) = store.try_lease(&KEY).await.unwrap() {
                break lease;
            }
            sleep(Duration::from_millis(20)).await;
        };

        assert!(left.elapsed() > Duration::from_secs(2), "it was given a moment");
        assert!(left.elapsed() < UNWANTED, "{:?}", left.elapsed());
        store.release(lease).await.unwrap();
        assert_eq!((work.counts(), place.entries()), ((1, 0), 0));
        assert!(other.kept(&KEY).await.is_none());
        let again = other.memoize(&KEY, work.lasting(Duration::ZERO)).await.unwrap();
        assert_eq!((again.outcome, work.counts()), (Outcome::Stored, (2, 1)));
    }
}

#[tokio::test]
async fn one_who_leaves_takes_nothing_from_one_who_stays() {
    for place in Place::both() {
        for is_elsewhere in [false, true] {
            let (one, work) = (cache(&place), Work::default());
            let other = if is_elsewhere { cache(&place) } else { one.clone() };
            let recipe = work.lasting(Duration::from_secs(5));
            let start = Instant::now();
            let leaving = polling(&one, recipe.clone(), start + Duration::from_millis(400));
            let staying = async {
                sleep(Duration::from_millis(100)).await;
                polling(&other, recipe.clone(), start + MINUTE).await
            };

            let (left, stayed) = tokio::join!(leaving, staying);

            assert_eq!((left, stayed), (None, Some(Bytes::from("1"))));
            assert_eq!(work.counts(), (1, 1));
            let store = place.open(MINUTE);
            assert!(store.get(&KEY).await.unwrap().is_some());
            place.clear();
        }
    }
}

#[tokio::test]
async fn who_asks_at_the_moment_of_its_end_begins_anew() {
    for place in Place::both() {
        let (cache, work) = (cache(&place), Work::default());
        let recipe = work.lasting(Duration::from_secs(20));
        let asked = timeout(Duration::from_millis(100), cache.memoize(&KEY, recipe.clone()));
        assert!(asked.await.is_err());

        // All around the moment at which it ends.
        sleep(Duration::from_millis(2900)).await;
        let quick = work.lasting(Duration::ZERO);
        let callers = (0..40).map(|at| {
            let (cache, quick) = (cache.clone(), quick.clone());
            async move {
                sleep(Duration::from_millis(at * 10)).await;
                timeout(Duration::from_secs(25), cache.memoize(&KEY, quick)).await
            }
        });
        let answers = join_all(callers).await;

        assert!(answers.iter().all(|answer| matches!(answer, Ok(Ok(_)))), "{answers:?}");
        assert!(work.counts().0 <= 2, "{:?}", work.counts());
    }
}

#[tokio::test]
async fn an_error_reaches_those_who_wait_elsewhere_at_once_with_its_reason() {
    for place in Place::both() {
        let (leader, waiter) = (cache(&place), cache(&place));
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = runs.clone();
        let recipe = Recipe::from(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            async {
                sleep(Duration::from_millis(500)).await;
                bail!("the third row is no flight")
            }
        });
        let first = leader.memoize(&KEY, recipe.clone());
        let second = async {
            sleep(Duration::from_millis(100)).await;
            waiter.memoize(&KEY, recipe.clone()).await
        };

        let asked = Instant::now();
        let (first, second) = tokio::join!(first, second);

        assert!(asked.elapsed() < Duration::from_millis(900), "{:?}", asked.elapsed());
        for failure in [first.unwrap_err(), second.unwrap_err()] {
            assert!(failure.to_string().contains("the third row is no flight"), "{failure}");
        }
        assert_eq!((runs.load(Ordering::SeqCst), place.entries()), (1, 0));
    }
}

#[tokio::test]
async fn after_an_error_on_the_second_run_the_third_works_and_the_first_value_stayed() {
    for place in Place::both() {
        let cache = cache(&place);
        let policy = Policy::new("test").by(CacheBy::Build).counts("one");
        let runs = Arc::new(AtomicUsize::new(0));
        let recipe = Recipe::from(move |_| {
            let run = runs.fetch_add(1, Ordering::SeqCst) + 1;
            async move { if run == 2 { bail!("bad luck") } else { Ok(Bytes::from(run.to_string())) } }
        });
        let first = cache.memoize(&policy.key(), recipe.clone()).await.unwrap();
        let than = first.entry.stamp.computed_at;

        let second = cache.renewed(&policy, than, recipe.clone()).await;
        let meanwhile = cache.ask(&policy, recipe.clone()).await.unwrap();
        let at_once = cache.renewed(&policy, than, recipe.clone()).await;
        sleep(Duration::from_millis(1100)).await;
        let third = cache.renewed(&policy, than, recipe.clone()).await.unwrap();

        assert!(matches!(second, Err(Failure::Failed(_))));
        assert_eq!(meanwhile.answer.entry, first.entry, "the last good one is untouched");
        assert!(matches!(at_once, Err(Failure::Failed(_))), "nobody tries again within the second");
        assert_eq!(third.answer.entry.bytes, "3");
    }
}

#[tokio::test]
async fn twenty_simultaneous_refreshes_over_three_processes_compute_once() {
    for place in Place::both() {
        let caches = [cache(&place), cache(&place), cache(&place)];
        let (work, policy) = (Work::default(), Policy::new("test").counts("one"));
        let recipe = work.lasting(Duration::from_millis(300));
        let old = caches[0].memoize(&policy.key(), recipe.clone()).await.unwrap().entry.stamp;

        let pressed = (0..20).map(|at| {
            let (cache, policy, recipe) = (&caches[at % 3], &policy, recipe.clone());
            cache.renewed(policy, old.computed_at, recipe)
        });
        let meanwhile = async {
            sleep(Duration::from_millis(100)).await;
            caches[1].ask(&policy, recipe.clone()).await.unwrap()
        };
        let (answers, meanwhile) = tokio::join!(join_all(pressed), meanwhile);

        assert_eq!(meanwhile.answer.entry.stamp, old, "until then the old one is shown");
        assert_eq!(work.counts(), (2, 2));
        let answers: Vec<_> = answers.into_iter().map(|asked| asked.unwrap().answer).collect();
        assert!(answers.iter().all(|answer| answer.entry.bytes == "2"));
        let stored = answers.iter().filter(|answer| answer.outcome == Outcome::Stored);
        assert_eq!(stored.count(), 1);
    }
}

#[tokio::test]
async fn an_answer_that_is_too_old_is_shown_while_one_process_renews_it() {
    for place in Place::both() {
        let most = Some(Duration::from_millis(300));
        let (one, other) = (aging(&place, most), aging(&place, most));
        let (work, policy) = (Work::default(), Policy::new("test").counts("one"));
        let recipe = work.lasting(Duration::from_millis(400));
        let first = one.ask(&policy, recipe.clone()).await.unwrap();
        assert!(!first.is_stale);
        sleep(Duration::from_millis(350)).await;

        let asked = Instant::now();
        let (here, there) =
            tokio::join!(one.ask(&policy, recipe.clone()), other.ask(&policy, recipe.clone()));
        let waited = asked.elapsed();

        for stale in [here.unwrap(), there.unwrap()] {
            assert!(stale.is_stale);
            assert_eq!(stale.answer.entry, first.answer.entry);
        }
        assert!(waited < Duration::from_millis(300), "nobody waits: {waited:?}");
        // Nobody asks meanwhile: what is renewed in the background needs nobody's interest.
        sleep(Duration::from_millis(600)).await;
        let than = first.answer.entry.stamp.computed_at;
        let new = other.renewed(&policy, than, recipe).await.unwrap();
        assert_eq!((new.answer.entry.bytes, work.counts()), (Bytes::from("2"), (2, 2)));
    }
}

#[tokio::test]
async fn a_value_of_other_data_is_shown_until_there_is_one_of_this() {
    for place in Place::both() {
        let (one, other) = (cache(&place), cache(&place));
        let by = |data| Policy::new("test").by(CacheBy::Data(data)).counts("one");
        let work = Work::default();
        let recipe = work.lasting(Duration::from_millis(300));
        let old = one.ask(&by("old"), recipe.clone()).await.unwrap();
        assert_eq!((old.is_stale, old.cached_by), (false, vec!["old".to_owned()]));

        let stale = other.ask(&by("new"), recipe.clone()).await.unwrap();
        sleep(Duration::from_millis(600)).await;
        let new = one.ask(&by("new"), recipe.clone()).await.unwrap();
        let again = other.ask(&by("new"), recipe).await.unwrap();

        assert_eq!((stale.is_stale, stale.cached_by), (true, vec!["old".to_owned()]));
        assert_eq!(stale.answer.entry, old.answer.entry);
        assert_eq!((new.is_stale, new.cached_by), (false, vec!["new".to_owned()]));
        assert_eq!((new.answer.entry.bytes, again.is_stale), (Bytes::from("2"), false));
        assert_eq!(work.counts(), (2, 2));
    }
}

#[tokio::test]
async fn nobody_waits_for_a_time_that_has_not_come() {
    for place in Place::both() {
        let (cache, work) = (cache(&place), Work::default());
        let policy = Policy::new("test").counts("one");
        let recipe = work.lasting(Duration::ZERO);
        let than = SystemTime::now() + Duration::from_secs(3600);

        let renewed = timeout(Duration::from_secs(5), cache.renewed(&policy, than, recipe)).await;

        assert!(renewed.unwrap().is_ok());
        assert_eq!(work.counts(), (1, 1));
    }
}
