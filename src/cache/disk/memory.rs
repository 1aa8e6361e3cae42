//! Entries that were read a moment ago: a hit then costs one look at its file, instead of a thread
//! that reads and checks all of it.

use std::fs::{self, Metadata};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::evict::age;
use crate::cache::entry::Entry;
use crate::cache::key::Key;
use crate::identity::Identity;

/// How long a use of an entry stands for those that follow: many a second are one use, so that the
/// time of a file tells its last use to a tenth of a second, and is seldom written.
const USE: Duration = Duration::from_millis(100);

/// The entries that this process has read lately, bounded by bytes.
pub(super) struct Memory(moka::sync::Cache<Key, Known>);

/// An entry, and what its file was when it was read.
#[derive(Clone)]
struct Known {
    file: Identity,
    entry: Entry,
}

impl Memory {
    /// An empty one, for so many bytes of entries.
    pub(super) fn new(bytes: u64) -> Self {
        let weigh = |_: &Key, known: &Known| known.entry.bytes.len().try_into().unwrap_or(u32::MAX);
        Self(moka::sync::Cache::builder().max_capacity(bytes).weigher(weigh).build())
    }

    /// The entry, if its file is as it was when it was read, and was used just now.
    pub(super) fn get(&self, key: &Key, path: &Path, expire: Duration) -> Option<Entry> {
        let known = self.0.get(key)?;
        let file = fs::metadata(path).ok()?;
        let is_same = known.file == Identity::of(&file) && is_used(&file, &known.entry, expire);
        is_same.then_some(known.entry)
    }

    /// Keeps an entry with what its file is, unless it is one user's.
    pub(super) fn keep(&self, key: &Key, entry: &Entry, file: &Metadata) {
        if !key.is_private() {
            let known = Known { file: Identity::of(file), entry: entry.clone() };
            self.0.insert(key.clone(), known);
        }
    }
}

/// Whether the time of a file tells a use of its entry that is recent enough to stand for another.
pub(super) fn is_used(file: &Metadata, entry: &Entry, expire: Duration) -> bool {
    let used = file.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    // A file that has only been written has not been used. Its first use always counts.
    let since_written = used.duration_since(entry.stamp.computed_at).unwrap_or_default();
    age(file) <= USE.min(expire / 100) && since_written > USE
}
