//! A minute of load while workers are replaced: nobody notices.

use std::time::Duration;

use tokio::time::{Instant, interval_at};

use crate::helpers::app::App;
use crate::helpers::load::load;
use crate::helpers::nginx::Nginx;

const MINUTE: Duration = Duration::from_secs(60);

fn six() -> App {
    App::spawn(&[("WEB_CONCURRENCY", "6")])
}

/// Does something again and again, until it is dropped.
async fn every(pause: Duration, mut what: impl FnMut()) {
    let mut ticks = interval_at(Instant::now() + pause, pause);
    loop {
        ticks.tick().await;
        what();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_every_five_seconds_fails_no_request() {
    let app = six();

    let done = tokio::select! {
        done = load(app.address(), MINUTE) => done,
        () = every(Duration::from_secs(5), || app.kill("HUP")) => unreachable!("it has no end"),
    };

    assert!(done.answers > 10_000, "{}", done.answers);
    assert!(done.failures.is_empty(), "{}: {:?}", done.failures.len(), done.failures);
    assert!(app.logged("all workers have been replaced").len() >= 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_nginx_a_rolling_restart_every_five_seconds_fails_no_request() {
    let app = six();
    let nginx = Nginx::before(app.address().port());

    let done = tokio::select! {
        done = load(nginx.address(), MINUTE) => done,
        () = every(Duration::from_secs(5), || app.kill("HUP")) => unreachable!("it has no end"),
    };

    assert!(done.answers > 10_000, "{}", done.answers);
    assert!(done.failures.is_empty(), "{}: {:?}", done.failures.len(), done.failures);
    assert!(app.logged("all workers have been replaced").len() >= 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_nginx_a_worker_that_dies_every_second_fails_no_request() {
    let app = six();
    let nginx = Nginx::before(app.address().port());
    let mut next = (1..=6).cycle();

    let done = tokio::select! {
        done = load(nginx.address(), MINUTE) => done,
        () = every(Duration::from_secs(1), || {
            app.kill_worker(next.next().unwrap(), "KILL");
        }) => unreachable!("it has no end"),
    };

    assert!(done.answers > 10_000, "{}", done.answers);
    assert!(done.failures.is_empty(), "{}: {:?}", done.failures.len(), done.failures);
    let deaths = (1..=6).map(|worker| app.logged(&format!("worker {worker} is gone")).len());
    assert!(deaths.sum::<usize>() >= 55);
}
