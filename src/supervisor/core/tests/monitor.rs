//! The rules, checked after every step from events and actions alone.
//!
//! 1. A worker has at most one process that serves (ready, as far as the supervisor was told, and not
//!    draining), and at most one that starts.
//! 2. Both at once exist in a rolling restart only, and for one worker at a time. The former one is
//!    told to drain in the very step that learns that the successor is ready, and never otherwise.
//! 3. A worker has a process that serves or starts, or had one less than the longest pause ago, from
//!    the first `Ready` of the program to its stop.
//! 4. A process is killed when its time is over, and not before.
//! 5. The program stops when it was asked to, or for the reason of the first start or of the fifth
//!    failed start in a row, and for no other reason.
//! 6. After the stop nothing is started, and with the last process the program ends.
//! 7. A finished rolling restart has replaced every process that was there when it began.
//! 8. A question for metrics is answered once, with all reports, within half a second.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::super::backoff::{LONGEST, STARTS};
use super::super::{
    ABSENCE, Action, DRAIN, Event, GATHER, HANG, MetricsRequest, Notice, ProcessId, REFUSE, START,
    TICK,
};

type Checked = Result<(), TestCaseError>;

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Starting,
    Serving,
    Draining,
}

#[derive(Debug, Clone)]
struct Process {
    worker: u16,
    state: State,
    heard: Duration,
    drains_since: Duration,
    failure: Option<String>,
    is_killed: bool,
}

/// A question that is not answered yet.
struct Question {
    request: MetricsRequest,
    since: Duration,
    reports: usize,
}

/// What the rules need to know.
pub(super) struct Monitor {
    workers: u16,
    last: Duration,
    processes: BTreeMap<ProcessId, Process>,
    /// Since when a worker has no process that serves or starts.
    missing_since: BTreeMap<u16, Duration>,
    failed_starts: BTreeMap<u16, u32>,
    spawned: u64,
    has_served: bool,
    stopping: Option<Duration>,
    has_refused: bool,
    has_ended: bool,
    /// Why the program must stop in this step, or has stopped.
    reason: Option<String>,
    /// The first process that is new to the rolling restart.
    rolling: Option<u64>,
    /// The process that was told to drain because of its successor.
    leaving: Option<ProcessId>,
    questions: Vec<Question>,
}

impl Monitor {
    pub(super) fn new(workers: u16) -> Self {
        Self {
            workers,
            last: Duration::ZERO,
            processes: BTreeMap::new(),
            missing_since: BTreeMap::new(),
            failed_starts: BTreeMap::new(),
            spawned: 0,
            has_served: false,
            stopping: None,
            has_refused: false,
            has_ended: false,
            reason: None,
            rolling: None,
            leaving: None,
            questions: Vec::new(),
        }
    }

    pub(super) fn workers(&self) -> u16 {
        self.workers
    }

    pub(super) fn is_rolling(&self) -> bool {
        self.rolling.is_some()
    }

    /// Whether each worker has a process that serves.
    pub(super) fn all_serve(&self) -> bool {
        (1..=self.workers).all(|worker| self.serving(worker).is_some())
    }

    /// Checks one step.
    pub(super) fn observe(&mut self, now: Duration, event: &Event, actions: &[Action]) -> Checked {
        prop_assert!(!self.has_ended, "a step after the end");
        if now - self.last > TICK + ABSENCE {
            self.processes.values_mut().for_each(|it| it.heard = now);
        }
        self.last = now;
        self.on_event(now, event);
        for action in actions {
            self.on_action(now, event, action)?;
        }
        self.check(now)
    }

