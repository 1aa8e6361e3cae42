//! One Redis.

use std::time::Duration;

use oneflight::Store;
use oneflight::entry::Seen;
use oneflight::store::{Attempt, Note, Published};

use super::proxy::Proxy;
use super::servers::Server;
use super::stores::{
    bytes, compute, entry, granted, key, private_key, store_at, store_with, until, use_everything,
};

#[tokio::test]
async fn two_processes_share_everything() {
    let server = Server::spawn();
    let (one, events) = store_at(&server.url());
    let (other, others) = store_at(&server.url());

    use_everything(&one, &other).await;

    assert_eq!((events.failures(), others.failures()), (vec![], vec![]));
}

#[tokio::test]
async fn all_names_begin_with_the_prefix() {
    let server = Server::spawn();
    let (store, _) = store_at(&server.url());
    compute(&store, &key("ATL"), "value").await;
    bytes(&store, &key("ATL")).await;
    let lease = granted(store.try_lease(&key("BOS"), &Seen::default()).await.unwrap());
    store.leave(&key("BOS"), Note::Progress, "half", Duration::from_secs(9)).await.unwrap();

    until("the index", async || {
        server.ask::<bool>(&["EXISTS", "app:index:{selection}"]).then_some(())
    })
    .await;
    let mut names: Vec<String> = server.ask(&["KEYS", "*"]);

    names.sort();
    assert_eq!(
        names,
        [
            "app:index:{selection}",
            "app:lease:{app:selection:9f3c:BOS}",
            "app:progress:{app:selection:9f3c:BOS}",
            "app:selection:9f3c:ATL",
        ]
    );
    lease.release().await.unwrap();
    store.erase(&key("BOS"), Note::Progress).await.unwrap();
    let left: Vec<String> = server.ask(&["KEYS", "*BOS*"]);
    assert_eq!(left, [""; 0]);
}

#[tokio::test]
async fn two_prefixes_on_one_redis_share_nothing() {
    let server = Server::spawn();
    let hour = Duration::from_secs(3600);
    let (one, _) = store_with(&server.url(), "one", hour);
    let (other, _) = store_with(&server.url(), "other", hour);
    let key = private_key("a");

    compute(&one, &key, "one's").await;

    assert_eq!(bytes(&other, &key).await, None);
    assert_eq!(other.recent("sample", 9).await.unwrap(), []);
    assert_eq!(other.trim("sample", 0).await.unwrap(), []);
    assert!(!other.remove(&key).await.unwrap());
    compute(&other, &key, "other's").await;
    assert_eq!(bytes(&one, &key).await.as_deref(), Some(&b"one's"[..]));
}

#[tokio::test]
async fn a_damaged_entry_is_removed_and_reported() {
    let server = Server::spawn();
    let (store, events) = store_at(&server.url());
    compute(&store, &key("ATL"), "value").await;
    let _: i64 = server.ask(&["SETRANGE", "app:selection:9f3c:ATL", "65", "X"]);

    let found = store.look(&key("ATL")).await.unwrap();

    assert_eq!((found.entry, found.seen), (None, Seen::default()));
    assert_eq!(events.damaged(), [key("ATL")]);
    assert_eq!(server.ask::<i64>(&["EXISTS", "app:selection:9f3c:ATL"]), 0);
}

#[tokio::test]
async fn an_entry_that_replaced_a_damaged_one_is_not_removed() {
    let server = Server::spawn();
    let proxy = Proxy::to(server.port(), Duration::from_millis(100)).await;
    let (store, events) = store_at(&proxy.url());
    let (key, name) = (key("ATL"), "app:selection:9f3c:ATL");
    bytes(&store, &key).await;
    server.reset_commands();
    let _: String = server.ask(&["SET", name, "damaged"]);
    let sound = entry("sound").encode();

    let replace = async {
        // The answer is on its way for another 100 ms.
        until("the question", async || (server.calls("mget") == 1).then_some(())).await;
        server.set(name, &sound);
    };
    let (found, ()) = tokio::join!(store.look(&key), replace);

    let found = found.unwrap();
    assert_eq!((found.entry, events.damaged()), (None, vec![]));
    let attempt = store.try_lease(&key, &found.seen).await.unwrap();
    assert!(matches!(attempt, Attempt::Changed));
    assert_eq!(bytes(&store, &key).await.as_deref(), Some(&b"sound"[..]));
}

#[tokio::test]
async fn an_entry_of_another_version_is_absent_and_stays_until_it_is_replaced() {
    let server = Server::spawn();
    let (store, events) = store_at(&server.url());
    let name = "app:selection:9f3c:ATL";
    let _: String = server.ask(&["SET", name, "1FL\x02 something else"]);

    let found = store.look(&key("ATL")).await.unwrap();

    assert_eq!((found.entry, events.damaged()), (None, vec![]));
    assert_eq!(server.ask::<i64>(&["EXISTS", name]), 1);
    let attempt = store.try_lease(&key("ATL"), &Seen::default()).await.unwrap();
    assert!(matches!(attempt, Attempt::Changed));
    let lease = granted(store.try_lease(&key("ATL"), &found.seen).await.unwrap());
    assert_eq!(lease.publish(&entry("ours")).await.unwrap(), Published::Stored);
}

