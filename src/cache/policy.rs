//! What an answer depends on, declared in one place: the arguments that count, the ones that do
//! not, and what else the answer is cached by.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::key::Key;

/// What an answer is cached by, besides the arguments of its question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheBy<'a> {
    /// The data: another file gives another answer.
    Data(&'a str),
    /// The program: another version may compute otherwise.
    Build,
    /// One user: nobody else gets this answer.
    User(&'a str),
    /// The time: each such span has an answer of its own, counted from 1970.
    Every(Duration),
}

/// The policy of one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    namespace: &'static str,
    user: Option<String>,
    by: Vec<String>,
    arguments: Vec<String>,
}

impl Policy {
    /// The policy of the questions of this name, which depends on nothing yet.
    pub fn new(namespace: &'static str) -> Self {
        Self { namespace, user: None, by: Vec::new(), arguments: Vec::new() }
    }

    /// Caches by something; the order in which these are named is that in the key.
    #[must_use]
    pub fn by(self, by: CacheBy<'_>) -> Self {
        self.by_at(by, SystemTime::now())
    }

    fn by_at(mut self, by: CacheBy<'_>, now: SystemTime) -> Self {
        self.by.push(match by {
            CacheBy::Data(fingerprint) => fingerprint.to_owned(),
            CacheBy::Build => env!("CARGO_PKG_VERSION").to_owned(),
            CacheBy::User(user) => {
                self.user = Some(user.to_owned());
                return self;
            }
            CacheBy::Every(span) => {
                let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
                (since.as_millis() / span.as_millis().max(1)).to_string()
            }
        });
        self
    }

    /// Names an argument that changes the answer.
    #[must_use]
    pub fn counts(mut self, argument: impl ToString) -> Self {
        self.arguments.push(argument.to_string());
        self
    }

    /// Names an argument that does not change the answer, so that it is plain that it was thought of.
    #[must_use]
    pub fn ignores(self, _argument: impl ToString) -> Self {
        self
    }

    /// The name of the answer: `quadrant:selection:9f3c1a7e60b2d514:ATL`.
    pub fn key(&self) -> Key {
        let parts = self.by.iter().chain(&self.arguments);
        parts.fold(self.owned(Key::new(self.namespace)), |key, part| key.arg(part))
    }

    /// The name of the question, whatever its answers are cached by: of these, one is the latest.
    pub(super) fn question(&self) -> Key {
        let question = self.owned(Key::new("latest").arg(self.namespace));
        self.arguments.iter().fold(question, |key, it| key.arg(it))
    }

    /// Adds whose answer it is, if it is one user's.
    fn owned(&self, key: Key) -> Key {
        match &self.user {
            Some(user) => key.private(user),
            None => key,
        }
    }

    /// The same question, cached by other values.
    pub(super) fn with_by(&self, by: Vec<String>) -> Self {
        Self { by, ..self.clone() }
    }

    /// What its answers are cached by besides the user, in the order of their names.
    pub fn cached_by(&self) -> &[String] {
        &self.by
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(fingerprint: &str) -> Policy {
        Policy::new("selection").by(CacheBy::Data(fingerprint)).counts("ATL")
    }

    #[test]
    fn another_file_another_build_another_user_and_another_time_are_other_answers() {
        let plain = Policy::new("sample").counts("ATL");
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let hour = CacheBy::Every(Duration::from_secs(3600));

        assert_eq!(selection("9f3c").key().to_string(), "quadrant:selection:9f3c:ATL");
        assert_ne!(selection("9f3c").key(), selection("aaaa").key());
        assert_ne!(
            plain.clone().by(CacheBy::User("a")).key(),
            plain.clone().by(CacheBy::User("b")).key()
        );
        assert_ne!(plain.clone().by(CacheBy::Build).key(), plain.key());
        assert_eq!(
            plain.clone().by_at(hour, at(0)).key(),
            plain.clone().by_at(hour, at(3599)).key()
        );
        assert_ne!(plain.clone().by_at(hour, at(0)).key(), plain.by_at(hour, at(3600)).key());
    }

    #[test]
    fn an_ignored_argument_changes_nothing() {
        assert_eq!(selection("9f3c").ignores("17 clicks").key(), selection("9f3c").key());
    }

    #[test]
    fn one_question_has_one_name_whatever_it_is_cached_by() {
        assert_eq!(selection("9f3c").question(), selection("aaaa").question());
        assert_ne!(selection("9f3c").question(), selection("9f3c").counts("p90").question());
    }
}
