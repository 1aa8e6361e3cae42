//! The supervisor's decisions as a state machine: an event and the time go in, actions come out.
//!
//! Nothing in here starts a process, opens a socket, reads a clock or writes a log. The driver turns
//! what happens into events and does what the actions say, and the tests do the same with a model.

use std::time::Duration;

pub(super) use self::event::{Action, Event, Exit, ExitKind, MetricsRequest, Notice, ProcessId};
use self::gather::Gathers;
use self::restarts::Restarts;
use self::rolling::Rolling;
use self::slot::{Process, Slot, State};

mod event;
mod slot;
mod backoff;
mod rolling;
mod gather;
mod restarts;

#[cfg(test)]
mod tests;

/// How often the driver calls [`Core::step`] at least, even when nothing has happened.
pub(super) const TICK: Duration = Duration::from_millis(50);

/// A worker sends a sign of life every second. One that has been silent for this long hangs. A
/// worker that was only paused for longer than its lease lasts gets the time to go on.
const HANG: Duration = Duration::from_secs(10);
/// A worker that is not ready after this long never will be.
const START: Duration = Duration::from_secs(30);
/// A router gives up after 30 s; by then the last worker is gone.
const DRAIN: Duration = Duration::from_secs(25);
/// If the supervisor itself did not run for this long, the silence is not the workers' fault.
const ABSENCE: Duration = Duration::from_secs(1);
/// When the program ends, new connections are refused after this time: late enough that the workers
/// know that they drain, and before they stop accepting.
const REFUSE: Duration = Duration::from_millis(50);
/// How long an answer with everybody's metrics waits for a worker. One that hangs is left out.
const GATHER: Duration = Duration::from_millis(500);

/// The state of the supervisor.
pub(super) struct Core {
    /// The time of the current step, or of the last one between two steps.
    now: Duration,
    slots: Vec<Slot>,
    next_process: u64,
    rolling: Rolling,
    gathers: Gathers,
    restarts: Restarts,
    /// Whether any worker has ever been ready: then the settings are right, and there was data.
    has_served: bool,
    /// Whether all workers have been ready at one time.
    is_up: bool,
    stopping: Option<Stopping>,
    /// What the current step has decided so far.
    actions: Vec<Action>,
}

/// The program ends, with a reason if nobody asked for it.
struct Stopping {
    since: Duration,
    reason: Option<String>,
    has_refused: bool,
}

impl Core {
    /// A supervisor of this many workers, one at least. The first step starts the first worker.
    pub(super) fn new(workers: u16) -> Self {
        let mut slots: Vec<Slot> = (1..=workers).map(Slot::new).collect();
        // One goes ahead: its problem would be everybody's, and is logged once.
        slots[0].start_at = Some(Duration::ZERO);
        Self {
            now: Duration::ZERO,
            slots,
            next_process: 0,
            rolling: Rolling::default(),
            gathers: Gathers::default(),
            restarts: Restarts::default(),
            has_served: false,
            is_up: false,
            stopping: None,
            actions: Vec::new(),
        }
    }

