//! What the store costs Redis.

use std::time::Duration;

use oneflight::Store;
use oneflight::store::{Note, Published};

use super::servers::Server;
use super::stores::{
    bytes, compute, entry, granted, key, private_key, store_at, store_remembering, until,
    until_remembered,
};

fn total(server: &Server) -> u64 {
    server.commands().iter().map(|(_, calls)| calls).sum()
}

#[tokio::test]
async fn a_cold_computation_costs_eight_commands() {
    let server = Server::spawn();
    let (store, _) = store_at(&server.url());
    compute(&store, &key("BOS"), "opens the connection and teaches the script").await;
    server.reset_commands();

    let found = store.look(&key("ATL")).await.unwrap();
    let lease = granted(store.try_lease(&key("ATL"), &found.seen).await.unwrap());
    assert_eq!(lease.publish(&entry("value")).await.unwrap(), Published::Stored);
    let hour = Duration::from_secs(3600);
    store.leave(&key("ATL").question(), Note::Latest, "9f3c", hour).await.unwrap();

    let mut commands = server.commands();
    commands.sort();
    let one = |name: &str| (name.to_owned(), 1);
    let mut expected =
        vec![one("evalsha"), one("getdel"), one("getrange"), one("mget"), one("publish")];
    expected.push(("set".to_owned(), 3));
    assert_eq!(commands, expected);
}

#[tokio::test]
async fn a_hit_without_memory_costs_one_command() {
    let server = Server::spawn();
    let store = store_remembering(&server.url(), 0);
    compute(&store, &key("ATL"), "value").await;

    server.reset_commands();
    for _ in 0..10 {
        bytes(&store, &key("ATL")).await;
    }

    assert_eq!((server.calls("mget"), total(&server)), (10, 10));
}

#[tokio::test]
async fn a_thousand_warm_hits_cost_ten_commands_at_most() {
    let server = Server::spawn();
    let (store, events) = store_at(&server.url());
    compute(&store, &key("ATL"), "value").await;
    until_remembered(&server, &store, &key("ATL")).await;
    // The store writes the next use of the key a minute later.
    until("its use", async || (server.calls("zadd") == 1).then_some(())).await;
    server.reset_commands();

    for pause in [Duration::from_millis(5500), Duration::ZERO] {
        for _ in 0..500 {
            assert!(bytes(&store, &key("ATL")).await.is_some());
        }
        // Longer than an entry is believed.
        tokio::time::sleep(pause).await;
    }

    let commands = server.commands();
    assert!(total(&server) <= 10, "{commands:?}");
    assert!((1..=2).contains(&server.calls("getrange")), "{commands:?}");
    assert_eq!(server.calls("mget"), 0, "the value was sent again: {commands:?}");
    assert_eq!(server.calls("ping") + server.calls("unwatch"), 0);
    assert_eq!(events.failures(), vec![]);
}

#[tokio::test]
async fn the_uses_of_many_keys_are_told_together_and_a_moment_later() {
    let server = Server::spawn();
    let (store, _) = store_at(&server.url());
    let keys: Vec<_> = (0..20).map(|at| key(&format!("K{at}"))).collect();
    server.reset_commands();

    for key in &keys {
        compute(&store, key, "value").await;
    }
    until("the index", async || {
        (!store.recent("selection", 1).await.unwrap().is_empty()).then_some(())
    })
    .await;

    let recent = store.recent("selection", 99).await.unwrap();
    assert_eq!(recent, keys.into_iter().rev().collect::<Vec<_>>());
    assert_eq!(server.calls("zadd"), 1);
}

#[tokio::test]
async fn each_use_of_a_private_entry_is_told() {
    let server = Server::spawn();
    let (store, _) = store_at(&server.url());
    compute(&store, &private_key("a"), "value").await;
    bytes(&store, &private_key("a")).await;
    server.reset_commands();

    for _ in 0..10 {
        bytes(&store, &private_key("a")).await;
    }

    assert_eq!((server.calls("mget"), server.calls("zadd")), (10, 10));
}

#[tokio::test]
async fn no_connection_is_tried_before_it_is_used() {
    let server = Server::spawn();
    let (store, _) = store_at(&server.url());

    for airport in ["ATL", "BOS", "ATL"] {
        bytes(&store, &key(airport)).await;
    }

    assert_eq!((server.calls("ping"), server.calls("unwatch")), (0, 0));
    assert_eq!(server.calls("keys") + server.calls("scan"), 0);
}
