//! A rolling restart: each worker in turn gets a successor on its listener, and drains when that one
//! is ready. So a listener never lacks a process that accepts.

use std::collections::VecDeque;

use super::ProcessId;

/// A rolling restart, or none.
#[derive(Default)]
pub(super) struct Rolling {
    /// The workers that are still to be replaced; it is the turn of the first.
    queue: VecDeque<u16>,
    /// Processes with smaller numbers were there before, and are to be replaced.
    first_new: Option<ProcessId>,
    /// The process that drains because its successor is ready.
    leaving: Option<ProcessId>,
    /// Whether all are to be replaced once more, since somebody asked during this restart.
    again: bool,
}

impl Rolling {
    /// Begins to replace these workers, whose next process will have this number. While a restart
    /// goes on it only notes that another one is wanted, and returns false.
    pub(super) fn request(
        &mut self,
        workers: impl Iterator<Item = u16>,
        first_new: ProcessId,
    ) -> bool {
        if !self.queue.is_empty() {
            self.again = true;
            return false;
        }
        self.queue = workers.collect();
        self.first_new = Some(first_new);
        true
    }

    /// The worker that is being replaced.
    pub(super) fn turn(&self) -> Option<u16> {
        self.queue.front().copied()
    }

    /// Whether the restart is to replace this process.
    pub(super) fn is_old(&self, process: ProcessId) -> bool {
        self.first_new.is_some_and(|first_new| process < first_new)
    }

    /// A worker has a successor, and its former process drains.
    pub(super) fn replaced(&mut self, worker: u16, predecessor: ProcessId) {
        if self.turn() == Some(worker) {
            self.leaving = Some(predecessor);
        }
    }

    /// Whether a former process still drains.
    pub(super) fn is_waiting(&self) -> bool {
        self.leaving.is_some()
    }

    /// Whether the process that has ended was one that this restart has replaced.
    pub(super) fn on_exited(&mut self, process: ProcessId) -> bool {
        self.leaving.take_if(|leaving| *leaving == process).is_some()
    }

    pub(super) fn end_turn(&mut self) {
        self.queue.pop_front();
    }

    /// Whether another restart was asked for during this one.
    pub(super) fn take_again(&mut self) -> bool {
        std::mem::take(&mut self.again)
    }

    /// Leaves all workers alone that have not been replaced yet.
    pub(super) fn cancel(&mut self) {
        *self = Self::default();
    }
}
