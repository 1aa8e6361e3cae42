//! Where an answer came from, and where the time went: `Cache-Status` and `Server-Timing`.

use std::time::{Duration, Instant};

use oneflight::{Answer, Outcome};

use crate::metrics::{self, CacheEvent};

/// Where a request's answer came from, and where its time went.
pub(crate) struct Provenance {
    asked: Instant,
    store: Duration,
    compute: Duration,
    /// None while the computation is under way.
    outcome: Option<Outcome>,
    worker: u16,
}

impl Provenance {
    /// Starts the clock, before the cache is asked.
    pub(crate) fn start(worker: u16) -> Self {
        let (store, compute) = (Duration::ZERO, Duration::ZERO);
        Self { asked: Instant::now(), store, compute, outcome: None, worker }
    }

    /// Notes and counts an answer from this worker's memory.
    pub(crate) fn hit(&mut self) {
        self.outcome = Some(Outcome::Hit);
        metrics::cache(CacheEvent::Hit);
    }

    /// Notes and counts an answer. Time that was not spent computing was spent in the store.
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

    /// Notes that there is no answer yet. All of the time so far went to the computation.
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

    /// Time that was spent neither in the store nor computing was spent rendering.
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