    fn on_event(&mut self, now: Duration, event: &Event) {
        let is_stopping = self.stopping.is_some();
        match event {
            Event::Ready(id) => self.on_ready(now, *id),
            Event::Alive(id) => {
                if let Some(process) = self.processes.get_mut(id) {
                    process.heard = now;
                }
            }
            Event::Draining(id) => {
                let process = self.processes.get_mut(id);
                if let Some(process) = process.filter(|it| it.state == State::Serving) {
                    (process.state, process.drains_since) = (State::Draining, now);
                }
            }
            Event::Failed { process, reason } => {
                if let Some(process) = self.processes.get_mut(process) {
                    process.failure = Some(reason.clone());
                }
            }
            Event::SpawnFailed { process, reason } => {
                let process = self.processes.remove(process).expect("it was to be spawned");
                self.on_gone(now, &process, reason);
            }
            Event::Exited { process: id, exit } => {
                let process = self.processes.remove(id).expect("it was spawned");
                self.leaving.take_if(|leaving| leaving == id);
                self.questions.retain(|it| it.request.asker != *id);
                let reason = match &process.failure {
                    _ if process.is_killed => "it does not start",
                    Some(reason) => reason,
                    None => &exit.description,
                };
                self.on_gone(now, &process, reason);
            }
            Event::GatherMetrics(request) => {
                if self.processes.contains_key(&request.asker) {
                    self.questions.push(Question { request: *request, since: now, reports: 0 });
                }
            }
            Event::Metrics { request, .. } => {
                let question = self.questions.iter_mut().find(|it| it.request == *request);
                question.into_iter().for_each(|it| it.reports += 1);
            }
            Event::Stop if !is_stopping => self.stopping = Some(now),
            Event::Stop | Event::Reload | Event::Tick => {}
        }
    }

    fn on_ready(&mut self, now: Duration, id: ProcessId) {
        let process = self.processes.get_mut(&id);
        let Some(process) = process.filter(|it| it.state == State::Starting && !it.is_killed)
        else {
            return;
        };
        (process.state, process.heard) = (State::Serving, now);
        self.failed_starts.insert(process.worker, 0);
        if !self.has_served {
            self.has_served = true;
            self.missing_since = (1..=self.workers).map(|worker| (worker, now)).collect();
        }
    }

    fn on_gone(&mut self, now: Duration, process: &Process, reason: &str) {
        if process.state != State::Starting || self.stopping.is_some() {
            return;
        }
        if self.serving(process.worker).is_some() {
            return;
        }
        let failed = self.failed_starts.entry(process.worker).or_default();
        *failed += 1;
        if !self.has_served || *failed == STARTS {
            (self.stopping, self.reason) = (Some(now), Some(reason.to_owned()));
        }
    }

    fn on_action(&mut self, now: Duration, event: &Event, action: &Action) -> Checked {
        match action {
            Action::Spawn { process, worker } => self.on_spawn(now, *process, *worker),
            Action::Drain(id) => self.on_drain(now, event, *id),
            Action::Kill(id) => {
                let process = &mut self.processes.get_mut(id).expect("it is killed while it lives");
                prop_assert!(!process.is_killed, "killed twice");
                process.is_killed = true;
                let patience = match process.state {
                    State::Starting => now - process.heard > START,
                    State::Serving => now - process.heard > HANG,
                    State::Draining => now - process.drains_since > DRAIN,
                };
                prop_assert!(patience, "killed too early: {process:?} at {now:?}");
                Ok(())
            }
            Action::RefuseConnections => {
                let since = self.stopping.expect("it refuses after the stop");
                prop_assert!(now - since >= REFUSE && !self.has_refused);
                self.has_refused = true;
                Ok(())
            }
            Action::ReportMetrics { process, request } => {
                let asked = &self.processes[process];
                prop_assert_eq!(asked.state, State::Serving);
                prop_assert_ne!(asked.worker, self.processes[&request.asker].worker);
                Ok(())
            }
            Action::AnswerMetrics { process, id, texts } => {
                let is_it = |it: &Question| it.request.asker == *process && it.request.id == *id;
                let at = self.questions.iter().position(is_it);
                let question = self.questions.remove(at.expect("it was asked, and not answered"));
                prop_assert_eq!(texts.len(), 1 + question.reports);
                Ok(())
            }
            Action::Log(notice) => self.on_notice(notice),
            Action::End { reason } => {
                prop_assert!(self.stopping.is_some() && self.processes.is_empty());
                prop_assert_eq!(reason, &self.reason);
                self.has_ended = true;
                Ok(())
            }
        }
    }

    fn on_spawn(&mut self, now: Duration, id: ProcessId, worker: u16) -> Checked {
        prop_assert!(self.stopping.is_none(), "started after the stop");
        prop_assert!(!self.processes.contains_key(&id), "a number was used twice");
        if self.serving(worker).is_some() {
            prop_assert!(self.rolling.is_some(), "a successor without a rolling restart");
            prop_assert!(self.leaving.is_none(), "the turn before is not over");
        }
        self.spawned += 1;
        let process = Process {
            worker,
            state: State::Starting,
            heard: now,
            drains_since: Duration::ZERO,
            failure: None,
            is_killed: false,
        };
        self.processes.insert(id, process);
        Ok(())
    }

