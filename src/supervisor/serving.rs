//! Which process answers for a worker: the first of all, a successor, or the next after its end.

use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::Supervisor;
use super::process::State;
use crate::control::Order;

impl Supervisor {
    /// A process answers requests: the one before it, if there is one, has its turn to end.
    pub(super) fn ready(&mut self, id: u32) {
        let Some(at) = self.processes.iter().position(|it| it.id() == id) else { return };
        if self.stopping.is_some() {
            return;
        }
        let worker = self.processes[at].worker;
        let serving = self.serving(worker);
        self.processes[at].is_now(State::Ready);
        self.processes[at].heard = Instant::now();
        if self.is_up {
            info!(worker, pid = id, "worker {worker} serves, as process {id}");
        }
        if let Some(before) = serving {
            self.processes[before].tell(&Order::Drain);
            self.processes[before].is_now(State::Draining);
        } else {
            self.rolled(worker);
        }
        self.start_up();
    }

    /// Somebody has asked a worker alone to end: another one takes its place at once.
    pub(super) fn drains(&mut self, id: u32) {
        let Some(process) = self.processes.iter_mut().find(|it| it.id() == id) else { return };
        if process.state == State::Ready {
            let worker = process.worker;
            process.is_now(State::Draining);
            self.restarts.count(worker, "ended");
            self.start_after(worker, Duration::ZERO);
        }
    }

    /// Starts the other workers after the first, and says where they are once all of them answer.
    pub(super) fn start_up(&mut self) {
        if self.is_up {
            return;
        }
        for at in 1..self.slots.len() {
            let is_started = self.processes.iter().any(|it| it.worker == self.slots[at].worker);
            if !is_started && self.slots[at].due.is_none() {
                self.slots[at].due = Some(Instant::now());
            }
        }
        let ready = self.processes.iter().filter(|it| it.state == State::Ready).count();
        if ready < self.slots.len() {
            return;
        }
        self.is_up = true;
        let (address, kept) = (self.address, &self.kept);
        let workers = match ready {
            1 => "1 worker".to_owned(),
            many => format!("{many} workers"),
        };
        info!("Quadrant is at http://{address}, with {workers}, its cache {kept}");
        if self.is_key_made {
            warn!(
                "SESSION_KEY is not set: sessions end with this program, and no other one knows them"
            );
        }
        for process in &self.processes {
            let (worker, pid) = (process.worker, process.id());
            info!(worker, pid, "worker {worker} serves, as process {pid}");
        }
    }

    /// The process that answers a worker's requests, by its place in the list.
    pub(super) fn serving(&self, worker: u16) -> Option<usize> {
        self.processes.iter().position(|it| it.worker == worker && it.state == State::Ready)
    }
}
