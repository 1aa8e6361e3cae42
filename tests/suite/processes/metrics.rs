//! `/metrics` of several processes: each worker tells the numbers of all.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::helpers::app::App;
use crate::helpers::connection::Connection;
use crate::helpers::eventually;
use crate::helpers::exposition::Exposition;
use crate::helpers::place::in_each_store;

#[tokio::test]
async fn waiting_for_another_process_is_counted_and_so_is_taking_over_from_it() {
    in_each_store(async |place| {
        let cost = [("SIMULATED_COST", "2s")];
        let (leader, waiter) = (App::at(&place, &cost), App::at(&place, &cost));
        let waits = |told: &Exposition| {
            let [waits, takeovers] = ["waits", "takeovers"]
                .map(|what| told.value(&format!("quadrant_lease_{what}_total"), &[]));
            (waits, takeovers)
        };

        assert_eq!(leader.get("/signal?origin=ATL").await.status, 202);
        assert_eq!(waiter.signal("origin=ATL").await.outcome(), "collapsed");
        assert_eq!(waits(&Exposition::of(&waiter).await), (1.0, 0.0), "an entry came");

        assert_eq!(leader.get("/signal?origin=ABE").await.status, 202);
        let (answer, ()) = tokio::join!(waiter.signal("origin=ABE"), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            leader.kill_worker(1, "KILL");
        });
        assert_eq!(answer.status, 200);
        assert_eq!(waits(&Exposition::of(&waiter).await), (2.0, 1.0), "its holder died");
    })
    .await;
}

#[tokio::test]
async fn each_worker_reports_the_numbers_of_all() {
    let app = App::spawn(&[("WEB_CONCURRENCY", "4")]);
    let (close, asked) = ([("Connection", "close")], 40);
    for _ in 0..asked {
        assert_eq!(app.get_with("/signal?origin=YAK", &close).await.status, 200);
    }

    let mut connections = Vec::new();
    let mut askers = BTreeSet::new();
    while askers.len() < 4 {
        assert!(connections.len() < 500, "only {askers:?} of 4 workers have answered");
        let mut connection = Connection::open(app.address()).await.unwrap();
        askers.insert(connection.get("/signal?origin=YAK").await.unwrap().worker());
        connections.push(connection);
    }
    let signals = asked + connections.len();

    for connection in &mut connections {
        let told = Exposition::parse(connection.get("/metrics").await.unwrap().text());
        let ok = [("route", "/signal"), ("status", "200")];
        let of = |worker| told.find("quadrant_requests_total", &[ok[0], ok[1], ("worker", worker)]);
        let all: f64 = ["1", "2", "3", "4"].iter().filter_map(|worker| of(worker)).sum();
        assert_eq!(all, signals as f64);
        for worker in ["1", "2", "3", "4"] {
            let process = told.value("quadrant_process_id", &[("worker", worker)]);
            assert_eq!(process, f64::from(app.process(worker.parse().unwrap())));
        }
        let computed =
            |worker: &str| told.value("quadrant_computations_total", &[("worker", worker)]);
        assert_eq!(["1", "2", "3", "4"].map(computed).iter().sum::<f64>(), 1.0);
    }
}

#[tokio::test]
async fn a_worker_that_hangs_is_left_out_and_one_that_died_is_counted() {
    let app = App::spawn(&[("WEB_CONCURRENCY", "3")]);
    let mut connection = Connection::open(app.address()).await.unwrap();
    let asked = connection.get("/signal?origin=YAK").await.unwrap().worker();
    let [dying, hanging]: [u64; 2] =
        (1..=3).filter(|worker| *worker != asked).collect::<Vec<_>>().try_into().unwrap();
    let before = app.process(dying);
    app.kill_worker(dying, "KILL");
    eventually("its successor", || app.process(dying) != before);
    app.kill_worker(hanging, "STOP");

    let told = Exposition::parse(connection.get("/metrics").await.unwrap().text());
    app.kill_worker(hanging, "CONT");

    let (dead, hung) = (dying.to_string(), hanging.to_string());
    let restarts = |worker: &str, reason| {
        let labels = [("worker", worker), ("reason", reason)];
        told.value("quadrant_worker_restarts_total", &labels)
    };
    assert_eq!(restarts(&dead, "killed"), 1.0);
    assert_eq!(restarts(&dead, "hung") + restarts(&hung, "killed"), 0.0);
    assert_eq!(told.find("quadrant_process_id", &[("worker", &hung)]), None);
    let process = told.value("quadrant_process_id", &[("worker", &dead)]);
    assert_eq!(process, f64::from(app.process(dying)));
}
