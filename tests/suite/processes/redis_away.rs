//! Redis gone, slow, full, and back: users still get their graphs, and a notice.

use crate::helpers::answer::Answer;
use crate::helpers::app::App;
use crate::helpers::exposition::Exposition;
use crate::helpers::redis::Redis;
use crate::helpers::waiting::{until, until_computed};

async fn four_graphs(app: &App, signal: &Answer) {
    for ask in signal.asks() {
        assert_eq!(app.get(&ask).await.status, 200, "{ask}");
    }
}

/// Asks until the notice is gone.
async fn until_it_recovers(app: &App) {
    until("Redis to be used again", async || {
        (!app.signal("origin=ATL").await.has_notice()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn without_its_redis_the_dashboard_works_and_uses_it_when_it_appears() {
    let mut redis = Redis::absent();
    let app = App::spawn(&[("REDIS_URL", &redis.url())]);

    let without = app.signal("origin=ATL").await;
    assert_eq!((without.status, without.outcome()), (200, "stored"));
    assert!(without.has_notice());
    four_graphs(&app, &without).await;
    assert_eq!(app.get("/readyz").await.status, 200);
    assert_eq!(app.signal("origin=ATL").await.outcome(), "hit", "this host's disk has it");

    redis.start();
    until_it_recovers(&app).await;
    assert_eq!(app.signal("origin=YAK").await.outcome(), "stored");
    let keys: Vec<String> = redis.ask(&["KEYS", "quadrant:selection:*:YAK"]);
    assert_eq!(keys.len(), 1);
    assert_eq!(app.signal("origin=ATL").await.outcome(), "hit", "the recovery has stored it there");
}

#[tokio::test]
async fn entries_on_disk_from_before_are_no_hits_when_there_is_a_redis() {
    let (redis, folder) = (Redis::spawn(), tempfile::TempDir::new().unwrap());
    let cache = ("CACHE_DIR", folder.path().to_str().unwrap());
    App::spawn(&[cache]).signal("origin=ATL").await;

    let app = App::spawn(&[cache, ("REDIS_URL", &redis.url())]);

    assert_eq!(app.signal("origin=ATL").await.outcome(), "stored");
    let keys: Vec<String> = redis.ask(&["KEYS", "quadrant:selection:*:ATL"]);
    assert_eq!(keys.len(), 1);
}

#[tokio::test]
async fn when_redis_dies_users_see_a_notice_and_their_graphs() {
    let mut redis = Redis::spawn();
    let app = App::spawn(&[("REDIS_URL", &redis.url())]);
    assert!(!app.signal("origin=ATL").await.has_notice());

    redis.stop();
    let answer = app.signal("origin=ABE").await;

    assert_eq!(answer.status, 200);
    assert!(app.signal("origin=ABE").await.has_notice());
    four_graphs(&app, &answer).await;
}

#[tokio::test]
async fn when_redis_dies_during_a_computation_the_answer_is_still_given() {
    let mut redis = Redis::spawn();
    let app = App::spawn(&[("REDIS_URL", &redis.url()), ("SIMULATED_COST", "2s")]);
    assert_eq!(app.get("/signal?origin=ATL").await.status, 202);

    redis.stop();
    let answer = app.signal("origin=ATL").await;

    assert_eq!((answer.status, app.computations()), (200, 1));
    assert_eq!(app.signal("origin=ATL").await.outcome(), "hit", "this host's disk has it");
}

/// Asks many times while Redis does not answer, and fails if Redis was asked each time.
pub(super) async fn assert_left_alone(app: &App) {
    let errors = async || {
        let labels = [("store", "redis")];
        Exposition::of(app).await.value("quadrant_store_errors_total", &labels)
    };
    let (many, before) = (50, errors().await);
    for _ in 0..many {
        let answer = app.signal("origin=YAK").await;
        assert!(answer.status == 200 && answer.has_notice(), "{}", answer.text());
    }
    let failed = errors().await - before;
    // It is tried again after each second of rest.
    assert!(failed < f64::from(many) / 2.0, "{failed} of {many} questions reached Redis");
}

#[tokio::test]
async fn a_redis_that_hangs_delays_the_first_request_and_not_each_one() {
    let redis = Redis::spawn();
    let app = App::spawn(&[("REDIS_URL", &redis.url())]);
    app.signal("origin=ATL").await;

    redis.kill("STOP");
    let first = app.signal("origin=YAK").await;
    assert_left_alone(&app).await;
    redis.kill("CONT");

    assert_eq!(first.status, 200);
    until_it_recovers(&app).await;
}

#[tokio::test]
async fn a_redis_that_hangs_loses_no_run_in_the_background() {
    let redis = Redis::spawn();
    let app = App::spawn(&[("REDIS_URL", &redis.url()), ("SIMULATED_COST", "1s")]);
    assert_eq!(app.get("/readyz").await.status, 200);
    let query = "origin=ATL&resamples=100";

    redis.kill("STOP");
    let path = format!("/patterns/background/run?{query}");
    let pressed = app.send("POST", &path, &[("HX-Request", "true")]).await;
    let path = format!("/patterns/background/result?{query}&seen=0");
    let done = until_computed(async || app.get(&path).await).await;
    redis.kill("CONT");

    assert_eq!((pressed.status, done.status, app.computations()), (202, 200, 1));
    assert_eq!(done.attribute("data-state"), "done");
}

#[tokio::test]
async fn a_redis_that_is_full_still_answers_what_it_has() {
    let redis = Redis::spawn();
    let app = App::spawn(&[("REDIS_URL", &redis.url())]);
    app.signal("origin=ATL").await;
    let _: String = redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);

    let had = app.signal("origin=ATL").await;
    let new = app.signal("origin=YAK").await;
    let again = app.signal("origin=YAK").await;

    assert_eq!((had.outcome(), new.outcome(), again.outcome()), ("hit", "stored", "hit"));
    assert!(again.has_notice());
    four_graphs(&app, &new).await;
    let _: String = redis.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(app.signal("origin=ABE").await.outcome(), "stored");
    assert!(!app.signal("origin=ABE").await.has_notice(), "it takes entries again");
}

#[tokio::test]
async fn waiting_after_redis_was_full_is_no_busy_loop() {
    let redis = Redis::spawn();
    let url = redis.url();
    let settings = [("REDIS_URL", url.as_str()), ("SIMULATED_COST", "1500ms")];
    let (leader, waiter) = (App::spawn(&settings), App::spawn(&settings));
    let _: String = redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    waiter.signal("origin=YAK").await;
    let _: String = redis.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(leader.get("/signal?origin=ATL").await.status, 202);

    let before = commands(&redis);
    assert_eq!(waiter.signal("origin=ATL").await.status, 200);
    let asked = commands(&redis) - before;

    assert!(asked < 1000, "{asked} commands while one waited for less than a second");
}

fn commands(redis: &Redis) -> u64 {
    let info: String = redis.ask(&["INFO", "stats"]);
    let line = info.lines().find_map(|line| line.strip_prefix("total_commands_processed:"));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn two_processes_without_their_redis_still_compute_once_on_this_host() {
    let redis = Redis::absent();
    let folder = tempfile::TempDir::new().unwrap();
    let url = redis.url();
    let settings = [
        ("REDIS_URL", url.as_str()),
        ("CACHE_DIR", folder.path().to_str().unwrap()),
        ("SIMULATED_COST", "500ms"),
    ];
    let (one, other) = (App::spawn(&settings), App::spawn(&settings));

    let (first, second) = tokio::join!(one.signal("origin=ATL"), other.signal("origin=ATL"));

    assert_eq!((first.status, second.status), (200, 200));
    assert_eq!(one.computations() + other.computations(), 1);
}