#[tokio::test]
async fn something_that_is_not_text_under_the_name_of_an_entry_is_overwritten() {
    let server = Server::spawn();
    let (store, events) = store_at(&server.url());
    let _: i64 = server.ask(&["LPUSH", "app:selection:9f3c:ATL", "1"]);

    compute(&store, &key("ATL"), "value").await;

    assert_eq!(bytes(&store, &key("ATL")).await.as_deref(), Some(&b"value"[..]));
    assert_eq!(events.failures(), vec![]);
}

#[tokio::test]
async fn a_successors_lease_survives_a_late_publication() {
    let server = Server::spawn();
    let (store, _) = store_at(&server.url());
    let lease = granted(store.try_lease(&key("ATL"), &Seen::default()).await.unwrap());
    let name = "app:lease:{app:selection:9f3c:ATL}";
    let _: i64 = server.ask(&["DEL", name]);
    let successor = granted(store.try_lease(&key("ATL"), &Seen::default()).await.unwrap());

    assert_eq!(lease.publish(&entry("late")).await.unwrap(), Published::Refused);

    assert!(successor.renew().await.unwrap());
    assert_eq!(successor.publish(&entry("right")).await.unwrap(), Published::Stored);
}

#[tokio::test]
async fn an_entry_expires_after_its_last_use() {
    let server = Server::spawn();
    let (store, _) = store_with(&server.url(), "app", Duration::from_secs(1000));
    compute(&store, &key("ATL"), "value").await;
    let name = "app:selection:9f3c:ATL";
    let _: i64 = server.ask(&["PEXPIRE", name, "5000"]);

    bytes(&store, &key("ATL")).await;

    let is_longer = async || (server.ask::<i64>(&["PTTL", name]) > 900_000).then_some(());
    until("a longer life", is_longer).await;
    assert!(server.ask::<i64>(&["PTTL", "app:index:{selection}"]) > 900_000);
}

#[tokio::test]
async fn an_index_keeps_the_latest_ten_thousand_shared_keys_and_every_private_one() {
    let server = Server::spawn();
    let (store, _) = store_at(&server.url());
    let fill = "for at = 1, 10100 do redis.call('ZADD', KEYS[1], at, 'old' .. at) end";
    for index in ["app:index:{selection}", "app:index:{sample}"] {
        let _: () = server.ask(&["EVAL", fill, "1", index]);
    }

    for key in [key("ATL"), private_key("a")] {
        compute(&store, &key, "value").await;
        bytes(&store, &key).await;
    }

    let members = || server.ask::<usize>(&["ZCARD", "app:index:{selection}"]);
    until("an index of ten thousand", async || (members() == 10_000).then_some(())).await;
    assert_eq!(store.recent("selection", 1).await.unwrap(), [key("ATL")]);
    assert_eq!(server.ask::<usize>(&["ZCARD", "app:index:{sample}"]), 10_101);
}

#[tokio::test]
async fn a_shorter_expiry_changes_neither_the_order_of_use_nor_the_bound() {
    let server = Server::spawn();
    let expiring = |seconds| store_with(&server.url(), "app", Duration::from_secs(seconds)).0;
    let (long, short) = (expiring(86_400), expiring(60));
    let [a, b, c] = ["a", "b", "c"].map(private_key);
    for key in [&a, &b, &c] {
        compute(&long, key, "flights").await;
    }

    bytes(&short, &a).await;

    assert_eq!(short.recent("sample", 9).await.unwrap(), [a.clone(), c, b.clone()]);
    assert!(server.ask::<i64>(&["PTTL", "app:index:{sample}"]) > 86_400_000);
    assert_eq!(short.trim("sample", 2).await.unwrap(), [b]);
    assert!(bytes(&long, &a).await.is_some());
}

#[tokio::test]
async fn the_pool_tells_its_connections() {
    let server = Server::spawn();
    let (store, _) = store_at(&server.url());
    let connections = store.connections();
    assert_eq!(connections().open, 0);

    bytes(&store, &key("ATL")).await;

    let now = connections();
    assert_eq!((now.open, now.idle, now.max), (1, 1, 8));
}

#[tokio::test]
async fn a_private_key_that_is_removed_while_it_is_computed_leaves_nothing() {
    let server = Server::spawn();
    let (store, _) = store_at(&server.url());
    let lease = granted(store.try_lease(&private_key("a"), &Seen::default()).await.unwrap());

    assert!(!store.remove(&private_key("a")).await.unwrap());
    assert_eq!(lease.publish(&entry("late")).await.unwrap(), Published::Refused);

    assert_eq!(server.ask::<Vec<String>>(&["KEYS", "*"]), [""; 0]);
}
