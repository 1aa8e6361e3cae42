//! Entries as files in one folder, leases as locked files: shared by the processes of one host.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tracing::Span;

use self::folder::Folder;
use self::guard::Locked;
use super::{Attempt, Cause, Found, Lease, Note, Published, Store, StoreError};
use crate::entry::{Entry, Seen};
use crate::key::Key;
use crate::observer::{Event, Observer};

mod names;
mod folder;
mod lease;
mod guard;
mod notes;
mod recent;
mod sweep;
mod remembered;
mod identity;

/// How often a waiter looks at a lease. One look takes five system calls, and a waiter learns of a
/// change half of this time late on average.
const POLL: Duration = Duration::from_millis(10);

/// Entries as files in one folder. Clones share what they remember.
///
/// The files begin with a prefix, and stores with different prefixes may share a folder. Other files
/// in the folder are left alone. The parts of a key and a few more bytes have to fit in a file name,
/// which has 255 bytes on most file systems; a longer key gives an error.
#[derive(Clone)]
pub struct DiskStore(Arc<Folder>);

/// Where a [`DiskStore`] is, and how much it keeps.
#[derive(Debug, Clone)]
pub struct DiskConfig {
    /// The folder, which is made when the store first writes.
    pub path: PathBuf,
    /// How the names of the files begin.
    pub prefix: String,
    /// How long after its last use an entry expires.
    pub expire: Duration,
    /// How many bytes the entries may occupy, counted by the lengths of their files.
    pub max_bytes: u64,
    /// How many bytes of values this process may keep in memory, besides the files.
    pub remembered_bytes: u64,
}

impl DiskStore {
    /// Opens the store; nothing is read or written yet.
    pub fn new(config: DiskConfig, observer: Arc<dyn Observer>) -> Self {
        Self(Arc::new(Folder::new(config, observer)))
    }

    /// Removes what has expired or was abandoned, and then the least recently used entries until the
    /// others fit in `max_bytes`. Every publication does this too. A process calls it at its start,
    /// since its predecessor may have had more bytes. Failures go to the observer.
    pub async fn sweep(&self) {
        // The observer has got the error.
        drop(self.run(Folder::sweep).await);
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        run(&self.0, work).await
    }
}

#[async_trait]
impl Store for DiskStore {
    fn name(&self) -> &'static str {
        "disk"
    }

    async fn look(&self, key: &Key) -> Result<Found, StoreError> {
        // On the event loop, since it is one system call that reads no data.
        if let Some(found) = self.0.remembered(key) {
            return Ok(found);
        }
        let key = key.clone();
        self.run(move |folder| folder.look(&key)).await
    }

    fn in_memory(&self, key: &Key) -> Option<Entry> {
        self.0.remembered(key)?.entry
    }

    async fn try_lease(&self, key: &Key, seen: &Seen) -> Result<Attempt, StoreError> {
        let (asked, seen) = (key.clone(), seen.clone());
        let answer = self.run(move |folder| folder.try_lease(&asked, &seen)).await?;
        Ok(match answer {
            folder::Attempt::Granted(lock) => Attempt::Granted(Box::new(DiskLease {
                folder: self.0.clone(),
                key: key.clone(),
                lock: Arc::new(lock),
            })),
            folder::Attempt::Held => Attempt::Held,
            folder::Attempt::Changed => Attempt::Changed,
        })
    }

    async fn remove(&self, key: &Key) -> Result<bool, StoreError> {
        let key = key.clone();
        self.run(move |folder| folder.remove(&key)).await
    }

    async fn changed(&self, key: &Key, patience: Duration) -> Result<(), StoreError> {
        let asked = Instant::now();
        while asked.elapsed() < patience {
            let key = key.clone();
            if self.run(move |folder| folder.lease(&key).is_free()).await? {
                return Ok(());
            }
            tokio::time::sleep(POLL.min(patience.saturating_sub(asked.elapsed()))).await;
        }
        Ok(())
    }

    async fn leave(
        &self,
        key: &Key,
        note: Note,
        text: &str,
        lifetime: Duration,
    ) -> Result<(), StoreError> {
        let (key, text) = (key.clone(), text.to_owned());
        self.run(move |folder| folder.leave(&key, note, &text, lifetime)).await
    }

    async fn amend(
        &self,
        key: &Key,
        note: Note,
        text: &str,
        lifetime: Duration,
    ) -> Result<bool, StoreError> {
        let (key, text) = (key.clone(), text.to_owned());
        self.run(move |folder| folder.amend(&key, note, &text, lifetime)).await
    }

    async fn note(&self, key: &Key, note: Note) -> Result<Option<String>, StoreError> {
        let key = key.clone();
        self.run(move |folder| folder.note(&key, note)).await
    }

    async fn erase(&self, key: &Key, note: Note) -> Result<(), StoreError> {
        let key = key.clone();
        self.run(move |folder| folder.erase(&key, note)).await
    }

    async fn recent(&self, namespace: &str, most: usize) -> Result<Vec<Key>, StoreError> {
        let namespace = namespace.to_owned();
        self.run(move |folder| folder.recent(&namespace, most)).await
    }

    async fn trim(&self, namespace: &str, most: usize) -> Result<Vec<Key>, StoreError> {
        let namespace = namespace.to_owned();
        self.run(move |folder| folder.trim(&namespace, most)).await
    }
}

/// A locked file. When it is dropped, the kernel frees it at once, as at the death of the process.
struct DiskLease {
    folder: Arc<Folder>,
    key: Key,
    lock: Arc<Locked>,
}

#[async_trait]
impl Lease for DiskLease {
    async fn renew(&self) -> Result<bool, StoreError> {
        let (key, lock) = (self.key.clone(), self.lock.clone());
        run(&self.folder, move |folder| folder.lease(&key).renew(&lock)).await
    }

    async fn publish(self: Box<Self>, entry: &Entry) -> Result<Published, StoreError> {
        let Self { folder, key, lock } = *self;
        let stored = entry.encode();
        run(&folder, move |folder| folder.publish(&key, &lock, &stored)).await
    }

    async fn release(self: Box<Self>) -> Result<(), StoreError> {
        let Self { folder, key, lock } = *self;
        run(&folder, move |folder| folder.lease(&key).end(&lock, || Ok(())).map(drop)).await
    }
}

/// Works on the files, on a thread that may block and inside the span of the caller. Dropping the
/// future does not stop the work.
#[expect(clippy::disallowed_methods, reason = "the only place that leaves the event loop")]
async fn run<T: Send + 'static>(
    folder: &Arc<Folder>,
    work: impl FnOnce(&Folder) -> io::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    let (folder, span, observer) = (folder.clone(), Span::current(), folder.observer.clone());
    let done = tokio::task::spawn_blocking(move || span.in_scope(|| work(&folder))).await;
    let done = done.map_err(io::Error::other).flatten().map_err(|error| failure(&error));
    done.inspect_err(|error| observer.observe(&Event::StoreFailed(error)))
}

fn failure(error: &io::Error) -> StoreError {
    let cause = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Cause::Full,
        io::ErrorKind::ReadOnlyFilesystem => Cause::ReadOnly,
        io::ErrorKind::PermissionDenied => Cause::Forbidden,
        _ => Cause::Unreachable,
    };
    StoreError { store: "disk", cause, reason: error.to_string() }
}

/// Turns "no such file" into `None`.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
