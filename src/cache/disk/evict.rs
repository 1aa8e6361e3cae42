//! Keeps the disk store within its bytes: expired entries go first, then the least recently used.

use std::cmp::Reverse;
use std::fs::{self, DirEntry, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tracing::warn;

use super::found;
use super::lease::{self, LeaseFile};
use super::notes::NOTE;
use crate::cache::key::{PREFIX, shown};
use crate::metrics::{self, CacheEvent};

/// How the name of an entry's file ends.
pub(super) const ENTRY: &str = ".entry";
/// How the name of a file that is still being written begins.
pub(super) const TEMPORARY: &str = ".quadrant-writing-";

/// A temporary file or a lease that nobody has touched for a minute has lost its holder.
const ABANDONED: Duration = Duration::from_secs(60);

/// What a file of ours is for; all others are left alone.
enum Use {
    Entry,
    Temporary,
    Note,
    Lease(LeaseFile),
}

/// Time since the file's last use; none when the clock has been set back.
pub(super) fn age(file: &Metadata) -> Duration {
    let used = file.modified().unwrap_or_else(|_| SystemTime::now());
    used.elapsed().unwrap_or_default()
}

/// Removes what has expired, and then the least recently used until `max_bytes` are kept.
///
/// A file that cannot be removed is logged, and does not keep the others.
pub(super) fn sweep(folder: &Path, expire: Duration, max_bytes: u64) -> io::Result<()> {
    let mut kept: Vec<(Duration, u64, PathBuf)> = Vec::new();
    for file in fs::read_dir(folder)? {
        let file = file?;
        let Some(metadata) = found(file.metadata())?.filter(Metadata::is_file) else { continue };
        let (path, age) = (file.path(), age(&metadata));
        match ours(folder, &file) {
            Some(Use::Entry) if age > expire => drop(remove(&path)),
            Some(Use::Entry) => kept.push((age, metadata.len(), path)),
            // The time of a note is that of its end.
            Some(Use::Note) if age > Duration::ZERO => drop(remove(&path)),
            Some(Use::Temporary) if age > ABANDONED => drop(remove(&path)),
            Some(Use::Lease(lease)) if age > ABANDONED => clear(&lease, &path),
            _ => {}
        }
    }
    let mut bytes: u64 = kept.iter().map(|(_, bytes, _)| bytes).sum();
    kept.sort_unstable_by_key(|(age, _, _)| Reverse(*age));
    for (_, length, path) in kept {
        if bytes <= max_bytes {
            break;
        }
        if remove(&path) {
            metrics::cache(CacheEvent::Evicted);
        }
        bytes -= length;
    }
    Ok(())
}

fn ours(folder: &Path, file: &DirEntry) -> Option<Use> {
    let name = file.file_name().into_string().ok()?;
    if name.starts_with(TEMPORARY) {
        return Some(Use::Temporary);
    }
    let is_key = name.strip_prefix(PREFIX).is_some_and(|rest| rest.starts_with('.'));
    if !is_key {
        return None;
    }
    if name.ends_with(ENTRY) {
        return Some(Use::Entry);
    }
    if name.ends_with(NOTE) {
        return Some(Use::Note);
    }
    name.strip_suffix(lease::LEASE).map(|key| Use::Lease(LeaseFile::new(folder, key)))
}

/// Removes the lease of a holder that died; one that is held stays.
fn clear(lease: &LeaseFile, path: &Path) {
    let cleared = File::open(path).and_then(|file| match file.try_lock() {
        Ok(()) => lease.end(&file, || Ok(())).map(drop),
        Err(_held) => Ok(()),
    });
    if let Err(error) = found(cleared) {
        warn!(%error, "could not remove {}: {error}", shown(path.display()));
    }
}

/// Removes a file; false when it is still there, or another process was faster.
fn remove(path: &Path) -> bool {
    let removed = found(fs::remove_file(path)).inspect_err(|error| {
        warn!(%error, "could not remove {}: {error}", shown(path.display()));
    });
    matches!(removed, Ok(Some(())))
}
