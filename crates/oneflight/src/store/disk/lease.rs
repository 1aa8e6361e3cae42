//! A lease as a locked file.
//!
//! The kernel unlocks it when its holder dies, so the next caller starts at once. A holder that is
//! merely stopped keeps its lock. It is recognized by the age of the file, which renewing refreshes,
//! and the file is unlinked under it. A lease therefore holds while its lock *and* its path do.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::SystemTime;

use super::folder::Folder;
use super::found;
use super::guard::{Locked, open};
use super::sweep::age;
use crate::key::Key;
use crate::store::LEASE;

/// The file of the lease of one key.
pub(super) struct LeaseFile<'a> {
    folder: &'a Folder,
    path: PathBuf,
}

impl Folder {
    /// Names the lease of a key; nothing is opened yet.
    pub(super) fn lease(&self, key: &Key) -> LeaseFile<'_> {
        LeaseFile { folder: self, path: self.names.lease(key) }
    }
}

impl LeaseFile<'_> {
    /// Locks the file, unless another holds it.
    pub(super) fn try_lock(&self) -> io::Result<Option<Locked>> {
        loop {
            let file = open(&self.path)?;
            match file.try_lock() {
                Ok(()) => {
                    let locked = Locked(file);
                    if self.begin(&locked)? {
                        return Ok(Some(locked));
                    }
                    // It was ended between our open and our lock, and its path is another file.
                }
                Err(TryLockError::WouldBlock) => {
                    if age(&file.metadata()?) <= LEASE || !self.take_over(&file)? {
                        return Ok(None);
                    }
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// Prolongs the lease; false when the file is no longer the one at its path.
    pub(super) fn renew(&self, file: &File) -> io::Result<bool> {
        if !self.is_at_path(file)? {
            return Ok(false);
        }
        file.set_modified(SystemTime::now())?;
        Ok(true)
    }

    /// Publishes and ends the lease; nobody can take it over in between. False, without publishing,
    /// when it is no longer the holder's.
    pub(super) fn end(
        &self,
        file: &File,
        publish: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<bool> {
        let _guard = self.folder.guard()?;
        if !self.is_at_path(file)? {
            return Ok(false);
        }
        publish()?;
        // Unlinked while locked: a later open of the path makes a new file.
        fs::remove_file(&self.path)?;
        Ok(true)
    }

    /// Ends the lease of any holder; the caller must hold the guard.
    pub(super) fn revoke(&self) -> io::Result<()> {
        found(fs::remove_file(&self.path)).map(drop)
    }

    /// Whether it has no holder, or one that has been silent too long.
    pub(super) fn is_free(&self) -> io::Result<bool> {
        let Some(file) = found(File::open(&self.path))? else { return Ok(true) };
        // Shared, so that waiters do not take each other for holders.
        match file.try_lock_shared() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(age(&file.metadata()?) > LEASE),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Removes what a dead holder has left; a lease that is held stays.
    pub(super) fn clear(&self) -> io::Result<()> {
        let Some(file) = found(File::open(&self.path))? else { return Ok(()) };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Without waiting, since the next sweep finds it again.
        let Some(_guard) = self.folder.try_guard()? else { return Ok(()) };
        if self.is_at_path(&file)? { fs::remove_file(&self.path) } else { Ok(()) }
    }

    /// Makes a lock that we have just got a lease; false when the path is another file by now.
    fn begin(&self, file: &File) -> io::Result<bool> {
        // The file of a dead holder is old, and must not be taken for that of a silent one while we
        // renew it. A new file is young.
        let is_old = age(&file.metadata()?) > LEASE;
        let _guard = is_old.then(|| self.folder.guard()).transpose()?;
        self.renew(file)
    }

    /// Unlinks the file of a silent holder; false if another process holds the guard.
    fn take_over(&self, file: &File) -> io::Result<bool> {
        // Without waiting, since a waiter asks again soon.
        let Some(_guard) = self.folder.try_guard()? else { return Ok(false) };
        if self.is_at_path(file)? && age(&file.metadata()?) > LEASE {
            let name = self.folder.shown(&self.path);
            self.folder.hiccup(&format!("took over {name}: its holder was silent for {LEASE:?}"));
            fs::remove_file(&self.path)?;
        }
        Ok(true)
    }

    /// Whether `file` is still the file at the path.
    fn is_at_path(&self, file: &File) -> io::Result<bool> {
        let Some(named) = found(fs::metadata(&self.path))? else { return Ok(false) };
        let held = file.metadata()?;
        Ok((named.dev(), named.ino()) == (held.dev(), held.ino()))
    }
}
