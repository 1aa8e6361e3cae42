//! The store trait: what the cache asks of a place where entries live.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::entry::{Entry, Seen};
use crate::key::Key;

#[cfg(feature = "disk")]
pub mod disk;
pub mod fallback;
pub mod memory;
#[cfg(feature = "redis")]
pub mod redis;

/// How long the holder of a lease may be silent before another may take the lease over.
///
/// A healthy holder renews three times as often; a paused or unreachable one loses the lease.
pub const LEASE: Duration = Duration::from_secs(3);

/// A place where entries live, shared by all workers.
///
/// The module `conformance`, behind the feature of this name, holds the tests that every store passes.
#[async_trait]
pub trait Store: Send + Sync {
    /// What the store knows of a key, in two round trips at most. Finding a sound entry counts as a use of
    /// it, from which it expires.
    ///
    /// A store may answer from memory with an entry that this process has read in the last seconds, with
    /// what it saw then, unless it belongs to a user. When a store of any process has replaced or removed
    /// the entry, the answer is given up within a tenth of a second. A lease is refused for it at once,
    /// and the next look does not name it.
    ///
    /// A damaged entry is absent, and is removed if it is still the one that was read. An entry of
    /// another version is absent and stays.
    async fn look(&self, key: &Key) -> Result<Found, StoreError>;

    /// The entry that [`Store::look`] would answer with from memory, without waiting; none when it would
    /// ask elsewhere. It counts as a look.
    fn in_memory(&self, key: &Key) -> Option<Entry>;

    /// The right to compute the key, if nobody holds it and the store still has what the caller
    /// has seen there.
    async fn try_lease(&self, key: &Key, seen: &Seen) -> Result<Attempt, StoreError>;

    /// Removes the entry of a key, its notes and its lease, in one step: a computation that is under
    /// way for it will be refused. False when there was no entry.
    async fn remove(&self, key: &Key) -> Result<bool, StoreError>;

    /// Waits until the lease of a key is free or the key has changed, and no longer than `patience`.
    /// It may return early.
    async fn changed(&self, key: &Key, patience: Duration) -> Result<(), StoreError>;

    /// Writes a note about a key, in the place of the former one; it disappears after `lifetime`.
    async fn leave(
        &self,
        key: &Key,
        note: Note,
        text: &str,
        lifetime: Duration,
    ) -> Result<(), StoreError>;

    /// The same, but only where there is a note already; false when there is none.
    async fn amend(
        &self,
        key: &Key,
        note: Note,
        text: &str,
        lifetime: Duration,
    ) -> Result<bool, StoreError>;

    /// The note about a key, if there is one.
    async fn note(&self, key: &Key, note: Note) -> Result<Option<String>, StoreError>;

    /// Removes a note about a key, if there is one.
    async fn erase(&self, key: &Key, note: Note) -> Result<(), StoreError>;

    /// The keys of a namespace in the order of their last use, the latest first; `most` at most.
    /// Some of them may have expired. Each look at a private entry is a use. A process may note its
    /// looks at a shared entry once a minute, and tell them a few seconds later.
    async fn recent(&self, namespace: &str, most: usize) -> Result<Vec<Key>, StoreError>;

    /// Removes the least recently used entries of a namespace until `most` are left. Returns the
    /// keys of those that were removed.
    async fn trim(&self, namespace: &str, most: usize) -> Result<Vec<Key>, StoreError>;

    /// The name of the store in errors and logs: `disk`, `Redis`.
    fn name(&self) -> &'static str;

    /// Whether the store works as it should.
    fn health(&self) -> StoreHealth {
        StoreHealth::Healthy
    }
}

/// The expiring right to compute a key.
///
/// To publish or release is to hand it in, so nobody publishes without a lease, nor twice. A lease
/// that is dropped ends by itself, at once or after [`LEASE`].
#[must_use = "an unused lease makes every other worker wait until it expires"]
#[async_trait]
pub trait Lease: Send + Sync {
    /// Prolongs the lease by [`LEASE`]; false when it is no longer the holder's.
    async fn renew(&self) -> Result<bool, StoreError>;

    /// Stores the entry and ends the lease.
    async fn publish(self: Box<Self>, entry: &Entry) -> Result<Published, StoreError>;

    /// Ends the lease without an entry.
    async fn release(self: Box<Self>) -> Result<(), StoreError>;
}

/// What a store knows of a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The entry, if there is a sound one that has not expired.
    pub entry: Option<Entry>,
    /// What is stored under the key, sound or not.
    pub seen: Seen,
    /// The note [`Note::Failure`]. A store may leave it out when there is an entry.
    pub failure: Option<String>,
    /// The note [`Note::Progress`]. A store may leave it out when there is an entry.
    pub progress: Option<String>,
    /// The note [`Note::Latest`] about the question of the key, if the key is cached by anything.
    /// A store may leave it out when there is an entry.
    pub latest: Option<String>,
}

/// What came of asking for a lease.
pub enum Attempt {
    /// The caller has the lease.
    Granted(Box<dyn Lease>),
    /// Another caller holds it.
    Held,
    /// The store no longer has what the caller has seen: it is to look again.
    Changed,
}

/// What came of handing in a lease with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// The entry is stored.
    Stored,
    /// The lease was no longer the holder's, and nothing was written.
    Refused,
}

/// What processes tell each other about a key, for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Note {
    /// How far its computation is.
    Progress,
    /// A caller waits for it.
    Interest,
    /// Its computation failed.
    Failure,
    /// What the latest answer to its question is cached by.
    Latest,
    /// What the application keeps beside it.
    Annotation,
}

impl Note {
    /// All kinds of notes.
    pub const ALL: [Self; 5] =
        [Self::Progress, Self::Interest, Self::Failure, Self::Latest, Self::Annotation];

    /// The word by which stores name the note.
    pub fn word(self) -> &'static str {
        match self {
            Self::Progress => "progress",
            Self::Interest => "interest",
            Self::Failure => "failure",
            Self::Latest => "latest",
            Self::Annotation => "annotation",
        }
    }
}

/// Why a store did not answer. To the cache every reason is a miss.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the {store} store {cause}: {reason}")]
pub struct StoreError {
    /// Which store: `disk`, `Redis`.
    pub store: &'static str,
    /// What kind of trouble it is.
    pub cause: Cause,
    /// What its client or the system said.
    pub reason: String,
}

/// The kinds of trouble that a store may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// It cannot be reached, did not answer in time, or failed.
    Unreachable,
    /// It answers, but takes no more entries.
    Full,
    /// It answers, but is a read-only replica or mounted read-only.
    ReadOnly,
    /// It wants a user name or a password that it was not given.
    Unauthenticated,
    /// The user lacks a right, which the reason names.
    Forbidden,
}

/// Whether a store works as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreHealth {
    /// It does.
    Healthy,
    /// Another store stands in for it.
    Degraded {
        /// The store that does not work.
        store: &'static str,
        /// What kind of trouble it has.
        cause: Cause,
        /// What its client or the system said.
        reason: String,
    },
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "does not answer",
            Self::Full => "is full",
            Self::ReadOnly => "is read-only",
            Self::Unauthenticated => "needs a user name or password",
            Self::Forbidden => "refuses a command for lack of a right",
        })
    }
}
