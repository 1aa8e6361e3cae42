//! A Redis of any shape: a cluster, a master with sentinels, a user with few rights, one that many
//! programs share. Users see their graphs, and one computation serves all of them.

use std::time::Duration;

use futures_util::future::join_all;

use crate::helpers::answer::Answer;
use crate::helpers::app::App;
use crate::helpers::connection::Connection;
use crate::helpers::guest::Guest;
use crate::helpers::proxy::Proxy;
use crate::helpers::redis::Redis;
use crate::helpers::shapes::{Cluster, Sentinels};
use crate::helpers::waiting::until;

const SIX: (&str, &str) = ("WEB_CONCURRENCY", "6");

/// The answers of 24 callers, each with a connection of their own.
async fn callers(app: &App, origin: &str) -> Vec<Answer> {
    let caller = async || {
        let mut connection = Connection::open(app.address()).await.unwrap();
        connection.signal(&format!("origin={origin}")).await.unwrap()
    };
    join_all((0..24).map(|_| caller())).await
}

fn computed(app: &App, origin: &str) -> usize {
    let end = format!(":{origin}");
    app.logged("computed").iter().filter(|it| it["key"].as_str().unwrap().ends_with(&end)).count()
}

/// Asks until there is no notice.
async fn until_healthy(app: &App, query: &str) {
    until("Redis to be used again", async || (!app.signal(query).await.has_notice()).then_some(()))
        .await;
}

async fn compute_once_in(url: &str) {
    let app = App::spawn(&[SIX, ("REDIS_URL", url), ("SIMULATED_COST", "300ms")]);
    let origins = app.origins().await;

    for origin in &origins[..8] {
        let answers = callers(&app, origin).await;

        assert!(answers.iter().all(|answer| answer.status == 200 && !answer.has_notice()));
        assert_eq!(computed(&app, origin), 1, "{origin}");
        let first = answers[0].attribute("data-computed-at");
        assert!(answers.iter().all(|answer| answer.attribute("data-computed-at") == first));
        for ask in answers[0].asks() {
            assert_eq!(app.get(&ask).await.status, 200, "{ask}");
        }
    }
}

#[tokio::test]
async fn twenty_four_callers_over_six_workers_compute_once_in_a_cluster() {
    let cluster = Cluster::spawn();

    compute_once_in(&cluster.url()).await;

    let used = cluster.0.iter().filter(|node| node.ask::<usize>(&["DBSIZE"]) > 0);
    assert_eq!(used.count(), 3, "all nodes have keys");
}

#[tokio::test]
async fn the_plain_address_of_a_node_works_as_a_cluster() {
    let cluster = Cluster::spawn();

    compute_once_in(&cluster.0[0].url()).await;
}

#[tokio::test]
async fn callers_compute_once_while_sentinels_fail_over_and_redis_is_used_again_after_it() {
    let mut servers = Sentinels::spawn(None);
    let url = servers.url("");
    let app = App::spawn(&[SIX, ("REDIS_URL", &url), ("SIMULATED_COST", "1500ms")]);
    let origins = app.origins().await;
    assert!(!app.signal("origin=YAK").await.has_notice());

    let failover = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        servers.master.stop();
    };
    // One key is being computed when the master dies, another is asked for while there is none.
    let (before, ()) = tokio::join!(callers(&app, &origins[0]), failover);
    let during = callers(&app, &origins[1]).await;
    until_healthy(&app, "origin=YAK").await;

    assert!(before.iter().chain(&during).all(|answer| answer.status == 200));
    let computations = (computed(&app, &origins[0]), computed(&app, &origins[1]));
    assert_eq!(computations, (1, 1), "{:#?}", app.lines());
    let answers = callers(&app, &origins[2]).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(computed(&app, &origins[2]), 1);
    let keys: Vec<String> = servers.replica.ask(&["KEYS", "quadrant:selection:*"]);
    assert!(keys.iter().any(|key| key.ends_with(&origins[2])), "the promoted one has {keys:?}");
}

/// A user with the rights to its own keys and to no channel.
fn with_few_rights() -> (Redis, String) {
    let redis = Redis::spawn();
    let rights = "ACL SETUSER app on >secret ~quadrant:* resetchannels +@all -@dangerous";
    let words: Vec<&str> = rights.split(' ').collect();
    let _: String = redis.ask(&words);
    let url = redis.url().replace("redis://", "redis://app:secret@");
    (redis, url)
}

