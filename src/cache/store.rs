//! What the cache asks of a place where entries live.

use std::time::Duration;

use async_trait::async_trait;

use super::entry::Entry;
use super::key::Key;

/// How long the holder of a lease may be silent before another may take it over.
///
/// A healthy worker renews three times as often; a paused or unreachable one loses its right.
pub const LEASE: Duration = Duration::from_secs(3);

/// The expiring right to compute a key: to publish you must hand it in, so nobody can publish
/// without one, nor twice.
#[must_use = "an unused lease makes every other worker wait until it expires"]
#[derive(Debug)]
pub struct Lease {
    pub(super) key: Key,
    pub(super) right: Right,
}

impl Lease {
    /// What may be computed under it.
    pub fn key(&self) -> &Key {
        &self.key
    }
}

/// What proves to a store that a lease is still its holder's.
#[derive(Debug)]
pub(super) enum Right {
    /// Redis: the value of the lease's key.
    Token(String),
    /// Disk: the locked file. The kernel unlocks it when the process dies.
    Lock(std::fs::File),
}

/// Why a store did not answer; to the cache every reason is a miss.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, did not answer in time, or failed.
    #[error("the {store} store failed: {reason}")]
    Failed {
        /// Which store.
        store: &'static str,
        /// What its client or the system said.
        reason: String,
    },
    /// It answers, but takes no more entries.
    #[error("the {store} store is full: {reason}")]
    Full {
        /// Which store.
        store: &'static str,
        /// What its client or the system said.
        reason: String,
    },
}

/// What came of handing in a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// The entry is stored.
    Stored,
    /// The lease was no longer its holder's, and nothing was written.
    Refused,
}

/// What processes tell each other about a key, for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// How far its computation is.
    Progress,
    /// Somebody asks for it.
    Interest,
    /// Its computation failed.
    Failure,
    /// What the latest answer to its question is cached by.
    Latest,
    /// What its user has asked for.
    Order,
}

impl Note {
    /// All kinds of notes.
    pub(super) const ALL: [Self; 5] =
        [Self::Progress, Self::Interest, Self::Failure, Self::Latest, Self::Order];

    /// What the name of the key is followed by.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Progress => "progress",
            Self::Interest => "interest",
            Self::Failure => "failure",
            Self::Latest => "latest",
            Self::Order => "order",
        }
    }
}

/// A place where entries live, shared by all workers.
#[async_trait]
pub trait Store: Send + Sync {
    /// The entry, if there is a sound one that has not expired; asking counts as its use.
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError>;

    /// The right to compute the key, unless another holds it.
    async fn try_lease(&self, key: &Key) -> Result<Option<Lease>, StoreError>;

    /// Prolongs a lease; false when it is no longer its holder's.
    async fn renew(&self, lease: &Lease) -> Result<bool, StoreError>;

    /// Stores the entry and ends the lease.
    async fn publish(&self, lease: Lease, entry: &Entry) -> Result<Published, StoreError>;

    /// Ends the lease without an entry.
    async fn release(&self, lease: Lease) -> Result<(), StoreError>;

    /// Removes the notes about the key, its entry, and whatever lease there is on it: what is being
    /// computed for it now will be refused. False when there was no entry.
    async fn remove(&self, key: &Key) -> Result<bool, StoreError>;

    /// Removes the entries of this beginning but for `most`, the last used; returns their keys.
    async fn trim(&self, beginning: &Key, most: usize) -> Result<Vec<Key>, StoreError> {
        let mut gone = Vec::new();
        for key in self.recent(beginning, usize::MAX).await?.into_iter().skip(most) {
            if self.remove(&key).await? {
                gone.push(key);
            }
        }
        Ok(gone)
    }

    /// Waits until the key has an entry or its lease is free, and no longer than `patience`.
    async fn changed(&self, key: &Key, patience: Duration) -> Result<(), StoreError>;

    /// Leaves a note about the key, in the place of the former one; it goes away after `lifetime`.
    async fn leave(
        &self,
        key: &Key,
        note: Note,
        text: &str,
        lifetime: Duration,
    ) -> Result<(), StoreError>;

    /// The same, but only in the place of a former one; false when there is none any more.
    async fn amend(
        &self,
        key: &Key,
        note: Note,
        text: &str,
        lifetime: Duration,
    ) -> Result<bool, StoreError>;

    /// The note about the key, if there is one.
    async fn note(&self, key: &Key, note: Note) -> Result<Option<String>, StoreError>;

    /// The keys of this beginning that have entries, the last used first, and no more than `most`.
    async fn recent(&self, beginning: &Key, most: usize) -> Result<Vec<Key>, StoreError>;

    /// A sentence for the users while the store is not as it should be.
    fn trouble(&self) -> Option<&'static str> {
        None
    }
}
