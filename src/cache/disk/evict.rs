//! Keeps the disk store within its bytes: expired entries go first, then the least recently used.

use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::found;

/// How the name of an entry's file ends.
pub(super) const ENTRY: &str = ".entry";
/// How the name of a file that is still being written begins.
pub(super) const TEMPORARY: &str = ".writing-";

/// A file that is still being written after a minute has lost its writer.
const ABANDONED: Duration = Duration::from_secs(60);

/// Time since the file's last use; none when the clock has been set back.
pub(super) fn age(file: &Metadata) -> Duration {
    let used = file.modified().unwrap_or_else(|_| SystemTime::now());
    used.elapsed().unwrap_or_default()
}

/// Removes what has expired, and then the least recently used until `max_bytes` are kept.
pub(super) fn sweep(folder: &Path, expire: Duration, max_bytes: u64) -> io::Result<()> {
    let mut kept = Vec::new();
    for file in fs::read_dir(folder)? {
        let file = file?;
        let Some((path, metadata)) = ours(&file)? else { continue };
        let lifetime = if is_entry(&path) { expire } else { ABANDONED };
        if age(&metadata) > lifetime {
            found(fs::remove_file(path))?;
        } else if is_entry(&path) {
            kept.push((age(&metadata), metadata.len(), path));
        }
    }
    let mut bytes: u64 = kept.iter().map(|(_, bytes, _)| bytes).sum();
    // Oldest use first; only as many as there are too many.
    kept.sort_unstable_by_key(|(age, _, _)| std::cmp::Reverse(*age));
    for (_, length, path) in kept {
        if bytes <= max_bytes {
            break;
        }
        found(fs::remove_file(path))?;
        bytes -= length;
    }
    Ok(())
}

/// The path and metadata of an entry or a temporary file; others may remove it at any moment.
fn ours(file: &DirEntry) -> io::Result<Option<(PathBuf, Metadata)>> {
    let path = file.path();
    let is_temporary = file.file_name().to_string_lossy().starts_with(TEMPORARY);
    if !is_entry(&path) && !is_temporary {
        return Ok(None);
    }
    Ok(found(file.metadata())?.map(|metadata| (path, metadata)))
}

fn is_entry(path: &Path) -> bool {
    path.to_string_lossy().ends_with(ENTRY)
}
