//! The dashboard with its answers on disk and in Redis.

use std::collections::HashMap;
use std::time::Duration;

use oneflight::store::Attempt;
use oneflight::{CacheBy, Key};
use tempfile::TempDir;

use super::choice::assert_wrong_input_costs_nothing;
use crate::helpers::app::App;
use crate::helpers::connection::Connection;
use crate::helpers::flights::{FLIGHTS, dataset};
use crate::helpers::place::{Place, in_each_store};
use crate::helpers::redis::Redis;
use crate::helpers::waiting::{until, until_true};

#[tokio::test]
async fn wrong_input_costs_nothing_in_redis() {
    assert_wrong_input_costs_nothing(Place::redis()).await;
}

/// Bytes in Redis under our names are not trusted: those of an intruder are a miss.
#[tokio::test]
async fn foreign_bytes_under_our_key_are_a_miss() {
    let redis = Redis::spawn();
    let app = App::spawn(&[("REDIS_URL", &redis.url())]);
    let v = app.get("/signal?origin=ATL").await.attribute("data-v").to_owned();
    let key = format!("quadrant:selection:{v}:ATL");

    let _: String = redis.ask(&["SET", &key, "nonsense"]);
    let text = app.get("/signal?origin=ATL").await;
    let _: i64 = redis.ask(&["DEL", &key]);
    let _: i64 = redis.ask(&["LPUSH", &key, "nonsense"]);
    let list = app.get("/signal?origin=ATL").await;

    assert_eq!((text.status, text.outcome()), (200, "stored"));
    assert_eq!((list.status, list.outcome()), (200, "stored"));
    assert!(!list.has_notice(), "Redis is as it should be");
}

#[tokio::test]
async fn a_graph_names_the_worker_that_computed_it_and_the_one_that_drew_it() {
    in_each_store(async |place| {
        let v = App::at(&place, &[]).signal("origin=ATL").await.attribute("data-v").to_owned();
        let store = place.open();
        let key = Key::new("selection").by(CacheBy::Data(&v)).arg("ATL");
        let found = store.look(&key).await.unwrap();
        let mut entry = found.entry.unwrap();
        entry.stamp.worker = 7;
        let attempt = store.try_lease(&key, &found.seen).await.unwrap();
        let Attempt::Granted(lease) = attempt else { panic!("the lease is free") };
        lease.publish(&entry).await.unwrap();

        let graph = App::at(&place, &[]).get("/graphs/daily?origin=ATL").await;

        let [computed, drawn] =
            ["data-computed-by", "data-drawn-by"].map(|name| graph.attribute(name));
        assert_eq!((graph.outcome(), computed, drawn), ("hit", "7", "1"));
        assert!(graph.text().contains(" by worker 7 · drawn by worker 1 · "), "{}", graph.text());
    })
    .await;
}

#[tokio::test]
async fn after_a_replacement_the_answers_used_last_are_prepared_anew() {
    in_each_store(async |place| {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("flights.parquet");
        dataset(&FLIGHTS, &path);
        let app = App::at(&place, &[("WARM", "1"), ("DATASET", path.to_str().unwrap())]);
        for origin in ["ZZZ", "ATL"] {
            app.signal(&format!("origin={origin}")).await;
            // The time of a file is not finer than that everywhere.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        until_true("the answers", || app.logged("prepared").len() == 1).await;

        dataset(&FLIGHTS[..5], &path);
        until_true("the new answers", || app.logged("prepared").len() == 2).await;

        assert_eq!(app.computed()[3..], ["ALL", "ATL"], "{:?}", app.computed());
        assert_eq!(app.get("/signal?origin=ATL").await.outcome(), "hit");
    })
    .await;
}

/// How long another worker may name the older answer after a newer one was published.
const BELIEVED: Duration = Duration::from_millis(100);

#[tokio::test]
async fn a_tenth_of_a_second_after_a_recomputation_no_worker_names_the_older_answer() {
    in_each_store(async |place| {
        let app = App::at(&place, &[("WEB_CONCURRENCY", "3")]);
        let mut of_each_worker = HashMap::new();
        until("a connection to each worker", async || {
            let mut connection = Connection::open(app.address()).await.unwrap();
            let answer = connection.signal("origin=YAK&metric=mean").await.unwrap();
            of_each_worker.insert(answer.worker(), connection);
            (of_each_worker.len() == 3).then_some(())
        })
        .await;

        for _ in 0..10 {
            for connection in of_each_worker.values_mut() {
                // Until the answer is in the worker's memory, and longer.
                for _ in 0..20 {
                    connection.get("/signal?origin=YAK&metric=mean").await.unwrap();
                }
            }
            let older = app.get("/signal?origin=YAK&metric=mean").await;
            let newer = app.recomputed("origin=YAK&metric=mean", &older).await;
            tokio::time::sleep(BELIEVED).await;

            for (worker, connection) in &mut of_each_worker {
                let named = connection.get("/signal?origin=YAK&metric=mean").await.unwrap();
                let [named, newer, older] =
                    [&named, &newer, &older].map(|it| it.attribute("data-computed-at"));
                assert_eq!(named, newer, "worker {worker}");
                assert_ne!(newer, older);
            }
        }
    })
    .await;
}
