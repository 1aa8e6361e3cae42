//! Why there is no value, and for how long nobody tries again.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::anyhow;
use serde::{Deserialize, Serialize};

/// How long a first failure stands: for those who have waited, and for a double click.
const FIRST: Duration = Duration::from_secs(1);
/// How long a failure stands at most, however often it has been repeated.
const LONGEST: Duration = Duration::from_secs(30);
/// For so long after its end a failure is remembered, as the one before the next.
const REMEMBERED: Duration = Duration::from_secs(60);

/// Why a caller gets no value.
#[derive(Debug, Clone)]
pub enum Failure {
    /// The computation's own error, shared by all who waited for it.
    Failed(Arc<anyhow::Error>),
    /// Nobody asked for it any more; who asks now begins anew.
    Abandoned,
    /// The worker ends; another one answers.
    Ending,
}

/// A failure as the store keeps it, for the other processes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FailureNote {
    reason: String,
    /// How often in a row, by now.
    times: u32,
    /// Until when nobody tries again, in milliseconds since 1970.
    until_ms: u64,
}

impl FailureNote {
    /// What is to be kept of an error, after what is kept of the one before.
    pub(super) fn after(before: Option<&Self>, error: &anyhow::Error) -> Self {
        let times = before.map_or(0, |before| before.times) + 1;
        let until_ms = now_ms() + Self::stands(times).as_millis() as u64;
        Self { reason: format!("{error:#}"), times, until_ms }
    }

    /// For how long it is kept.
    pub(super) fn lifetime(&self) -> Duration {
        Self::stands(self.times) + REMEMBERED
    }

    /// The failure, while nobody tries again.
    pub(super) fn standing(&self) -> Option<Failure> {
        (now_ms() < self.until_ms).then(|| anyhow!(self.reason.clone()).into())
    }

    fn stands(times: u32) -> Duration {
        (FIRST * 2u32.pow(times.saturating_sub(1).min(10))).min(LONGEST)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(Arc::new(error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) if f.alternate() => write!(f, "{error:#}"),
            Self::Failed(error) => write!(f, "{error}"),
            Self::Abandoned => f.write_str("nobody waits for this computation any more"),
            Self::Ending => f.write_str("this worker ends; another one computes it"),
        }
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
            let note = FailureNote::after(before.as_ref(), &anyhow!("no luck"));
            stands.push((note.lifetime() - REMEMBERED).as_secs());
            before = Some(note);
        }

        assert_eq!(stands, [1, 2, 4, 8, 16, 30, 30]);
        assert!(before.unwrap().standing().is_some());
    }
}
