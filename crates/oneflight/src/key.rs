//! The name of an entry, built from everything that changes the answer.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Marks a part that belongs to one user. Escaping keeps this byte out of all other parts.
const PRIVATE: char = '~';

/// What an answer is cached by, besides its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheBy<'a> {
    /// The data: another data set has another answer.
    Data(&'a str),
    /// The program or its formats: another version may compute or encode otherwise.
    Build(&'a str),
    /// One user: nobody else gets this answer. The last one named counts.
    User(&'a str),
    /// The time: each span of this length, counted from 1970, has an answer of its own.
    Every(Duration),
}

/// The name of an entry: `selection:9f3c1a7e60b2d514:ATL`.
///
/// The parts are the namespace, the user if there is one, what the answer is cached by, and the
/// arguments. A part keeps letters, digits, `-` and `_`; any other byte is written as `%XX`. A key
/// is therefore printable and safe as a file name, and different arguments give different keys. A
/// store puts the prefix of its application in front. [`fmt::Display`] and [`fmt::Debug`] leave the
/// user out, since what they write ends up in logs.
///
/// ```
/// use oneflight::{CacheBy, Key};
///
/// let key = Key::new("selection").by(CacheBy::Data("9f3c")).arg("ATL").ignoring("17 clicks");
/// assert_eq!(key.to_string(), "selection:9f3c:ATL");
/// ```
#[derive(Clone)]
pub struct Key(Arc<Parts>);

#[derive(Clone)]
struct Parts {
    namespace: String,
    user: Option<String>,
    by: Vec<String>,
    arguments: Vec<String>,
    /// All parts, escaped and joined.
    name: String,
}

impl Key {
    /// Starts a key with its namespace, the name of the question that it answers.
    pub fn new(namespace: &str) -> Self {
        let (by, arguments) = (Vec::new(), Vec::new());
        Self::of(Parts {
            namespace: escape(namespace),
            user: None,
            by,
            arguments,
            name: String::new(),
        })
    }

    /// Caches by something; keys name these in the order of the calls.
    #[must_use]
    pub fn by(self, by: CacheBy<'_>) -> Self {
        self.by_at(by, SystemTime::now())
    }

    fn by_at(self, by: CacheBy<'_>, now: SystemTime) -> Self {
        let mut parts = Arc::unwrap_or_clone(self.0);
        match by {
            CacheBy::Data(text) | CacheBy::Build(text) => parts.by.push(escape(text)),
            CacheBy::User(user) => parts.user = Some(escape(user)),
            CacheBy::Every(span) => {
                let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
                parts.by.push((since.as_millis() / span.as_millis().max(1)).to_string());
            }
        }
        Self::of(parts)
    }

    /// Adds an argument that changes the answer.
    #[must_use]
    pub fn arg(self, argument: impl fmt::Display) -> Self {
        let mut parts = Arc::unwrap_or_clone(self.0);
        parts.arguments.push(escape(&argument.to_string()));
        Self::of(parts)
    }

    /// Names an argument that does not change the answer. It does nothing but show that the argument
    /// was considered.
    #[must_use]
    pub fn ignoring(self, _argument: impl fmt::Display) -> Self {
        self
    }

    /// The key as stores know it, the user included.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The first part.
    pub fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// What the answer is cached by besides the user, in order.
    pub fn cached_by(&self) -> &[String] {
        &self.0.by
    }

    /// The part at this place after the namespace, counted from 0.
    pub fn part(&self, at: usize) -> Option<&str> {
        self.0.name.split(':').nth(at + 1)
    }

    /// Whether the entry belongs to one user.
    pub fn is_private(&self) -> bool {
        self.0.name.contains(PRIVATE)
    }

    /// The key as a file name: `selection.9f3c1a7e60b2d514.ATL`.
    pub fn file_name(&self) -> String {
        self.0.name.replace(':', ".")
    }

    /// The key that a store has found under this name. It equals the original and names the same entry,
    /// but what it is cached by and its arguments are not told apart.
    pub fn from_name(name: &str) -> Self {
        let namespace = name.split(':').next().unwrap_or_default().to_owned();
        let (by, arguments) = (Vec::new(), Vec::new());
        Self(Arc::new(Parts { namespace, user: None, by, arguments, name: name.to_owned() }))
    }

    /// The question alone, whatever its answers are cached by. Stores keep the note
    /// [`Latest`](crate::store::Note::Latest) about it.
    pub fn question(&self) -> Self {
        let mut parts = (*self.0).clone();
        parts.by = Vec::new();
        Self::of(parts)
    }

    /// The same question, cached by other values.
    pub fn cached_by_others(&self, by: Vec<String>) -> Self {
        Self::of(Parts { by, ..(*self.0).clone() })
    }

    fn of(mut parts: Parts) -> Self {
        let mut name = parts.namespace.clone();
        if let Some(user) = &parts.user {
            name.push(':');
            name.push(PRIVATE);
            name.push_str(user);
        }
        for part in parts.by.iter().chain(&parts.arguments) {
            name.push(':');
            name.push_str(part);
        }
        parts.name = name;
        Self(Arc::new(parts))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_user(self.name()))
    }
}

/// The name of a key or of its file as logs may have it: without the user.
pub fn without_user(name: &str) -> String {
    let (mut shown, mut is_private) = (String::new(), false);
    for letter in name.chars() {
        // A part holds none of these: it ends where the next part, a note or a file's kind begins.
        is_private &= !matches!(letter, ':' | '.' | '!' | '}');
        if !is_private {
            shown.push(letter);
        }
        is_private |= letter == PRIVATE;
    }
    shown
}

fn escape(part: &str) -> String {
    let mut escaped = String::with_capacity(part.len());
    for byte in part.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => escaped.push(byte.into()),
            other => escaped.push_str(&format!("%{other:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn selection(fingerprint: &str) -> Key {
        Key::new("selection").by(CacheBy::Data(fingerprint)).arg("ATL")
    }

    #[test]
    fn another_file_build_user_or_time_is_another_answer() {
        let plain = Key::new("sample").arg("ATL");
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let hour = CacheBy::Every(Duration::from_secs(3600));

        assert_eq!(selection("9f3c").to_string(), "selection:9f3c:ATL");
        assert_ne!(selection("9f3c"), selection("aaaa"));
        assert_ne!(plain.clone().by(CacheBy::User("a")), plain.clone().by(CacheBy::User("b")));
        assert_ne!(plain.clone().by(CacheBy::Build("1")), plain);
        assert_eq!(plain.clone().by_at(hour, at(0)), plain.clone().by_at(hour, at(3599)));
        assert_ne!(plain.clone().by_at(hour, at(0)), plain.by_at(hour, at(3600)));
    }

    #[test]
    fn an_ignored_argument_changes_nothing() {
        assert_eq!(selection("9f3c").ignoring("17 clicks"), selection("9f3c"));
    }

    #[test]
    fn one_question_has_one_name_whatever_its_answers_are_cached_by() {
        assert_eq!(selection("9f3c").question(), selection("aaaa").question());
        assert_ne!(selection("9f3c").question(), selection("9f3c").arg("p90").question());
        assert_eq!(selection("a").cached_by_others(vec!["b".to_owned()]), selection("b"));
    }

    #[test]
    fn a_user_names_an_entry_and_is_not_displayed() {
        let key = Key::new("sample").by(CacheBy::User("5e:55")).arg("daily");

        assert_eq!(key.name(), "sample:~5e%3A55:daily");
        assert_eq!(key.to_string(), "sample:~:daily");
        assert_eq!(format!("{key:?}"), "Key(sample:~:daily)");
        assert_eq!(
            without_user(&format!("/c/app.{}!draw.note", key.file_name())),
            "/c/app.sample.~.daily!draw.note"
        );
        assert_ne!(key, Key::new("sample").arg("~5e:55").arg("daily"));
        assert!(Key::from_name(key.name()).is_private());
    }

    #[test]
    fn a_file_name_never_leaves_its_folder() {
        let key = Key::new("selection").arg("../../etc/passwd\0");

        assert_eq!(key.file_name(), "selection.%2E%2E%2F%2E%2E%2Fetc%2Fpasswd%00");
    }

    proptest! {
        #[test]
        fn different_arguments_give_different_names(
            one in prop::collection::vec(any::<String>(), 1..4),
            other in prop::collection::vec(any::<String>(), 1..4),
        ) {
            let key = |parts: &[String]| {
                parts.iter().fold(Key::new("question"), |key, part| key.arg(part))
            };

            prop_assert_eq!(one == other, key(&one) == key(&other));
            prop_assert_eq!(one == other, key(&one).file_name() == key(&other).file_name());
        }

        #[test]
        fn every_name_is_one_plain_file_name_and_reads_back(part in any::<String>(), user: String) {
            let key = Key::new("question").by(CacheBy::User(&user)).arg(&part);
            let file = key.file_name();

            prop_assert!(file.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/'));
            prop_assert_eq!(file.replace('.', ":"), key.name());
            prop_assert_eq!(Key::from_name(key.name()), key);
        }
    }
}
