//! A rolling restart: each worker in turn gets a successor on its listener, and drains when that
//! one answers. At no moment does a listener lack somebody who accepts.

use std::collections::VecDeque;

use tracing::info;

use super::Supervisor;

/// The workers that are still to be replaced; the first of them is being replaced.
#[derive(Default)]
pub(super) struct Rolling {
    queue: VecDeque<u16>,
    /// Whether all are to be replaced once more, since somebody asked meanwhile.
    again: bool,
}

impl Rolling {
    /// Leaves those alone that have not been replaced.
    pub(super) fn give_up(&mut self) {
        *self = Self::default();
    }
}

impl Supervisor {
    /// Begins to replace all workers.
    pub(super) fn roll(&mut self) {
        if self.stopping.is_some() {
            return;
        }
        if !self.rolling.queue.is_empty() {
            self.rolling.again = true;
            return;
        }
        info!("the workers are replaced one after the other");
        self.rolling.queue = self.slots.iter().map(|slot| slot.worker).collect();
        self.replace_first();
    }

    /// A worker has a successor and its former process is gone; if it was its turn, the next one's
    /// comes.
    pub(super) fn rolled(&mut self, worker: u16) {
        if !self.is_rolling(worker) {
            return;
        }
        self.rolling.queue.pop_front();
        self.replace_first();
    }

    /// Whether it is this worker's turn.
    pub(super) fn is_rolling(&self, worker: u16) -> bool {
        self.rolling.queue.front() == Some(&worker)
    }

    fn replace_first(&mut self) {
        while let Some(&worker) = self.rolling.queue.front() {
            if self.serving(worker).is_some() {
                return self.start(usize::from(worker) - 1);
            }
            // It has just died: what is started for it is new anyway.
            self.rolling.queue.pop_front();
        }
        info!("all workers have been replaced");
        if std::mem::take(&mut self.rolling.again) {
            self.roll();
        }
    }
}
