//! Stores as the tests use them.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use oneflight::entry::{Entry, Seen, Stamp};
use oneflight::store::redis::{RedisConfig, RedisStore};
use oneflight::store::{Attempt, Cause, Lease, Note, Published};
use oneflight::{CacheBy, Event, Key, Observer, Store};

use super::servers::Server;

/// Keeps what is reported.
#[derive(Default)]
pub(crate) struct Events {
    failures: Mutex<Vec<(Cause, String)>>,
    no_channel: Mutex<Vec<String>>,
    damaged: Mutex<Vec<Key>>,
}

impl Observer for Events {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::StoreFailed(error) => {
                self.failures.lock().unwrap().push((error.cause, error.reason.clone()));
            }
            Event::NoChannel { channel, reason } => {
                self.no_channel.lock().unwrap().push(format!("{channel}: {reason}"));
            }
            Event::Damaged(key) => self.damaged.lock().unwrap().push((*key).clone()),
            other => panic!("the store has no business to report {other}"),
        }
    }
}

impl Events {
    pub(crate) fn failures(&self) -> Vec<(Cause, String)> {
        self.failures.lock().unwrap().clone()
    }

    pub(crate) fn no_channel(&self) -> Vec<String> {
        self.no_channel.lock().unwrap().clone()
    }

    pub(crate) fn damaged(&self) -> Vec<Key> {
        self.damaged.lock().unwrap().clone()
    }
}

/// A store with the prefix `app` and entries that live for an hour.
pub(crate) fn store_at(url: &str) -> (RedisStore, Arc<Events>) {
    store_with(url, "app", Duration::from_secs(3600))
}

pub(crate) fn store_with(url: &str, prefix: &str, expire: Duration) -> (RedisStore, Arc<Events>) {
    open(url, RedisConfig { prefix: prefix.to_owned(), expire, remembered_bytes: 1 << 20 })
}

/// The same as [`store_at`], with another number of bytes in memory.
pub(crate) fn store_remembering(url: &str, remembered_bytes: u64) -> RedisStore {
    let expire = Duration::from_secs(3600);
    open(url, RedisConfig { prefix: "app".to_owned(), expire, remembered_bytes }).0
}

fn open(url: &str, config: RedisConfig) -> (RedisStore, Arc<Events>) {
    let events = Arc::<Events>::default();
    let store = RedisStore::new(url.parse().unwrap(), config, events.clone()).unwrap();
    (store, events)
}

pub(crate) fn key(airport: &str) -> Key {
    Key::new("selection").by(CacheBy::Data("9f3c")).arg(airport)
}

pub(crate) fn private_key(user: &str) -> Key {
    Key::new("sample").by(CacheBy::User(user)).arg("daily")
}

pub(crate) fn entry(bytes: &'static str) -> Entry {
    let stamp = Stamp::now(Duration::from_millis(40), 1);
    Entry { stamp, bytes: Bytes::from_static(bytes.as_bytes()) }
}

pub(crate) fn granted(attempt: Attempt) -> Box<dyn Lease> {
    match attempt {
        Attempt::Granted(lease) => lease,
        Attempt::Held => panic!("the lease is held"),
        Attempt::Changed => panic!("the entry has changed"),
    }
}

/// Looks, takes the lease and publishes.
pub(crate) async fn compute(store: &RedisStore, key: &Key, bytes: &'static str) {
    let seen = store.look(key).await.unwrap().seen;
    let lease = granted(store.try_lease(key, &seen).await.unwrap());
    assert_eq!(lease.publish(&entry(bytes)).await.unwrap(), Published::Stored);
}

/// The bytes that the store has.
pub(crate) async fn bytes(store: &RedisStore, key: &Key) -> Option<Bytes> {
    store.look(key).await.unwrap().entry.map(|entry| entry.bytes)
}

/// How many looks have asked the server: for the whole entry, or for its header.
pub(crate) fn looks(server: &Server) -> u64 {
    server.calls("mget") + server.calls("getrange")
}

/// Looks until a look has asked the server nothing.
pub(crate) async fn until_remembered(server: &Server, store: &RedisStore, key: &Key) {
    until("a look that is answered from memory", async || {
        let asked = looks(server);
        assert!(bytes(store, key).await.is_some());
        (looks(server) == asked).then_some(())
    })
    .await;
}

