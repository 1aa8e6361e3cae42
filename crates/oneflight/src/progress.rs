//! How far a computation is, and whether anybody still wants it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

/// What a recipe reports to and asks while it runs; clones are the same progress.
#[derive(Debug, Clone)]
pub struct Progress(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    started: Instant,
    /// Where a worker that died has left it, in thousandths.
    from: u16,
    /// Thousandths that are done. It never goes back, even when another worker starts over.
    permille: AtomicU16,
    stopped: CancellationToken,
    /// How long the computation took the last time, if that is known.
    last: Option<Duration>,
}

/// How far a computation is, as every process sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Thousandths that are done.
    pub permille: u16,
    /// For how long it has been computed, in milliseconds.
    pub elapsed_ms: u64,
    /// How long it is expected to take from now on, in milliseconds.
    pub left_ms: Option<u64>,
}

/// The error of a computation that is to end because no caller waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no caller waits for this computation any more")]
pub struct Stopped;

impl Progress {
    /// The progress of a computation that starts now, at `permille` thousandths; `last` is how long
    /// it took the last time.
    pub fn new(permille: u16, last: Option<Duration>) -> Self {
        let from = permille.min(1000);
        let (permille, started) = (AtomicU16::new(from), Instant::now());
        let stopped = CancellationToken::new();
        Self(Arc::new(Inner { started, from, permille, stopped, last }))
    }

    /// Reports that `done` of `of` steps are done.
    ///
    /// # Errors
    ///
    /// [`Stopped`] when the computation is to end.
    pub fn reached(&self, done: u64, of: u64) -> Result<(), Stopped> {
        let permille = (done.saturating_mul(1000) / of.max(1)).min(1000) as u16;
        self.0.permille.fetch_max(permille, Ordering::Relaxed);
        if self.0.stopped.is_cancelled() { Err(Stopped) } else { Ok(()) }
    }

    /// How far it is now.
    pub fn snapshot(&self) -> Snapshot {
        let permille = self.0.permille.load(Ordering::Relaxed);
        let elapsed = self.0.started.elapsed();
        let left = self.left(permille, elapsed).map(|left| left.as_millis() as u64);
        Snapshot { permille, elapsed_ms: elapsed.as_millis() as u64, left_ms: left }
    }

    /// Makes the next [`Progress::reached`] fail.
    pub(crate) fn stop(&self) {
        self.0.stopped.cancel();
    }

    /// Estimates from the last time, or else from the pace so far, once there is one.
    fn left(&self, permille: u16, elapsed: Duration) -> Option<Duration> {
        let by_last = self.0.last.and_then(|last| last.checked_sub(elapsed));
        // Only what was done here says anything about the pace.
        let done = permille - self.0.from;
        let by_pace =
            (done >= 50).then(|| elapsed.mul_f64(f64::from(1000 - permille) / f64::from(done)));
        by_last.or(by_pace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_never_goes_back() {
        let progress = Progress::new(400, None);

        progress.reached(1, 10).unwrap();
        let before = progress.snapshot().permille;
        progress.reached(7, 10).unwrap();

        assert_eq!((before, progress.snapshot().permille), (400, 700));
    }

    #[test]
    fn a_stopped_computation_ends_at_its_next_step() {
        let progress = Progress::new(0, None);
        progress.reached(1, 2).unwrap();

        progress.stop();

        assert_eq!(progress.reached(2, 2), Err(Stopped));
    }

    #[test]
    fn the_pace_of_a_dead_worker_is_not_used() {
        let progress = Progress::new(900, None);

        progress.reached(9, 10).unwrap();

        assert_eq!(progress.snapshot().left_ms, None);
    }

    #[test]
    fn the_time_left_is_estimated_from_the_last_time_or_from_the_pace() {
        let known = Progress::new(0, Some(Duration::from_secs(100)));
        let unknown = Progress::new(0, None);

        assert!(known.snapshot().left_ms.is_some_and(|ms| (99_000..=100_000).contains(&ms)));
        assert_eq!(unknown.snapshot().left_ms, None);
        unknown.reached(1, 2).unwrap();
        assert!(unknown.snapshot().left_ms.is_some());
    }
}
