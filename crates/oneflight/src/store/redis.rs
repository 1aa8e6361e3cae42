//! The Redis store: entries and leases as keys, shared by the processes of all hosts.
//!
//! It needs Redis 6.2. Its user needs the keys `~PREFIX:*`, the channel `&PREFIX:changed`, and the
//! commands DEL, EVAL, EVALSHA, EXISTS, GET, GETDEL, GETRANGE, MGET, PEXPIRE, PTTL, PUBLISH, SET, STRLEN,
//! SUBSCRIBE, TIME, ZADD, ZRANGE, ZREM, ZREMRANGEBYRANK and ZREVRANGE; with
//! sentinels also ROLE, and in a cluster also CLUSTER SLOTS. Without the channel, waiters poll and no
//! entry is answered from memory.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use deadpool_redis::redis;
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

pub use self::address::Address;
use self::lease::lease_ms;
use self::names::Names;
use self::near::{Near, Ticket};
use self::scripts::REMOVE_DAMAGED;
use self::server::Server;
use self::standing::Standing;
use self::uses::Uses;
use self::watch::Watch;
use super::{Attempt, Found, LEASE, Note, Store, StoreError};
use crate::entry::{Decoded, Entry, HEADER, Seen};
use crate::key::Key;
use crate::observer::{Event, Observer};

mod address;
mod index;
mod lease;
mod names;
mod near;
mod patience;
mod pool;
mod scripts;
mod server;
mod standing;
mod trouble;
mod url;
mod uses;
mod watch;

/// How often a waiter asks while there is no subscription.
const POLL: Duration = Duration::from_millis(100);
/// A waiter asks again this long after the end of a lease, which Redis ends by its own clock.
const AFTER_END: Duration = Duration::from_millis(5);
/// The longest life of a note, ten years: Redis counts milliseconds since 1970 in 64 bits.
const LONGEST: Duration = Duration::from_secs(3650 * 24 * 3600);

/// The configuration of a store in Redis.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// Begins the names of all keys and of the channel: `app` gives `app:…`. Two stores with
    /// different prefixes share nothing. It must not be empty or contain braces.
    pub prefix: String,
    /// How long after its last use an entry expires.
    pub expire: Duration,
    /// How many bytes of values this process may keep in memory, besides Redis.
    pub remembered_bytes: u64,
}

/// The connections of a store at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// How many there are.
    pub open: usize,
    /// How many of them have nothing to do.
    pub idle: usize,
    /// How many there may be.
    pub max: usize,
}

/// Entries as keys of a Redis: one server, a master with replicas, or a cluster.
pub struct RedisStore {
    shared: Arc<Shared>,
    watch: Arc<Watch>,
    /// Started by the first wait, or the first entry that may be kept in memory.
    listener: OnceLock<AbortOnDropHandle<()>>,
}

/// What the store shares with its leases and its subscriber.
struct Shared {
    server: Server,
    names: Names,
    expire: Duration,
    uses: Uses,
    near: Near,
    standing: Arc<Standing>,
    /// Whether it was reported that there is no right to the channel.
    has_no_channel: AtomicBool,
    runtime: Handle,
}