/// Asks until the answer is right, for ten seconds.
pub(crate) async fn until<T>(what: &str, mut question: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(answer) = question().await {
            return answer;
        }
        assert!(Instant::now() < end, "{what} has not come about within ten seconds");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Uses every method of the trait, from two processes as it were.
pub(crate) async fn use_everything(one: &RedisStore, other: &RedisStore) {
    leases_and_entries(one, other, &key("ATL")).await;
    removal(one, other, &key("BOS")).await;
    notes(one, other, &key("CLT")).await;
    waiting(one, other, &key("DEN")).await;
    order_of_use(one, other).await;
}

async fn leases_and_entries(one: &RedisStore, other: &RedisStore, key: &Key) {
    let nothing = Seen::default();
    assert_eq!(one.look(key).await.unwrap(), oneflight::store::Found::default());

    let lease = granted(one.try_lease(key, &nothing).await.unwrap());
    assert!(matches!(other.try_lease(key, &nothing).await.unwrap(), Attempt::Held));
    assert!(lease.renew().await.unwrap());
    let value = entry("four graphs");
    assert_eq!(lease.publish(&value).await.unwrap(), Published::Stored);

    let found = other.look(key).await.unwrap();
    assert_eq!(found.entry, Some(value));
    assert!(matches!(other.try_lease(key, &nothing).await.unwrap(), Attempt::Changed));
    let lease = granted(other.try_lease(key, &found.seen).await.unwrap());
    lease.release().await.unwrap();
    drop(granted(one.try_lease(key, &found.seen).await.unwrap()));
    let lease = until("the end of a dropped lease", async || {
        match other.try_lease(key, &found.seen).await.unwrap() {
            Attempt::Granted(lease) => Some(lease),
            _ => None,
        }
    });
    lease.await.release().await.unwrap();
}

async fn removal(one: &RedisStore, other: &RedisStore, key: &Key) {
    compute(one, key, "old").await;
    let seen = one.look(key).await.unwrap().seen;
    let lease = granted(one.try_lease(key, &seen).await.unwrap());

    assert!(other.remove(key).await.unwrap());
    assert!(!other.remove(key).await.unwrap());

    assert!(!lease.renew().await.unwrap());
    assert_eq!(lease.publish(&entry("late")).await.unwrap(), Published::Refused);
    assert_eq!(bytes(one, key).await, None);
}

async fn notes(one: &RedisStore, other: &RedisStore, key: &Key) {
    let long = Duration::from_secs(60);
    for note in Note::ALL {
        assert!(!one.amend(key, note, "half", long).await.unwrap());
        one.leave(key, note, "begun", long).await.unwrap();
        assert!(other.amend(key, note, "half", long).await.unwrap());
        assert_eq!(one.note(key, note).await.unwrap().as_deref(), Some("half"));
        other.erase(key, note).await.unwrap();
        assert_eq!(one.note(key, note).await.unwrap(), None);
    }
    one.leave(key, Note::Failure, "no data", long).await.unwrap();
    one.leave(&key.question(), Note::Latest, "9f3c", long).await.unwrap();
    let found = other.look(key).await.unwrap();
    assert_eq!(found.failure.as_deref(), Some("no data"));
    assert_eq!(found.latest.as_deref(), Some("9f3c"));
    one.leave(key, Note::Interest, "1", Duration::from_millis(20)).await.unwrap();
    until("the end of a note", async || {
        other.note(key, Note::Interest).await.unwrap().is_none().then_some(())
    })
    .await;
}

async fn waiting(one: &RedisStore, other: &RedisStore, key: &Key) {
    let lease = granted(one.try_lease(key, &Seen::default()).await.unwrap());
    let patience = Duration::from_secs(20);
    let (told, published) = tokio::join!(
        tokio::time::timeout(Duration::from_secs(5), other.changed(key, patience)),
        async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            lease.publish(&entry("value")).await
        }
    );
    assert_eq!((told.unwrap().unwrap(), published.unwrap()), ((), Published::Stored));
    assert!(bytes(other, key).await.is_some());
}

async fn order_of_use(one: &RedisStore, other: &RedisStore) {
    let [a, b, c] = ["a", "b", "c"].map(private_key);
    for key in [&a, &b, &c] {
        compute(one, key, "flights").await;
    }
    assert!(bytes(other, &a).await.is_some());

    assert_eq!(one.recent("sample", 2).await.unwrap(), [a.clone(), c.clone()]);
    assert_eq!(one.recent("sample", 0).await.unwrap(), []);
    assert_eq!(one.trim("sample", 1).await.unwrap(), [b.clone(), c]);
    assert_eq!(other.recent("sample", 9).await.unwrap().len(), 1);
    assert_eq!((bytes(other, &a).await.is_some(), bytes(other, &b).await), (true, None));
    assert_eq!(other.trim("sample", 0).await.unwrap(), [a]);
}
