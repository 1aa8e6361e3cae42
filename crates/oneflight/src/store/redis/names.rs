//! The names of entries and of what belongs to them.
//!
//! An entry is `app:selection:9f3c:ATL`, its lease `app:lease:{app:selection:9f3c:ATL}`, and a note
//! about it has the word of the note in the place of `lease`. In a cluster, the text in braces
//! selects the slot of a key, so an entry, its lease and its notes are in one slot. All names begin
//! with the prefix, so the rule `~app:*` covers them. No part of a key holds a brace, so the name of
//! an entry is never the name of a lease or note.

use crate::key::Key;
use crate::store::Note;

#[derive(Debug, Clone)]
pub(super) struct Names {
    prefix: String,
    channel: String,
}

impl Names {
    /// None when the prefix is empty or has braces, which would break the rules above.
    pub(super) fn new(prefix: &str) -> Option<Self> {
        let is_plain = !prefix.is_empty() && !prefix.contains(['{', '}']);
        let channel = format!("{prefix}:changed");
        is_plain.then(|| Self { prefix: prefix.to_owned(), channel })
    }

    pub(super) fn entry(&self, key: &Key) -> String {
        format!("{}:{}", self.prefix, key.name())
    }

    pub(super) fn lease(&self, key: &Key) -> String {
        self.beside(key, "lease")
    }

    pub(super) fn note(&self, key: &Key, note: Note) -> String {
        self.beside(key, note.word())
    }

    /// The sorted set of the keys of a namespace by their last use.
    pub(super) fn index(&self, namespace: &str) -> String {
        format!("{}:index:{{{namespace}}}", self.prefix)
    }

    /// The channel of all keys; a message is the name of a key.
    pub(super) fn channel(&self) -> &str {
        &self.channel
    }

    fn beside(&self, key: &Key, word: &str) -> String {
        format!("{}:{word}:{{{}}}", self.prefix, self.entry(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::CacheBy;

    #[test]
    fn all_names_begin_with_the_prefix_and_those_of_a_key_share_its_slot() {
        let names = Names::new("app").unwrap();
        let key = Key::new("selection").by(CacheBy::Data("9f3c")).arg("ATL");

        assert_eq!(names.entry(&key), "app:selection:9f3c:ATL");
        assert_eq!(names.lease(&key), "app:lease:{app:selection:9f3c:ATL}");
        assert_eq!(names.note(&key, Note::Progress), "app:progress:{app:selection:9f3c:ATL}");
        assert_eq!(names.index(key.namespace()), "app:index:{selection}");
        assert_eq!(names.channel(), "app:changed");
    }

    #[test]
    fn a_prefix_has_no_braces() {
        assert!(Names::new("{app}").is_none());
        assert!(Names::new("").is_none());
    }
}
