//! Where an answer came from, and where the time went: `Cache-Status` and `Server-Timing`.

use std::time::{Duration, Instant};

use actix_web::http::header::{CACHE_STATUS, HeaderName, HeaderValue};
use oneflight::{Answer, Outcome};

use crate::metrics::{self, CacheEvent};

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

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

    /// Counts an answer from this worker's memory to a request that came at this time.
    pub(crate) fn hit(asked: Instant, worker: u16) -> Self {
        metrics::cache(CacheEvent::Hit);
        Self { asked, outcome: Some(Outcome::Hit), ..Self::start(worker) }
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
    pub(crate) fn headers(&self) -> [(HeaderName, HeaderValue); 2] {
        let timing = HeaderValue::try_from(self.server_timing()).expect("it is ASCII");
        [(CACHE_STATUS, HeaderValue::from_static(self.cache_status())), (SERVER_TIMING, timing)]
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
        let render = self.asked.elapsed().saturating_sub(self.store + self.compute);
        let mut text = String::with_capacity(80);
        for (part, time) in [("store", self.store), ("compute", self.compute), ("render", render)] {
            text.push_str(part);
            text.push_str(";dur=");
            push_milliseconds(&mut text, time);
            text.push_str(", ");
        }
        text.push_str("worker;desc=\"");
        text.push_str(itoa::Buffer::new().format(self.worker));
        text.push('"');
        text
    }
}

/// Writes a duration in milliseconds, to the microsecond. Every response has three of them, so this
/// does without the formatting of floats.
fn push_milliseconds(text: &mut String, time: Duration) {
    let micros = time.as_micros() as u64;
    text.push_str(itoa::Buffer::new().format(micros / 1000));
    text.push('.');
    // Three digits, of which the first may be zero.
    text.push_str(&itoa::Buffer::new().format(1000 + micros % 1000)[1..]);
}

fn event(outcome: Outcome) -> CacheEvent {
    match outcome {
        Outcome::Hit => CacheEvent::Hit,
        Outcome::Stored => CacheEvent::Stored,
        Outcome::Collapsed => CacheEvent::Collapsed,
        Outcome::Computed => CacheEvent::Computed,
    }
}
