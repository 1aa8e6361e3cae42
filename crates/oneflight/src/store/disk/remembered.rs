//! Entries that this process has read lately: a hit then costs one look at the file, instead of a
//! thread that reads and checks all of it.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::identity::Identity;
use super::sweep::age;
use crate::entry::{Entry, Seen};
use crate::key::Key;

/// Many uses within this time are written as one. The time of a file therefore tells the last use of
/// its entry to a tenth of a second, and the processes do not keep invalidating what the others
/// remember.
const USE: Duration = Duration::from_millis(100);

/// Entries, bounded by the bytes of their values.
pub(super) struct Remembered(moka::sync::Cache<Key, Known>);

/// An entry, and what its file was when it was read.
#[derive(Clone)]
struct Known {
    /// Kept, since making it again would take as long as the look at the file.
    path: Arc<Path>,
    file: Identity,
    entry: Entry,
    seen: Seen,
}

impl Remembered {
    pub(super) fn new(bytes: u64) -> Self {
        let weigh = |_: &Key, known: &Known| known.entry.bytes.len().try_into().unwrap_or(u32::MAX);
        Self(moka::sync::Cache::builder().max_capacity(bytes).weigher(weigh).build())
    }

    /// The entry, if its file is as it was when it was read, and was used just now.
    pub(super) fn get(&self, key: &Key, expire: Duration) -> Option<(Entry, Seen)> {
        let known = self.0.get(key)?;
        let file = fs::metadata(&*known.path).ok()?;
        let is_same = known.file == Identity::of(&file) && is_used(&file, expire);
        is_same.then_some((known.entry, known.seen))
    }

    /// Remembers an entry with the state of its file, unless it belongs to one user.
    pub(super) fn keep(
        &self,
        key: &Key,
        entry: &Entry,
        seen: &Seen,
        (path, file): (PathBuf, &Metadata),
    ) {
        if !key.is_private() {
            let (file, entry, seen) = (Identity::of(file), entry.clone(), seen.clone());
            self.0.insert(key.clone(), Known { path: path.into(), file, entry, seen });
        }
    }
}

/// Whether the file was used so recently that another use need not be written.
pub(super) fn is_used(file: &Metadata, expire: Duration) -> bool {
    age(file) <= USE.min(expire / 100)
}
