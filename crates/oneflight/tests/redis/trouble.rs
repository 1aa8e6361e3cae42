//! Redis gone, slow, full, read-only, or refusing.

use std::time::{Duration, Instant};

use oneflight::Store;
use oneflight::entry::Seen;
use oneflight::store::{Cause, Note, Published};

use super::proxy::Proxy;
use super::servers::Server;
use super::stores::{bytes, compute, entry, granted, key, store_at, until, use_everything};

const PATIENCE: Duration = Duration::from_secs(20);

/// A user with these rules, and the URL by which it connects.
fn user(server: &Server, rules: &[&str]) -> String {
    let _: String = server.ask(&[&["ACL", "SETUSER", "app", "on", ">hunter2"], rules].concat());
    format!("redis://app:hunter2@127.0.0.1:{}", server.port())
}

#[tokio::test]
async fn a_user_without_channels_stores_and_waits_by_polling_and_it_is_reported_once() {
    let server = Server::spawn();
    let url = user(&server, &["~app:*", "+@all", "-@dangerous", "resetchannels"]);
    let (one, events) = store_at(&url);
    let (other, others) = store_at(&url);

    use_everything(&one, &other).await;
    let lease = granted(one.try_lease(&key("ATL"), &seen(&one).await).await.unwrap());
    let (told, late) = tokio::join!(
        async {
            other.changed(&key("ATL"), PATIENCE).await.unwrap();
            Instant::now()
        },
        async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            lease.publish(&entry("value")).await.unwrap();
            Instant::now()
        }
    );

    assert!(told.saturating_duration_since(late) < Duration::from_millis(800));
    assert_eq!((events.failures(), others.failures()), (vec![], vec![]));
    for said in [events.no_channel(), others.no_channel()] {
        assert_eq!(said.len(), 1, "{said:?}");
        let is_told = said[0].contains("NOPERM") || said[0].contains("can't publish");
        assert!(said[0].starts_with("app:changed: ") && is_told, "{said:?}");
    }
}

async fn seen(store: &oneflight::store::redis::RedisStore) -> Seen {
    store.look(&key("ATL")).await.unwrap().seen
}

#[tokio::test]
async fn each_refusal_has_its_cause() {
    let server = Server::spawn_with(&["--requirepass", "hunter2"]);
    let other_keys = format!("redis://app:hunter2@127.0.0.1:{}", server.port());
    let _: String =
        server.ask(&["ACL", "SETUSER", "app", "on", ">hunter2", "~other:*", "&*", "+@all"]);
    let no_mget = format!("redis://few:hunter2@127.0.0.1:{}", server.port());
    let _: String =
        server.ask(&["ACL", "SETUSER", "few", "on", ">hunter2", "~app:*", "+@all", "-mget"]);
    let wrong = format!("redis://:wrong@127.0.0.1:{}", server.port());

    for (url, cause, words) in [
        (server.url(), Cause::Unauthenticated, "NOAUTH"),
        (wrong, Cause::Unauthenticated, "authentication failed"),
        (other_keys, Cause::Forbidden, "NOPERM"),
        (no_mget, Cause::Forbidden, "mget"),
        (Server::absent().url(), Cause::Unreachable, "refused"),
    ] {
        let (store, events) = store_at(&url);

        let error = store.look(&key("ATL")).await.unwrap_err();

        assert_eq!((error.store, error.cause), ("Redis", cause), "{error}");
        assert!(error.reason.contains(words), "{error}");
        assert_eq!(events.failures(), [(cause, error.reason)]);
    }
}

#[tokio::test]
async fn these_commands_are_all_that_a_user_needs() {
    let server = Server::spawn();
    let commands = "del eval evalsha exists get getdel getrange mget pexpire pttl publish set strlen \
        subscribe time zadd zrange zrem zremrangebyrank zrevrange";
    let commands: Vec<_> = commands.split_whitespace().map(|word| format!("+{word}")).collect();
    let mut rules = vec!["-@all", "~app:*", "resetchannels", "&app:changed"];
    rules.extend(commands.iter().map(String::as_str));
    let url = user(&server, &rules);
    let (one, events) = store_at(&url);
    let (other, others) = store_at(&url);

    use_everything(&one, &other).await;

    assert_eq!((events.failures(), others.failures()), (vec![], vec![]));
    assert_eq!((events.no_channel(), others.no_channel()), (vec![], vec![]));
}

#[tokio::test]
async fn a_command_that_is_forbidden_within_a_script_is_told_as_such() {
    let server = Server::spawn();
    let (store, events) = store_at(&user(&server, &["~app:*", "&*", "+@all", "-getdel"]));
    let lease = granted(store.try_lease(&key("ATL"), &Seen::default()).await.unwrap());

    let error = lease.publish(&entry("value")).await.unwrap_err();

    assert_eq!(error.cause, Cause::Forbidden, "{error}");
    assert_eq!(events.failures().len(), 1);
}

