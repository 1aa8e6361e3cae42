//! Answers that are prepared: by one worker, once, and in nobody's way.

use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::helpers::app::App;
use crate::helpers::eventually;
use crate::helpers::flights::{FLIGHTS, dataset};
use crate::helpers::place::Place;

fn keys(app: &App) -> Vec<String> {
    let key = |line: &Value| line["key"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    app.logged("computed").iter().map(key).collect()
}

#[tokio::test]
async fn all_airports_are_prepared_once_by_one_of_three_workers() {
    for place in Place::both() {
        let app = App::at(&place, &[("WARM", "10"), ("WEB_CONCURRENCY", "3")]);

        eventually("the answers", || app.logged("prepared").len() == 1);

        assert_eq!(keys(&app), ["ALL"]);
        let answer = app.get("/signal").await;
        assert_eq!((answer.status, answer.outcome()), (200, "hit"));
        // Another program with the same store finds it prepared.
        let other = App::at(&place, &[("WARM", "10")]);
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(other.computations(), 0);
        assert_eq!(app.computations(), 1);
    }
}

#[tokio::test]
async fn after_a_replacement_the_ones_used_last_are_prepared_anew() {
    for place in Place::both() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("flights.parquet");
        dataset(&FLIGHTS, &path);
        let app = App::at(&place, &[("WARM", "1"), ("DATASET", path.to_str().unwrap())]);
        for origin in ["ZZZ", "ATL"] {
            app.signal(&format!("origin={origin}")).await;
            // The time of a file is not finer than that everywhere.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        eventually("the answers", || app.logged("prepared").len() == 1);

        dataset(&FLIGHTS[..5], &path);
        eventually("the new answers", || app.logged("prepared").len() == 2);

        assert_eq!(keys(&app)[3..], ["ALL", "ATL"], "{:?}", keys(&app));
        assert_eq!(app.get("/signal?origin=ATL").await.outcome(), "hit");
    }
}

#[tokio::test]
async fn whoever_asks_meanwhile_does_not_wait_for_what_is_prepared() {
    let app = App::spawn(&[("WARM", "10"), ("SIMULATED_COST", "900ms")]);
    // It prepares the answer for all airports now, and takes nearly a second for it.
    tokio::time::sleep(Duration::from_millis(3300)).await;

    let asked = Instant::now();
    let answer = app.signal("origin=YAK").await;

    assert_eq!((answer.status, answer.outcome()), (200, "stored"));
    assert!(asked.elapsed() < Duration::from_millis(1350), "{:?}", asked.elapsed());
    eventually("the answers", || app.logged("prepared").len() == 1);
    assert_eq!(keys(&app).len(), 2);
}

#[tokio::test]
async fn nothing_is_prepared_where_that_is_turned_off() {
    let app = App::spawn(&[("WARM", "0")]);

    tokio::time::sleep(Duration::from_millis(4500)).await;

    assert_eq!(app.computations(), 0);
    assert_eq!(app.signal("origin=ALL").await.outcome(), "stored");
}
