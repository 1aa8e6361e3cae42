//! Workers that die or stop in the middle of a computation, at random moments.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::future::join_all;
use serde_json::Value;
use tokio::time::sleep;

use crate::helpers::answer::Answer;
use crate::helpers::app::App;
use crate::helpers::connection::Connection;
use crate::helpers::place::{Place, in_each_store};
use crate::helpers::waiting::{until_true, wait_for};
use crate::helpers::{PATIENCE, eventually};

const COST: Duration = Duration::from_millis(600);
/// How long a lease lives that its holder does not renew. On disk a takeover waits for nothing, and
/// takes less even on a busy machine; in Redis it waits for the lease to run out, and takes less than
/// two of them.
const LEASE: Duration = Duration::from_secs(3);
/// Programs that are tried at the same time, and deaths in each.
const PROGRAMS: usize = 4;
const DEATHS: usize = 10;

fn spawn(place: &Place, cost: &str) -> App {
    App::at(place, &[("WEB_CONCURRENCY", "3"), ("SIMULATED_COST", cost)])
}

/// A connection, and the worker that it leads to.
async fn connected(app: &App) -> (Connection, u64) {
    let mut connection = Connection::open(app.address()).await.unwrap();
    let answer = connection.get("/signal?origin=YAK").await.unwrap();
    (connection, answer.worker())
}

/// Asks until there is an answer; a connection that breaks is opened anew, as a proxy would.
async fn persistent(app: &App, kept: Option<Connection>, origin: &str) -> Answer {
    let (mut kept, query) = (kept, format!("origin={origin}"));
    let until = Instant::now() + PATIENCE;
    loop {
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => Connection::open(app.address()).await.unwrap(),
        };
        if let Ok(answer) = connection.signal(&query).await {
            return answer;
        }
        assert!(Instant::now() < until, "connections for {origin} break for {PATIENCE:?}");
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// When each computation of an origin began, and how many there were.
fn begun(app: &App, origin: &str) -> Vec<Duration> {
    app.spans(origin).iter().map(|span| span.start).collect()
}

/// One death of the worker that computes, at a moment between its first line and after its last.
async fn death(app: &App, origin: &str, takeover: Duration) {
    let (connection, leader) = connected(app).await;
    let moment = COST.mul_f64(1.1 * f64::from(getrandom::u32().unwrap()) / f64::from(u32::MAX));
    let first = persistent(app, Some(connection), origin);
    let others = async {
        // The first one leads; these wait with it, on any worker.
        sleep(Duration::from_millis(30)).await;
        join_all((0..7).map(|_| persistent(app, None, origin))).await
    };
    let kill = async {
        sleep(moment).await;
        let process = app.process(leader);
        app.kill_worker(leader, "KILL");
        let died = now();
        eventually("its death", || !is_running(process));
        // All that it has logged is in the log by now.
        (died, begun(app, origin).len())
    };

    let (first, others, (died, before)) = tokio::join!(first, others, kill);

    assert!(others.iter().chain([&first]).all(|answer| answer.status == 200), "{origin}");
    let all = begun(app, origin);
    assert!(all.len() <= 2, "{origin}: {} computations", all.len());
    let Some(begun) = all.first() else {
        // It died between its publication and its line in the log.
        assert_eq!(first.attribute("data-computed-by"), leader.to_string(), "{origin}");
        return;
    };
    // A computation that had not ended was taken over by the one that logged first.
    if before == 0 {
        let waited = begun.saturating_sub(died);
        assert!(waited < takeover, "{origin}: taken over after {waited:?}");
    }
}

/// Whether a process runs; one that has died may still be in the table of processes.
fn is_running(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The state stands behind the name, which is in parentheses.
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

fn is_death(line: &&Value) -> bool {
    line["message"].as_str().unwrap().contains("is gone")
}

fn deaths(place: &Place, takeover: Duration) {
    // Each program has a thread of its own, so that no wait delays the death of another.
    std::thread::scope(|threads| {
        for program in 0..PROGRAMS {
            threads.spawn(move || wait_for(deaths_of_one(place, program, takeover)));
        }
    });
}

async fn deaths_of_one(place: &Place, program: usize, takeover: Duration) {
    let app = spawn(place, "600ms");
    assert_eq!(app.signal("origin=YAK").await.status, 200);
    let origins = app.origins().await;
    let cold = origins.iter().filter(|code| *code != "YAK").skip(program * DEATHS);
    for origin in cold.take(DEATHS) {
        death(&app, origin, takeover).await;
        eventually("three workers", || app.workers().len() == 3);
    }
    let deaths = || app.logged("worker").iter().filter(is_death).count();
    eventually("a line for each death", || deaths() == DEATHS);
}

#[test]
fn forty_deaths_while_computing_lose_no_answer_on_disk() {
    deaths(&Place::disk(), LEASE);
}

#[test]
fn forty_deaths_while_computing_lose_no_answer_in_redis() {
    deaths(&Place::redis(), 2 * LEASE);
}

#[tokio::test]
async fn a_worker_that_was_paused_past_its_lease_may_not_replace_its_successors_value() {
    in_each_store(async |place| {
        let app = spawn(&place, "1500ms");
        assert_eq!(app.signal("origin=YAK").await.status, 200);
        let (mut connection, leader) = connected(&app).await;
        assert_eq!(connection.get("/signal?origin=ATL").await.unwrap().status, 202);

        app.kill_worker(leader, "STOP");
        // A connection of the kernel's choice may lead to the stopped one, so there are many.
        let waiting = (0..12).map(|_| Box::pin(persistent(&app, None, "ATL")));
        let (answer, _, rest) = futures_util::future::select_all(waiting).await;
        app.kill_worker(leader, "CONT");
        let late = join_all(rest).await;

        assert_eq!((answer.status, begun(&app, "ATL").is_empty()), (200, false));
        until_true("the end of the late one", || begun(&app, "ATL").len() == 2).await;
        let refused = app.logged("computed").into_iter().filter(|line| {
            line["message"].as_str().unwrap().contains("too late") && line["worker"] == leader
        });
        assert_eq!(refused.count(), 1);
        let first = answer.attribute("data-computed-at");
        assert!(late.iter().all(|late| late.attribute("data-computed-at") == first));
        assert_eq!(app.logged("worker").iter().filter(is_death).count(), 0);
    })
    .await;
}
