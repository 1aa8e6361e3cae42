//! The name of an entry, built from everything that changes the answer.

use std::fmt;

/// The first part of every key, so that `redis-cli keys 'quadrant:*'` shows ours and only ours.
pub(super) const PREFIX: &str = "quadrant";

/// Begins a part that belongs to one user. No other part has this byte.
const PRIVATE: char = '~';

/// The name of an entry: `quadrant:selection:9f3c1a7e60b2d514:ATL`.
///
/// A part keeps letters, digits, `-` and `_`; any other byte is written as `%XX`, so that a key is
/// printable, is safe as a file name, and tells two lists of parts apart. A private part is in the
/// name, but is not displayed: what is displayed ends up in logs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    /// Starts a key with its namespace, the name of the question that it answers.
    pub fn new(namespace: &str) -> Self {
        Self(PREFIX.to_owned()).arg(namespace)
    }

    /// Adds an argument that changes the answer.
    #[must_use]
    pub fn arg(mut self, value: impl fmt::Display) -> Self {
        self.0.push(':');
        self.push(&value.to_string());
        self
    }

    /// Adds the name of a user.
    #[must_use]
    pub fn private(mut self, user: &str) -> Self {
        self.0.push(':');
        self.0.push(PRIVATE);
        self.push(user);
        self
    }

    fn push(&mut self, value: &str) {
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => self.0.push(byte.into()),
                other => self.0.push_str(&format!("%{other:02X}")),
            }
        }
    }

    /// The key as stores know it, private parts included.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Whether it names what belongs to one user.
    pub(super) fn is_private(&self) -> bool {
        self.0.contains(PRIVATE)
    }

    /// The key of a stored name, if it is one of ours.
    pub(super) fn stored(name: &str) -> Option<Self> {
        name.starts_with(PREFIX).then(|| Self(name.to_owned()))
    }

    /// The part at this place, after the namespace.
    pub fn part(&self, at: usize) -> Option<&str> {
        self.0.split(':').nth(at + 2)
    }

    /// The key as a file name: `quadrant.selection.9f3c1a7e60b2d514.ATL`.
    pub(super) fn file_name(&self) -> String {
        self.0.replace(':', ".")
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.0))
    }
}

/// The name of a key or of its file, as logs may have it: without what is private.
pub(super) fn shown(name: impl fmt::Display) -> String {
    let mut shown = String::new();
    let mut is_private = false;
    for letter in name.to_string().chars() {
        // Parts hold neither; they end where the next part, a note or the kind of the file begins.
        is_private &= !matches!(letter, ':' | '.' | '!');
        if !is_private {
            shown.push(letter);
        }
        is_private |= letter == PRIVATE;
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_different_arguments_differ() {
        let one = Key::new("selection").arg("a:b").arg("c");
        let other = Key::new("selection").arg("a").arg("b:c");

        assert_eq!(one.to_string(), "quadrant:selection:a%3Ab:c");
        assert_ne!(one, other);
    }

    #[test]
    fn what_is_private_names_an_entry_and_is_not_displayed() {
        let key = Key::new("sample").private("5e:55").arg("daily");

        assert_eq!(key.name(), "quadrant:sample:~5e%3A55:daily");
        assert_eq!(key.to_string(), "quadrant:sample:~:daily");
        assert_eq!(
            shown(format!("/c/{}!draw.note", key.file_name())),
            "/c/quadrant.sample.~.daily!draw.note"
        );
        assert_ne!(key, Key::new("sample").arg("~5e:55").arg("daily"));
    }

    #[test]
    fn a_key_never_leaves_its_folder() {
        let key = Key::new("selection").arg("../../etc/passwd\0");

        assert_eq!(key.file_name(), "quadrant.selection.%2E%2E%2F%2E%2E%2Fetc%2Fpasswd%00");
    }
}
