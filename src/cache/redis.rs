//! The Redis store: entries and leases as keys, shared by the workers of all hosts.
//!
//! A lease is `SET … NX PX` with a random token. Publishing and releasing compare the token in a
//! script, so a holder that was paused past its lease cannot overwrite its successor's value.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use deadpool_redis::redis::{self, Client, RedisResult, Script};
use deadpool_redis::{Connection, Manager, Pool, Runtime, Timeouts};
use futures_util::StreamExt;
use tokio::time::timeout;
use tracing::warn;

pub use self::address::Address;
use self::scripts::{PUBLISH, RELEASE, RENEW};
use self::trouble::{count, failed, failure, unreachable};
use super::entry::Entry;
use super::key::Key;
use super::store::{LEASE, Lease, Note, Published, Right, Store, StoreError};
use crate::metrics::{self, CacheEvent, Connections};

mod address;
mod notes;
mod scripts;
mod trouble;

/// Connections of one worker: a command occupies one for a fraction of a millisecond.
const CONNECTIONS: usize = 8;
/// How often a waiter looks by itself, since a message may be lost.
const POLL: Duration = Duration::from_millis(100);

/// Entries as keys of one Redis.
pub struct RedisStore {
    pool: Pool,
    client: Client,
    timeout: Duration,
    expire: Duration,
}

impl RedisStore {
    /// Prepares the store at `address`; nothing is connected before the first question.
    ///
    /// An entry expires `expire` after its last use.
    ///
    /// # Errors
    ///
    /// When the client cannot be made for this address.
    pub fn new(address: Address, expire: Duration) -> anyhow::Result<Self> {
        if address.is_tls() {
            // rustls chooses only while one provider is compiled in, and a dependency may bring
            // another. It is one for the process, so another store may have installed it already.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let (client, timeout) = (Client::open(address.info())?, address.timeout());
        let timeouts =
            Timeouts { wait: Some(timeout), create: Some(timeout), recycle: Some(timeout) };
        let pool = Pool::builder(Manager::new(address.info())?)
            .max_size(CONNECTIONS)
            .timeouts(timeouts)
            .runtime(Runtime::Tokio1)
            .build()?;
        Ok(Self { pool, client, timeout, expire })
    }

    /// Tells the state of the pool, whenever it is asked.
    pub fn connections(&self) -> impl Fn() -> Connections + Send + Sync + 'static {
        let pool = self.pool.clone();
        move || {
            let status = pool.status();
            Connections { open: status.size, idle: status.available, max: status.max_size }
        }
    }

    /// Asks with one connection of the pool, in the time that a question may take.
    async fn ask<T>(
        &self,
        question: impl AsyncFnOnce(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, StoreError> {
        let answer = timeout(self.timeout, async {
            let mut connection = self.pool.get().await.map_err(unreachable)?;
            question(&mut connection).await.map_err(failure)
        });
        let late = |_| {
            let patience = humantime::format_duration(self.timeout);
            Err(failed(format!("no answer within {patience}")))
        };
        answer.await.unwrap_or_else(late).inspect_err(count)
    }

    /// Subscribes to the end of a lease, and waits for it unless it has already come.
    async fn wait(&self, lease: &str) -> Result<(), StoreError> {
        let mut pubsub =
            self.client.get_async_pubsub().await.map_err(failure).inspect_err(count)?;
        pubsub.subscribe(lease).await.map_err(failure).inspect_err(count)?;
        let mut messages = pubsub.into_on_message();
        loop {
            // Asked after subscribing, and again from time to time: the message is only a hint.
            let is_held: bool =
                self.ask(async |c| redis::cmd("EXISTS").arg(lease).query_async(c).await).await?;
            if !is_held {
                return Ok(());
            }
            let _ = timeout(POLL, messages.next()).await;
        }
    }
}

#[async_trait]
impl Store for RedisStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        let name = key.name();
        let ms = self.expire.as_millis() as u64;
        let stored = self
            .ask(async |c| {
                let mut get = redis::cmd("GETEX");
                match get.arg(name).arg("PX").arg(ms).query_async::<Option<Vec<u8>>>(c).await {
                    // Something else than bytes is as good as damaged bytes.
                    Err(error) if error.code() == Some("WRONGTYPE") => Ok(Some(Vec::new())),
                    answer => answer,
                }
            })
            .await?;
        let Some(stored) = stored else { return Ok(None) };
        let entry = Entry::decode(Bytes::from(stored));
        if entry.is_none() {
            warn!(%key, "removed a damaged entry of {key}");
            metrics::cache(CacheEvent::Corrupt);
            self.ask(async |c| redis::cmd("DEL").arg(name).query_async::<()>(c).await).await?;
        }
        Ok(entry)
    }