    fn on_drain(&mut self, now: Duration, event: &Event, id: ProcessId) -> Checked {
        let process = self.processes.get_mut(&id).expect("it drains while it lives");
        prop_assert_ne!(process.state, State::Draining);
        (process.state, process.drains_since) = (State::Draining, now);
        if self.stopping.is_some() {
            return Ok(());
        }
        let worker = process.worker;
        let Some(successor) = self.serving(worker) else {
            return Err(TestCaseError::fail("told to drain without a successor"));
        };
        prop_assert_eq!(event, &Event::Ready(successor), "not in the step of its successor");
        prop_assert!(self.rolling.is_some() && self.leaving.is_none());
        self.leaving = Some(id);
        Ok(())
    }

    fn on_notice(&mut self, notice: &Notice) -> Checked {
        match notice {
            Notice::RollingRestart => {
                prop_assert!(self.rolling.is_none(), "two rolling restarts at once");
                self.rolling = Some(self.spawned);
            }
            Notice::RollingRestartDone => {
                let first_new = self.rolling.take().expect("it has begun");
                prop_assert!(self.leaving.is_none(), "the last turn is not over");
                for worker in 1..=self.workers {
                    let serving = self.serving(worker).map(|it| it.0);
                    let is_new = serving.is_none_or(|process| process >= first_new);
                    prop_assert!(is_new, "worker {worker} was not replaced");
                }
            }
            Notice::NoSuccessor { .. } => {
                prop_assert!(self.rolling.take().is_some());
            }
            Notice::Stopping { reason } => {
                prop_assert!(self.stopping.is_some(), "it stops without being asked: {reason:?}");
                prop_assert_eq!(reason, &self.reason);
            }
            Notice::Ready { worker, process } => {
                prop_assert!(self.in_state(*worker, State::Serving).any(|it| it == *process));
            }
            Notice::Listening { .. } => prop_assert!(self.all_serve()),
            Notice::Gone { .. } | Notice::StartFailed { .. } | Notice::Stopped => {}
        }
        Ok(())
    }

    /// What holds after every step.
    fn check(&mut self, now: Duration) -> Checked {
        let mut in_turn = 0;
        for worker in 1..=self.workers {
            let of = |state| self.in_state(worker, state).count();
            let (starting, serving) = (of(State::Starting), of(State::Serving));
            prop_assert!(serving <= 1, "{serving} processes serve worker {worker}");
            prop_assert!(starting <= 1, "{starting} processes start for worker {worker}");
            in_turn += starting * serving;
            if starting + serving > 0 {
                self.missing_since.remove(&worker);
            } else if self.has_served && self.stopping.is_none() {
                let since = *self.missing_since.entry(worker).or_insert(now);
                prop_assert!(now - since < LONGEST, "worker {worker} is missing since {since:?}");
            }
        }
        prop_assert!(in_turn <= 1, "{in_turn} workers are replaced at once");
        for process in self.processes.values().filter(|it| !it.is_killed) {
            let is_overdue = match process.state {
                State::Starting => now - process.heard > START,
                State::Serving => now - process.heard > HANG,
                State::Draining => now - process.drains_since > DRAIN,
            };
            prop_assert!(!is_overdue, "not killed: {process:?} at {now:?}");
        }
        for question in &self.questions {
            prop_assert!(now < question.since + GATHER, "a question is not answered");
        }
        let is_over = self.stopping.is_some() && self.processes.is_empty();
        prop_assert_eq!(is_over, self.has_ended);
        if let Some(since) = self.stopping {
            let is_draining = self.processes.values().all(|it| it.state == State::Draining);
            prop_assert!(is_draining, "a process was not told that the program ends");
            prop_assert!(self.has_ended || self.has_refused || now - since < REFUSE);
        }
        Ok(())
    }

    fn serving(&self, worker: u16) -> Option<ProcessId> {
        self.in_state(worker, State::Serving).next()
    }

    fn in_state(&self, worker: u16, state: State) -> impl Iterator<Item = ProcessId> {
        let is_it = move |it: &Process| it.worker == worker && it.state == state;
        self.processes.iter().filter(move |(_, it)| is_it(it)).map(|(id, _)| *id)
    }
}
