//! A cluster of three nodes.

use std::time::{Duration, Instant};

use oneflight::entry::Seen;
use oneflight::store::redis::RedisStore;
use oneflight::{Key, Store};

use super::servers::Server;
use super::shapes::Cluster;
use super::stores::{compute, entry, granted, key, store_at, until, use_everything};

impl Cluster {
    /// A key that lives on this node.
    fn key_on(&self, node: usize) -> Key {
        let slots = [0..5461, 5461..10923, 10923..16384];
        let lives_there = |key: &Key| {
            let name = format!("app:{}", key.name());
            slots[node].contains(&self.0[node].ask::<u16>(&["CLUSTER", "KEYSLOT", &name]))
        };
        (0..).map(|at| key(&format!("K{at}"))).find(lives_there).unwrap()
    }

    /// The number of nodes that have any key.
    fn used(&self) -> usize {
        self.0.iter().filter(|node| node.ask::<usize>(&["DBSIZE"]) > 0).count()
    }
}

#[tokio::test]
async fn everything_works_in_a_cluster_and_all_its_nodes_are_used() {
    let cluster = Cluster::spawn();
    let (one, events) = store_at(&cluster.url());
    let (other, others) = store_at(&cluster.url());

    use_everything(&one, &other).await;
    for airport in ["E", "F", "G", "H", "I", "J", "K", "L"] {
        compute(&one, &key(airport), "value").await;
    }

    assert_eq!(cluster.used(), 3);
    assert_eq!((events.failures(), others.failures()), (vec![], vec![]));
}

#[tokio::test]
async fn the_url_of_one_node_is_enough_and_need_not_say_that_it_is_a_cluster() {
    let cluster = Cluster::spawn();
    for node in &cluster.0 {
        let (one, events) = store_at(&node.url());
        let (other, others) = store_at(&node.url());

        use_everything(&one, &other).await;
        for airport in ["ATL", "CLT", "DEN"] {
            one.remove(&key(airport)).await.unwrap();
        }
        one.erase(&key("CLT").question(), oneflight::store::Note::Latest).await.unwrap();

        assert_eq!((events.failures(), others.failures()), (vec![], vec![]));
    }
}

#[tokio::test]
async fn the_other_nodes_are_used_when_the_configured_one_is_gone() {
    let mut cluster = Cluster::spawn();
    let keys: Vec<Key> = (0..3).map(|node| cluster.key_on(node)).collect();
    let (store, _) = store_at(&cluster.0[0].url());
    let (fresh, _) = store_at(&cluster.url());
    for key in &keys {
        compute(&store, key, "value").await;
    }

    cluster.0[0].stop();
    assert!(store.look(&keys[0]).await.is_err());

    for store in [&store, &fresh] {
        for key in &keys[1..] {
            let found = until("an answer", async || store.look(key).await.ok()).await;
            assert!(found.entry.is_some());
        }
    }
    let lease = granted(fresh.try_lease(&keys[1], &seen(&fresh, &keys[1]).await).await.unwrap());
    until("a subscriber at another node", async || {
        let _ = store.changed(&keys[1], Duration::from_millis(100)).await;
        let is_subscribed = |node: &Server| {
            node.ask::<String>(&["CLIENT", "LIST", "TYPE", "pubsub"]).contains(" sub=1 ")
        };
        cluster.0[1..].iter().any(is_subscribed).then_some(())
    })
    .await;
    drop(lease);
}

async fn seen(store: &RedisStore, key: &Key) -> Seen {
    store.look(key).await.unwrap().seen
}

#[tokio::test]
async fn a_message_reaches_a_waiter_that_is_subscribed_at_another_node() {
    let cluster = Cluster::spawn();
    let (one, _) = store_at(&cluster.url());
    let others: Vec<_> = cluster.0.iter().map(|node| store_at(&node.url()).0).collect();
    let key = key("ATL");
    let lease = granted(one.try_lease(&key, &Seen::default()).await.unwrap());
    let waits = others.iter().map(|store| store.changed(&key, Duration::from_secs(20)));
    let publish = async {
        until("three subscribers", async || {
            let is_subscribed = |node: &Server| {
                let list: String = node.ask(&["CLIENT", "LIST", "TYPE", "pubsub"]);
                list.contains(" sub=1 ")
            };
            cluster.0.iter().all(is_subscribed).then_some(())
        })
        .await;
        lease.publish(&entry("value")).await.unwrap();
        Instant::now()
    };

    let told = async {
        for answer in futures_util::future::join_all(waits).await {
            answer.unwrap();
        }
        Instant::now()
    };
    let (told, published) = tokio::join!(told, publish);

    assert!(told.saturating_duration_since(published) < Duration::from_millis(500));
}
