//! The disk store: one file an entry, one locked file a lease, shared by the processes of a host.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use tracing::warn;

use self::lease::LeaseFile;
use self::memory::{Memory, is_used};
use super::entry::Entry;
use super::key::Key;
use super::store::{Lease, Note, Published, Right, Store, StoreError};
use crate::blocking::blocking;
use crate::metrics::{self, CacheEvent, StoreName};

mod lease;
mod memory;
mod evict;
mod notes;

/// How often a waiter looks at a lease: five system calls, and half of it is the mean delay.
const POLL: Duration = Duration::from_millis(10);

/// Entries as files in one folder.
#[derive(Clone)]
pub struct DiskStore(Arc<Folder>);

struct Folder {
    path: PathBuf,
    expire: Duration,
    max_bytes: u64,
    memory: Memory,
}

impl DiskStore {
    /// Opens the store in `path`, which it makes when the first entry is written.
    ///
    /// An entry expires `expire` after its last use; all together occupy `max_bytes` at most. So many
    /// bytes of them may be `remembered` by this process.
    pub fn new(path: PathBuf, expire: Duration, max_bytes: u64, remembered: u64) -> Self {
        Self(Arc::new(Folder { path, expire, max_bytes, memory: Memory::new(remembered) }))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let folder = self.0.clone();
        let done = blocking(move || work(&folder)).await;
        let done = done.map_err(io::Error::other).flatten().map_err(failure);
        done.inspect_err(|_| metrics::store_error(StoreName::Disk))
    }
}

#[async_trait]
impl Store for DiskStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        // One call that reads no data does not hold up an event loop.
        if let Some(entry) = self.0.memory.get(key, &self.0.entry(key), self.0.expire) {
            return Ok(Some(entry));
        }
        let key = key.clone();
        self.run(move |folder| folder.read(&key)).await
    }

    async fn try_lease(&self, key: &Key) -> Result<Option<Lease>, StoreError> {
        let key = key.clone();
        self.run(move |folder| folder.try_lease(key)).await
    }

    async fn renew(&self, lease: &Lease) -> Result<bool, StoreError> {
        let Right::Lock(file) = &lease.right else { return Ok(false) };
        let (key, file) = (lease.key.clone(), file.try_clone().map_err(failure)?);
        self.run(move |folder| folder.lease(&key).renew(&file)).await
    }

    async fn publish(&self, lease: Lease, entry: &Entry) -> Result<Published, StoreError> {
        let stored = entry.encode();
        self.run(move |folder| folder.publish(lease, &stored)).await
    }

    async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        self.run(move |folder| folder.release(lease)).await
    }

    async fn remove(&self, key: &Key) -> Result<bool, StoreError> {
        let key = key.clone();
        self.run(move |folder| folder.remove(&key)).await
    }

    async fn changed(&self, key: &Key, patience: Duration) -> Result<(), StoreError> {
        let until = Instant::now() + patience;
        while Instant::now() < until {
            let key = key.clone();
            if self.run(move |folder| folder.lease(&key).is_free()).await? {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
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

    async fn recent(&self, beginning: &Key, most: usize) -> Result<Vec<Key>, StoreError> {
        let beginning = beginning.clone();
        self.run(move |folder| folder.recent(&beginning, most)).await
    }
}

impl Folder {
    fn entry(&self, key: &Key) -> PathBuf {
        self.path.join(key.file_name() + evict::ENTRY)
    }

    fn lease(&self, key: &Key) -> LeaseFile {
        LeaseFile::new(&self.path, &key.file_name())
    }

    fn read(&self, key: &Key) -> io::Result<Option<Entry>> {
        let path = self.entry(key);
        let Some(mut file) = found(File::open(&path))? else { return Ok(None) };
        if evict::age(&file.metadata()?) > self.expire {
            return Ok(None);
        }
        let mut stored = Vec::new();
        file.read_to_end(&mut stored)?;
        let entry = Entry::decode(stored.into());
        match &entry {
            Some(entry) => {
                // The file's time is its last use, from which it expires. On a file system that is
                // only read, an entry expires from its writing.
                if key.is_private() || !is_used(&file.metadata()?, entry, self.expire) {
                    drop(file.set_modified(SystemTime::now()));
                }
                self.memory.keep(key, entry, &file.metadata()?);
            }
            None => {
                warn!(%key, "removed a damaged entry of {key}");
                metrics::cache(CacheEvent::Corrupt);
                found(fs::remove_file(&path))?;
            }
        }
        Ok(entry)
    }

    fn try_lease(&self, key: Key) -> io::Result<Option<Lease>> {
        fs::create_dir_all(&self.path)?;
        let lock = self.lease(&key).try_lock()?;
        Ok(lock.map(|file| Lease { key, right: Right::Lock(file) }))
    }

    fn publish(&self, Lease { key, right }: Lease, stored: &[u8]) -> io::Result<Published> {
        let Right::Lock(lock) = right else { return Ok(Published::Refused) };
        if stored.len() as u64 > self.max_bytes {
            let (bytes, most) = (stored.len(), self.max_bytes);
            let reason = format!("an entry of {bytes} bytes where {most} may be occupied");
            return Err(io::Error::new(io::ErrorKind::StorageFull, reason));
        }
        let mut file = tempfile::Builder::new().prefix(evict::TEMPORARY).tempfile_in(&self.path)?;
        file.write_all(stored)?;
        let persist = || file.persist(self.entry(&key)).map(drop).map_err(io::Error::from);
        if !self.lease(&key).end(&lock, persist)? {
            return Ok(Published::Refused);
        }
        // Free, before the tidying: others wait for this lock.
        drop(lock);
        // The entry is stored, whatever becomes of the older ones.
        if let Err(error) = evict::sweep(&self.path, self.expire, self.max_bytes) {
            warn!(%error, "could not tidy the cache: {error}");
        }
        Ok(Published::Stored)
    }

    fn remove(&self, key: &Key) -> io::Result<bool> {
        if found(fs::metadata(&self.path))?.is_none() {
            return Ok(false);
        }
        let lease = self.lease(key);
        lease.guarded(|| {
            // First: whoever is about to compute reads what he is to compute in a note.
            self.remove_notes(key)?;
            lease.revoke()?;
            Ok(found(fs::remove_file(self.entry(key)))?.is_some())
        })
    }

    fn release(&self, Lease { key, right }: Lease) -> io::Result<()> {
        if let Right::Lock(lock) = right {
            self.lease(&key).end(&lock, || Ok(()))?;
        }
        Ok(())
    }
}

/// Turns "no such file" into `None`.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn failure(error: io::Error) -> StoreError {
    let (store, reason) = ("disk", error.to_string());
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            StoreError::Full { store, reason }
        }
        _ => StoreError::Failed { store, reason },
    }
}
