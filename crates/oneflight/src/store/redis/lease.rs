//! The lease: a key that expires, with a random token.
//!
//! Renewing, publishing and releasing compare the token in a script, so a holder that was paused
//! past its lease cannot overwrite its successor's entry.

use std::sync::Arc;

use async_trait::async_trait;
use deadpool_redis::redis::{self, RedisResult, Value, from_redis_value};

use super::Shared;
use super::scripts::{PUBLISH, RELEASE, RENEW};
use super::trouble::is_of_another_type;
use crate::entry::{Entry, HEADER, Seen};
use crate::key::Key;
use crate::store::{Attempt, LEASE, Lease, Published, StoreError};

/// The right to compute a key. When it is dropped unused, a background task releases it.
pub(super) struct RedisLease {
    shared: Arc<Shared>,
    key: Key,
    token: String,
    is_handed_in: bool,
}

/// Asks for the lease and for the header of the stored entry, in one round trip.
pub(super) async fn try_lease(
    shared: &Arc<Shared>,
    key: &Key,
    seen: &Seen,
) -> Result<Attempt, StoreError> {
    let token = token();
    let mut both = redis::pipe();
    both.cmd("SET").arg(shared.names.lease(key)).arg(&token).arg("NX").arg("PX").arg(lease_ms());
    both.cmd("GETRANGE").arg(shared.names.entry(key)).arg(0).arg(HEADER - 1);
    let (set, stored): (Value, RedisResult<Value>) = shared.server.ask(both).await?;
    if set == Value::Nil {
        return Ok(Attempt::Held);
    }
    let lease = RedisLease { shared: shared.clone(), key: key.clone(), token, is_handed_in: false };
    match stored.and_then(|header| Ok(from_redis_value(header)?)) {
        Ok(header) => lease.unless_changed(header, seen).await,
        // Not a string, so no entry of ours: treated as absent and overwritten.
        Err(error) if is_of_another_type(&error) => lease.unless_changed(Vec::new(), seen).await,
        // The lease is released when it is dropped.
        Err(error) => Err(shared.server.failed(&error)),
    }
}

impl RedisLease {
    async fn unless_changed(self, header: Vec<u8>, seen: &Seen) -> Result<Attempt, StoreError> {
        if header == seen.as_bytes() {
            return Ok(Attempt::Granted(Box::new(self)));
        }
        // The caller looks again, and must not find there what it has seen already.
        self.shared.near.forget(self.key.name());
        Box::new(self).release().await?;
        Ok(Attempt::Changed)
    }
}

#[async_trait]
impl Lease for RedisLease {
    async fn renew(&self) -> Result<bool, StoreError> {
        let lease = self.shared.names.lease(&self.key);
        self.shared.server.ask(RENEW.call([lease]).arg(&self.token).arg(lease_ms())).await
    }

    async fn publish(mut self: Box<Self>, entry: &Entry) -> Result<Published, StoreError> {
        let Shared { names, server, expire, .. } = &*self.shared;
        if self.key.is_private() {
            // Before the entry is stored: an entry that is not in the index is never trimmed.
            self.shared.touch(&self.key, "").await?;
        }
        let call = PUBLISH
            .call([names.lease(&self.key), names.entry(&self.key)])
            .arg(&self.token)
            .arg(lease_ms())
            .arg(entry.encode())
            .arg(expire.as_millis() as u64)
            .arg(names.channel())
            .arg(self.key.name());
        let told: Result<Option<String>, _> = server.ask(call).await;
        // After a failure too: the script may have run, and otherwise the lease expires.
        self.is_handed_in = true;
        self.shared.uses.forget(&self.key);
        // The message will say so too, but this process must not answer with the old entry until then.
        self.shared.near.forget(self.key.name());
        Ok(match told? {
            Some(reason) => {
                if !self.key.is_private() {
                    self.shared.collect_use(&self.key);
                }
                self.shared.told(&reason);
                Published::Stored
            }
            None => {
                if self.key.is_private() {
                    self.shared.forget_removed(&self.key).await?;
                }
                Published::Refused
            }
        })
    }

    async fn release(mut self: Box<Self>) -> Result<(), StoreError> {
        self.is_handed_in = true;
        release(&self.shared, &self.key, &self.token).await
    }
}

impl Drop for RedisLease {
    fn drop(&mut self) {
        if self.is_handed_in {
            return;
        }
        let (shared, key) = (self.shared.clone(), self.key.clone());
        let token = std::mem::take(&mut self.token);
        // If this fails, the observer gets the error and the lease expires.
        let ended = async move { drop(release(&shared, &key, &token).await) };
        self.shared.runtime.spawn(ended);
    }
}

async fn release(shared: &Shared, key: &Key, token: &str) -> Result<(), StoreError> {
    let names = &shared.names;
    let call = RELEASE.call([names.lease(key)]).arg(token).arg(names.channel()).arg(key.name());
    let told: Option<String> = shared.server.ask(call).await?;
    shared.told(&told.unwrap_or_default());
    Ok(())
}

pub(super) fn lease_ms() -> u64 {
    LEASE.as_millis() as u64
}

/// 128 random bits: no other holder has the same.
fn token() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system has random numbers");
    hex::encode(bytes)
}
