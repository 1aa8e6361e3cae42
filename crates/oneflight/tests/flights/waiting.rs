//! Long computations: every caller sees the progress, leaving takes nothing from other callers, and
//! a computation without callers ends.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime};

use anyhow::bail;
use bytes::Bytes;
use futures_util::future::join_all;
use oneflight::store::{Attempt, Note};
use oneflight::{Cache, CacheBy, CacheConfig, Failure, Key, Outcome, Progress, Recipe, Stopped};
use tokio::time::{sleep, timeout};

use crate::place::{Place, at_each_place};

const MINUTE: Duration = Duration::from_secs(60);
/// How long a computation goes on after the last question for it, and may take to end.
const UNWANTED: Duration = Duration::from_millis(3500);

fn cache(place: &Place) -> Cache {
    aging(place, None)
}

fn aging(place: &Place, max_age: Option<Duration>) -> Cache {
    Cache::new(place.open(MINUTE), CacheConfig { max_age, ..CacheConfig::default() })
}

/// Whether the store has an entry of the key.
async fn is_kept(place: &Place) -> bool {
    place.open(MINUTE).look(&KEY).await.unwrap().entry.is_some()
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
        Recipe::from(move |progress: Progress| {
            let work = work.clone();
            async move {
                let value = work.begun.fetch_add(1, Ordering::SeqCst) + 1;
                for step in 1..=100 {
                    sleep(duration / 100).await;
                    progress.reached(step, 100)?;
                }
                work.ended.fetch_add(1, Ordering::SeqCst);
                Ok::<_, Stopped>(Bytes::from(value.to_string()))
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
    at_each_place(async |place: Place| {
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
    })
    .await;
}

#[tokio::test]
async fn a_computation_without_callers_ends_and_leaves_nothing() {
    at_each_place(async |place: Place| {
        let (cache, other, work) = (cache(&place), cache(&place), Work::default());
        let recipe = work.lasting(MINUTE);
        let asked = timeout(Duration::from_millis(300), cache.memoize(&KEY, recipe.clone()));
        assert!(asked.await.is_err());
        let left = Instant::now();

        // The lease is free once it has ended, and nothing has been stored.
        let store = place.open(MINUTE);
        let free = async {
            loop {
                let seen = store.look(&KEY).await.unwrap().seen;
                if let Attempt::Granted(lease) = store.try_lease(&KEY, &seen).await.unwrap() {
                    return lease;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        let lease = timeout(MINUTE, free).await.expect("the lease becomes free");

        assert!(left.elapsed() > Duration::from_secs(2), "it was given a moment");
        assert!(left.elapsed() < UNWANTED, "{:?}", left.elapsed());
        lease.release().await.unwrap();
        assert_eq!((work.counts(), is_kept(&place).await), ((1, 0), false));
        assert!(other.kept(&KEY).await.is_none());
        let again = other.memoize(&KEY, work.lasting(Duration::ZERO)).await.unwrap();
        assert_eq!((again.outcome, work.counts()), (Outcome::Stored, (2, 1)));
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_leaves_takes_nothing_from_one_of_its_process() {
    at_each_place(async |place: Place| {
        let one = cache(&place);
        one_leaves_and_the_other_stays(&place, &one, &one).await;
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_leaves_takes_nothing_from_one_of_another_process() {
    at_each_place(async |place: Place| {
        one_leaves_and_the_other_stays(&place, &cache(&place), &cache(&place)).await;
    })
    .await;
}

async fn one_leaves_and_the_other_stays(place: &Place, one: &Cache, other: &Cache) {
    let work = Work::default();
    let recipe = work.lasting(Duration::from_secs(5));
    let start = Instant::now();
    let leaving = polling(one, recipe.clone(), start + Duration::from_millis(400));
    let staying = async {
        sleep(Duration::from_millis(100)).await;
        polling(other, recipe.clone(), start + MINUTE).await
    };

    let (left, stayed) = tokio::join!(leaving, staying);

    assert_eq!((left, stayed), (None, Some(Bytes::from("1"))));
    assert_eq!(work.counts(), (1, 1));
    assert!(is_kept(place).await);
}

#[tokio::test]
async fn a_caller_at_the_moment_of_the_end_starts_a_new_run() {
    at_each_place(async |place: Place| {
        let (cache, work) = (cache(&place), Work::default());
        let recipe = work.lasting(Duration::from_secs(5));
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
    })
    .await;
}

#[tokio::test]
async fn an_error_reaches_callers_in_another_process_at_once_with_its_reason() {
    at_each_place(async |place: Place| {
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
        assert_eq!((runs.load(Ordering::SeqCst), is_kept(&place).await), (1, false));
    })
    .await;
}

#[tokio::test]
async fn after_an_error_on_the_second_run_the_third_works_and_the_first_value_stayed() {
    at_each_place(async |place: Place| {
        let cache = cache(&place);
        let key = Key::new("test").by(CacheBy::Build("1")).arg("one");
        let runs = Arc::new(AtomicUsize::new(0));
        let recipe = Recipe::from(move |_| {
            let run = runs.fetch_add(1, Ordering::SeqCst) + 1;
            async move { if run == 2 { bail!("bad luck") } else { Ok(Bytes::from(run.to_string())) } }
        });
        let first = cache.memoize(&key, recipe.clone()).await.unwrap();
        let than = first.entry.stamp.computed_at;

        let second = cache.renewed(&key, than, recipe.clone()).await;
        let meanwhile = cache.ask(&key, recipe.clone()).await.unwrap();
        let at_once = cache.renewed(&key, than, recipe.clone()).await;
        sleep(Duration::from_millis(1100)).await;
        let third = cache.renewed(&key, than, recipe.clone()).await.unwrap();

        assert!(matches!(second, Err(Failure::Failed(_))));
        assert_eq!(meanwhile.answer.entry, first.entry, "the last good one is untouched");
        assert!(matches!(at_once, Err(Failure::Failed(_))), "nobody tries again within the second");
        assert_eq!(third.answer.entry.bytes, "3");
    })
    .await;
}

#[tokio::test]
async fn twenty_simultaneous_refreshes_over_three_processes_compute_once() {
    at_each_place(async |place: Place| {
        let caches = [cache(&place), cache(&place), cache(&place)];
        let (work, key) = (Work::default(), KEY.clone());
        let recipe = work.lasting(Duration::from_millis(300));
        let old = caches[0].memoize(&key, recipe.clone()).await.unwrap().entry.stamp;

        let pressed = (0..20).map(|at| {
            let (cache, key, recipe) = (&caches[at % 3], &key, recipe.clone());
            cache.renewed(key, old.computed_at, recipe)
        });
        let meanwhile = async {
            sleep(Duration::from_millis(100)).await;
            caches[1].ask(&key, recipe.clone()).await.unwrap()
        };
        let (answers, meanwhile) = tokio::join!(join_all(pressed), meanwhile);

        assert_eq!(meanwhile.answer.entry.stamp, old, "until then the old one is shown");
        assert_eq!(work.counts(), (2, 2));
        let answers: Vec<_> = answers.into_iter().map(|asked| asked.unwrap().answer).collect();
        assert!(answers.iter().all(|answer| answer.entry.bytes == "2"));
        let stored = answers.iter().filter(|answer| answer.outcome == Outcome::Stored);
        assert_eq!(stored.count(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_is_too_old_is_shown_while_one_process_renews_it() {
    at_each_place(async |place: Place| {
        let most = Some(Duration::from_millis(300));
        let (one, other) = (aging(&place, most), aging(&place, most));
        let (work, key) = (Work::default(), KEY.clone());
        let recipe = work.lasting(Duration::from_millis(400));
        let first = one.ask(&key, recipe.clone()).await.unwrap();
        assert!(!first.is_stale);
        sleep(Duration::from_millis(350)).await;

        let asked = Instant::now();
        let (here, there) =
            tokio::join!(one.ask(&key, recipe.clone()), other.ask(&key, recipe.clone()));
        let waited = asked.elapsed();

        for stale in [here.unwrap(), there.unwrap()] {
            assert!(stale.is_stale);
            assert_eq!(stale.answer.entry, first.answer.entry);
        }
        assert!(waited < Duration::from_millis(300), "nobody waits: {waited:?}");
        // Nobody asks meanwhile: what is renewed in the background needs nobody's interest.
        sleep(Duration::from_millis(600)).await;
        let than = first.answer.entry.stamp.computed_at;
        let new = other.renewed(&key, than, recipe).await.unwrap();
        assert_eq!((new.answer.entry.bytes, work.counts()), (Bytes::from("2"), (2, 2)));
    })
    .await;
}

#[tokio::test]
async fn a_value_of_other_data_is_shown_until_there_is_one_of_this() {
    at_each_place(async |place: Place| {
        let (one, other) = (cache(&place), cache(&place));
        let by = |data| Key::new("test").by(CacheBy::Data(data)).arg("one");
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
    })
    .await;
}

#[tokio::test]
async fn a_time_to_come_is_not_waited_for() {
    at_each_place(async |place: Place| {
        let (cache, work) = (cache(&place), Work::default());
        let key = KEY.clone();
        let recipe = work.lasting(Duration::ZERO);
        let than = SystemTime::now() + Duration::from_secs(3600);

        let renewed = timeout(Duration::from_secs(5), cache.renewed(&key, than, recipe)).await;

        assert!(renewed.unwrap().is_ok());
        assert_eq!(work.counts(), (1, 1));
    })
    .await;
}

/// A recipe that counts how many of its kind run at a time.
fn counted(running: &Arc<AtomicUsize>, most: &Arc<AtomicUsize>, lasting: Duration) -> Recipe {
    let (running, most) = (running.clone(), most.clone());
    Recipe::from(move |_| {
        let (running, most) = (running.clone(), most.clone());
        async move {
            let now = running.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(now, Ordering::SeqCst);
            sleep(lasting).await;
            running.fetch_sub(1, Ordering::SeqCst);
            Ok::<_, Stopped>(Bytes::from("value"))
        }
    })
}

#[tokio::test]
async fn many_stale_answers_are_renewed_one_at_a_time() {
    at_each_place(async |place: Place| {
        let cache = aging(&place, Some(Duration::from_millis(1)));
        let keys: Vec<Key> = (0..5).map(|at| Key::new("test").arg(at)).collect();
        let quick = Work::default().lasting(Duration::ZERO);
        for key in &keys {
            cache.memoize(key, quick.clone()).await.unwrap();
        }
        sleep(Duration::from_millis(10)).await;
        let (running, most) = (Arc::default(), Arc::default());

        let asked = keys
            .iter()
            .map(|key| cache.ask(key, counted(&running, &most, Duration::from_millis(100))));
        let answers = join_all(asked).await;

        assert!(answers.iter().all(|asked| asked.as_ref().unwrap().is_stale));
        let renewed = async || {
            let kept = join_all(keys.iter().map(|key| cache.kept(key))).await;
            kept.iter().all(|it| it.as_ref().is_some_and(|it| it.entry.bytes == "value"))
        };
        let all = async {
            while !renewed().await {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(MINUTE, all).await.expect("all are renewed");
        assert_eq!(most.load(Ordering::SeqCst), 1);
    })
    .await;
}

#[tokio::test]
async fn a_caller_does_not_wait_behind_what_is_prepared_for_nobody() {
    at_each_place(async |place: Place| {
        let cache = cache(&place);
        let (first, second) = (Key::new("test").arg("first"), Key::new("test").arg("second"));
        let long = Work::default().lasting(Duration::from_secs(30));
        let quick = Work::default().lasting(Duration::ZERO);
        // The first occupies the background, so the second waits for its turn there.
        let mut preparing = Vec::new();
        for (key, recipe) in [(first, long), (second.clone(), quick.clone())] {
            let cache = cache.clone();
            preparing.push(tokio::spawn(async move { cache.prepare(&key, recipe).await }));
            sleep(Duration::from_millis(200)).await;
        }
        assert!(cache.kept(&second).await.is_none());

        let asked = timeout(Duration::from_secs(10), cache.memoize(&second, quick)).await;

        assert!(asked.expect("it does not wait for the first").is_ok());
        preparing.iter().for_each(|task| task.abort());
    })
    .await;
}

#[tokio::test]
async fn the_progress_of_a_new_run_does_not_begin_where_the_former_one_ended() {
    at_each_place(async |place: Place| {
        let (one, other, work) = (cache(&place), cache(&place), Work::default());
        let recipe = work.lasting(Duration::from_secs(1));
        let first = one.memoize(&KEY, recipe.clone()).await.unwrap().entry.stamp;

        let renewing = other.renewed(&KEY, first.computed_at, recipe);
        let watching = async {
            loop {
                sleep(Duration::from_millis(20)).await;
                if let Some(progress) = other.progress(&KEY).await {
                    return progress.permille;
                }
            }
        };
        let (renewed, seen_first) = tokio::join!(renewing, timeout(MINUTE, watching));

        let seen_first = seen_first.expect("there is progress");
        assert_eq!((renewed.unwrap().is_stale, work.counts()), (false, (2, 2)));
        assert!(seen_first < 900, "{seen_first}");
    })
    .await;
}

#[tokio::test]
async fn the_successor_of_a_dead_worker_goes_on_from_its_progress() {
    at_each_place(async |place: Place| {
        let (cache, work, store) = (cache(&place), Work::default(), place.open(MINUTE));
        let left = r#"{"permille":600,"elapsed_ms":1200,"left_ms":null}"#;
        store.leave(&KEY, Note::Progress, left, MINUTE).await.unwrap();

        let computing = cache.memoize(&KEY, work.lasting(Duration::from_secs(1)));
        let watching = async {
            sleep(Duration::from_millis(200)).await;
            cache.progress(&KEY).await.unwrap().permille
        };
        let (computed, seen) = tokio::join!(computing, watching);

        assert_eq!(computed.unwrap().outcome, Outcome::Stored);
        assert!((600..900).contains(&seen), "{seen}");
        assert!(cache.progress(&KEY).await.is_none(), "a run that has ended leaves no progress");
    })
    .await;
}
