//! Lanes: how many computations of one kind run at the same time in a process.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The kinds of computations. Each waits only for others of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Short computations whose answers all callers share.
    Shared,
    /// Computations that may take minutes, so that short ones need not wait for them.
    Long,
    /// Computations for one user, so that many users do not delay what all callers share.
    Private,
    /// Computations that no caller waits for, such as renewals.
    Background,
}

/// How many computations of each lane run at the same time in a process: 1 unless set otherwise. A
/// second computation would slow the first and double the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The bound of [`Lane::Shared`].
    pub shared: usize,
    /// The bound of [`Lane::Long`].
    pub long: usize,
    /// The bound of [`Lane::Private`].
    pub private: usize,
    /// The bound of [`Lane::Background`].
    pub background: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { shared: 1, long: 1, private: 1, background: 1 }
    }
}

/// The turns of a process.
pub(crate) struct Lanes([Arc<Semaphore>; 4]);

impl Lanes {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let Bounds { shared, long, private, background } = bounds;
        let turns = |bound: usize| Arc::new(Semaphore::new(bound.max(1)));
        Self([shared, long, private, background].map(turns))
    }

    /// Waits for a turn in a lane; it ends when the permit is dropped. Waiters are served in order.
    pub(crate) async fn turn(&self, lane: Lane) -> OwnedSemaphorePermit {
        let turns = &self.0[lane as usize];
        turns.clone().acquire_owned().await.expect("the turns are never closed")
    }
}
