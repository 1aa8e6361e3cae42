//! The disk store: one file an entry, one locked file a lease, shared by the processes of a host.
//!
//! The kernel unlocks a lease when its holder dies, so its successor starts at once. A holder that
//! is merely stopped keeps its lock: it is told by the age of the file, which `renew` refreshes,
//! and the file is unlinked under it. A lease therefore holds while its lock *and* its path do.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use tracing::warn;

use super::entry::Entry;
use super::evict;
use super::key::Key;
use super::store::{LEASE, Lease, Published, Right, Store, StoreError};
use crate::blocking::blocking;

/// How often a waiter looks at a lease: five system calls, and half of it is the mean delay.
const POLL: Duration = Duration::from_millis(10);

/// Entries as files in one folder.
#[derive(Clone)]
pub struct DiskStore(Arc<Folder>);

struct Folder {
    path: PathBuf,
    expire: Duration,
    max_bytes: u64,
}

impl DiskStore {
    /// Opens the store in `path`, which it makes when the first entry is written.
    ///
    /// An entry expires `expire` after its last use; all together occupy `max_bytes` at most.
    pub fn new(path: PathBuf, expire: Duration, max_bytes: u64) -> Self {
        Self(Arc::new(Folder { path, expire, max_bytes }))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let folder = self.0.clone();
        let done = blocking(move || work(&folder)).await;
        done.map_err(io::Error::other).flatten().map_err(failure)
    }
}

#[async_trait]
impl Store for DiskStore {
    async fn get(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        let key = key.clone();
        self.run(move |folder| folder.read(&key)).await
    }

    async fn try_lease(&self, key: &Key) -> Result<Option<Lease>, StoreError> {
        let key = key.clone();
        self.run(move |folder| {
            let lock = folder.lock(&key)?;
            Ok(lock.map(|file| Lease { key, right: Right::Lock(file) }))
        })
        .await
    }

    async fn renew(&self, lease: &Lease) -> Result<bool, StoreError> {
        let Right::Lock(file) = &lease.right else { return Ok(false) };
        let file = file.try_clone().map_err(failure)?;
        let path = self.0.lease(&lease.key);
        self.run(move |_| Ok(is_at(&file, &path)? && file.set_modified(SystemTime::now()).is_ok()))
            .await
    }

    async fn publish(&self, lease: Lease, entry: &Entry) -> Result<Published, StoreError> {
        let stored = entry.encode();
        self.run(move |folder| folder.publish(lease, &stored)).await
    }

    async fn release(&self, lease: Lease) -> Result<(), StoreError> {
        self.run(move |folder| folder.release(&lease)).await
    }

    async fn changed(&self, key: &Key, patience: Duration) -> Result<(), StoreError> {
        let until = Instant::now() + patience;
        while Instant::now() < until {
            let path = self.0.lease(key);
            if self.run(move |_| is_free(&path)).await? {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }
}

impl Folder {
    fn entry(&self, key: &Key) -> PathBuf {
        self.path.join(key.file_name() + evict::ENTRY)
    }

    fn lease(&self, key: &Key) -> PathBuf {
        self.path.join(key.file_name() + ".lease")
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
        match entry {
            // The file's time is its last use, from which it expires.
            Some(_) => file.set_modified(SystemTime::now())?,
            None => {
                warn!(%key, "removed a damaged entry of {key}");
                found(fs::remove_file(&path))?;
            }
        }
        Ok(entry)
    }

    fn lock(&self, key: &Key) -> io::Result<Option<File>> {
        fs::create_dir_all(&self.path)?;
        let path = self.lease(key);
        loop {
            let file = open(&path)?;
            match file.try_lock() {
                Ok(()) if is_at(&file, &path)? => {
                    file.set_modified(SystemTime::now())?;
                    return Ok(Some(file));
                }
                // It was released between our open and our lock, and its path is another file.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if evict::age(&file.metadata()?) <= LEASE => {
                    return Ok(None);
                }
                Err(TryLockError::WouldBlock) => {
                    if !self.take_over(&file, &path)? {
                        return Ok(None);
                    }
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// Unlinks the lease of a holder that has been silent too long; false if others are at it.
    fn take_over(&self, file: &File, path: &Path) -> io::Result<bool> {
        let guard = self.guard()?;
        // Never waits: a holder that is stopped inside the guard must not stop the others too.
        if matches!(guard.try_lock(), Err(TryLockError::WouldBlock)) {
            return Ok(false);
        }
        if is_at(file, path)? && evict::age(&file.metadata()?) > LEASE {
            warn!(lease = %path.display(), "took over a lease whose holder is silent");
            fs::remove_file(path)?;
        }
        Ok(true)
    }

    /// Serializes takeover with publication, so that a late holder cannot slip between the two.
    ///
    /// It is held for a rename and an unlink, and freed by the kernel when its holder dies.
    fn guard(&self) -> io::Result<File> {
        open(&self.path.join("guard"))
    }

    fn publish(&self, lease: Lease, stored: &[u8]) -> io::Result<Published> {
        let mut file = tempfile::Builder::new().prefix(evict::TEMPORARY).tempfile_in(&self.path)?;
        file.write_all(stored)?;
        let published = {
            let guard = self.guard()?;
            guard.lock()?;
            let published = match &lease.right {
                Right::Lock(lock) if is_at(lock, &self.lease(&lease.key))? => {
                    file.persist(self.entry(&lease.key))?;
                    Published::Stored
                }
                _ => Published::Refused,
            };
            self.release(&lease)?;
            published
        };
        evict::sweep(&self.path, self.expire, self.max_bytes)?;
        Ok(published)
    }

    fn release(&self, lease: &Lease) -> io::Result<()> {
        let path = self.lease(&lease.key);
        match &lease.right {
            // Unlinked while locked: whoever opens the path afterwards makes a new file.
            Right::Lock(lock) if is_at(lock, &path)? => fs::remove_file(&path),
            _ => Ok(()),
        }
    }
}

/// Whether the lease at `path` has no holder, or one that has been silent too long.
fn is_free(path: &Path) -> io::Result<bool> {
    let Some(file) = found(File::open(path))? else { return Ok(true) };
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(evict::age(&file.metadata()?) > LEASE),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn open(path: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).write(true).open(path)
}

/// Whether `file` is still what `path` names.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let Some(named) = found(fs::metadata(path))? else { return Ok(false) };
    let held = file.metadata()?;
    Ok((named.dev(), named.ino()) == (held.dev(), held.ino()))
}

/// Turns "no such file" into `None`.
pub(super) fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
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
