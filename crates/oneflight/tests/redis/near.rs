//! Entries that a process keeps in memory, and when it does not believe them any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use oneflight::entry::{Entry, Seen};
use oneflight::store::fallback::FallbackStore;
use oneflight::store::memory::MemoryStore;
use oneflight::store::redis::RedisStore;
use oneflight::store::{Attempt, Published};
use oneflight::{Key, LogObserver, Store, StoreHealth};

use super::proxy::{LARGE, Proxy};
use super::servers::Server;
use super::shapes::Cluster;
use super::stores::{
    bytes, compute, entry, granted, key, looks, private_key, store_at, store_remembering,
    store_with, until, until_remembered,
};

/// Less than the time for which an entry is believed, five seconds, so that the end of a belief within
/// this time has another reason.
const SOON: Duration = Duration::from_millis(4000);
const DAY: Duration = Duration::from_secs(86_400);

async fn number(store: &RedisStore, key: &Key) -> usize {
    let bytes = bytes(store, key).await.unwrap();
    std::str::from_utf8(&bytes).unwrap().trim().parse().unwrap()
}

/// Publishes a number, padded to `length` bytes.
async fn publish(store: &RedisStore, key: &Key, number: usize, length: usize) {
    let seen = store.look(key).await.unwrap().seen;
    let lease = granted(store.try_lease(key, &seen).await.unwrap());
    let entry = Entry { bytes: Bytes::from(format!("{number:length$}")), ..entry("") };
    assert_eq!(lease.publish(&entry).await.unwrap(), Published::Stored);
}

