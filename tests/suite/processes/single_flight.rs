//! Six workers, twenty-four callers, fifty airports without an answer: one computation each.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use crate::helpers::answer::Answer;
use crate::helpers::app::App;
use crate::helpers::connection::Connection;
use crate::helpers::place::Place;

/// How often it is tried: a race that is lost once in twenty times would show.
const RUNS: usize = 50;

/// A caller with a connection of its own.
async fn caller(app: &App, query: &str) -> Answer {
    Connection::open(app.address()).await.unwrap().signal(query).await.unwrap()
}

async fn compute_once(place: Place) {
    let app = App::at(&place, &[("WEB_CONCURRENCY", "6"), ("SIMULATED_COST", "400ms")]);
    let origins = app.origins().await;

    let (mut drawn_by, mut runs_of_several) = (BTreeSet::new(), 0);
    for origin in &origins[..RUNS] {
        let query = format!("origin={origin}");
        let answers = join_all((0..24).map(|_| caller(&app, &query))).await;

        let count = |outcome| answers.iter().filter(|it| it.outcome() == outcome).count();
        assert!(answers.iter().all(|answer| answer.status == 200), "{origin}");
        assert_eq!(count("stored"), 1, "{origin}");
        assert_eq!(count("stored") + count("collapsed") + count("hit"), 24, "{origin}");
        let first = answers[0].attribute("data-computed-at");
        assert!(answers.iter().all(|answer| answer.attribute("data-computed-at") == first));

        let asks = answers[0].asks();
        let close = [("Connection", "close")];
        let graphs = join_all(asks.iter().map(|path| app.get_with(path, &close))).await;
        assert_eq!(graphs.len(), 4);
        assert!(graphs.iter().all(|it| it.attribute("data-computed-at") == first), "{origin}");
        let workers: BTreeSet<u64> = graphs.iter().map(|it| it.worker()).collect();
        runs_of_several += usize::from(workers.len() > 1);
        drawn_by.extend(workers);
    }

    let computed = app.logged("computed");
    let keys: BTreeSet<&str> = computed.iter().map(|line| line["key"].as_str().unwrap()).collect();
    assert_eq!((computed.len(), keys.len()), (RUNS, RUNS));
    assert_eq!(drawn_by.len(), 6, "all workers draw");
    // Four graphs on four connections meet on one of six workers once in 216 times.
    assert!(runs_of_several > RUNS * 9 / 10, "{runs_of_several} of {RUNS}");
}

#[tokio::test]
async fn fifty_cold_airports_are_computed_once_each_on_disk() {
    compute_once(Place::disk()).await;
}

#[tokio::test]
async fn fifty_cold_airports_are_computed_once_each_in_redis() {
    compute_once(Place::redis()).await;
}
