//! How often each worker was started again, which only the supervisor can count.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Restarts by worker and reason.
#[derive(Default)]
pub(super) struct Restarts(BTreeMap<(u16, &'static str), u64>);

impl Restarts {
    /// The reasons that are distinguished.
    const REASONS: [&str; 5] = ["killed", "failed", "hung", "ended", "rolled"];

    pub(super) fn count(&mut self, worker: u16, reason: &'static str) {
        *self.0.entry((worker, reason)).or_default() += 1;
    }

    /// The restarts as an exposition, with all reasons from the beginning.
    pub(super) fn text(&self, workers: u16) -> String {
        let name = "quadrant_worker_restarts_total";
        let mut text = format!(
            "# HELP {name} Processes that took a former one's place, by why that one ended.\n\
            # TYPE {name} counter\n"
        );
        for (worker, reason) in
            (1..=workers).flat_map(|worker| Self::REASONS.map(|reason| (worker, reason)))
        {
            let count = self.0.get(&(worker, reason)).copied().unwrap_or_default();
            writeln!(text, "{name}{{reason=\"{reason}\",worker=\"{worker}\"}} {count}")
                .expect("memory takes every byte");
        }
        text
    }
}
