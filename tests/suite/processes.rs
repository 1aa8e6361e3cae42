//! Programs that share a Redis or a folder, as on several hosts.

use std::time::{Duration, Instant};

use crate::helpers::app::App;
use crate::helpers::eventually;
use crate::helpers::place::Place;

fn spawn(place: &Place, cost: &str) -> App {
    App::at(place, &[("SIMULATED_COST", cost)])
}

fn computations(apps: &[&App]) -> usize {
    apps.iter().map(|app| app.computations()).sum()
}

#[tokio::test]
async fn twenty_four_cold_requests_to_two_processes_compute_once() {
    for cost in ["0s", "500ms", "1500ms"] {
        for place in Place::both() {
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
        }
    }
}

#[tokio::test]
async fn after_a_restart_the_first_request_is_a_hit() {
    for place in Place::both() {
        let mut first = spawn(&place, "0s");
        let computed = first.signal("origin=ATL").await;
        first.kill("TERM");
        assert!(first.wait(Duration::from_secs(10)).success());

        let second = spawn(&place, "0s");
        let answer = second.signal("origin=ATL").await;

        assert_eq!(answer.outcome(), "hit");
        assert_eq!(answer.attribute("data-computed-at"), computed.attribute("data-computed-at"));
        assert_eq!(second.computations(), 0);
    }
}

/// Asks one process, and returns once it holds the lease.
async fn leads(app: &App, query: &str) {
    let answer = app.get(&format!("/signal?{query}")).await;
    assert_eq!(answer.status, 202);
}

#[tokio::test]
async fn a_waiter_takes_over_when_the_leader_is_killed() {
    for place in Place::both() {
        let leader = spawn(&place, "2s");
        let waiter = spawn(&place, "2s");
        leads(&leader, "origin=ATL").await;
        let waiting = async {
            let answer = waiter.signal("origin=ATL").await;
            (answer, Instant::now())
        };
        let death = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            leader.kill_worker(1, "KILL");
            Instant::now()
        };

        let ((answer, answered), died) = tokio::join!(waiting, death);

        assert_eq!((answer.status, waiter.computations()), (200, 1));
        // The computation of two seconds, and before it: nothing on disk, the lease of three
        // seconds in Redis.
        let bound = match place {
            Place::Disk(_) => Duration::from_millis(2600),
            Place::Redis(_) => Duration::from_millis(5600),
        };
        assert!(answered - died < bound, "{:?}", answered - died);
    }
}

#[tokio::test]
async fn a_leader_that_was_paused_past_its_lease_publishes_nothing() {
    for place in Place::both() {
        let (leader, waiter) = (spawn(&place, "2s"), spawn(&place, "2s"));
        leads(&leader, "origin=ATL").await;

        // Somebody waits for it all the time: what nobody wants would not be computed to its end.
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
        eventually("the late one's end", || leader.computations() == 1);
        let said = leader.logged("computed")[0]["message"].as_str().unwrap().to_owned();
        assert!(said.contains("too late"), "{said}");
        assert_eq!(late.attribute("data-computed-at"), answer.attribute("data-computed-at"));
    }
}

#[tokio::test]
async fn term_lets_open_requests_finish() {
    let mut app = App::spawn(&[("SIMULATED_COST", "600ms")]);
    let asked = async { app.get("/signal?origin=ATL").await };
    let term = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        app.kill("TERM");
    };

    let (answer, ()) = tokio::join!(asked, term);

    assert_eq!((answer.status, answer.outcome()), (200, "stored"));
    assert!(app.wait(Duration::from_secs(10)).success());
}