impl RedisStore {
    /// Prepares the store at `address`; nothing is connected before the first question. Background
    /// tasks run on the tokio runtime in which this is called.
    ///
    /// # Errors
    ///
    /// When the prefix is empty or has braces, or there is no tokio runtime.
    pub fn new(
        address: Address,
        config: RedisConfig,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, StoreError> {
        if address.is_tls() {
            // rustls chooses only while one provider is compiled in, and a dependency may bring
            // another. It is one for the process, so it may have been installed already.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let RedisConfig { prefix, expire, remembered_bytes } = config;
        let names = Names::new(&prefix)
            .ok_or_else(|| trouble::unusable("the prefix must not be empty or contain braces"))?;
        let runtime = Handle::try_current().map_err(|e| trouble::unusable(&e.to_string()))?;
        let standing = Arc::new(Standing::new());
        let server = Server::new(address, observer, standing.clone())?;
        let near = Near::new(remembered_bytes, expire, standing.clone());
        let (uses, has_no_channel) = (Uses::new(expire), AtomicBool::new(false));
        let shared =
            Shared { server, names, expire, uses, near, standing, has_no_channel, runtime };
        let (watch, listener) = (Arc::default(), OnceLock::new());
        Ok(Self { shared: Arc::new(shared), watch, listener })
    }

    /// A function that returns the current state of the connections. The subscribed connection is
    /// not counted.
    pub fn connections(&self) -> impl Fn() -> Connections + Send + Sync + 'static {
        self.shared.server.connections()
    }

    /// Starts the task that subscribes when that is needed.
    fn listen(&self) {
        self.listener.get_or_init(|| {
            let listen = watch::listen(self.shared.clone(), self.watch.clone());
            AbortOnDropHandle::new(self.shared.runtime.spawn(listen))
        });
    }

    /// Keeps an entry in memory, or sees to it that the next one can be kept.
    fn keep(&self, key: &Key, ticket: Option<Ticket>, entry: Option<&Entry>, seen: &Seen) {
        let Some(entry) = entry else { return };
        match ticket {
            Some(ticket) => self.shared.near.keep(key, ticket, entry, seen),
            None if self.shared.near.may_keep(key) => {
                self.listen();
                self.watch.want();
            }
            None => {}
        }
    }

    /// The entry in memory that is not believed any more, if Redis still has its header.
    async fn unchanged(&self, key: &Key) -> Result<Option<Found>, StoreError> {
        let Some((entry, seen)) = self.shared.near.last(key) else { return Ok(None) };
        let mut header = redis::cmd("GETRANGE");
        header.arg(self.shared.names.entry(key)).arg(0).arg(HEADER - 1);
        let stored = self.shared.server.ask::<Vec<u8>>(header).await;
        if stored.as_deref().ok() != Some(seen.as_bytes()) {
            // Also when Redis has something else there than a string, which only MGET does not mind.
            self.shared.near.drop(key);
            return stored.map(|_| None);
        }
        self.shared.collect_use(key);
        Ok(Some(Found { entry: Some(entry), seen, ..Found::default() }))
    }

    /// Waits for the end of a lease by asking for it.
    async fn while_held(&self, key: &Key) -> Result<(), StoreError> {
        let mut standing = self.shared.standing.watch();
        loop {
            // Read before asking: no message after the answer is missed then.
            let is_told = standing.borrow_and_update().is_up;
            let Some(left) = self.shared.lease_left(key).await? else { return Ok(()) };
            let nap = if is_told { left + AFTER_END } else { POLL.min(left + AFTER_END) };
            let _ = timeout(nap, standing.changed()).await;
        }
    }
}

impl Shared {
    /// What is left of the lease of a key; none when it is free.
    async fn lease_left(&self, key: &Key) -> Result<Option<Duration>, StoreError> {
        let lease = self.names.lease(key);
        match self.server.ask::<i64>(redis::cmd("PTTL").arg(&lease)).await? {
            -2 => Ok(None),
            // An operator has set it, and without an expiry no process could compute the key.
            -1 => {
                let mut expire = redis::cmd("PEXPIRE");
                self.server.ask::<()>(expire.arg(&lease).arg(lease_ms())).await?;
                Ok(Some(LEASE))
            }
            ms => Ok(Some(Duration::from_millis(ms.unsigned_abs()))),
        }
    }

    /// What is known of a key without asking Redis.
    fn believed(self: &Arc<Self>, key: &Key) -> Option<Found> {
        let (entry, seen) = self.near.get(key)?;
        self.collect_use(key);
        Some(Found { entry: Some(entry), seen, ..Found::default() })
    }

    /// Decodes what is stored under the name of an entry.
    async fn read(self: &Arc<Self>, key: &Key, stored: Bytes) -> Result<Found, StoreError> {
        let seen = Seen::of(&stored);
        match Entry::decode(&stored) {
            Decoded::Entry(entry) => {
                self.used(key).await;
                Ok(Found { entry: Some(entry), seen, ..Found::default() })
            }
            Decoded::OtherVersion => Ok(Found { seen, ..Found::default() }),
            Decoded::Damaged => {
                let is_removed = self.remove_damaged(key, &seen, stored.len()).await?;
                // If it was not removed, it has changed, and the caller has to look again.
                let seen = if is_removed { Seen::default() } else { seen };
                Ok(Found { seen, ..Found::default() })
            }
        }
    }

    async fn remove_damaged(
        &self,
        key: &Key,
        seen: &Seen,
        length: usize,
    ) -> Result<bool, StoreError> {
        let call = REMOVE_DAMAGED.call([self.names.entry(key)]);
        let call = call.arg(seen.as_bytes()).arg(length).arg(HEADER - 1);
        let is_removed = self.server.ask(call).await?;
        if is_removed {
            self.server.observer().observe(&Event::Damaged(key));
        }
        Ok(is_removed)
    }

