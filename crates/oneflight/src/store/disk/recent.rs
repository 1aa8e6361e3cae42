//! The order in which entries were used: by the times of their files.

use std::cmp::Reverse;
use std::fs;
use std::io;
use std::time::SystemTime;

use super::folder::Folder;
use super::found;
use super::names::Use;
use super::sweep::age;
use crate::key::Key;

impl Folder {
    /// The keys of a namespace, the last used first.
    pub(super) fn recent(&self, namespace: &str, most: usize) -> io::Result<Vec<Key>> {
        let used = self.used(namespace)?.into_iter();
        Ok(used.take(most).map(|(_, key)| key).collect())
    }

    /// Removes all entries of a namespace but the `most` that were used last.
    pub(super) fn trim(&self, namespace: &str, most: usize) -> io::Result<Vec<Key>> {
        if self.used(namespace)?.len() <= most {
            return Ok(Vec::new());
        }
        let _guard = self.guard()?;
        let mut gone = Vec::new();
        // Again, because it may have changed before we had the guard.
        for (used, key) in self.used(namespace)?.into_iter().skip(most) {
            // A use needs no guard. An entry used in between is among the latest by now.
            if self.last_use(&key)? == Some(used) && self.remove_guarded(&key)? {
                gone.push(key);
            }
        }
        Ok(gone)
    }

    /// The entries of a namespace that have not expired, with their last uses, the latest first.
    fn used(&self, namespace: &str) -> io::Result<Vec<(SystemTime, Key)>> {
        let asked = Key::new(namespace);
        let mut used = Vec::new();
        for file in found(fs::read_dir(self.names.folder()))?.into_iter().flatten() {
            let name = file?.file_name();
            let Some(Use::Entry(key)) = name.to_str().and_then(|name| self.names.purpose(name))
            else {
                continue;
            };
            if key.namespace() == asked.namespace()
                && let Some(time) = self.last_use(&key)?
            {
                used.push((time, key));
            }
        }
        used.sort_by_key(|(time, _)| Reverse(*time));
        Ok(used)
    }

    fn last_use(&self, key: &Key) -> io::Result<Option<SystemTime>> {
        let file = found(fs::metadata(self.names.entry(key)))?;
        let file = file.filter(|file| file.is_file() && age(file) <= self.expire);
        file.map(|file| file.modified()).transpose()
    }
}
