//! What belongs to one user: what he has asked for, its end, and how many may have something.

use std::time::Duration;

use tracing::warn;

use super::Cache;
use super::key::Key;
use super::store::{Note, StoreError};
use crate::metrics::{self, CacheEvent};

impl Cache {
    /// Keeps what a user has asked for, beside the entry that it will become.
    ///
    /// # Errors
    ///
    /// When no store takes it.
    pub async fn keep_draw(
        &self,
        key: &Key,
        text: &str,
        lifetime: Duration,
    ) -> Result<(), StoreError> {
        self.store.leave(key, Note::Draw, text, lifetime).await
    }

    /// What the user has asked for.
    ///
    /// # Errors
    ///
    /// When no store answers.
    pub async fn draw(&self, key: &Key) -> Result<Option<String>, StoreError> {
        self.store.note(key, Note::Draw).await
    }

    /// Removes an entry with all that is known of it. What is being computed for it, in whatever
    /// process, will not be stored.
    ///
    /// # Errors
    ///
    /// When it may still be in a store that does not answer.
    pub async fn remove(&self, key: &Key) -> Result<(), StoreError> {
        self.store.remove(key).await
    }

    /// Removes the least recently used entries that begin so, until no more than `most` are left.
    /// Returns the keys of those that are gone.
    pub async fn trim(&self, beginning: &Key, most: usize) -> Vec<Key> {
        let mut gone = Vec::new();
        for key in self.recent(beginning, usize::MAX).await.into_iter().skip(most) {
            match self.remove(&key).await {
                Ok(()) => {
                    metrics::cache(CacheEvent::Evicted);
                    gone.push(key);
                }
                Err(error) => warn!(%key, %error, "could not make room: {error}"),
            }
        }
        gone
    }
}
