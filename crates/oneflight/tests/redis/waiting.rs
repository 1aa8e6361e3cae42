//! Waiting for another process.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use oneflight::entry::Seen;
use oneflight::{Key, Store};

use super::servers::Server;
use super::stores::{entry, granted, key, store_at, until};

const PATIENCE: Duration = Duration::from_secs(20);

fn subscribers(server: &Server) -> usize {
    let list: String = server.ask(&["CLIENT", "LIST", "TYPE", "pubsub"]);
    list.lines().count()
}

#[tokio::test]
async fn a_publication_is_told_long_before_the_lease_would_end() {
    let server = Server::spawn();
    let (one, _) = store_at(&server.url());
    let (other, _) = store_at(&server.url());
    // The first wait opens the subscription.
    other.changed(&key("BOS"), PATIENCE).await.unwrap();
    until("a subscriber", async || (subscribers(&server) == 1).then_some(())).await;
    let lease = granted(one.try_lease(&key("ATL"), &Seen::default()).await.unwrap());

    let publish = async {
        until("the waiter", async || (server.calls("pttl") >= 2).then_some(())).await;
        // The waiter sleeps now, and no polling would tell it within the next moment.
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(lease.renew().await.unwrap());
        server.reset_commands();
        lease.publish(&entry("value")).await.unwrap();
        Instant::now()
    };
    let (told, published) = tokio::join!(
        async {
            other.changed(&key("ATL"), PATIENCE).await.unwrap();
            Instant::now()
        },
        publish
    );

    let late = told.saturating_duration_since(published);
    assert!(late < Duration::from_millis(500), "{late:?}");
    assert_eq!(server.calls("pttl"), 0, "it was told and did not ask");
}

#[tokio::test]
async fn fifty_waiting_keys_have_one_subscriber_and_ask_little() {
    let server = Server::spawn();
    let (one, _) = store_at(&server.url());
    let (other, events) = store_at(&server.url());
    let keys: Vec<Key> = (0..50).map(|at| key(&format!("K{at}"))).collect();
    let mut leases = Vec::new();
    for key in &keys {
        leases.push(granted(one.try_lease(key, &Seen::default()).await.unwrap()));
    }
    server.reset_commands();

    let waits = join_all(keys.iter().map(|key| other.changed(key, PATIENCE)));
    let ends = async {
        until("a subscriber", async || (subscribers(&server) == 1).then_some(())).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let (asked, listening) = (server.commands(), subscribers(&server));
        for lease in leases {
            lease.publish(&entry("value")).await.unwrap();
        }
        (asked, listening)
    };
    let (told, (asked, listening)) = tokio::join!(waits, ends);

    assert!(told.iter().all(Result::is_ok));
    assert_eq!((listening, subscribers(&server)), (1, 1));
    let pttl = asked.iter().find(|(name, _)| name == "pttl").map_or(0, |(_, calls)| *calls);
    assert!(pttl <= 100, "50 waiters asked {pttl} times in a second: {asked:?}");
    assert_eq!(events.failures(), vec![]);
}

#[tokio::test]
async fn a_lease_that_ends_by_itself_ends_the_wait_and_a_release_does() {
    let server = Server::spawn();
    let (store, _) = store_at(&server.url());
    let name = "app:lease:{app:selection:9f3c:ATL}";
    let _: String = server.ask(&["SET", name, "a dead holder's", "PX", "400"]);

    let asked = Instant::now();
    store.changed(&key("ATL"), PATIENCE).await.unwrap();

    let took = asked.elapsed();
    assert!(took > Duration::from_millis(300) && took < Duration::from_secs(2), "{took:?}");
    let lease = granted(store.try_lease(&key("ATL"), &Seen::default()).await.unwrap());
    let key = key("ATL");
    let (told, ()) = tokio::join!(store.changed(&key, PATIENCE), async {
        lease.release().await.unwrap();
    });
    told.unwrap();
}

#[tokio::test]
async fn a_lease_without_an_end_gets_one() {
    let server = Server::spawn();
    let (store, _) = store_at(&server.url());
    let name = "app:lease:{app:selection:9f3c:ATL}";
    let _: String = server.ask(&["SET", name, "an operator's"]);

    store.changed(&key("ATL"), Duration::from_millis(500)).await.unwrap();

    let left: i64 = server.ask(&["PTTL", name]);
    assert!((1..=3000).contains(&left), "{left}");
}

#[tokio::test]
async fn a_wait_ends_with_its_patience_and_a_free_key_needs_none() {
    let server = Server::spawn();
    let (store, _) = store_at(&server.url());
    let asked = Instant::now();
    store.changed(&key("ATL"), PATIENCE).await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(1));
    let lease = granted(store.try_lease(&key("ATL"), &Seen::default()).await.unwrap());

    let asked = Instant::now();
    store.changed(&key("ATL"), Duration::from_millis(200)).await.unwrap();

    let took = asked.elapsed();
    assert!(took >= Duration::from_millis(200) && took < Duration::from_millis(900), "{took:?}");
    lease.release().await.unwrap();
}

#[tokio::test]
async fn the_subscription_comes_back_and_ends_with_the_store() {
    let server = Server::spawn();
    let (store, _) = store_at(&server.url());
    let lease = granted(store.try_lease(&key("ATL"), &Seen::default()).await.unwrap());
    let patience = Duration::from_millis(100);
    until("a subscriber", async || {
        store.changed(&key("ATL"), patience).await.unwrap();
        (subscribers(&server) == 1).then_some(())
    })
    .await;

    let _: i64 = server.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    until("its end", async || (subscribers(&server) == 0).then_some(())).await;
    until("another subscriber", async || {
        store.changed(&key("ATL"), patience).await.unwrap();
        (subscribers(&server) == 1).then_some(())
    })
    .await;

    lease.release().await.unwrap();
    drop(store);
    until("no subscriber", async || (subscribers(&server) == 0).then_some(())).await;
}
