//! Times and durations as pages and headers show them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A time, such as that of a computation.
pub(crate) struct Timestamp(pub(crate) SystemTime);

impl Timestamp {
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
