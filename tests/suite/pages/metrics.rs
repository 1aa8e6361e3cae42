//! `/metrics`: what has happened is counted, once, under names that stay few.

mod stores;

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::{NamedTempFile, TempDir};

use crate::helpers::app::App;
use crate::helpers::connection::Connection;
use crate::helpers::exposition::Exposition;
use crate::helpers::waiting::until;

fn requests(told: &Exposition, route: &str, status: &str) -> Option<f64> {
    told.find("quadrant_requests_total", &[("route", route), ("status", status)])
}

#[tokio::test]
async fn known_labels_are_there_from_the_start() {
    let app = App::spawn(&[]);

    let answer = app.get("/metrics").await;

    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(answer.header("cache-control"), "no-store");
    let told = Exposition::parse(answer.text());
    for outcome in ["hit", "stored", "collapsed", "computed", "corrupt", "evicted"] {
        assert_eq!(told.outcome(outcome), 0.0, "{outcome}");
    }
    for store in ["redis", "disk"] {
        assert_eq!(told.value("quadrant_store_errors_total", &[("store", store)]), 0.0);
    }
    for name in ["computations_total", "lease_waits_total", "lease_takeovers_total"] {
        assert_eq!(told.value(&format!("quadrant_{name}"), &[]), 0.0, "{name}");
    }
    assert_eq!(told.value("quadrant_computation_seconds_count", &[]), 0.0);
    assert!(told.samples.iter().all(|sample| sample.labels["worker"] == "1"));
}

#[tokio::test]
async fn requests_are_counted_by_route_and_status() {
    let app = App::spawn(&[]);
    let etag = app.get("/patterns").await.header("etag").to_owned();

    for (path, times) in [
        ("/signal?origin=ATL", 3),
        ("/graphs/daily?origin=ATL", 2),
        ("/graphs/daily?origin=XXX", 1),
        ("/graphs/none", 1),
        ("/graphs/rhythm.csv", 1),
        ("/graphs/rhythm/table", 1),
        ("/static/none.js", 1),
        ("/livez", 4),
    ] {
        for _ in 0..times {
            app.get(path).await;
        }
    }
    app.send("POST", "/signal", &[]).await;
    app.get_with("/patterns", &[("If-None-Match", &etag)]).await;
    let told = Exposition::of(&app).await;

    for (route, status, count) in [
        ("/patterns", "200", 1.0),
        ("/patterns", "304", 1.0),
        ("/signal", "200", 3.0),
        ("/signal", "405", 1.0),
        ("/graphs/{graph}", "200", 2.0),
        ("/graphs/{graph}", "422", 1.0),
        ("/graphs/{graph}", "404", 1.0),
        ("/graphs/{graph}.csv", "200", 1.0),
        ("/graphs/{graph}/table", "200", 1.0),
        ("/static/{name}", "404", 1.0),
        ("/livez", "200", 4.0),
    ] {
        assert_eq!(requests(&told, route, status), Some(count), "{route} {status}");
    }
    let seconds = |what: &str, route: &str| {
        told.value(&format!("quadrant_request_seconds_{what}"), &[("route", route)])
    };
    assert_eq!((seconds("count", "/signal"), seconds("count", "/graphs/{graph}")), (4.0, 4.0));
    assert!((0.001..10.0).contains(&seconds("sum", "/signal")), "in seconds");
    assert_eq!(requests(&told, "/metrics", "200"), None, "it is counted once it is answered");
    assert_eq!(requests(&Exposition::of(&app).await, "/metrics", "200"), Some(1.0));
}

#[tokio::test]
async fn no_text_of_a_user_becomes_a_label() {
    let app = App::spawn(&[]);
    let unknown = ["/nothing", "/wp-admin/a.php", "/%22%7Bx%7D", "/graphs/daily/x", "/signals/"];

    for path in unknown {
        assert_eq!(app.get(path).await.status, 404, "{path}");
    }
    for graph in 0..50 {
        app.get(&format!("/graphs/graph{graph}?origin=A{graph}")).await;
    }
    let told = Exposition::of(&app).await;

    assert_eq!(requests(&told, "other", "404"), Some(unknown.len() as f64));
    let routes = told.samples.iter().filter_map(|sample| sample.labels.get("route"));
    let routes: BTreeSet<_> = routes.map(String::as_str).collect();
    assert_eq!(routes, BTreeSet::from(["/graphs/{graph}", "other"]));
}