    async fn try_lease(&self, key: &Key) -> Result<Option<Lease>, StoreError> {
        let (name, token, ms) = (lease_name(key), token(), LEASE.as_millis() as u64);
        let set: Option<String> = self
            .ask(async |c| {
                let mut set = redis::cmd("SET");
                set.arg(&name).arg(&token).arg("NX").arg("PX").arg(ms).query_async(c).await
            })
            .await?;
        Ok(set.map(|_| Lease { key: key.clone(), right: Right::Token(token) }))
    }

    async fn renew(&self, lease: &Lease) -> Result<bool, StoreError> {
        let Right::Token(token) = &lease.right else { return Ok(false) };
        let ms = LEASE.as_millis() as u64;
        self.ask(async |c| {
            Script::new(RENEW).key(lease_name(&lease.key)).arg(token).arg(ms).invoke_async(c).await
        })
        .await
    }

    async fn publish(&self, lease: Lease, entry: &Entry) -> Result<Published, StoreError> {
        let Right::Token(token) = &lease.right else { return Ok(Published::Refused) };
        let (stored, ms) = (entry.encode(), self.expire.as_millis() as u64);
        let done: bool = self
            .ask(async |c| {
                let script = Script::new(PUBLISH);
                let mut call = script.key(lease_name(&lease.key));
                call.key(lease.key.name()).arg(token).arg(stored).arg(ms);
                call.invoke_async(c).await
            })
            .await?;
        Ok(if done { Published::Stored } else { Published::Refused })
    }

    async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        let Right::Token(token) = &lease.right else { return Ok(()) };
        self.ask(async |c| {
            Script::new(RELEASE).key(lease_name(&lease.key)).arg(token).invoke_async(c).await
        })
        .await
    }

    async fn remove(&self, key: &Key) -> Result<bool, StoreError> {
        self.remove_all(key).await
    }

    async fn changed(&self, key: &Key, patience: Duration) -> Result<(), StoreError> {
        // Whoever runs out of patience looks for himself, so that is no error.
        timeout(patience, self.wait(&lease_name(key))).await.unwrap_or(Ok(()))
    }

    async fn leave(
        &self,
        key: &Key,
        note: Note,
        text: &str,
        lifetime: Duration,
    ) -> Result<(), StoreError> {
        self.write_note(key, note, text, lifetime, &[]).await.map(drop)
    }

    async fn amend(
        &self,
        key: &Key,
        note: Note,
        text: &str,
        lifetime: Duration,
    ) -> Result<bool, StoreError> {
        self.write_note(key, note, text, lifetime, &["XX"]).await
    }

    async fn note(&self, key: &Key, note: Note) -> Result<Option<String>, StoreError> {
        self.read_note(key, note).await
    }

    async fn recent(&self, beginning: &Key, most: usize) -> Result<Vec<Key>, StoreError> {
        self.recently_used(beginning, most).await
    }
}

/// The lease of `quadrant:selection:…` is `quadrant:selection:…:lease`, and so is its channel.
fn lease_name(key: &Key) -> String {
    format!("{}:lease", key.name())
}

/// 128 random bits: no other holder has the same.
fn token() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system has random numbers");
    format!("{:032x}", u128::from_le_bytes(bytes))
}
