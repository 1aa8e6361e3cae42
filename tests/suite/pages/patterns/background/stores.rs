//! Runs that several workers share, that are cancelled, and that outlive a restart.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use oneflight::Key;
use oneflight::entry::Seen;
use oneflight::store::{Attempt, Lease, Store};
use tokio::time::sleep;

use super::{LONG, PAGE, ask, cancel, disabled, permille, press, run};
use crate::helpers::app::App;
use crate::helpers::place::in_each_store;
use crate::helpers::waiting::{Computing, until, until_computed};

#[tokio::test]
async fn clicks_are_shown_and_ignored_and_each_other_input_matters() {
    in_each_store(async |place| {
        let app = App::at(&place, &[]);

        let first = run(&app, "origin=ATL&resamples=100&clicks=1").await;
        let clicked = run(&app, "origin=ATL&resamples=100&clicks=7").await;
        let computed = app.computations();
        let more = run(&app, "origin=ATL&resamples=101&clicks=7").await;
        let elsewhere = run(&app, "origin=ABE&resamples=100&clicks=7").await;

        assert_eq!((first.outcome(), clicked.outcome(), computed), ("stored", "hit", 1));
        assert_eq!((more.outcome(), elsewhere.outcome()), ("stored", "stored"));
        assert!(first.text().contains(">1 time<") && clicked.text().contains(">7 times<"));
        assert!(clicked.text().contains("name=\"clicks\" form=\"choice\" value=\"8\""));
        assert_eq!(first.figure(), clicked.figure());
        let key = format!("quadrant:{}", key(first.attribute("data-v"), "ATL", 100));
        assert_eq!(app.logged("computed")[0]["key"], key);
    })
    .await;
}

fn key(v: &str, origin: &str, resamples: u32) -> Key {
    Key::new("bootstrap")
        .arg(v)
        .arg(env!("CARGO_PKG_VERSION"))
        .arg("intervals-2")
        .arg(origin)
        .arg(resamples)
}

#[tokio::test]
async fn workers_share_one_computation_and_all_see_its_progress_grow() {
    in_each_store(async |place| {
        let app = App::at(&place, &[("WEB_CONCURRENCY", "2"), ("SIMULATED_COST", "4s")]);
        let caller = async || {
            let (mut seen, mut workers) = (vec![], BTreeSet::new());
            assert_eq!(press(&app, "origin=ATL&resamples=100").await.status, 202);
            let answer = until_computed(async || {
                let last = seen.last().copied().unwrap_or(0);
                let answer = ask(&app, &format!("origin=ATL&resamples=100&seen={last}")).await;
                if answer.is_computing() {
                    assert!(!answer.text().contains("<button"), "buttons stay while it runs");
                    assert_eq!(answer.asks().len(), 1, "it asks again by itself");
                    seen.extend(permille(&answer));
                    workers.insert(answer.worker());
                }
                answer
            });
            let answer = answer.await;
            (answer, seen, workers)
        };

        let callers = join_all((0..8).map(|_| caller())).await;

        let mut all = BTreeSet::new();
        assert_eq!(app.computations(), 1);
        for (answer, seen, workers) in &callers {
            assert_eq!(answer.status, 200);
            assert!(seen.is_sorted(), "{seen:?}");
            // Two a second from another process, of which a busy machine may hide every other one.
            assert!(BTreeSet::from_iter(seen).len() >= 4, "{seen:?}");
            assert_eq!(answer.figure(), callers[0].0.figure());
            all.extend(workers.iter().copied());
        }
        assert_eq!(all.len(), 2, "both workers have answered");
        // None, if the last question of the one that caused it has come to the other worker.
        let stored = callers.iter().filter(|(answer, ..)| answer.outcome() == "stored").count();
        assert!(stored <= 1, "{stored}");
    })
    .await;
}

/// Processor time that a worker has used so far.
fn used(app: &App) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", app.process(1))).unwrap();
    let numbers: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    // utime and stime, the 14th and 15th field, in hundredths of a second.
    let ticks: u64 = numbers[11].parse::<u64>().unwrap() + numbers[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// The lease of a key without an entry, unless it is held.
async fn try_lease(store: &dyn Store, key: &Key) -> Option<Box<dyn Lease>> {
    match store.try_lease(key, &Seen::default()).await.unwrap() {
        Attempt::Granted(lease) => Some(lease),
        Attempt::Held => None,
        Attempt::Changed => panic!("there is no entry"),
    }
}

#[tokio::test]
async fn a_run_that_all_callers_have_cancelled_ends_and_leaves_nothing() {
    in_each_store(async |place| {
        let app = App::at(&place, &[]);
        let v = run(&app, "origin=ACY&resamples=1").await.attribute("data-v").to_owned();
        let (store, key) = (place.open(), key(&v, "ATL", 1_000_000));

        let running = press(&app, LONG).await;
        assert_eq!((running.status, disabled(&running)), (202, [true, false]));
        let cancelled = cancel(&app, LONG).await;
        let last = Instant::now();
        assert_eq!((cancelled.status, disabled(&cancelled)), (200, [false, true]));
        assert_eq!(cancelled.asks(), [""; 0], "it asks no more");
        let lease = try_lease(&*store, &key).await;
        assert!(lease.is_none(), "the computation goes on for a moment");
        let free = until("the lease", async || try_lease(&*store, &key).await);
        let lease = free.await;
        let freed = last.elapsed();
        sleep(Duration::from_millis(500)).await;
        let before = used(&app);
        sleep(Duration::from_secs(1)).await;
        let worked = used(&app) - before;

        // Not at once: another caller may still come. And not after the minutes that it would take.
        assert!(freed >= Duration::from_millis(2500), "{freed:?}");
        assert!(worked < Duration::from_millis(300), "it still works: {worked:?} in a second");
        assert_eq!((app.computations(), place.entries()), (1, 1));
        lease.release().await.unwrap();
        assert_eq!(run(&app, "origin=ATL&resamples=100").await.outcome(), "stored");
    })
    .await;
}

#[tokio::test]
async fn a_restart_keeps_the_result_and_the_page_shows_it_at_once() {
    in_each_store(async |place| {
        let mut first = App::at(&place, &[]);
        let computed = run(&first, "origin=ATL&resamples=200").await;
        first.kill("TERM");
        assert!(first.wait(Duration::from_secs(10)).success());

        let second = App::at(&place, &[]);
        let page = second.get_with(&format!("{PAGE}?origin=ATL&resamples=200"), &[]).await;
        let answer = run(&second, "origin=ATL&resamples=200").await;
        let other = second.get_with(&format!("{PAGE}?origin=ATL&resamples=201"), &[]).await;

        assert_eq!((answer.outcome(), second.computations()), ("hit", 0));
        assert_eq!(page.figure(), computed.figure());
        assert_eq!(answer.attribute("data-computed-at"), computed.attribute("data-computed-at"));
        assert_eq!(page.attribute("data-state"), "done");
        assert_eq!((other.attribute("data-state"), disabled(&other)), ("idle", [false, true]));
        assert!(!other.text().contains("class=\"figure\""), "the page computes nothing");
    })
    .await;
}
