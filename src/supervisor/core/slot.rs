//! One worker: its processes, and when the next one is started.
//!
//! At most one of them serves and at most one starts. Both exist at the same time in a rolling
//! restart only, on the turn of this worker. Any number of former ones may still drain.

use std::time::Duration;

use super::backoff::Backoff;
use super::{DRAIN, Exit, ExitKind, HANG, ProcessId, START};

/// The place of one worker.
pub(super) struct Slot {
    /// Its number, from 1.
    pub(super) worker: u16,
    /// Its processes, the oldest first.
    pub(super) processes: Vec<Process>,
    pub(super) backoff: Backoff,
    /// When its next process is to be started.
    pub(super) start_at: Option<Duration>,
}

/// How far a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It opens the data file and does not answer yet.
    Starting,
    /// It answers requests.
    Ready,
    /// It was told to end, or has told us that it will.
    Draining,
}

/// A process that has not ended yet, as far as we know.
pub(super) struct Process {
    pub(super) id: ProcessId,
    pub(super) state: State,
    /// When it came into this state.
    pub(super) since: Duration,
    /// When it last gave a sign of life.
    pub(super) heard: Duration,
    /// Why it cannot serve, in its own words.
    pub(super) failure: Option<String>,
    /// Why we have killed it.
    killed: Option<&'static str>,
}

impl Slot {
    pub(super) fn new(worker: u16) -> Self {
        Self { worker, processes: Vec::new(), backoff: Backoff::default(), start_at: None }
    }

    /// The process that answers this worker's requests.
    pub(super) fn serving(&self) -> Option<&Process> {
        self.processes.iter().find(|it| it.state == State::Ready)
    }

    /// Whether a process is being started.
    pub(super) fn is_starting(&self) -> bool {
        self.processes.iter().any(|it| it.state == State::Starting)
    }

    /// Has a process started at this time, unless one is being started already.
    pub(super) fn schedule(&mut self, at: Duration) {
        if !self.is_starting() {
            self.start_at = Some(at);
        }
    }
}

impl Process {
    pub(super) fn new(id: ProcessId, now: Duration) -> Self {
        Self { id, state: State::Starting, since: now, heard: now, failure: None, killed: None }
    }

    pub(super) fn enter(&mut self, state: State, now: Duration) {
        self.state = state;
        self.since = now;
    }

    pub(super) fn is_killed(&self) -> bool {
        self.killed.is_some()
    }

    /// Whether it is to be killed now.
    pub(super) fn overdue(&self, now: Duration) -> bool {
        let is_late = match self.state {
            State::Starting => now - self.heard > START,
            State::Ready => now - self.heard > HANG,
            State::Draining => now - self.since > DRAIN,
        };
        is_late && !self.is_killed()
    }

    /// Notes that it is being killed.
    pub(super) fn kill(&mut self) -> ProcessId {
        self.killed = Some(match self.state {
            State::Starting => "it does not start",
            State::Ready => "it hangs",
            State::Draining => "it does not drain",
        });
        self.id
    }

    /// Why it has ended: what we did, what it said, or what the system says, in this order.
    pub(super) fn reason(&self, exit: &Exit) -> String {
        match (self.killed, &self.failure) {
            (Some(why), _) => why.to_owned(),
            (None, Some(reason)) => reason.clone(),
            (None, None) => exit.description.clone(),
        }
    }

    /// The same as one of the reasons that are counted.
    pub(super) fn word(&self, exit: &Exit) -> &'static str {
        match (self.killed, exit.kind) {
            (Some(_), _) => "hung",
            (None, ExitKind::Signal) => "killed",
            (None, ExitKind::Success) => "ended",
            (None, ExitKind::Failure) => "failed",
        }
    }
}
