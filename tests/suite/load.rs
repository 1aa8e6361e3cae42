//! A minute of load while workers are replaced: nobody notices.

use std::time::Duration;

use tokio::time::{Instant, interval_at};

use crate::helpers::app::App;
use crate::helpers::load::load;

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
