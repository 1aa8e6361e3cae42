//! How an answer was come by, and when: `Cache-Status`, `Server-Timing`, and times of computation.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use oneflight::{Answer, Outcome};

use crate::metrics::{self, CacheEvent};

/// When something was computed.
pub(crate) struct When(pub(crate) SystemTime);

impl When {
    /// For machines: RFC 3339, in UTC.
    pub(crate) fn rfc3339(&self) -> String {
        humantime::format_rfc3339_millis(self.0).to_string()
    }

    /// For machines that count: milliseconds since 1970.
    pub(crate) fn ms(&self) -> u64 {
        self.0.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
    }

    /// For people, roughly: `12:03 UTC`.
    pub(crate) fn minute(&self) -> String {
        let text = self.rfc3339();
        format!("{} UTC", text.get(11..16).unwrap_or(&text))
    }

    /// For people: `12:03:05 UTC`.
    pub(crate) fn clock(&self) -> String {
        let text = self.rfc3339();
        format!("{} UTC", text.get(11..19).unwrap_or(&text))
    }
}

/// How long a computation took, for people.
pub(crate) fn took(compute: Duration) -> String {
    let ms = compute.as_millis();
    if ms < 1000 { format!("{ms} ms") } else { format!("{:.1} s", ms as f64 / 1000.0) }
}

/// How a request came by its answer, and where its time went.
pub(crate) struct Timing {
    asked: Instant,
    store: Duration,
    compute: Duration,
    /// None while the computation is under way.
    outcome: Option<Outcome>,
    worker: u16,
}

impl Timing {
    /// Starts the clock, before the dashboard is asked.
    pub(crate) fn start(worker: u16) -> Self {
        let (store, compute) = (Duration::ZERO, Duration::ZERO);
        Self { asked: Instant::now(), store, compute, outcome: None, worker }
    }

    /// Notes and counts that no store was needed: the answer was in memory.
    pub(crate) fn hit(&mut self) {
        self.outcome = Some(Outcome::Hit);
        metrics::cache(CacheEvent::Hit);
    }

    /// Notes and counts that the answer has come: what was not computation was the store.
    pub(crate) fn answered(&mut self, answer: &Answer) {
        let waited = self.asked.elapsed();
        self.outcome = Some(answer.outcome);
        self.compute = match answer.outcome {
            Outcome::Hit => Duration::ZERO,
            Outcome::Stored | Outcome::Computed => waited.min(answer.entry.stamp.compute),
            Outcome::Collapsed => waited,
        };
        self.store = waited - self.compute;
        metrics::cache(event(answer.outcome));
    }

    /// Notes that no answer has come yet: all of the time so far went to the computation.
    pub(crate) fn waited(&mut self) {
        self.compute = self.asked.elapsed();
    }

    /// `Cache-Status` after RFC 9211, and `Server-Timing` in milliseconds.
    pub(crate) fn headers(&self) -> [(&'static str, String); 2] {
        [("Cache-Status", self.cache_status().to_owned()), ("Server-Timing", self.server_timing())]
    }

    fn cache_status(&self) -> &'static str {
        match self.outcome {
            Some(Outcome::Hit) => "quadrant; hit",
            Some(Outcome::Stored) => "quadrant; fwd=miss; stored",
            Some(Outcome::Collapsed) => "quadrant; fwd=miss; collapsed",
            Some(Outcome::Computed) | None => "quadrant; fwd=miss",
        }
    }

    /// What was neither the store nor the computation was rendering.
    fn server_timing(&self) -> String {
        let ms = |duration: Duration| duration.as_secs_f64() * 1000.0;
        let render = self.asked.elapsed().saturating_sub(self.store + self.compute);
        format!(
            "store;dur={:.3}, compute;dur={:.3}, render;dur={:.3}, worker;desc=\"{}\"",
            ms(self.store),
            ms(self.compute),
            ms(render),
            self.worker
        )
    }
}

fn event(outcome: Outcome) -> CacheEvent {
    match outcome {
        Outcome::Hit => CacheEvent::Hit,
        Outcome::Stored => CacheEvent::Stored,
        Outcome::Collapsed => CacheEvent::Collapsed,
        Outcome::Computed => CacheEvent::Computed,
    }
}
