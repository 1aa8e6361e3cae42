//! Workers that die are started again, and workers that hang are made to.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use tracing::{error, warn};

use super::process::{Process, State};
use super::{DRAIN, Supervisor, TICK};

/// A worker says every second that it lives. One that has been silent for so long hangs; what is
/// only paused for longer than its lease gets the time to go on.
const HANGS: Duration = Duration::from_secs(10);
/// A worker that has not begun to answer after so long never will.
const STARTS: Duration = Duration::from_secs(30);
/// When this process itself was away for so long, the silence was not the workers'.
const AWAY: Duration = Duration::from_secs(1);

impl Supervisor {
    /// Does what is due; `asked` is when this process last was known to run.
    pub(super) fn care(&mut self, asked: Instant) {
        let now = Instant::now();
        if now - asked > TICK + AWAY {
            self.processes.iter_mut().for_each(|it| it.heard = now);
        }
        for process in &mut self.processes {
            let silent = now - process.heard;
            match process.state {
                State::Starting if silent > STARTS => process.kill("it does not start"),
                State::Ready if silent > HANGS => process.kill("it hangs"),
                State::Draining if process.since.elapsed() > DRAIN => {
                    process.kill("it does not drain");
                }
                _ => {}
            }
        }
        for at in 0..self.slots.len() {
            if self.stopping.is_none() && self.slots[at].due.take_if(|due| *due <= now).is_some() {
                self.start(at);
            }
        }
        self.bury();
        self.answer_gatherings();
    }

    /// Starts a process for a worker's place.
    pub(super) fn start(&mut self, at: usize) {
        let slot = &self.slots[at];
        let (worker, workers) = (slot.worker, self.slots.len() as u16);
        match Process::start(
            worker,
            workers,
            &slot.listener,
            &self.session_key,
            self.sender.clone(),
        ) {
            Ok(process) => self.processes.push(process),
            Err(reason) => self.start_failed(worker, &format!("{reason:#}")),
        }
    }

    /// Sees which processes have ended, and decides what follows.
    fn bury(&mut self) {
        let mut at = 0;
        while at < self.processes.len() {
            let process = &mut self.processes[at];
            match process.is_closed.then(|| process.ended()).flatten() {
                Some(status) => {
                    let process = self.processes.remove(at);
                    self.ended(process, status);
                }
                None => at += 1,
            }
        }
    }

    fn ended(&mut self, process: Process, status: ExitStatus) {
        let (id, worker) = (process.id(), process.worker);
        self.forget_gatherings(id);
        let why = match (process.killed, &process.reason) {
            (Some(why), _) => why.to_owned(),
            (None, Some(reason)) => reason.clone(),
            (None, None) => status.to_string(),
        };
        let is_orderly = status.success() && process.state == State::Draining;
        if !is_orderly && (self.stopping.is_some() || process.state != State::Starting) {
            warn!(worker, pid = id, reason = why, "worker {worker} is gone ({why})");
        }
        if self.stopping.is_some() {
            return;
        }
        let word = match process.killed {
            Some(_) => "hung",
            None if status.signal().is_some() => "killed",
            None if status.success() => "ended",
            None => "failed",
        };
        match process.state {
            State::Starting => self.start_failed(worker, &why),
            State::Ready => {
                self.restarts.count(worker, word);
                let pause = self.slot(worker).backoff.died(process.since.elapsed());
                self.start_after(worker, pause);
            }
            State::Draining => {
                if self.is_rolling(worker) {
                    self.restarts.count(worker, if is_orderly { "rolled" } else { word });
                }
                self.rolled(worker);
            }
        }
    }

    /// A start came to nothing. While the program itself starts, the reason that the worker gives
    /// is the program's; later its place is tried again, until it has failed too often.
    fn start_failed(&mut self, worker: u16, reason: &str) {
        if self.serving(worker).is_some() {
            error!(worker, "worker {worker} has no successor, and stays: {reason}");
            self.rolling.give_up();
            return;
        }
        let pause = self.slot(worker).backoff.failed();
        match pause.filter(|_| self.has_answered()) {
            Some(pause) => {
                warn!(worker, reason, "worker {worker} did not start: {reason}");
                self.start_after(worker, pause);
            }
            None => self.stop(Some(reason.to_owned())),
        }
    }

    /// Whether any worker has ever answered: then the settings are right, and data was there.
    fn has_answered(&self) -> bool {
        self.is_up || self.processes.iter().any(|it| it.state == State::Ready)
    }

    pub(super) fn start_after(&mut self, worker: u16, pause: Duration) {
        // A successor may be starting already.
        if !self.processes.iter().any(|it| it.worker == worker && it.state == State::Starting) {
            self.slot(worker).due = Some(Instant::now() + pause);
        }
    }

    pub(super) fn slot(&mut self, worker: u16) -> &mut super::Slot {
        // Numbers begin at 1, in the order of the places.
        &mut self.slots[usize::from(worker) - 1]
    }
}