#[tokio::test]
async fn a_computation_with_many_callers_is_counted_and_timed_once() {
    let app = App::spawn(&[("SIMULATED_COST", "300ms")]);

    futures_util::future::join_all((0..20).map(|_| app.signal("origin=ATL"))).await;
    let told = Exposition::of(&app).await;

    assert_eq!((told.outcome("stored"), told.outcome("collapsed")), (1.0, 19.0));
    assert_eq!(told.value("quadrant_computations_total", &[]), app.computations() as f64);
    assert_eq!(told.value("quadrant_computation_seconds_count", &[]), 1.0);
    let seconds = told.value("quadrant_computation_seconds_sum", &[]);
    assert!(seconds >= 0.3, "{seconds}");
}

#[tokio::test]
async fn an_answer_that_no_store_keeps_is_computed_and_its_store_has_errors() {
    let file = NamedTempFile::new().unwrap();
    let folder = file.path().join("cache");
    let app = App::spawn(&[("CACHE_DIR", folder.to_str().unwrap())]);

    app.signal("origin=ATL").await;
    let told = Exposition::of(&app).await;

    assert_eq!((told.outcome("computed"), told.outcome("stored")), (1.0, 0.0));
    assert!(told.value("quadrant_store_errors_total", &[("store", "disk")]) >= 1.0);
    assert_eq!(told.value("quadrant_store_errors_total", &[("store", "redis")]), 0.0);
}

#[tokio::test]
async fn an_entry_that_makes_room_is_counted_as_evicted() {
    let (roomy, tight) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let app = App::spawn(&[("CACHE_DIR", roomy.path().to_str().unwrap())]);
    app.signal("origin=YAK").await;
    app.signal("origin=ABE").await;
    assert_eq!(Exposition::of(&app).await.outcome("evicted"), 0.0);
    let files = std::fs::read_dir(roomy.path()).unwrap().map(|file| file.unwrap());
    let entries = files.filter(|file| file.path().extension().is_some_and(|it| it == "entry"));
    let both: u64 = entries.map(|entry| entry.metadata().unwrap().len()).sum();
    let less = (both - 1).to_string();

    let app = App::spawn(&[
        ("CACHE_DIR", tight.path().to_str().unwrap()),
        ("CACHE_MAX_BYTES", less.as_str()),
    ]);
    app.signal("origin=YAK").await;
    app.signal("origin=ABE").await;
    let told = Exposition::of(&app).await;

    assert_eq!((told.outcome("evicted"), told.outcome("stored")), (1.0, 2.0));
}

#[tokio::test]
async fn without_a_redis_no_connections_are_reported() {
    let app = App::spawn(&[]);

    app.signal("origin=ATL").await;
    let told = Exposition::of(&app).await;

    assert!(told.samples.iter().all(|sample| sample.name != "quadrant_redis_connections"));
}

#[tokio::test]
async fn the_process_tells_its_id_its_start_and_its_size() {
    let app = App::spawn(&[]);

    let told = Exposition::of(&app).await;

    assert_eq!(told.value("quadrant_process_id", &[]), f64::from(app.process(1)));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let started = told.value("quadrant_started_seconds", &[]);
    assert!((now - 60.0..=now).contains(&started), "{started}");
    let mib = told.value("quadrant_resident_bytes", &[]) / (1 << 20) as f64;
    assert!((5.0..1000.0).contains(&mib), "{mib} MiB");
}

#[tokio::test]
async fn open_connections_are_counted_until_they_are_closed() {
    let app = App::spawn(&[]);
    let mut asking = Connection::open(app.address()).await.unwrap();
    let mut others = Vec::new();
    for _ in 0..5 {
        let mut other = Connection::open(app.address()).await.unwrap();
        assert_eq!(other.get("/livez").await.unwrap().status, 200);
        others.push(other);
    }
    let open = async |asking: &mut Connection| {
        let told = Exposition::parse(asking.get("/metrics").await.unwrap().text());
        told.value("quadrant_open_connections", &[])
    };

    let with_others = open(&mut asking).await;
    drop(others);
    until("closed connections to be counted no longer", async || {
        (open(&mut asking).await <= 1.0).then_some(())
    })
    .await;

    assert_eq!(with_others, 6.0);
}
