//! Programs that share a Redis or a folder, as on several hosts.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::helpers::app::App;
use crate::helpers::place::{Place, in_each_store};
use crate::helpers::waiting::until_true;

/// How long a lease lives in Redis that its holder does not renew.
const LEASE: Duration = Duration::from_secs(3);

fn spawn(place: &Place, cost: &str) -> App {
    App::at(place, &[("SIMULATED_COST", cost)])
}

fn computations(apps: &[&App]) -> usize {
    apps.iter().map(|app| app.computations()).sum()
}

#[tokio::test]
async fn twenty_four_cold_requests_to_two_processes_compute_once() {
    for cost in ["0s", "500ms", "1500ms"] {
        in_each_store(async |place| {
            let (one, other) = (spawn(&place, cost), spawn(&place, cost));

            let asked = (0..24).map(|at| {
                let app = if at % 2 == 0 { &one } else { &other };
                app.signal("origin=ATL")
            });
            let answers = futures_util::future::join_all(asked).await;

            let count = |outcome| answers.iter().filter(|it| it.outcome() == outcome).count();
            assert!(answers.iter().all(|answer| answer.status == 200));
            assert_eq!(computations(&[&one, &other]), 1, "at a cost of {cost}");
            assert_eq!(count("stored"), 1, "at a cost of {cost}");
            assert_eq!(count("stored") + count("collapsed") + count("hit"), 24);
            let first = answers[0].attribute("data-computed-at");
            assert!(answers.iter().all(|answer| answer.attribute("data-computed-at") == first));
        })
        .await;
    }
}

#[tokio::test]
async fn after_a_restart_the_first_request_is_a_hit() {
    in_each_store(async |place| {
        let mut first = spawn(&place, "0s");
        let computed = first.signal("origin=ATL").await;
        first.kill("TERM");
        assert!(first.wait(Duration::from_secs(10)).success());

        let second = spawn(&place, "0s");
        let answer = second.signal("origin=ATL").await;

        assert_eq!(answer.outcome(), "hit");
        assert_eq!(answer.attribute("data-computed-at"), computed.attribute("data-computed-at"));
        assert_eq!(second.computations(), 0);
    })
    .await;
}

/// Asks one process, and returns once it holds the lease.
async fn leads(app: &App, query: &str) {
    let answer = app.get(&format!("/signal?{query}")).await;
    assert_eq!(answer.status, 202);
}

#[tokio::test]
async fn a_waiter_takes_over_when_the_leader_is_killed() {
    in_each_store(async |place| {
        let leader = spawn(&place, "2s");
        let waiter = spawn(&place, "2s");
        leads(&leader, "origin=ATL").await;
        let death = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            leader.kill_worker(1, "KILL");
            SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
        };

        let (answer, died) = tokio::join!(waiter.signal("origin=ATL"), death);

        assert_eq!((answer.status, waiter.computations()), (200, 1));
        // On disk the takeover waits for nothing, in Redis for the lease to run out.
        let bound = if let Place::Disk(_) = place { LEASE } else { 2 * LEASE };
        let waited = waiter.spans("ATL")[0].start.saturating_sub(died);
        assert!(waited < bound, "taken over after {waited:?}");
    })
    .await;
}

#[tokio::test]
async fn a_leader_that_was_paused_past_its_lease_publishes_nothing() {
    in_each_store(async |place| {
        let (leader, waiter) = (spawn(&place, "2s"), spawn(&place, "2s"));
        leads(&leader, "origin=ATL").await;

        // A caller waits for it all the time: without one it would not be computed to its end.
        let patient = leader.signal("origin=ATL");
        let successor = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            leader.kill_worker(1, "STOP");
            let answer = waiter.signal("origin=ATL").await;
            leader.kill_worker(1, "CONT");
            answer
        };
        let (late, answer) = tokio::join!(patient, successor);

        assert_eq!((answer.status, waiter.computations()), (200, 1));
        until_true("the end of the late one", || leader.computations() == 1).await;
        let said = leader.logged("computed")[0]["message"].as_str().unwrap().to_owned();
        assert!(said.contains("too late"), "{said}");
        assert_eq!(late.attribute("data-computed-at"), answer.attribute("data-computed-at"));
    })
    .await;
}
