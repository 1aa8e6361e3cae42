//! The model: processes that follow plans, signals, and a clock that the test turns.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use proptest::test_runner::TestCaseError;

use super::super::{Action, Core, Event, Exit, ExitKind, MetricsRequest, ProcessId, TICK};
use super::monitor::Monitor;

/// The time from the end of a process to the event.
const EXIT_DELAY: Duration = Duration::from_millis(5);
const BEAT: Duration = Duration::from_secs(1);

/// What a process does, with times in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) start: Start,
    pub(super) life: Life,
    pub(super) end: End,
}

/// How a process starts, and when.
#[derive(Debug, Clone, Copy)]
pub(super) enum Start {
    Ready(u64),
    Fails(u64),
    Dies(u64),
    Never,
    SpawnFails,
}

/// What a process does after it was ready for this long.
#[derive(Debug, Clone, Copy)]
pub(super) enum Life {
    Serves,
    Dies(u64),
    Hangs(u64),
    /// It stands still, and goes on after the second time.
    Pauses(u64, u64),
    /// Somebody else asks it to end.
    Leaves(u64),
    /// It says why it cannot go on, and ends.
    Fails(u64),
}

/// What a process does after it was told to drain.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    Exits(u64),
    Crashes(u64),
    Never,
}

/// What comes from outside. Numbers of workers are taken modulo their count, from 0.
#[derive(Debug, Clone, Copy)]
pub(super) enum Input {
    Reload,
    Stop,
    GatherMetrics(u16),
    /// The supervisor does not run for this many milliseconds.
    Absence(u64),
    KillWorker(u16),
    TermWorker(u16),
}

/// What processes without a plan do.
const GOOD: Plan = Plan { start: Start::Ready(100), life: Life::Serves, end: End::Exits(300) };

struct Process {
    worker: u16,
    plan: Plan,
    is_ready: bool,
    is_draining: bool,
    /// It does nothing before this time.
    paused_until: Duration,
}

/// What a process does next, or what is done to it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Act {
    Start,
    Beat,
    Live,
    Leave,
    Drain,
    End,
    Report(MetricsRequest),
    Killed,
}

enum Scheduled {
    Process(ProcessId, Act),
    Input(Input),
    Event(Event),
}

/// Everything around the state machine.
pub(super) struct World {
    core: Core,
    monitor: Monitor,
    now: Duration,
    next_tick: Duration,
    /// What happens later, by its time and in the order of scheduling.
    future: BTreeMap<(Duration, u64), Scheduled>,
    next_number: u64,
    /// Events that the supervisor has not handled yet.
    inbox: VecDeque<Event>,
    absent_until: Duration,
    plans: VecDeque<Plan>,
    plans_until: Duration,
    processes: BTreeMap<ProcessId, Process>,
    spawned: u64,
    next_request: u64,
    end: Option<Option<String>>,
}

impl World {
    /// Processes that start before `plans_until` follow the plans, in this order.
    pub(super) fn new(
        workers: u16,
        plans: Vec<Plan>,
        inputs: &[(u64, Input)],
        plans_until: Duration,
    ) -> Self {
        let mut world = Self {
            core: Core::new(workers),
            monitor: Monitor::new(workers),
            now: Duration::ZERO,
            next_tick: Duration::ZERO,
            future: BTreeMap::new(),
            next_number: 0,
            inbox: VecDeque::new(),
            absent_until: Duration::ZERO,
            plans: plans.into(),
            plans_until,
            processes: BTreeMap::new(),
            spawned: 0,
            next_request: 0,
            end: None,
        };
        for (ms, input) in inputs {
            world.schedule(Duration::from_millis(*ms), Scheduled::Input(*input));
        }
        world
    }

    pub(super) fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    pub(super) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Why the program has ended, unless it was asked to.
    pub(super) fn reason(&self) -> Option<&str> {
        self.end.as_ref()?.as_deref()
    }

    /// How many processes the program has wanted.
    pub(super) fn spawned(&self) -> u64 {
        self.spawned
    }

    /// Asks the program to end now.
    pub(super) fn stop(&mut self) {
        self.schedule(self.now, Scheduled::Input(Input::Stop));
    }

