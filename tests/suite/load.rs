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

    // Twelve people for a minute, however slow the machine is.
    assert!(done.answers > 2_000, "{}", done.answers);
    assert!(done.failures.is_empty(), "{}: {:?}", done.failures.len(), done.failures);
    assert!(app.logged("all workers have been replaced").len() >= 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_nginx_a_rolling_restart_every_five_seconds_fails_no_request() {
    let app = six();
    let nginx = Nginx::before(app.address().port());

    let done = tokio::select! {
        done = load(nginx.address(), MINUTE) => done,
        () = every(Duration::from_secs(5), || app.kill("HUP")) => unreachable!("it has no end"),
    };

    // Twelve people for a minute, however slow the machine is.
    assert!(done.answers > 2_000, "{}", done.answers);
    assert!(done.failures.is_empty(), "{}: {:?}", done.failures.len(), done.failures);
    assert!(app.logged("all workers have been replaced").len() >= 5);
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

    // Twelve people for a minute, however slow the machine is.
    assert!(done.answers > 2_000, "{}", done.answers);
    assert!(done.failures.is_empty(), "{}: {:?}", done.failures.len(), done.failures);
    let deaths = (1..=6).map(|worker| app.logged(&format!("worker {worker} is gone")).len());
    assert!(deaths.sum::<usize>() >= 55);
}

/// A request on a connection that was kept gets its answer, or was told before that there will be
/// none. Who connects later is refused; at the very moment, the kernel resets who is in the queue.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn term_under_load_answers_what_was_asked() {
    for is_everybody_told in [false, true] {
        let mut app = App::spawn(&[("WEB_CONCURRENCY", "3")]);
        let address = app.address();
        let ending = async {
            tokio::time::sleep(Duration::from_millis(1500)).await;
            if is_everybody_told {
                (1..=3).for_each(|worker| app.kill_worker(worker, "TERM"));
            }
            app.kill("TERM");
        };

        let (done, ()) = tokio::join!(load(address, Duration::from_secs(3)), ending);

        assert_eq!(app.wait(Duration::from_secs(10)).code(), Some(0));
        let (new, lost): (Vec<&String>, Vec<_>) =
            done.failures.iter().partition(|failure| failure.contains("new: "));
        assert!(lost.is_empty(), "{lost:?}");
        let reset = new.iter().filter(|failure| !failure.contains("refused"));
        assert!(reset.count() < 6, "one for each who connects at that moment: {new:?}");
        assert!(done.failures.len() > 100 && done.answers > done.failures.len());
    }
}
