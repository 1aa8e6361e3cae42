//! How the files of a store are named, and what a file is for by its name.

use std::path::{Path, PathBuf};

use crate::key::Key;
use crate::store::Note;

const ENTRY: &str = ".entry";
const LEASE: &str = ".lease";
const NOTE: &str = ".note";

/// The names of the files with one prefix.
pub(super) struct Names {
    folder: PathBuf,
    prefix: String,
}

/// What a file of this prefix is for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Use {
    Entry(Key),
    Lease(Key),
    Note,
    Temporary,
}

impl Names {
    pub(super) fn new(folder: PathBuf, prefix: &str) -> Self {
        // Escaped as a part of a key, since a dot would let the prefix `a` take a file of the prefix
        // `a.b` for its own.
        Self { folder, prefix: Key::new(prefix).namespace().to_owned() }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn entry(&self, key: &Key) -> PathBuf {
        self.of(key, ENTRY)
    }

    pub(super) fn lease(&self, key: &Key) -> PathBuf {
        self.of(key, LEASE)
    }

    pub(super) fn note(&self, key: &Key, note: Note) -> PathBuf {
        // No key holds an exclamation mark, so no note is taken for an entry or a lease.
        self.of(key, &format!("!{}{NOTE}", note.word()))
    }

    pub(super) fn guard(&self) -> PathBuf {
        self.folder.join(format!("{}.guard", self.prefix))
    }

    /// How the name of a file begins while it is being written.
    pub(super) fn temporary(&self) -> String {
        format!(".{}-writing-", self.prefix)
    }

    /// What a file with this name is for; nothing if it is not of this prefix.
    pub(super) fn purpose(&self, name: &str) -> Option<Use> {
        if let Some(random) = name.strip_prefix(&self.temporary()) {
            // Another prefix may begin with this prefix and `-writing-`.
            let is_ours = random.bytes().all(|byte| byte.is_ascii_alphanumeric());
            return is_ours.then_some(Use::Temporary);
        }
        let rest = name.strip_prefix(&self.prefix)?.strip_prefix('.')?;
        // Parts of a key hold no dot: it would be written as %2E.
        let key = |name: &str| Key::from_name(&name.replace('.', ":"));
        if let Some(name) = rest.strip_suffix(ENTRY) {
            return Some(Use::Entry(key(name)));
        }
        if let Some(name) = rest.strip_suffix(LEASE) {
            return Some(Use::Lease(key(name)));
        }
        (rest.contains('!') && rest.ends_with(NOTE)).then_some(Use::Note)
    }

    fn of(&self, key: &Key, end: &str) -> PathBuf {
        self.folder.join(format!("{}.{}{end}", self.prefix, key.file_name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::CacheBy;

    fn purpose(names: &Names, path: &Path) -> Option<Use> {
        names.purpose(path.file_name().unwrap().to_str().unwrap())
    }

    #[test]
    fn a_file_is_recognized_by_its_name() {
        let names = Names::new("/c".into(), "app");
        let key = Key::new("selection").by(CacheBy::User("5e.55")).arg("ATL");

        assert_eq!(names.entry(&key).to_str(), Some("/c/app.selection.~5e%2E55.ATL.entry"));
        assert_eq!(purpose(&names, &names.entry(&key)), Some(Use::Entry(key.clone())));
        assert_eq!(purpose(&names, &names.lease(&key)), Some(Use::Lease(key.clone())));
        assert_eq!(purpose(&names, &names.note(&key, Note::Progress)), Some(Use::Note));
        assert_eq!(names.purpose(".app-writing-x7Qz"), Some(Use::Temporary));
        assert_eq!(purpose(&names, &names.guard()), None);
        for foreign in ["diary.entry", "application.x.entry", ".app-writing-", "app.x.note"] {
            assert_ne!(names.purpose(foreign), Some(Use::Note), "{foreign}");
            assert!(!matches!(names.purpose(foreign), Some(Use::Entry(_))), "{foreign}");
        }
    }

    #[test]
    fn no_prefix_takes_the_files_of_another_for_its_own() {
        let prefixes = ["a", "a.b", "a-writing-b", "a%2Eb", ""];
        let key = Key::new("b").arg("c");

        for one in prefixes {
            let names = Names::new("/c".into(), one);
            for other in prefixes.into_iter().filter(|other| *other != one) {
                let other = Names::new("/c".into(), other);
                assert_eq!(purpose(&other, &names.entry(&key)), None);
                assert_eq!(purpose(&other, &names.note(&key, Note::Latest)), None);
                assert_eq!(other.purpose(&(names.temporary() + "x7Qz")), None);
                assert_ne!(other.guard(), names.guard());
            }
        }
    }
}
