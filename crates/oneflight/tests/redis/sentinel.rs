//! A master with a replica, watched by three sentinels.

use std::time::{Duration, Instant};

use oneflight::Store;
use oneflight::entry::Seen;
use oneflight::store::{Attempt, Published};

use super::servers::eventually;
use super::shapes::Sentinels;
use super::stores::{bytes, compute, entry, granted, key, store_at, until, use_everything};

#[tokio::test]
async fn everything_works_at_the_master_with_its_password() {
    let servers = Sentinels::spawn(Some("hunter2"));
    let (one, events) = store_at(&servers.url(":hunter2@"));
    let (other, others) = store_at(&servers.url(":hunter2@"));

    use_everything(&one, &other).await;

    assert_eq!((events.failures(), others.failures()), (vec![], vec![]));
    assert!(servers.master.calls("evalsha") > 0);
}

#[tokio::test]
async fn after_a_failover_the_store_publishes_again_and_nothing_is_computed_twice() {
    let mut servers = Sentinels::spawn(None);
    let (one, _) = store_at(&servers.url(""));
    let (other, _) = store_at(&servers.url(""));
    compute(&one, &key("ATL"), "value").await;
    let lease = granted(one.try_lease(&key("BOS"), &Seen::default()).await.unwrap());
    eventually("a replica that has both", || servers.replica.ask::<usize>(&["DBSIZE"]) >= 2);

    servers.master.stop();
    let gone = Instant::now();
    let (attempt, is_ours) = tokio::join!(
        // Another process asks for the same key all the time.
        until("an answer", async || other.try_lease(&key("BOS"), &Seen::default()).await.ok()),
        until("a renewal", async || lease.renew().await.ok())
    );

    // The lease has survived with the replica, or it has expired and is the other's.
    let is_others = matches!(attempt, Attempt::Granted(_));
    assert!(!(is_ours && is_others));
    if is_ours {
        assert_eq!(lease.publish(&entry("value")).await.unwrap(), Published::Stored);
    }
    compute(&other, &key("CLT"), "value").await;
    assert!(gone.elapsed() < Duration::from_secs(10), "{:?}", gone.elapsed());
    assert!(bytes(&other, &key("ATL")).await.is_some(), "the replica has what was published");
    assert!(servers.replica.ask::<String>(&["INFO", "replication"]).contains("role:master"));
}

#[tokio::test]
async fn messages_are_told_after_a_failover() {
    let mut servers = Sentinels::spawn(None);
    let (one, _) = store_at(&servers.url(""));
    let (other, _) = store_at(&servers.url(""));
    other.changed(&key("ATL"), Duration::from_millis(100)).await.unwrap();
    servers.master.stop();
    let seen = Seen::default();
    let lease = until("a lease", async || match one.try_lease(&key("ATL"), &seen).await {
        Ok(Attempt::Granted(lease)) => Some(lease),
        _ => None,
    })
    .await;

    until("a subscriber at the new master", async || {
        let _ = other.changed(&key("ATL"), Duration::from_millis(100)).await;
        let list: String = servers.replica.ask(&["CLIENT", "LIST", "TYPE", "pubsub"]);
        list.contains(" sub=1 ").then_some(())
    })
    .await;
    drop(lease);
}
