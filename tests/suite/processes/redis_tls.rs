//! `rediss://`: whose certificate is accepted, and what users see when it is not.

use super::redis_away::assert_left_alone;
use crate::helpers::app::{App, quadrant};
use crate::helpers::command::output;
use crate::helpers::redis::Redis;

fn entries(redis: &Redis) -> usize {
    let keys: Vec<String> = redis.ask(&["KEYS", "quadrant:selection:*"]);
    keys.iter().filter(|key| !key.contains('!')).count()
}

#[tokio::test]
async fn an_untrusted_certificate_is_refused_and_users_still_get_their_graphs() {
    let redis = Redis::spawn_with_tls();
    let app = App::spawn(&[("REDIS_URL", &redis.tls_url())]);

    let answer = app.signal("origin=ATL").await;

    assert_eq!((answer.status, answer.outcome()), (200, "stored"));
    assert!(answer.has_notice());
    for ask in answer.asks() {
        assert_eq!(app.get(&ask).await.status, 200, "{ask}");
    }
    assert_eq!(entries(&redis), 0);
}

#[tokio::test]
async fn the_log_says_why_the_certificate_was_refused_and_what_would_accept_it() {
    let redis = Redis::spawn_with_tls();
    let app = App::spawn(&[("REDIS_URL", &redis.tls_url())]);

    app.signal("origin=YAK").await;

    let lines = app.logged("the disk of this host stands in for Redis");
    let said = lines[0]["message"].as_str().unwrap();
    assert_eq!(lines.len(), 1);
    assert!(said.contains("invalid peer certificate: UnknownIssuer"), "{said}");
    assert!(said.contains("REDIS_TLS_VERIFY=false"), "{said}");
}

#[tokio::test]
async fn without_verification_two_processes_share_a_redis_by_tls() {
    let redis = Redis::spawn_with_tls();
    let url = redis.tls_url();
    let by_setting = [("REDIS_URL", url.as_str()), ("REDIS_TLS_VERIFY", "false")];
    let marked = format!("{url}/#insecure");
    let (one, other) = (App::spawn(&by_setting), App::spawn(&[("REDIS_URL", &marked)]));

    let computed = one.signal("origin=ATL").await;
    let shared = other.signal("origin=ATL").await;

    assert_eq!((computed.outcome(), shared.outcome()), ("stored", "hit"));
    assert!(!computed.has_notice() && !shared.has_notice());
    assert_eq!((entries(&redis), one.computations(), other.computations()), (1, 1, 0));
}

#[tokio::test]
async fn waiting_for_another_process_works_by_tls_trusted_or_unverified() {
    for verified in [true, false] {
        let redis = Redis::spawn_with_tls();
        let (url, authority) = (redis.tls_url(), redis.authority());
        let accepted = match verified {
            true => ("SSL_CERT_FILE", authority.to_str().unwrap()),
            false => ("REDIS_TLS_VERIFY", "false"),
        };
        let settings = [("REDIS_URL", url.as_str()), accepted, ("SIMULATED_COST", "700ms")];
        let (one, other) = (App::spawn(&settings), App::spawn(&settings));

        let asked = (0..8).map(|at| if at % 2 == 0 { &one } else { &other });
        let answers = asked.map(|app| app.signal("origin=ATL"));
        let answers = futures_util::future::join_all(answers).await;

        assert!(answers.iter().all(|answer| answer.status == 200 && !answer.has_notice()));
        assert_eq!(one.computations() + other.computations(), 1);
        assert_eq!(entries(&redis), 1);
        assert!(subscriptions(&redis) > 0, "the waiter has subscribed");
    }
}

/// How many subscriptions Redis has had.
fn subscriptions(redis: &Redis) -> usize {
    let info: String = redis.ask(&["INFO", "commandstats"]);
    let calls = info.lines().find_map(|line| line.strip_prefix("cmdstat_subscribe:calls="));
    calls.map_or(0, |rest| rest.split(',').next().unwrap().parse().unwrap())
}

#[tokio::test]
async fn the_first_log_line_marks_an_unchecked_certificate_and_hides_the_password() {
    let settings =
        [("REDIS_URL", "rediss://user:hunter2@127.0.0.1:9"), ("REDIS_TLS_VERIFY", "false")];
    let app = App::spawn(&settings);

    let said = app.logged("Quadrant is at")[0]["message"].as_str().unwrap().to_owned();

    assert!(said.ends_with("its cache in Redis at rediss://127.0.0.1:9#insecure"), "{said}");
}

#[test]
fn verification_is_true_or_false() {
    let done = output(&mut quadrant(&[("REDIS_TLS_VERIFY", "0")]));

    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.ends_with("it is one of: true, false\n"), "{said}");
}

#[tokio::test]
async fn a_redis_that_hangs_during_the_handshake_delays_the_first_request_and_not_each_one() {
    let redis = Redis::spawn_with_tls();
    let app = App::spawn(&[("REDIS_URL", &redis.tls_url()), ("REDIS_TLS_VERIFY", "false")]);
    redis.kill("STOP");

    let first = app.signal("origin=YAK").await;
    assert_left_alone(&app).await;
    redis.kill("CONT");

    assert!(first.status == 200 && first.has_notice());
}