    /// Lets time pass, and checks every step. It returns early when the program ends.
    pub(super) fn run_until(&mut self, until: Duration) -> Result<(), TestCaseError> {
        while self.end.is_none() {
            let next = self.future.first_key_value().map(|(key, _)| *key);
            match next {
                Some(key @ (time, _)) if time <= self.next_tick => {
                    if time > until {
                        break;
                    }
                    self.now = self.now.max(time);
                    let scheduled = self.future.remove(&key).expect("it was just there");
                    self.run_scheduled(scheduled);
                }
                _ => {
                    if self.next_tick > until {
                        break;
                    }
                    self.now = self.next_tick;
                    self.inbox.push_back(Event::Tick);
                }
            }
            if self.now < self.absent_until {
                self.inbox.retain(|event| *event != Event::Tick);
                self.next_tick = self.absent_until;
            } else if !self.inbox.is_empty() {
                self.handle_inbox()?;
                self.next_tick = self.now + TICK;
            }
        }
        Ok(())
    }

    fn handle_inbox(&mut self) -> Result<(), TestCaseError> {
        while let Some(event) = self.inbox.pop_front() {
            let actions = self.core.step(event.clone(), self.now);
            self.monitor.observe(self.now, &event, &actions)?;
            actions.into_iter().for_each(|action| self.perform(action));
            if self.end.is_some() {
                break;
            }
        }
        Ok(())
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Spawn { process, worker } => self.spawn(process, worker),
            Action::Drain(process) => self.schedule_act(process, 0, Act::Drain),
            Action::ReportMetrics { process, request } => {
                self.schedule_act(process, 3, Act::Report(request));
            }
            Action::Kill(process) => self.schedule_act(process, 10, Act::Killed),
            Action::End { reason } => self.end = Some(reason),
            Action::AnswerMetrics { .. } | Action::RefuseConnections | Action::Log(_) => {}
        }
    }

    fn spawn(&mut self, id: ProcessId, worker: u16) {
        self.spawned += 1;
        let is_planned = self.now < self.plans_until;
        let plan = self.plans.pop_front().filter(|_| is_planned).unwrap_or(GOOD);
        match plan.start {
            Start::SpawnFails => {
                let reason = format!("process {} cannot be spawned", id.0);
                self.inbox.push_back(Event::SpawnFailed { process: id, reason });
                return;
            }
            Start::Ready(ms) | Start::Fails(ms) | Start::Dies(ms) => {
                self.schedule_act(id, ms, Act::Start);
            }
            Start::Never => {}
        }
        let process = Process {
            worker,
            plan,
            is_ready: false,
            is_draining: false,
            paused_until: Duration::ZERO,
        };
        self.processes.insert(id, process);
    }

    fn run_scheduled(&mut self, scheduled: Scheduled) {
        match scheduled {
            Scheduled::Event(event) => self.inbox.push_back(event),
            Scheduled::Input(input) => self.input(input),
            Scheduled::Process(id, act) => self.act(id, act),
        }
    }

    fn input(&mut self, input: Input) {
        match input {
            Input::Reload => self.inbox.push_back(Event::Reload),
            Input::Stop => self.inbox.push_back(Event::Stop),
            Input::Absence(ms) => {
                let until = self.now + Duration::from_millis(ms);
                self.absent_until = self.absent_until.max(until);
            }
            Input::GatherMetrics(worker) => {
                let Some(asker) = self.process_of(worker) else { return };
                self.next_request += 1;
                let request = MetricsRequest { asker, id: self.next_request };
                self.inbox.push_back(Event::GatherMetrics(request));
            }
            Input::KillWorker(worker) => {
                if let Some(process) = self.process_of(worker) {
                    self.schedule_act(process, 0, Act::Killed);
                }
            }
            Input::TermWorker(worker) => {
                if let Some(process) = self.process_of(worker) {
                    self.schedule_act(process, 0, Act::Leave);
                }
            }
        }
    }

    /// The newest process of a worker that is ready and not draining.
    fn process_of(&self, worker: u16) -> Option<ProcessId> {
        let worker = 1 + worker % self.monitor.workers();
        let mut processes = self.processes.iter().rev();
        let serves = |it: &Process| it.worker == worker && it.is_ready && !it.is_draining;
        processes.find(|(_, it)| serves(it)).map(|(id, _)| *id)
    }

    fn act(&mut self, id: ProcessId, act: Act) {
        let Some(process) = self.processes.get_mut(&id) else { return };
        if act != Act::Killed && process.paused_until > self.now {
            let later = process.paused_until;
            return self.schedule(later, Scheduled::Process(id, act));
        }
        let plan = process.plan;
        match act {
            Act::Start => match plan.start {
                Start::Ready(_) => self.start(id),
                Start::Fails(_) => {
                    let reason = format!("process {} cannot start", id.0);
                    self.inbox.push_back(Event::Failed { process: id, reason });
                    self.die(id, ExitKind::Failure);
                }
                _ => self.die(id, ExitKind::Signal),
            },
            Act::Beat => {
                self.inbox.push_back(Event::Alive(id));
                self.schedule(self.now + BEAT, Scheduled::Process(id, Act::Beat));
            }
            Act::Live => self.live(id, plan.life),
            Act::Leave => {
                if !process.is_draining {
                    self.inbox.push_back(Event::Draining(id));
                    self.drain(id, plan.end);
                }
            }
            Act::Drain => {
                if process.is_ready && !process.is_draining {
                    self.drain(id, plan.end);
                } else {
                    // One that starts reads this when it is ready.
                    process.is_draining = true;
                }
            }
            Act::End => match plan.end {
                End::Crashes(_) => self.die(id, ExitKind::Failure),
                _ => self.die(id, ExitKind::Success),
            },
            Act::Report(request) => {
                let text = format!("process {}", id.0);
                self.inbox.push_back(Event::Metrics { process: id, request, text });
            }
            Act::Killed => self.die(id, ExitKind::Signal),
        }
    }

    fn start(&mut self, id: ProcessId) {
        self.inbox.push_back(Event::Ready(id));
        let process = self.processes.get_mut(&id).expect("it acts");
        process.is_ready = true;
        let (plan, is_told) = (process.plan, process.is_draining);
        self.schedule(self.now + BEAT, Scheduled::Process(id, Act::Beat));
        match plan.life {
            Life::Serves => {}
            Life::Dies(ms)
            | Life::Hangs(ms)
            | Life::Pauses(ms, _)
            | Life::Leaves(ms)
            | Life::Fails(ms) => self.schedule_act(id, ms, Act::Live),
        }
        if is_told {
            self.drain(id, plan.end);
        }
    }

    fn live(&mut self, id: ProcessId, life: Life) {
        let process = self.processes.get_mut(&id).expect("it acts");
        match life {
            Life::Serves => {}
            Life::Dies(_) => self.die(id, ExitKind::Signal),
            Life::Hangs(_) => process.paused_until = Duration::MAX,
            Life::Pauses(_, ms) => process.paused_until = self.now + Duration::from_millis(ms),
            Life::Leaves(_) => self.act(id, Act::Leave),
            Life::Fails(_) => {
                let reason = format!("process {} fails", id.0);
                self.inbox.push_back(Event::Failed { process: id, reason });
                self.die(id, ExitKind::Failure);
            }
        }
    }

    fn drain(&mut self, id: ProcessId, end: End) {
        self.processes.get_mut(&id).expect("it acts").is_draining = true;
        match end {
            End::Exits(ms) | End::Crashes(ms) => self.schedule_act(id, ms, Act::End),
            End::Never => {}
        }
    }

    fn die(&mut self, id: ProcessId, kind: ExitKind) {
        self.processes.remove(&id);
        let description = match kind {
            ExitKind::Success => "code 0",
            ExitKind::Failure => "code 1",
            ExitKind::Signal => "a signal",
        };
        let exit = Exit { kind, description: description.to_owned() };
        self.schedule(self.now + EXIT_DELAY, Scheduled::Event(Event::Exited { process: id, exit }));
    }

    fn schedule_act(&mut self, id: ProcessId, after_ms: u64, act: Act) {
        let at = self.now + Duration::from_millis(after_ms);
        self.schedule(at, Scheduled::Process(id, act));
    }

    fn schedule(&mut self, at: Duration, scheduled: Scheduled) {
        self.next_number += 1;
        self.future.insert((at, self.next_number), scheduled);
    }
}
