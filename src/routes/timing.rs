//! How an answer was come by, and when: `Cache-Status`, `Server-Timing`, and times of computation.

use std::time::{Duration, Instant, SystemTime};

use crate::cache::{Answer, Outcome};

/// When something was computed.
pub(super) struct When(pub(super) SystemTime);

impl When {
    /// For machines: RFC 3339, in UTC.
    pub(super) fn rfc3339(&self) -> String {
        humantime::format_rfc3339_millis(self.0).to_string()
    }

    /// For people: `12:03:05 UTC`.
    pub(super) fn clock(&self) -> String {
        let text = self.rfc3339();
        format!("{} UTC", text.get(11..19).unwrap_or(&text))
    }
}

/// Where the time of a request went.
pub(super) struct Timing {
    asked: Instant,
    store: Duration,
    compute: Duration,
    worker: u16,
}

impl Timing {
    /// Starts the clock, before the dashboard is asked.
    pub(super) fn start(worker: u16) -> Self {
        Self { asked: Instant::now(), store: Duration::ZERO, compute: Duration::ZERO, worker }
    }

    /// Notes that the answer has come: what was not computation was the store.
    pub(super) fn answered(&mut self, answer: &Answer) {
        let waited = self.asked.elapsed();
        self.compute = match answer.outcome {
            Outcome::Hit => Duration::ZERO,
            Outcome::Stored | Outcome::Computed => waited.min(answer.entry.stamp.compute),
            Outcome::Collapsed => waited,
        };
        self.store = waited - self.compute;
    }

    /// `Server-Timing`, in milliseconds; what is left of the time was rendering.
    pub(super) fn header(&self) -> (&'static str, String) {
        let ms = |duration: Duration| duration.as_secs_f64() * 1000.0;
        let render = self.asked.elapsed().saturating_sub(self.store + self.compute);
        let value = format!(
            "store;dur={:.3}, compute;dur={:.3}, render;dur={:.3}, worker;desc=\"{}\"",
            ms(self.store),
            ms(self.compute),
            ms(render),
            self.worker
        );
        ("Server-Timing", value)
    }
}

/// `Cache-Status` after RFC 9211; none while the computation is still under way.
pub(super) fn cache_status(outcome: Option<Outcome>) -> (&'static str, &'static str) {
    let value = match outcome {
        Some(Outcome::Hit) => "quadrant; hit",
        Some(Outcome::Stored) => "quadrant; fwd=miss; stored",
        Some(Outcome::Collapsed) => "quadrant; fwd=miss; collapsed",
        Some(Outcome::Computed) | None => "quadrant; fwd=miss",
    };
    ("Cache-Status", value)
}