#[tokio::test]
async fn without_the_right_to_channels_storing_and_forgetting_work_and_the_log_says_so_once() {
    let (redis, url) = with_few_rights();
    let settings = [("REDIS_URL", url.as_str()), ("SIMULATED_COST", "600ms")];
    let (one, other) = (App::spawn(&settings), App::spawn(&settings));

    let (first, second) = tokio::join!(one.signal("origin=ATL"), other.signal("origin=ATL"));
    let next = one.signal("origin=ABE").await;
    let mut guest = Guest::default();
    let drawn = guest.draw(&one, "ATL", 10).await;
    let forgotten = guest.forget(&one).await;

    assert_eq!((drawn.status, forgotten.status), (200, 200));
    let samples: Vec<String> = redis.ask(&["KEYS", "quadrant:sample:*"]);
    assert_eq!(samples, [""; 0]);
    assert!([&first, &second, &next].iter().all(|answer| answer.status == 200));
    assert!(![&first, &second, &next].iter().any(|answer| answer.has_notice()));
    assert_eq!(one.computations() + other.computations(), 3, "two selections and a sample");
    let keys: Vec<String> = redis.ask(&["KEYS", "quadrant:selection:*"]);
    assert_eq!(keys.len(), 2, "{keys:?}");
    for app in [&one, &other] {
        let lines = app.logged("waiting by polling");
        assert!(lines.len() <= 1, "{lines:?}");
        assert!(app.logged("the disk of this host stands in").is_empty());
    }
    let said = [one.logged("waiting by polling"), other.logged("waiting by polling")].concat();
    assert!(said[0]["message"].as_str().unwrap().contains("quadrant:changed"), "{said:?}");
}

#[tokio::test]
async fn operators_learn_what_is_wrong_with_redis_and_users_see_one_notice() {
    let locked = Redis::spawn_with(&["--requirepass", "secret"]);
    let (few, _) = with_few_rights();
    let _: String = few.ask(&["ACL", "SETUSER", "app", "resetkeys", "~other:*"]);
    let (master, replica) = (Redis::spawn(), Redis::spawn());
    replica.server().follow(master.server());
    for (url, words) in [
        (locked.url(), "needs a user name or password"),
        (few.url().replace("redis://", "redis://app:secret@"), "lack of a right"),
        (replica.url(), "is read-only"),
    ] {
        let app = App::spawn(&[("REDIS_URL", &url)]);

        let first = app.signal("origin=YAK").await;
        let second = app.signal("origin=YAK").await;

        assert_eq!((first.status, second.outcome()), (200, "hit"), "this host's disk has it");
        assert!(second.text().contains("kept on this host until it is back"), "{words}");
        assert!(!second.text().contains(words));
        let ready = app.get("/readyz").await;
        assert_eq!(ready.status, 200);
        assert!(ready.text().contains(words), "{}", ready.text());
        let said = app.logged("the disk of this host stands in for Redis");
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0]["message"].as_str().unwrap().contains(words), "{said:?}");
        assert!(!said[0].to_string().contains("secret"));
    }
}

#[tokio::test]
async fn two_prefixes_share_a_redis_without_seeing_each_other() {
    let redis = Redis::spawn();
    let url = redis.url();
    let app = |prefix| App::spawn(&[("REDIS_URL", &url), ("CACHE_PREFIX", prefix)]);
    let (one, other) = (app("one"), app("other"));

    let first = one.signal("origin=ATL").await;
    let second = other.signal("origin=ATL").await;

    assert_eq!((first.outcome(), second.outcome()), ("stored", "stored"));
    let keys: Vec<String> = redis.ask(&["KEYS", "*"]);
    let is_ours = |key: &String| key.starts_with("one:") || key.starts_with("other:");
    assert!(keys.iter().all(is_ours), "{keys:?}");
    let key = one.logged("computed")[0]["key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("one:selection:"), "{key}");
}

#[tokio::test]
async fn a_redis_in_another_region_keeps_what_is_computed() {
    let redis = Redis::spawn();
    // 150 ms for a round trip.
    let proxy = Proxy::to(redis.server().port(), Duration::from_millis(75)).await;
    let app = App::spawn(&[("REDIS_URL", &proxy.url())]);

    for origin in ["ATL", "YAK"] {
        let cold = app.signal(&format!("origin={origin}")).await;
        let warm = app.signal(&format!("origin={origin}")).await;

        assert_eq!((cold.outcome(), warm.outcome()), ("stored", "hit"));
        assert!(!cold.has_notice() && !warm.has_notice());
    }
    let keys: Vec<String> = redis.ask(&["KEYS", "quadrant:selection:*"]);
    assert_eq!((keys.len(), app.computations()), (2, 2), "{keys:?}");
    assert!(app.logged("the disk of this host stands in").is_empty());
}

/// What Redis was asked, without the helper's own questions.
fn asked(redis: &Redis) -> (u64, Vec<(String, u64)>) {
    let commands = redis.server().commands();
    (commands.iter().map(|(_, calls)| calls).sum(), commands)
}

#[tokio::test]
async fn a_cold_signal_costs_redis_eight_commands_and_a_later_one_two() {
    let redis = Redis::spawn();
    let app = App::spawn(&[("REDIS_URL", &redis.url())]);
    // Connects, and loads the script.
    app.signal("origin=YAK").await;

    redis.server().reset_commands();
    assert_eq!(app.signal("origin=ATL").await.outcome(), "stored");
    let (cold, commands) = asked(&redis);
    assert!(cold <= 8, "{cold} commands: {commands:?}");
    assert!(!commands.iter().any(|(name, _)| name == "ping" || name == "unwatch"), "{commands:?}");

    // The first one tells Redis that the entry is used.
    assert_eq!(app.signal("origin=ATL").await.outcome(), "hit");
    redis.server().reset_commands();
    assert_eq!(app.signal("origin=ATL").await.outcome(), "hit");
    let (warm, commands) = asked(&redis);
    assert!(warm <= 2, "{warm} commands: {commands:?}");
}