    /// Reports the first reason why a message could not be sent or received. An empty text is none.
    fn told(&self, reason: &str) {
        if !reason.is_empty() && !self.has_no_channel.swap(true, Ordering::Relaxed) {
            let channel = self.names.channel();
            self.server.observer().observe(&Event::NoChannel { channel, reason });
        }
    }

    /// Writes a note under the conditions of the command; false when they do not hold.
    async fn write_note(
        &self,
        (key, note): (&Key, Note),
        text: &str,
        lifetime: Duration,
        conditions: &[&str],
    ) -> Result<bool, StoreError> {
        let ms = lifetime.min(LONGEST).as_millis().max(1) as u64;
        let mut set = redis::cmd("SET");
        set.arg(self.names.note(key, note)).arg(text).arg("PX").arg(ms).arg(conditions);
        Ok(self.server.ask::<Option<String>>(set).await?.is_some())
    }
}

#[async_trait]
impl Store for RedisStore {
    fn name(&self) -> &'static str {
        "Redis"
    }

    async fn look(&self, key: &Key) -> Result<Found, StoreError> {
        if let Some(found) = self.shared.believed(key) {
            return Ok(found);
        }
        let Shared { names, server, near, .. } = &*self.shared;
        // Before asking: see `near`.
        let ticket = near.ticket(key);
        if let Some(found) = self.unchanged(key).await? {
            self.keep(key, ticket, found.entry.as_ref(), &found.seen);
            return Ok(found);
        }
        let mut get = redis::cmd("MGET");
        get.arg(names.entry(key));
        get.arg(names.note(key, Note::Failure)).arg(names.note(key, Note::Progress));
        if !key.cached_by().is_empty() {
            get.arg(names.note(&key.question(), Note::Latest));
        }
        let mut values = server.ask::<Vec<Option<Vec<u8>>>>(get).await?.into_iter();
        let mut next = || values.next().flatten();
        let (stored, failure) = (next(), text(next()));
        let (progress, latest) = (text(next()), text(next()));
        let found = match stored {
            Some(stored) => self.shared.read(key, stored.into()).await?,
            None => Found::default(),
        };
        self.keep(key, ticket, found.entry.as_ref(), &found.seen);
        Ok(Found { failure, progress, latest, ..found })
    }

    fn in_memory(&self, key: &Key) -> Option<Entry> {
        self.shared.believed(key)?.entry
    }

    async fn try_lease(&self, key: &Key, seen: &Seen) -> Result<Attempt, StoreError> {
        lease::try_lease(&self.shared, key, seen).await
    }

    async fn remove(&self, key: &Key) -> Result<bool, StoreError> {
        self.shared.remove(key).await
    }

    async fn changed(&self, key: &Key, patience: Duration) -> Result<(), StoreError> {
        self.listen();
        let waiter = self.watch.wait_for(key.name());
        // Before asking for the lease, so that its end is not missed.
        let told = waiter.told();
        tokio::select! {
            () = told => Ok(()),
            answer = self.while_held(key) => answer,
            () = sleep(patience) => Ok(()),
        }
    }

    async fn leave(
        &self,
        key: &Key,
        note: Note,
        text: &str,
        lifetime: Duration,
    ) -> Result<(), StoreError> {
        self.shared.write_note((key, note), text, lifetime, &[]).await.map(drop)
    }

    async fn amend(
        &self,
        key: &Key,
        note: Note,
        text: &str,
        lifetime: Duration,
    ) -> Result<bool, StoreError> {
        self.shared.write_note((key, note), text, lifetime, &["XX"]).await
    }

    async fn note(&self, key: &Key, note: Note) -> Result<Option<String>, StoreError> {
        let name = self.shared.names.note(key, note);
        self.shared.server.ask(redis::cmd("GET").arg(name)).await
    }

    async fn erase(&self, key: &Key, note: Note) -> Result<(), StoreError> {
        let name = self.shared.names.note(key, note);
        self.shared.server.ask(redis::cmd("DEL").arg(name)).await
    }

    async fn recent(&self, namespace: &str, most: usize) -> Result<Vec<Key>, StoreError> {
        self.shared.recent(namespace, most).await
    }

    async fn trim(&self, namespace: &str, most: usize) -> Result<Vec<Key>, StoreError> {
        self.shared.trim(namespace, most).await
    }
}

/// A note that is not text was not left by this crate, and is treated as absent.
fn text(note: Option<Vec<u8>>) -> Option<String> {
    String::from_utf8(note?).ok()
}