#[tokio::test]
async fn a_replica_is_read_and_says_that_it_is_read_only() {
    let (master, replica) = (Server::spawn(), Server::spawn());
    let (store, _) = store_at(&master.url());
    compute(&store, &key("ATL"), "value").await;
    replica.follow(&master);
    let (store, _) = store_at(&replica.url());

    assert_eq!(bytes(&store, &key("ATL")).await.as_deref(), Some(&b"value"[..]));
    let error = store.try_lease(&key("BOS"), &Seen::default()).await.err().unwrap();
    assert_eq!(error.cause, Cause::ReadOnly, "{error}");
    let error = store.remove(&key("ATL")).await.unwrap_err();
    assert_eq!(error.cause, Cause::ReadOnly, "{error}");
}

#[tokio::test]
async fn a_full_redis_is_read_and_says_that_it_is_full() {
    let server = Server::spawn();
    let (store, _) = store_at(&server.url());
    compute(&store, &key("ATL"), "value").await;
    let begun = granted(store.try_lease(&key("BOS"), &Seen::default()).await.unwrap());
    let _: String = server.ask(&["CONFIG", "SET", "maxmemory", "1"]);

    assert!(bytes(&store, &key("ATL")).await.is_some());
    let error = store.try_lease(&key("CLT"), &Seen::default()).await.err().unwrap();
    assert_eq!(error.cause, Cause::Full, "{error}");
    let long = Duration::from_secs(60);
    let error = store.leave(&key("CLT"), Note::Failure, "text", long).await.unwrap_err();
    assert_eq!(error.cause, Cause::Full, "{error}");
    assert_eq!(begun.publish(&entry("begun")).await.unwrap(), Published::Stored);
    assert!(store.remove(&key("ATL")).await.unwrap());
}

#[tokio::test]
async fn closed_connections_cost_no_answer() {
    let mut server = Server::spawn();
    let (store, events) = store_at(&server.url());
    let key = key("ATL");
    let all = || futures_util::future::join_all((0..8).map(|_| store.look(&key)));
    assert!(all().await.iter().all(Result::is_ok));

    let _: i64 = server.ask(&["CLIENT", "KILL", "TYPE", "normal"]);
    assert!(all().await.iter().all(Result::is_ok));
    server.stop();
    server.start();
    assert!(all().await.iter().all(Result::is_ok));

    assert_eq!(events.failures(), vec![]);
}

#[tokio::test]
async fn a_master_that_became_a_replica_is_left_with_the_next_question() {
    let (old, new) = (Server::spawn(), Server::spawn());
    let proxy = Proxy::to(old.port(), Duration::ZERO).await;
    let (store, events) = store_at(&proxy.url());
    compute(&store, &key("ATL"), "value").await;

    old.follow(&new);
    proxy.lead_to(new.port());

    compute(&store, &key("BOS"), "value").await;
    assert_eq!(events.failures(), vec![]);
}

#[tokio::test]
async fn a_host_that_lost_its_power_costs_one_question() {
    let (old, new) = (Server::spawn(), Server::spawn());
    let proxy = Proxy::to(old.port(), Duration::ZERO).await;
    let (store, events) = store_at(&proxy.url());
    compute(&store, &key("ATL"), "value").await;

    proxy.let_die();
    proxy.lead_to(new.port());
    let asked = Instant::now();
    let error = store.look(&key("ATL")).await.unwrap_err();

    assert_eq!(error.cause, Cause::Unreachable);
    assert!(asked.elapsed() < Duration::from_millis(900), "{:?}", asked.elapsed());
    compute(&store, &key("BOS"), "value").await;
    assert_eq!(events.failures().len(), 1);
}

#[tokio::test]
async fn a_distant_redis_works() {
    let server = Server::spawn();
    let proxy = Proxy::to(server.port(), Duration::from_millis(100)).await;
    let (store, events) = store_at(&proxy.url());

    compute(&store, &key("ATL"), "value").await;

    assert_eq!(bytes(&store, &key("ATL")).await.as_deref(), Some(&b"value"[..]));
    let lease = granted(store.try_lease(&key("BOS"), &Seen::default()).await.unwrap());
    let key = key("BOS");
    let (told, ()) = tokio::join!(store.changed(&key, PATIENCE), async {
        lease.publish(&entry("value")).await.unwrap();
    });
    told.unwrap();
    assert_eq!(events.failures(), vec![]);
}

#[tokio::test]
async fn a_round_trip_of_150_ms_is_one_for_a_lease_and_for_a_publication() {
    let server = Server::spawn();
    let proxy = Proxy::to(server.port(), Duration::from_millis(75)).await;
    let (store, _) = store_at(&proxy.url());
    compute(&store, &key("BOS"), "opens the connection and teaches the script").await;

    for _ in 0..2 {
        let _ = store.remove(&key("ATL")).await.unwrap();
        let asked = Instant::now();
        let seen = store.look(&key("ATL")).await.unwrap().seen;
        let lease = granted(store.try_lease(&key("ATL"), &seen).await.unwrap());
        assert_eq!(lease.publish(&entry("value")).await.unwrap(), Published::Stored);
        let took = asked.elapsed();
        assert!(took < Duration::from_millis(600), "{took:?} for three round trips");
    }
}

#[tokio::test]
async fn a_redis_that_appears_is_used() {
    let mut server = Server::absent();
    let (store, _) = store_at(&server.url());
    assert!(store.look(&key("ATL")).await.is_err());

    server.start();

    until("an answer", async || store.look(&key("ATL")).await.ok()).await;
    compute(&store, &key("ATL"), "value").await;
}