    /// Takes an event and returns what is to be done, in this order. `now` is the time since the
    /// start, and never goes back. After [`Action::End`] there is no further step.
    pub(super) fn step(&mut self, event: Event, now: Duration) -> Vec<Action> {
        if now - self.now > TICK + ABSENCE {
            self.processes().for_each(|process| process.heard = now);
        }
        self.now = now;
        self.handle(event);
        self.kill_overdue();
        self.advance_rolling_restart();
        self.start_due();
        self.answer_gathers();
        self.check_end();
        std::mem::take(&mut self.actions)
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Tick => {}
            Event::SpawnFailed { process, reason } => self.on_spawn_failed(process, &reason),
            Event::Ready(process) => self.on_ready(process),
            Event::Alive(process) => self.with(process, |it, now| it.heard = now),
            Event::Failed { process, reason } => {
                self.with(process, |it, _| it.failure = Some(reason));
            }
            Event::Draining(process) => self.on_draining(process),
            Event::GatherMetrics(request) => self.on_gather_metrics(request),
            Event::Metrics { process, request, text } => {
                self.gathers.on_metrics(process, request, text);
            }
            Event::Exited { process, exit } => self.on_exited(process, &exit),
            Event::Reload => self.on_reload(),
            Event::Stop => self.stop(None),
        }
    }

    /// A process is ready: its predecessor, if there is one, has to drain.
    fn on_ready(&mut self, id: ProcessId) {
        let now = self.now;
        let Some((slot, at)) = self.find(id) else { return };
        // One that is being killed, or drains already, does not count.
        if slot.processes[at].state != State::Starting || slot.processes[at].is_killed() {
            return;
        }
        let (worker, predecessor) = (slot.worker, slot.serving().map(|it| it.id));
        slot.processes[at].enter(State::Ready, now);
        slot.processes[at].heard = now;
        slot.backoff.on_ready();
        self.has_served = true;
        if self.is_up {
            self.log(Notice::Ready { worker, process: id });
        }
        if let Some(predecessor) = predecessor {
            self.drain(predecessor);
            self.rolling.replaced(worker, predecessor);
        }
        self.continue_startup();
    }

    /// Somebody else asked this worker to end: another process takes its place at once.
    fn on_draining(&mut self, id: ProcessId) {
        let now = self.now;
        let Some((slot, at)) = self.find(id) else { return };
        if slot.processes[at].state == State::Ready {
            slot.processes[at].enter(State::Draining, now);
            slot.schedule(now);
            let worker = slot.worker;
            self.restarts.count(worker, "ended");
        }
    }

    fn on_spawn_failed(&mut self, id: ProcessId, reason: &str) {
        if let Some((worker, _)) = self.remove(id)
            && self.stopping.is_none()
        {
            self.on_start_failed(worker, reason);
        }
    }

    fn on_exited(&mut self, id: ProcessId, exit: &Exit) {
        let Some((worker, process)) = self.remove(id) else { return };
        self.gathers.forget(id);
        let reason = process.reason(exit);
        let is_orderly = process.state == State::Draining && exit.kind == ExitKind::Success;
        if !is_orderly && (self.stopping.is_some() || process.state != State::Starting) {
            self.log(Notice::Gone { worker, process: id, reason: reason.clone() });
        }
        if self.stopping.is_some() {
            return;
        }
        let word = process.word(exit);
        match process.state {
            State::Starting => self.on_start_failed(worker, &reason),
            State::Ready => {
                self.restarts.count(worker, word);
                let now = self.now;
                let slot = self.slot(worker);
                let pause = slot.backoff.on_death(now - process.since);
                slot.schedule(now + pause);
            }
            State::Draining => {
                if self.rolling.on_exited(id) {
                    self.restarts.count(worker, if is_orderly { "rolled" } else { word });
                }
            }
        }
    }

    /// A process did not become ready. While the program starts, its reason is the program's; later
    /// the worker is started again, until that has failed too often.
    fn on_start_failed(&mut self, worker: u16, reason: &str) {
        let (now, has_served) = (self.now, self.has_served);
        let slot = self.slot(worker);
        let reason = reason.to_owned();
        if slot.serving().is_some() {
            self.rolling.cancel();
            return self.log(Notice::NoSuccessor { worker, reason });
        }
        match slot.backoff.on_start_failed().filter(|_| has_served) {
            Some(pause) => {
                slot.schedule(now + pause);
                self.log(Notice::StartFailed { worker, reason });
            }
            None => self.stop(Some(reason)),
        }
    }

    /// Starts the other workers after the first, and logs the address once all of them are ready.
    fn continue_startup(&mut self) {
        if self.is_up {
            return;
        }
        for slot in &mut self.slots {
            if slot.processes.is_empty() && slot.start_at.is_none() {
                slot.start_at = Some(self.now);
            }
        }
        let serving: Vec<_> =
            self.slots.iter().filter_map(|it| Some((it.worker, it.serving()?.id))).collect();
        if serving.len() < self.slots.len() {
            return;
        }
        self.is_up = true;
        self.log(Notice::Listening { workers: self.slots.len() as u16 });
        for (worker, process) in serving {
            self.log(Notice::Ready { worker, process });
        }
    }

    /// Asks all other workers for their metrics.
    fn on_gather_metrics(&mut self, request: MetricsRequest) {
        // One that drains answers for itself, and not for its successor, which has its number.
        let Some((asking, _)) = self.find(request.asker) else { return };
        let asking = asking.worker;
        let others = self.slots.iter().filter(|slot| slot.worker != asking);
        let asked: Vec<_> = others.filter_map(|slot| Some(slot.serving()?.id)).collect();
        let report = |&process| Action::ReportMetrics { process, request };
        self.actions.extend(asked.iter().map(report));
        let own = self.restarts.text(self.slots.len() as u16);
        self.gathers.begin(request, asked, own, self.now + GATHER);
    }

    fn answer_gathers(&mut self) {
        let finished = self.gathers.take_finished(self.now);
        self.actions.extend(finished.map(|(request, texts)| Action::AnswerMetrics {
            process: request.asker,
            id: request.id,
            texts,
        }));
    }

    /// Begins to replace all workers. During a rolling restart, another one will follow it.
    fn on_reload(&mut self) {
        let workers = self.slots.iter().map(|slot| slot.worker);
        if self.stopping.is_none() && self.rolling.request(workers, ProcessId(self.next_process)) {
            self.log(Notice::RollingRestart);
        }
    }

    /// Replaces the worker whose turn it is, or goes on to the next one when that is done.
    fn advance_rolling_restart(&mut self) {
        if self.stopping.is_some() {
            return;
        }
        while let Some(worker) = self.rolling.turn() {
            let slot = self.slot(worker);
            let (serving, is_starting) = (slot.serving().map(|it| it.id), slot.is_starting());
            match serving {
                Some(process) if self.rolling.is_old(process) => {
                    if !is_starting {
                        self.spawn(worker);
                    }
                    return;
                }
                Some(_) if !self.rolling.is_waiting() => self.rolling.end_turn(),
                // It is being started, or its predecessor still drains.
                _ => return,
            }
            if self.rolling.turn().is_none() {
                self.log(Notice::RollingRestartDone);
                if self.rolling.take_again() {
                    self.on_reload();
                }
            }
        }
    }

    /// Kills each process that hangs, or does not start or drain in time.
    fn kill_overdue(&mut self) {
        let now = self.now;
        let overdue = self.processes().filter_map(|it| it.overdue(now).then_some(it));
        let killed: Vec<_> = overdue.map(|it| it.kill()).collect();
        self.actions.extend(killed.into_iter().map(Action::Kill));
    }

    fn start_due(&mut self) {
        if self.stopping.is_some() {
            return;
        }
        let now = self.now;
        let due = self.slots.iter_mut().filter(|slot| slot.start_at.is_some_and(|at| at <= now));
        for worker in due.map(|slot| slot.worker).collect::<Vec<_>>() {
            self.slot(worker).start_at = None;
            self.spawn(worker);
        }
    }

    fn spawn(&mut self, worker: u16) {
        let process = ProcessId(self.next_process);
        self.next_process += 1;
        let now = self.now;
        self.slot(worker).processes.push(Process::new(process, now));
        self.actions.push(Action::Spawn { process, worker });
    }

    /// Has every process drain. A second call changes nothing.
    fn stop(&mut self, reason: Option<String>) {
        if self.stopping.is_some() {
            return;
        }
        self.log(Notice::Stopping { reason: reason.clone() });
        // One that is starting may be ready already without our knowing.
        let draining = self.processes().filter(|it| it.state != State::Draining);
        for process in draining.map(|it| it.id).collect::<Vec<_>>() {
            self.drain(process);
        }
        self.stopping = Some(Stopping { since: self.now, reason, has_refused: false });
    }

    fn drain(&mut self, process: ProcessId) {
        self.with(process, |it, now| it.enter(State::Draining, now));
        self.actions.push(Action::Drain(process));
    }

    /// Refuses connections a moment after the stop, and ends the program after its last process.
    fn check_end(&mut self) {
        let is_empty = self.processes().next().is_none();
        let Some(stopping) = &mut self.stopping else { return };
        if !stopping.has_refused && self.now - stopping.since >= REFUSE {
            stopping.has_refused = true;
            self.actions.push(Action::RefuseConnections);
        }
        if is_empty {
            let reason = stopping.reason.take();
            self.log(Notice::Stopped);
            self.actions.push(Action::End { reason });
        }
    }

    fn log(&mut self, notice: Notice) {
        self.actions.push(Action::Log(notice));
    }

    fn processes(&mut self) -> impl Iterator<Item = &mut Process> {
        self.slots.iter_mut().flat_map(|slot| &mut slot.processes)
    }

    /// Changes a process, if it still exists, at this time.
    fn with(&mut self, id: ProcessId, change: impl FnOnce(&mut Process, Duration)) {
        let now = self.now;
        if let Some(process) = self.processes().find(|it| it.id == id) {
            change(process, now);
        }
    }

    fn find(&mut self, id: ProcessId) -> Option<(&mut Slot, usize)> {
        self.slots.iter_mut().find_map(|slot| {
            let at = slot.processes.iter().position(|it| it.id == id)?;
            Some((slot, at))
        })
    }

    fn remove(&mut self, id: ProcessId) -> Option<(u16, Process)> {
        self.find(id).map(|(slot, at)| (slot.worker, slot.processes.remove(at)))
    }

    fn slot(&mut self, worker: u16) -> &mut Slot {
        // Numbers begin at 1, in the order of the slots.
        &mut self.slots[usize::from(worker) - 1]
    }
}
