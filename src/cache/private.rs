//! What belongs to one user: what he has ordered, its end, and how many may have something.

use std::time::Duration;

use tracing::warn;

use super::Cache;
use super::key::Key;
use super::store::{Note, StoreError};
use crate::metrics::{self, CacheEvent};

impl Cache {
    /// Keeps what a user has ordered, beside the entry that it will become.
    ///
    /// # Errors
    ///
    /// When no store takes it.
    pub async fn keep_order(
        &self,
        key: &Key,
        text: &str,
        lifetime: Duration,
    ) -> Result<(), StoreError> {
        self.store.leave(key, Note::Order, text, lifetime).await
    }

    /// Keeps it in the place of what he had ordered before, unless that has been removed.
    pub async fn amend_order(&self, key: &Key, text: &str, lifetime: Duration) {
        if let Err(error) = self.store.amend(key, Note::Order, text, lifetime).await {
            warn!(%key, %error, "could not note what became of an order: {error}");
        }
    }

    /// What the user has ordered.
    ///
    /// # Errors
    ///
    /// When no store answers.
    pub async fn order(&self, key: &Key) -> Result<Option<String>, StoreError> {
        self.store.note(key, Note::Order).await
    }

    /// Removes an entry with all that is known of it. What is being computed for it, in whatever
    /// process, will not be stored.
    ///
    /// # Errors
    ///
    /// When it may still be in a store that does not answer.
    pub async fn remove(&self, key: &Key) -> Result<(), StoreError> {
        self.store.remove(key).await.map(drop)
    }

    /// Removes the least recently used entries that begin so, until no more than `most` are left.
    /// Returns the keys of those that are gone.
    pub async fn trim(&self, beginning: &Key, most: usize) -> Vec<Key> {
        let gone = self.store.trim(beginning, most).await.unwrap_or_else(|error| {
            warn!(%error, "could not make room: {error}");
            Vec::new()
        });
        gone.iter().for_each(|_| metrics::cache(CacheEvent::Evicted));
        gone
    }
}