fn subscribers(server: &Server) -> usize {
    let list: String = server.ask(&["CLIENT", "LIST", "TYPE", "pubsub"]);
    list.lines().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publication_ends_the_belief_everywhere_and_for_good() {
    let server = Server::spawn();
    let writer = store_at(&server.url()).0;
    let readers = [(); 2].map(|()| Arc::new(store_at(&server.url()).0));
    let key = key("ATL");
    publish(&writer, &key, 0, 1).await;
    for reader in &readers {
        until_remembered(&server, reader, &key).await;
    }
    server.reset_commands();
    let latest = [(); 4].map(|()| Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..4)
        .map(|at| {
            let (reader, latest, key) = (readers[at % 2].clone(), latest[at].clone(), key.clone());
            tokio::spawn(async move {
                let (mut last, mut looks) = (0, 0);
                while last < 200 {
                    let found = number(&reader, &key).await;
                    assert!(found >= last, "{found} after {last}");
                    last = found;
                    latest.store(last, Ordering::SeqCst);
                    looks += 1;
                    tokio::task::yield_now().await;
                }
                looks
            })
        })
        .collect();

    let mut slowest = Duration::ZERO;
    for number in 1..=200 {
        publish(&writer, &key, number, 1).await;
        let published = Instant::now();
        while latest.iter().any(|latest| latest.load(Ordering::SeqCst) < number) {
            assert!(published.elapsed() < SOON, "a reader has not seen number {number}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        slowest = slowest.max(published.elapsed());
    }

    let mut looks = 0;
    for task in tasks {
        looks += task.await.unwrap();
    }
    let asked = server.calls("mget");
    assert!(asked < looks / 2, "{asked} of {looks} looks were not answered from memory");
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
}

#[tokio::test]
async fn an_answer_that_its_message_overtook_is_not_believed() {
    let server = Server::spawn();
    let proxy = Proxy::slow_for_large(server.port(), Duration::from_millis(300)).await;
    let (writer, reader) = (store_at(&server.url()).0, store_at(&proxy.url()).0);
    let key = key("ATL");
    let marker = Key::new("selection").arg("marker");
    for key in [&key, &marker] {
        publish(&writer, key, 1, 1).await;
        until_remembered(&server, &reader, key).await;
    }
    publish(&writer, &key, 2, 2 * LARGE).await;
    let seen = writer.look(&key).await.unwrap().seen;
    let lease = granted(writer.try_lease(&key, &seen).await.unwrap());
    // Messages come in their order, so number 1 is not believed once this is known.
    publish(&writer, &marker, 2, 1).await;
    until("the message", async || (number(&reader, &marker).await == 2).then_some(())).await;
    server.reset_commands();

    let replace = async {
        until("the question", async || (server.calls("mget") == 1).then_some(())).await;
        assert_eq!(lease.publish(&entry("3")).await.unwrap(), Published::Stored);
    };
    let (overtaken, ()) = tokio::join!(number(&reader, &key), replace);

    assert_eq!(overtaken, 2, "the answer was on its way");
    assert_eq!(number(&reader, &key).await, 3);
}

#[tokio::test]
async fn a_removal_and_an_own_publication_end_the_belief() {
    let server = Server::spawn();
    let (one, other) = (store_at(&server.url()).0, store_at(&server.url()).0);
    let key = key("ATL");
    publish(&one, &key, 1, 1).await;
    until_remembered(&server, &one, &key).await;

    publish(&one, &key, 2, 1).await;
    assert_eq!(number(&one, &key).await, 2);
    until_remembered(&server, &one, &key).await;
    assert!(one.remove(&key).await.unwrap());
    assert_eq!(bytes(&one, &key).await, None);
    publish(&one, &key, 3, 1).await;
    until_remembered(&server, &one, &key).await;
    assert!(other.remove(&key).await.unwrap());
    let removed = Instant::now();
    until("the end of the belief", async || bytes(&one, &key).await.is_none().then_some(())).await;

    assert!(removed.elapsed() < SOON);
}

#[tokio::test]
async fn an_own_publication_or_removal_ends_the_belief_before_its_message_comes() {
    let server = Server::spawn();
    let proxy = Proxy::slow_for_large(server.port(), Duration::from_millis(200)).await;
    let store = store_at(&proxy.url()).0;
    // A message with this name comes 200 ms after the answer.
    let key = key(&"A".repeat(2 * LARGE));
    publish(&store, &key, 1, 1).await;
    until_remembered(&server, &store, &key).await;

    publish(&store, &key, 2, 1).await;
    assert_eq!(number(&store, &key).await, 2);

    until_remembered(&server, &store, &key).await;
    assert!(store.remove(&key).await.unwrap());
    assert_eq!(bytes(&store, &key).await, None);
}

#[tokio::test]
async fn a_lease_for_a_stale_entry_is_refused_and_the_next_look_asks_redis() {
    let server = Server::spawn();
    let store = store_at(&server.url()).0;
    compute(&store, &key("ATL"), "old").await;
    until_remembered(&server, &store, &key("ATL")).await;
    // Without a message, as if it had been lost between two nodes.
    server.set("app:selection:9f3c:ATL", &entry("new").encode());

    let stale = store.look(&key("ATL")).await.unwrap();
    assert_eq!(stale.entry.unwrap().bytes, "old");
    let attempt = store.try_lease(&key("ATL"), &stale.seen).await.unwrap();

    assert!(matches!(attempt, Attempt::Changed));
    let fresh = store.look(&key("ATL")).await.unwrap();
    assert_eq!(fresh.entry.unwrap().bytes, "new");
    drop(granted(store.try_lease(&key("ATL"), &fresh.seen).await.unwrap()));
}

#[tokio::test]
async fn an_entry_that_changed_without_a_message_is_believed_for_some_seconds() {
    let server = Server::spawn();
    let store = store_at(&server.url()).0;
    compute(&store, &key("ATL"), "old").await;
    until_remembered(&server, &store, &key("ATL")).await;
    server.set("app:selection:9f3c:ATL", &entry("new").encode());

    until("the new entry", async || {
        (bytes(&store, &key("ATL")).await.unwrap() == "new").then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_entry_that_is_not_believed_any_more_is_compared_by_its_header() {
    let server = Server::spawn();
    // An entry is believed for a twentieth of its life.
    let store = store_with(&server.url(), "app", Duration::from_secs(20)).0;
    compute(&store, &key("ATL"), "old").await;
    until_remembered(&server, &store, &key("ATL")).await;
    server.reset_commands();

    until("two questions", async || {
        assert_eq!(bytes(&store, &key("ATL")).await.unwrap(), "old");
        (server.calls("getrange") == 2).then_some(())
    })
    .await;

    assert_eq!(server.calls("mget"), 0, "the value was sent again");
    server.set("app:selection:9f3c:ATL", &entry("new").encode());
    let is_new = async || (bytes(&store, &key("ATL")).await.unwrap() == "new").then_some(());
    until("the new entry", is_new).await;
}

#[tokio::test]
async fn nothing_is_believed_after_a_gap_between_subscriptions() {
    let server = Server::spawn();
    let (store, writer) = (store_at(&server.url()).0, store_remembering(&server.url(), 0));
    compute(&writer, &key("ATL"), "old").await;
    until_remembered(&server, &store, &key("ATL")).await;
    let remembered = Instant::now();

    let _: i64 = server.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    // No subscriber gets this message.
    assert_eq!(subscribers(&server), 0);
    compute(&writer, &key("ATL"), "new").await;
    until("the new entry", async || {
        (bytes(&store, &key("ATL")).await.unwrap() == "new").then_some(())
    })
    .await;

    assert!(remembered.elapsed() < SOON, "{:?}", remembered.elapsed());
    until_remembered(&server, &store, &key("ATL")).await;
    assert_eq!(subscribers(&server), 1);
    assert_eq!(bytes(&store, &key("ATL")).await.unwrap(), "new");
}

#[tokio::test]
async fn a_subscription_that_is_silent_because_its_host_is_gone_is_not_believed() {
    let server = Server::spawn();
    let proxy = Proxy::to(server.port(), Duration::ZERO).await;
    let (store, writer) = (store_at(&proxy.url()).0, store_at(&server.url()).0);
    compute(&writer, &key("ATL"), "old").await;
    until_remembered(&server, &store, &key("ATL")).await;
    // Two processes have told two uses, and ask nothing else by themselves for a minute.
    until("the uses", async || (server.calls("pexpire") == 4).then_some(())).await;
    // It has just been read, and would be believed for five seconds more.
    compute(&writer, &key("ATL"), "old, but read again").await;
    until("another reading", async || {
        (bytes(&store, &key("ATL")).await.unwrap() == "old, but read again").then_some(())
    })
    .await;
    until_remembered(&server, &store, &key("ATL")).await;
    let remembered = Instant::now();

    proxy.let_die();
    compute(&writer, &key("ATL"), "new").await;
    until("another answer", async || {
        let found = store.look(&key("ATL")).await;
        found.map_or(true, |found| found.entry.unwrap().bytes == "new").then_some(())
    })
    .await;

    assert!(remembered.elapsed() < SOON, "{:?}", remembered.elapsed());
}

#[tokio::test]
async fn a_user_without_the_channel_believes_nothing() {
    let server = Server::spawn();
    let rules = ["~app:*", "+@all", "resetchannels"];
    let _: String =
        server.ask(&[&["ACL", "SETUSER", "app", "on", ">hunter2"], &rules[..]].concat());
    let (store, events) = store_at(&format!("redis://app:hunter2@127.0.0.1:{}", server.port()));
    compute(&store, &key("ATL"), "value").await;
    bytes(&store, &key("ATL")).await;
    until("the refusal", async || (events.no_channel().len() == 1).then_some(())).await;
    server.reset_commands();

    for _ in 0..10 {
        bytes(&store, &key("ATL")).await;
    }

    assert_eq!(server.calls("mget"), 10);
}

#[tokio::test]
async fn nothing_of_a_user_is_answered_from_memory() {
    let server = Server::spawn();
    let store = store_at(&server.url()).0;
    compute(&store, &key("ATL"), "value").await;
    until_remembered(&server, &store, &key("ATL")).await;
    compute(&store, &private_key("a"), "value").await;
    server.reset_commands();

    for _ in 0..10 {
        bytes(&store, &private_key("a")).await;
    }

    assert_eq!(server.calls("mget"), 10);
}

#[tokio::test]
async fn an_entry_in_use_never_expires_and_one_that_is_not_used_does() {
    let server = Server::spawn();
    // The store writes one use a second, two seconds later.
    let expire = Duration::from_secs(100);
    let (store, writer) = (store_with(&server.url(), "app", expire).0, store_at(&server.url()).0);
    let name = "app:selection:9f3c:ATL";
    compute(&writer, &key("ATL"), "value").await;
    until_remembered(&server, &store, &key("ATL")).await;
    // All uses until now, each of which prolongs the life of an index and of the entry.
    until("the uses", async || (server.calls("pexpire") >= 4).then_some(())).await;
    let _: i64 = server.ask(&["PEXPIRE", name, "60000"]);
    server.reset_commands();

    assert!(bytes(&store, &key("ATL")).await.is_some());
    assert_eq!(looks(&server), 0, "it was answered from memory");
    let is_longer = async || (server.ask::<i64>(&["PTTL", name]) > 60_000).then_some(());
    until("a longer life", is_longer).await;

    let _: i64 = server.ask(&["PEXPIRE", name, "50"]);
    until("its end", async || bytes(&store, &key("ATL")).await.is_none().then_some(())).await;
}

#[tokio::test]
async fn a_redis_that_is_gone_is_noticed_although_all_looks_were_answered_from_memory() {
    let mut server = Server::spawn();
    let (redis, disk) = (Arc::new(store_at(&server.url()).0), Arc::new(MemoryStore::new(DAY)));
    let store = FallbackStore::new(redis.clone(), disk, Arc::new(LogObserver));
    compute(&redis, &key("ATL"), "value").await;
    until_remembered(&server, &redis, &key("ATL")).await;

    server.stop();
    let gone = Instant::now();
    until("the fallback", async || {
        let _ = store.look(&key("ATL")).await.unwrap();
        matches!(store.health(), StoreHealth::Degraded { .. }).then_some(())
    })
    .await;

    assert!(gone.elapsed() < SOON, "{:?}", gone.elapsed());
    assert_eq!(store.look(&key("ATL")).await.unwrap().seen, Seen::default());
    server.start();
    until("the end of the trouble", async || {
        let _ = store.look(&key("ATL")).await.unwrap();
        (store.health() == StoreHealth::Healthy).then_some(())
    })
    .await;
    assert_eq!(bytes(&redis, &key("ATL")).await, None, "it started with an empty memory");
}

#[tokio::test]
async fn a_cluster_tells_of_a_publication_at_any_node() {
    let cluster = Cluster::spawn();
    let writer = store_at(&cluster.url()).0;
    let keys: Vec<Key> = (0..8).map(|at| key(&format!("K{at}"))).collect();
    let asked = || cluster.0.iter().map(|node| node.calls("mget")).sum::<u64>();
    for node in &cluster.0 {
        let reader = store_at(&node.url()).0;
        for key in &keys {
            publish(&writer, key, 1, 1).await;
            until("a look that is answered from memory", async || {
                let before = asked();
                assert_eq!(number(&reader, key).await, 1);
                (asked() == before).then_some(())
            })
            .await;

            publish(&writer, key, 2, 1).await;
            let published = Instant::now();
            until("the new entry", async || (number(&reader, key).await == 2).then_some(())).await;

            assert!(published.elapsed() < SOON);
            writer.remove(key).await.unwrap();
            until("the removal", async || bytes(&reader, key).await.is_none().then_some(())).await;
        }
    }
}
