//! What a caller gets: a value, or why there is none.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::entry::Entry;

/// The error of a recipe.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// How long a first failure stands: for the callers that waited, and for a double click.
const FIRST: Duration = Duration::from_secs(1);
/// How long a failure stands at most, however often it was repeated.
const LONGEST: Duration = Duration::from_secs(30);
/// How long after its end a failure still counts as the one before the next.
const REMEMBERED: Duration = Duration::from_secs(60);

/// How a caller came by its answer, in the terms of RFC 9211.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The store had it.
    Hit,
    /// This caller caused the computation, and the store has the value now.
    Stored,
    /// Another caller caused the computation, and this one waited for it.
    Collapsed,
    /// This caller caused the computation, and the store did not take the value.
    Computed,
}

/// A value and how the caller came by it.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The value with its provenance.
    pub entry: Entry,
    /// How this caller came by it.
    pub outcome: Outcome,
}

/// An answer, and whether it is up to date.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The answer.
    pub answer: Answer,
    /// What it is cached by, as [`Key::cached_by`](crate::Key::cached_by) gives it.
    pub cached_by: Vec<String>,
    /// Whether this one is of other data or too old. A newer one is being computed, unless the last
    /// attempt has just failed.
    pub is_stale: bool,
}

/// Why a caller gets no value.
#[derive(Debug, Clone)]
pub enum Failure {
    /// The computation's own error, shared by all callers that waited for it.
    Failed(Arc<BoxError>),
    /// No caller asked for it any more. The next caller starts a new computation.
    Abandoned,
    /// The process is closing; another one answers.
    Closing,
}

impl Failure {
    /// The failure of a computation.
    pub fn new(error: impl Into<BoxError>) -> Self {
        Self::Failed(Arc::new(error.into()))
    }
}

impl fmt::Display for Failure {
    /// The error alone; with `{:#}` the chain of its causes too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) if f.alternate() => {
                write!(f, "{error}")?;
                let mut cause = error.source();
                while let Some(error) = cause {
                    write!(f, ": {error}")?;
                    cause = error.source();
                }
                Ok(())
            }
            Self::Failed(error) => write!(f, "{error}"),
            Self::Abandoned => f.write_str("no caller waits for this computation any more"),
            Self::Closing => f.write_str("this process is closing; another one computes it"),
        }
    }
}

impl Error for Failure {}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hit => "hit",
            Self::Stored => "stored",
            Self::Collapsed => "collapsed",
            Self::Computed => "computed",
        })
    }
}

/// A failure as stores keep it, for the other processes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FailureNote {
    reason: String,
    /// How often in a row, this one included.
    times: u32,
    /// Until when no process tries again, in milliseconds since 1970.
    until_ms: u64,
}

impl FailureNote {
    /// The note of a failure after the note of the one before.
    pub(crate) fn after(before: Option<&Self>, failure: &Failure) -> Self {
        let times = before.map_or(0, |before| before.times) + 1;
        let until_ms = now_ms() + Self::stands(times).as_millis() as u64;
        Self { reason: format!("{failure:#}"), times, until_ms }
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// How long stores keep the note.
    pub(crate) fn lifetime(&self) -> Duration {
        Self::stands(self.times) + REMEMBERED
    }

    /// The failure, while no process tries again.
    pub(crate) fn standing(&self) -> Option<Failure> {
        (now_ms() < self.until_ms).then(|| Failure::new(self.reason.clone()))
    }

    fn stands(times: u32) -> Duration {
        (FIRST * 2u32.pow(times.saturating_sub(1).min(10))).min(LONGEST)
    }
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_stands_for_a_second_and_longer_when_it_is_repeated() {
        let mut stands = Vec::new();
        let mut before = None;
        for _ in 0..7 {
            let note = FailureNote::after(before.as_ref(), &Failure::new("no luck"));
            stands.push((note.lifetime() - REMEMBERED).as_secs());
            before = Some(note);
        }

        assert_eq!(stands, [1, 2, 4, 8, 16, 30, 30]);
        assert!(before.unwrap().standing().is_some());
    }

    #[test]
    fn a_failure_tells_its_causes_when_asked_for_them() {
        let error = anyhow::anyhow!("the disk is gone").context("no answer");
        let failure = Failure::new(error);

        assert_eq!(failure.to_string(), "no answer");
        assert_eq!(format!("{failure:#}"), "no answer: the disk is gone");
    }
}
