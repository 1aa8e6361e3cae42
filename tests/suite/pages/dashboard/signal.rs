//! `/signal`: its arrival starts four graphs of one generation.

use std::time::{Duration, Instant};

use crate::helpers::app::App;
use crate::helpers::waiting::{Computing, until_computed};

#[tokio::test]
async fn the_first_signal_is_stored_and_the_next_is_a_hit() {
    let app = App::spawn(&[]);

    let first = app.get("/signal?origin=ATL").await;
    let next = app.get("/signal?origin=ATL&metric=p90").await;

    assert_eq!((first.status, first.header("cache-status")), (200, "quadrant; fwd=miss; stored"));
    assert_eq!((next.status, next.header("cache-status")), (200, "quadrant; hit"));
    assert_eq!(first.attribute("data-computed-at"), next.attribute("data-computed-at"));
    assert_eq!(app.computations(), 1, "the metric is answered from the same computation");
}

#[tokio::test]
async fn a_signal_names_four_graphs_of_one_generation() {
    let app = App::spawn(&[]);

    let signal = app.get("/signal?origin=YAK&metric=median").await;
    let asks = signal.asks();

    let v = signal.attribute("data-v").to_owned();
    let paths: Vec<_> = asks.iter().map(|ask| ask.split('?').next().unwrap()).collect();
    assert_eq!(
        paths,
        ["/graphs/daily", "/graphs/distribution", "/graphs/rhythm", "/graphs/destinations"]
    );
    for ask in &asks {
        assert!(ask.contains(&format!("origin=YAK&metric=median&v={v}")), "{ask}");
        let graph = app.get(ask).await;
        assert_eq!((graph.status, graph.outcome()), (200, "hit"));
        assert_eq!(graph.attribute("data-v"), v);
        assert_eq!(graph.attribute("data-computed-at"), signal.attribute("data-computed-at"));
        assert_eq!(graph.attribute("data-computed-by"), "1");
        assert_eq!(graph.attribute("data-drawn-by"), "1");
        assert!(graph.text().contains("by worker 1 · drawn by worker 1"), "{}", graph.text());
    }
}

#[tokio::test]
async fn server_timing_tells_store_compute_render_and_worker() {
    let app = App::spawn(&[("SIMULATED_COST", "300ms")]);

    let timing = app.get("/signal?origin=ABE").await.header("server-timing").to_owned();

    let names: Vec<_> = timing.split(", ").map(|part| part.split(';').next().unwrap()).collect();
    assert_eq!(names, ["store", "compute", "render", "worker"]);
    let compute: f64 =
        timing.split("compute;dur=").nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
    assert!(compute >= 300.0, "{timing}");
    assert!(timing.ends_with("worker;desc=\"1\""));
}

#[tokio::test]
async fn the_log_has_one_line_for_each_computation() {
    let app = App::spawn(&[]);

    let v = app.get("/signal?origin=ATL").await.attribute("data-v").to_owned();
    app.get("/signal?origin=ATL").await;

    let lines = app.logged("computed");
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["key"], format!("quadrant:selection:{v}:ATL"));
    assert_eq!(lines[0]["worker"], 1);
    assert!(lines[0]["compute_ms"].is_u64(), "{}", lines[0]);
}

#[tokio::test]
async fn no_signal_is_held_much_longer_than_a_second() {
    let app = App::spawn(&[("SIMULATED_COST", "3s")]);

    let (asked, mut meanwhile) = (Instant::now(), 0);
    let last = until_computed(async || {
        let answer = app.get("/signal?origin=ATL").await;
        if answer.is_computing() {
            let again = &answer.asks()[0];
            assert!(again.starts_with("/signal?origin=ATL&metric=mean&seen="), "{again}");
            assert!(answer.text().contains("computing"));
            meanwhile += 1;
        }
        answer
    })
    .await;

    assert_eq!((last.status, last.outcome()), (200, "stored"));
    assert!(asked.elapsed() >= Duration::from_secs(3), "{:?}", asked.elapsed());
    assert!(meanwhile >= 2, "{meanwhile} answers in three seconds");
    let second = app.get("/signal?origin=ATL").await;
    assert_eq!((second.outcome(), app.computations()), ("hit", 1));
}

#[tokio::test]
async fn the_browsers_address_follows_the_choice_once() {
    let app = App::spawn(&[]);
    let shown = |path: &str| format!("{}{path}", app.url);
    let pushed = async |shown: &str| {
        let headers = [("HX-Request", "true"), ("HX-Current-URL", shown)];
        let answer = app.get_with("/signal?origin=ATL&metric=mean", &headers).await;
        answer.header("hx-push-url").to_owned()
    };

    assert_eq!(pushed(&shown("/")).await, "/?origin=ATL&metric=mean");
    assert_eq!(pushed(&shown("/?origin=ABE&metric=mean")).await, "/?origin=ATL&metric=mean");
    assert_eq!(pushed(&shown("/?origin=ATL&metric=mean")).await, "");
}

#[tokio::test]
async fn a_signal_is_never_kept_by_the_browser() {
    let app = App::spawn(&[]);

    assert_eq!(app.get("/signal").await.header("cache-control"), "no-store");
}
