//! A lease as a locked file.
//!
//! The kernel unlocks it when its holder dies, so the next one starts at once. A holder that is
//! merely stopped keeps its lock: it is told by the age of the file, which renewing refreshes, and
//! the file is unlinked under it. A lease therefore holds while its lock *and* its path do.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tracing::warn;

use super::evict::age;
use super::found;
use crate::cache::key::shown;
use crate::cache::store;

/// How the name of a lease's file ends.
pub(super) const LEASE: &str = ".lease";

/// The file of one key's lease.
pub(super) struct LeaseFile {
    path: PathBuf,
    guard: PathBuf,
}

impl LeaseFile {
    /// Names the lease's file; nothing is opened yet.
    pub(super) fn new(folder: &Path, name: &str) -> Self {
        Self { path: folder.join(format!("{name}{LEASE}")), guard: folder.join("guard") }
    }

    /// Locks the file, unless another holds it.
    pub(super) fn try_lock(&self) -> io::Result<Option<File>> {
        loop {
            let file = open(&self.path)?;
            match file.try_lock() {
                Ok(()) => {
                    if self.begin(&file)? {
                        return Ok(Some(file));
                    }
                    // It was ended between our open and our lock, and its path is another file.
                }
                Err(TryLockError::WouldBlock) => {
                    if age(&file.metadata()?) <= store::LEASE || !self.take_over(&file)? {
                        return Ok(None);
                    }
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// Prolongs the lease; false when the file is no longer the one at its path.
    pub(super) fn renew(&self, file: &File) -> io::Result<bool> {
        if !self.is_of(file)? {
            return Ok(false);
        }
        file.set_modified(SystemTime::now())?;
        Ok(true)
    }

    /// Ends the lease after `publish`, between which two nobody can take it over; false, without
    /// `publish`, when it is no longer the holder's.
    pub(super) fn end(
        &self,
        file: &File,
        publish: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<bool> {
        let _guard = self.guard()?;
        if !self.is_of(file)? {
            return Ok(false);
        }
        publish()?;
        // Unlinked while locked: whoever opens the path afterwards makes a new file.
        fs::remove_file(&self.path)?;
        Ok(true)
    }

    /// Does something between whose steps nobody publishes, takes over, or removes.
    pub(super) fn guarded<T>(&self, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let _guard = self.guard()?;
        work()
    }

    /// Ends the lease of whoever holds it; only for who is guarded.
    pub(super) fn revoke(&self) -> io::Result<()> {
        found(fs::remove_file(&self.path)).map(drop)
    }

    /// Whether it has no holder, or one that has been silent too long.
    pub(super) fn is_free(&self) -> io::Result<bool> {
        let Some(file) = found(File::open(&self.path))? else { return Ok(true) };
        match file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(age(&file.metadata()?) > store::LEASE),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Makes a lock that we have just got a lease; false when the path is another file by now.
    fn begin(&self, file: &File) -> io::Result<bool> {
        // What a dead holder has left is old, and must not be taken for that of a silent one while
        // we renew it. A new file is young.
        let is_old = age(&file.metadata()?) > store::LEASE;
        let _guard = is_old.then(|| self.guard()).transpose()?;
        self.renew(file)
    }

    /// Keeps everybody else from taking over and from publishing while it is held.
    fn guard(&self) -> io::Result<File> {
        let guard = open(&self.guard)?;
        guard.lock()?;
        Ok(guard)
    }

    /// Unlinks the file of a holder that has been silent too long; false if others are at it.
    fn take_over(&self, file: &File) -> io::Result<bool> {
        let guard = open(&self.guard)?;
        // Never waits: a holder that is stopped inside the guard must not stop the others too.
        if matches!(guard.try_lock(), Err(TryLockError::WouldBlock)) {
            return Ok(false);
        }
        if self.is_of(file)? && age(&file.metadata()?) > store::LEASE {
            warn!(lease = %shown(self.path.display()), "took over a lease whose holder is silent");
            fs::remove_file(&self.path)?;
        }
        Ok(true)
    }

    /// Whether `file` is still what the path names.
    fn is_of(&self, file: &File) -> io::Result<bool> {
        let Some(named) = found(fs::metadata(&self.path))? else { return Ok(false) };
        let held = file.metadata()?;
        Ok((named.dev(), named.ino()) == (held.dev(), held.ino()))
    }
}

fn open(path: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).write(true).open(path)
}
