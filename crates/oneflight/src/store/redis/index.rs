//! The list of the keys of a namespace by their last use.

use std::sync::Arc;
use std::time::Duration;

use deadpool_redis::redis;
use futures_util::{StreamExt, TryStreamExt, future, stream};

use super::Shared;
use super::scripts::{RANK, REMOVE, TOUCH};
use crate::key::Key;
use crate::store::{Note, StoreError};

/// The index of a namespace keeps this number of keys, unless they belong to users.
const MEMBERS: u32 = 10_000;
/// How long an index is kept after the last use of any of its keys. It must outlive the entries, also
/// those of a process with a longer expiry.
const LIFETIME: Duration = Duration::from_secs(31 * 24 * 3600);
/// Concurrent removals. They leave half of the connections to other questions.
const AT_A_TIME: usize = 4;

impl Shared {
    /// Records the use of an entry and prolongs its life. Each use of a private entry is recorded at
    /// once, because the application removes the least recently used ones.
    pub(super) async fn used(self: &Arc<Self>, key: &Key) {
        if !key.is_private() {
            return self.collect_use(key);
        }
        // The caller has the entry already, so a failure is only reported. The key is not added to its
        // index, because it may have been removed since the look.
        let _ = future::join(self.prolong(key), self.touch(key, "XX")).await;
    }

    /// Prolongs the life of an entry.
    pub(super) async fn prolong(&self, key: &Key) -> Result<(), StoreError> {
        let mut prolong = redis::cmd("PEXPIRE");
        prolong.arg(self.names.entry(key)).arg(self.expire.as_millis() as u64);
        self.server.ask(prolong).await
    }

    /// Puts a private key at the head of its index, by the clock of Redis.
    pub(super) async fn touch(&self, key: &Key, condition: &str) -> Result<(), StoreError> {
        let index = self.names.index(key.namespace());
        let call = TOUCH.call([index]).arg(key.name()).arg(self.index_lifetime()).arg(condition);
        self.server.ask(call).await
    }

    /// Puts shared keys in their index by the times of their uses, in microseconds since 1970.
    pub(super) async fn rank(
        &self,
        namespace: &str,
        members: &[(u64, &str)],
    ) -> Result<(), StoreError> {
        let call = RANK.call([self.names.index(namespace)]).arg(self.index_lifetime()).arg(MEMBERS);
        self.server.ask(members.iter().fold(call, |call, (at, name)| call.arg(at).arg(name))).await
    }

    fn index_lifetime(&self) -> u64 {
        self.expire.max(LIFETIME).as_millis() as u64
    }

    /// Takes a key out of its index if there is no entry: it was removed while it was computed.
    pub(super) async fn forget_removed(&self, key: &Key) -> Result<(), StoreError> {
        let mut exists = redis::cmd("EXISTS");
        let is_there: bool = self.server.ask(exists.arg(self.names.entry(key))).await?;
        if is_there { Ok(()) } else { self.forget(key).await }
    }

    /// Takes a key out of its index.
    pub(super) async fn forget(&self, key: &Key) -> Result<(), StoreError> {
        let mut forget = redis::cmd("ZREM");
        forget.arg(self.names.index(key.namespace())).arg(key.name());
        self.uses.forget(key);
        self.server.ask(forget).await
    }

    /// Removes an entry, its lease and its notes; false when there was no entry.
    pub(super) async fn remove(&self, key: &Key) -> Result<bool, StoreError> {
        let names = &self.names;
        let keys = [names.entry(key), names.lease(key)];
        let notes = Note::ALL.map(|note| names.note(key, note));
        let call = REMOVE.call(keys.into_iter().chain(notes)).arg(names.channel()).arg(key.name());
        let (removed, forgotten) = future::join(self.server.ask(call), self.forget(key)).await;
        self.near.forget(key.name());
        forgotten?;
        removed
    }

    pub(super) async fn recent(
        &self,
        namespace: &str,
        most: usize,
    ) -> Result<Vec<Key>, StoreError> {
        let Some(last) = most.checked_sub(1) else { return Ok(Vec::new()) };
        let mut range = redis::cmd("ZREVRANGE");
        range.arg(self.index_of(namespace)).arg(0).arg(last);
        let names: Vec<String> = self.server.ask(range).await?;
        Ok(names.iter().map(|name| Key::from_name(name)).collect())
    }

    pub(super) async fn trim(&self, namespace: &str, most: usize) -> Result<Vec<Key>, StoreError> {
        let mut range = redis::cmd("ZRANGE");
        range.arg(self.index_of(namespace)).arg(0).arg(-1 - most as i64);
        let names: Vec<String> = self.server.ask(range).await?;
        let removals = names.into_iter().map(|name| async move {
            let key = Key::from_name(&name);
            Ok(self.remove(&key).await?.then_some(key))
        });
        // In order, so that the oldest ones are gone if Redis fails meanwhile.
        let removals = stream::iter(removals).buffered(AT_A_TIME);
        removals.try_filter_map(future::ok).try_collect().await
    }

    fn index_of(&self, namespace: &str) -> String {
        self.names.index(Key::new(namespace).namespace())
    }
}
