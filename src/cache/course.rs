//! The course of a computation: how far it is, and whether anybody still wants it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde::{Deserialize, Serialize};

/// What a computation tells and is told while it runs; clones are the same course.
#[derive(Debug, Clone)]
pub struct Course(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    started: Instant,
    /// Where a former worker has left it.
    from: u16,
    /// Thousandths that are done; it never goes back, even when another worker begins anew.
    permille: AtomicU16,
    is_stopped: AtomicBool,
    /// How long it took the last time, if that is known.
    last: Option<Duration>,
}

/// How far a computation is, as everybody sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Thousandths that are done.
    pub permille: u16,
    /// For how long it has been computed, in milliseconds.
    pub elapsed_ms: u64,
    /// How long it is expected to take from now on, in milliseconds.
    pub left_ms: Option<u64>,
}

impl Course {
    /// A course that begins now, where a former one has been left.
    pub fn new(permille: u16, last: Option<Duration>) -> Self {
        let (from, is_stopped) = (permille, AtomicBool::new(false));
        let (permille, started) = (AtomicU16::new(permille), Instant::now());
        Self(Arc::new(Inner { started, from, permille, is_stopped, last }))
    }

    /// Notes that `done` of `of` steps are done.
    ///
    /// # Errors
    ///
    /// When nobody wants the result any more: the computation is to end.
    pub fn reached(&self, done: u64, of: u64) -> anyhow::Result<()> {
        let permille = (done * 1000 / of.max(1)).min(1000) as u16;
        self.0.permille.fetch_max(permille, Ordering::Relaxed);
        ensure!(!self.is_stopped(), "nobody waits for this computation any more");
        Ok(())
    }

    /// Has the computation end at its next step.
    pub(super) fn stop(&self) {
        self.0.is_stopped.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.0.is_stopped.load(Ordering::Relaxed)
    }

    /// How far it is now.
    pub fn progress(&self) -> Progress {
        let permille = self.0.permille.load(Ordering::Relaxed);
        let elapsed = self.0.started.elapsed();
        let left = self.left(permille, elapsed).map(|left| left.as_millis() as u64);
        Progress { permille, elapsed_ms: elapsed.as_millis() as u64, left_ms: left }
    }

    /// What the last time tells, or else the pace so far, once there is one.
    fn left(&self, permille: u16, elapsed: Duration) -> Option<Duration> {
        let by_last = self.0.last.and_then(|last| last.checked_sub(elapsed));
        // Only what was done here says something of the pace.
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
        let course = Course::new(400, None);

        course.reached(1, 10).unwrap();
        let before = course.progress().permille;
        course.reached(7, 10).unwrap();

        assert_eq!((before, course.progress().permille), (400, 700));
    }

    #[test]
    fn a_computation_that_nobody_wants_ends_at_its_next_step() {
        let course = Course::new(0, None);
        course.reached(1, 2).unwrap();

        course.stop();

        assert!(course.reached(2, 2).is_err());
    }

    #[test]
    fn the_pace_of_a_former_worker_says_nothing() {
        let course = Course::new(900, None);

        course.reached(9, 10).unwrap();

        assert_eq!(course.progress().left_ms, None);
    }

    #[test]
    fn what_is_left_is_known_from_the_last_time_or_from_the_pace() {
        let known = Course::new(0, Some(Duration::from_secs(100)));
        let unknown = Course::new(0, None);

        assert!(known.progress().left_ms.is_some_and(|ms| (99_000..=100_000).contains(&ms)));
        assert_eq!(unknown.progress().left_ms, None);
        unknown.reached(1, 2).unwrap();
        assert!(unknown.progress().left_ms.is_some());
    }
}
