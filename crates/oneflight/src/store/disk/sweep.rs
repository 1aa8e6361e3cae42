//! Keeps the store within its bytes: what has expired goes first, then the least recently used.

use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::{Duration, SystemTime};

use super::folder::Folder;
use super::found;
use super::identity::Identity;
use super::names::Use;
use crate::observer::Event;

/// A temporary file or a lease that has not been touched for a minute has lost its holder.
const ABANDONED: Duration = Duration::from_secs(60);

/// A file that a sweep has found.
struct Swept {
    path: PathBuf,
    file: Metadata,
}

/// Time since the last use of a file; none when the clock has been set back.
pub(super) fn age(file: &Metadata) -> Duration {
    let used = file.modified().unwrap_or_else(|_| SystemTime::now());
    used.elapsed().unwrap_or_default()
}

impl Folder {
    /// Removes what has expired or was abandoned, and then the least recently used entries until the
    /// others fit in the bytes of the store.
    pub(super) fn sweep(&self) -> io::Result<()> {
        self.sweep_to(|_| self.max_bytes)
    }

    /// Writes something. If the volume is full, it makes room and tries once more.
    pub(super) fn with_room<T>(&self, write: impl Fn() -> io::Result<T>) -> io::Result<T> {
        let first = write();
        if !is_full(&first) {
            return first;
        }
        // One thread at a time, and after another thread has made room none is made again.
        let _room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        let again = write();
        if !is_full(&again) {
            return again;
        }
        // The volume is smaller than the bytes of the store, or has no inodes left. Half is enough
        // for a while, and leaves the entries that are used.
        self.sweep_to(|occupied| self.max_bytes.min(occupied / 2))?;
        write()
    }

    /// `bound` gets how many bytes the entries occupy, and says how many may be left.
    fn sweep_to(&self, bound: impl FnOnce(u64) -> u64) -> io::Result<()> {
        let mut entries = Vec::new();
        for file in found(fs::read_dir(self.names.folder()))?.into_iter().flatten() {
            entries.extend(self.tidy(&file?)?);
        }
        self.evict(entries, bound);
        Ok(())
    }

    /// Removes a file that nobody needs; returns it if it is an entry that has not expired.
    fn tidy(&self, file: &DirEntry) -> io::Result<Option<Swept>> {
        let name = file.file_name();
        let purpose = name.to_str().and_then(|name| self.names.purpose(name));
        let metadata = found(file.metadata())?.filter(Metadata::is_file);
        let (Some(purpose), Some(metadata)) = (purpose, metadata) else { return Ok(None) };
        let (age, swept) = (age(&metadata), Swept { path: file.path(), file: metadata });
        match purpose {
            Use::Entry(_) if age <= self.expire => return Ok(Some(swept)),
            Use::Lease(key) if age > ABANDONED => {
                if let Err(error) = self.lease(&key).clear() {
                    self.cannot_remove(&swept.path, &error);
                }
            }
            Use::Temporary if age <= ABANDONED => {}
            // The time of a note is that of its end.
            Use::Note if age.is_zero() => {}
            Use::Lease(_) => {}
            Use::Entry(_) | Use::Temporary | Use::Note => drop(self.discard(&swept)),
        }
        Ok(None)
    }

    fn evict(&self, mut entries: Vec<Swept>, bound: impl FnOnce(u64) -> u64) {
        let mut bytes: u64 = entries.iter().map(|entry| entry.file.len()).sum();
        let most = bound(bytes);
        entries.sort_by_key(|entry| entry.file.modified().ok());
        for entry in entries {
            if bytes <= most {
                break;
            }
            if self.discard(&entry) {
                self.observer.observe(&Event::Evicted(&self.shown(&entry.path)));
            }
            bytes -= entry.file.len();
        }
    }

    /// Removes a file unless it has been used or replaced since it was found; false when it is still
    /// there, or another process was faster.
    ///
    /// It does without the guard, for which a volume without inodes may have no room. An entry that
    /// is published between the comparison and the removal is lost, and is computed again.
    fn discard(&self, swept: &Swept) -> bool {
        let remove = || match found(fs::metadata(&swept.path))? {
            Some(now) if Identity::of(&now) == Identity::of(&swept.file) => {
                found(fs::remove_file(&swept.path)).map(|removed| removed.is_some())
            }
            _ => Ok(false),
        };
        remove().unwrap_or_else(|error: io::Error| {
            self.cannot_remove(&swept.path, &error);
            false
        })
    }

    fn cannot_remove(&self, path: &Path, error: &io::Error) {
        self.hiccup(&format!("could not remove {}: {error}", self.shown(path)));
    }
}

fn is_full<T>(done: &io::Result<T>) -> bool {
    let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
    done.as_ref().is_err_and(|error| full.contains(&error.kind()))
}
