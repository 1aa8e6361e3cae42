//! Notes as keys that expire, the list of entries by their last use, and the end of one.

use std::time::Duration;

use deadpool_redis::redis;

use super::{RedisStore, lease_name};
use crate::cache::key::Key;
use crate::cache::store::{Note, StoreError};

/// Keys that one question to Redis looks at: a millisecond of its time at most.
const PAGE: usize = 1000;

impl RedisStore {
    /// Writes a note under the conditions of the command; false when they do not hold.
    pub(super) async fn write_note(
        &self,
        key: &Key,
        note: Note,
        text: &str,
        lifetime: Duration,
        conditions: &[&str],
    ) -> Result<bool, StoreError> {
        let (name, ms) = (note_name(key, note), lifetime.as_millis().max(1) as u64);
        let done: Option<String> = self
            .ask(async |c| {
                let mut set = redis::cmd("SET");
                set.arg(&name).arg(text).arg("PX").arg(ms).arg(conditions).query_async(c).await
            })
            .await?;
        Ok(done.is_some())
    }

    pub(super) async fn read_note(
        &self,
        key: &Key,
        note: Note,
    ) -> Result<Option<String>, StoreError> {
        let name = note_name(key, note);
        self.ask(async |c| redis::cmd("GET").arg(&name).query_async(c).await).await
    }

    /// In one step, so that nothing is published between the end of the entry and that of the lease.
    pub(super) async fn remove_all(&self, key: &Key) -> Result<bool, StoreError> {
        let lease = lease_name(key);
        let mut remove = redis::pipe();
        remove.atomic().cmd("DEL").arg(key.name());
        remove
            .cmd("DEL")
            .arg(&lease)
            .arg(Note::ALL.map(|note| note_name(key, note)).as_slice())
            .ignore();
        // Whoever waits for the lease looks again.
        remove.cmd("PUBLISH").arg(&lease).arg("").ignore();
        let (removed,): (bool,) = self.ask(async |c| remove.query_async(c).await).await?;
        Ok(removed)
    }

    /// The keys of entries whose names begin so, the last used first: each use starts the time to
    /// live of an entry anew, so the one with the most left was used last.
    pub(super) async fn recently_used(
        &self,
        beginning: &Key,
        most: usize,
    ) -> Result<Vec<Key>, StoreError> {
        let pattern = format!("{}:*", beginning.name());
        let (mut cursor, mut names) = (0u64, Vec::new());
        loop {
            let (next, page): (u64, Vec<String>) = self
                .ask(async |c| {
                    let mut scan = redis::cmd("SCAN");
                    scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(PAGE);
                    scan.query_async(c).await
                })
                .await?;
            names.extend(
                page.into_iter().filter(|name| !name.contains('!') && !name.ends_with(":lease")),
            );
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut lives = redis::pipe();
        for name in &names {
            lives.cmd("PTTL").arg(name);
        }
        let lives: Vec<i64> = self.ask(async |c| lives.query_async(c).await).await?;
        let mut keys: Vec<(i64, String)> = lives.into_iter().zip(names).collect();
        keys.sort_by_key(|(left, _)| std::cmp::Reverse(*left));
        Ok(keys.into_iter().filter_map(|(_, name)| Key::stored(&name)).take(most).collect())
    }
}

/// No key holds an exclamation mark, so no note is taken for an entry or a lease.
fn note_name(key: &Key, note: Note) -> String {
    format!("{}!{}", key.name(), note.word())
}
