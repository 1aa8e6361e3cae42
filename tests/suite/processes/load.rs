//! A minute of load while workers are replaced: no request fails.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, interval_at};

use crate::helpers::app::App;
use crate::helpers::load::{Load, load};
use crate::helpers::nginx::Nginx;

const MINUTE: Duration = Duration::from_secs(60);

/// One load at a time: each is meant to fill the machine, and two would measure each other.
static TURN: Mutex<()> = Mutex::const_new(());

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

/// A minute of load at this address while the workers are replaced every five seconds.
async fn with_rolling_restarts(app: &App, address: SocketAddr) -> Load {
    tokio::select! {
        done = load(address, MINUTE) => done,
        () = every(Duration::from_secs(5), || app.kill("HUP")) => unreachable!("it has no end"),
    }
}

fn assert_none_failed(done: &Load) {
    // Twelve clients for a minute, however slow the machine is.
    assert!(done.answers > 2_000, "{}", done.answers);
    assert!(done.failures.is_empty(), "{}: {:?}", done.failures.len(), done.failures);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_every_five_seconds_fails_no_request() {
    let _turn = TURN.lock().await;
    let app = six();

    let done = with_rolling_restarts(&app, app.address()).await;

    assert_none_failed(&done);
    assert!(app.logged("all workers have been replaced").len() >= 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_nginx_a_rolling_restart_every_five_seconds_fails_no_request() {
    let _turn = TURN.lock().await;
    let app = six();
    let nginx = Nginx::before(app.address().port());

    let done = with_rolling_restarts(&app, nginx.address()).await;

    assert_none_failed(&done);
    assert!(app.logged("all workers have been replaced").len() >= 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_nginx_a_worker_that_dies_every_second_fails_no_request() {
    let _turn = TURN.lock().await;
    let app = six();
    let nginx = Nginx::before(app.address().port());
    let mut next = (1..=6).cycle();

    let done = tokio::select! {
        done = load(nginx.address(), MINUTE) => done,
        () = every(Duration::from_secs(1), || {
            app.kill_worker(next.next().unwrap(), "KILL");
        }) => unreachable!("it has no end"),
    };

    assert_none_failed(&done);
    let deaths = (1..=6).map(|worker| app.logged(&format!("worker {worker} is gone")).len());
    assert!(deaths.sum::<usize>() >= 55);
}

/// A request on a kept connection gets its answer, or the answer before has said that the connection
/// closes. Later connections are refused; those in the queue at that moment are reset by the kernel.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn term_under_load_answers_all_open_requests() {
    let _turn = TURN.lock().await;
    for all_processes in [false, true] {
        let mut app = App::spawn(&[("WEB_CONCURRENCY", "3")]);
        let address = app.address();
        let ending = async {
            tokio::time::sleep(Duration::from_millis(1500)).await;
            if all_processes {
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
        assert!(reset.count() < 6, "one for each client that connects at that moment: {new:?}");
        assert!(done.failures.len() > 100 && done.answers > done.failures.len());
    }
}
