//! Does what the state machine decides: starts and kills processes, sends commands, writes the log.

use std::collections::{BTreeMap, VecDeque};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Instant;

use anyhow::anyhow;

use super::core::{Action, Core, Event, MetricsRequest, ProcessId, TICK};
use super::log::Log;
use super::process::Process;
use super::{Input, refuse};
use crate::control::{self, Command, WorkerMessage};
use crate::web::cookie::SessionKey;

/// The supervisor's processes and sockets.
pub(super) struct Driver {
    core: Core,
    started: Instant,
    /// One a worker, in their order.
    listeners: Vec<TcpListener>,
    /// All workers sign session cookies with this one.
    session_key: SessionKey,
    log: Log,
    processes: BTreeMap<ProcessId, Process>,
    sender: Sender<Input>,
    inputs: Receiver<Input>,
    /// What the state machine has not been told yet.
    events: VecDeque<Event>,
}

impl Driver {
    pub(super) fn new(
        listeners: Vec<TcpListener>,
        session_key: SessionKey,
        log: Log,
        (sender, inputs): (Sender<Input>, Receiver<Input>),
    ) -> Self {
        Self {
            core: Core::new(listeners.len() as u16),
            started: Instant::now(),
            listeners,
            session_key,
            log,
            processes: BTreeMap::new(),
            sender,
            inputs,
            events: VecDeque::from([Event::Tick]),
        }
    }

    /// Runs until the last worker has ended.
    ///
    /// # Errors
    ///
    /// The reason when nobody has asked the program to end.
    pub(super) fn run(mut self) -> anyhow::Result<()> {
        loop {
            while let Some(event) = self.events.pop_front() {
                let exited = match &event {
                    Event::Exited { process, .. } => Some(*process),
                    _ => None,
                };
                for action in self.core.step(event, self.started.elapsed()) {
                    if let Action::End { reason } = action {
                        return reason.map_or(Ok(()), |reason| Err(anyhow!(reason)));
                    }
                    self.perform(action);
                }
                // Not before: the log names its process id.
                exited.and_then(|process| self.processes.remove(&process));
            }
            let event = match self.inputs.recv_timeout(TICK) {
                Ok(input) => self.event(input),
                Err(RecvTimeoutError::Timeout) => Event::Tick,
                Err(RecvTimeoutError::Disconnected) => unreachable!("a sender is in self"),
            };
            self.events.push_back(event);
            self.events.extend(self.processes.iter_mut().filter_map(|(&process, it)| {
                let exit = it.try_wait()?;
                Some(Event::Exited { process, exit })
            }));
        }
    }

    fn event(&mut self, input: Input) -> Event {
        match input {
            Input::Message(process, message) => event(process, message),
            Input::Closed(process) => {
                if let Some(process) = self.processes.get_mut(&process) {
                    process.is_closed = true;
                }
                Event::Tick
            }
            Input::ChildEnded => Event::Tick,
            Input::Signal(event) => event,
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Spawn { process, worker } => {
                if let Err(reason) = self.spawn(process, worker) {
                    let reason = format!("{reason:#}");
                    self.events.push_back(Event::SpawnFailed { process, reason });
                }
            }
            Action::Drain(process) => self.send(process, Command::Drain),
            Action::ReportMetrics { process, request: MetricsRequest { asker, id } } => {
                let request = control::MetricsRequest { asker: asker.0, id };
                self.send(process, Command::ReportMetrics(request));
            }
            Action::AnswerMetrics { process, id, texts } => {
                self.send(process, Command::GatheredMetrics { id, texts });
            }
            Action::Kill(process) => {
                if let Some(process) = self.processes.get_mut(&process) {
                    process.kill();
                }
            }
            Action::RefuseConnections => self.listeners.iter().for_each(refuse),
            Action::Log(notice) => self.log.write(&notice, &|process| self.pid(process)),
            Action::End { .. } => unreachable!("`run` returns"),
        }
    }

    fn spawn(&mut self, process: ProcessId, worker: u16) -> anyhow::Result<()> {
        let listener = &self.listeners[usize::from(worker) - 1];
        let workers = self.listeners.len();
        let key = &self.session_key;
        let sender = self.sender.clone();
        let started = Process::spawn(process, worker, workers, listener, key, sender)?;
        self.processes.insert(process, started);
        Ok(())
    }

    fn send(&self, process: ProcessId, command: Command) {
        if let Some(process) = self.processes.get(&process) {
            process.send(command);
        }
    }

    fn pid(&self, process: ProcessId) -> Option<u32> {
        self.processes.get(&process).map(Process::pid)
    }
}

/// A message as the event that it is.
fn event(process: ProcessId, message: WorkerMessage) -> Event {
    match message {
        WorkerMessage::Ready => Event::Ready(process),
        WorkerMessage::Alive => Event::Alive(process),
        WorkerMessage::Draining => Event::Draining(process),
        WorkerMessage::Failed(reason) => Event::Failed { process, reason },
        WorkerMessage::GatherMetrics { id } => {
            Event::GatherMetrics(MetricsRequest { asker: process, id })
        }
        WorkerMessage::Metrics { to: control::MetricsRequest { asker, id }, text } => {
            let request = MetricsRequest { asker: ProcessId(asker), id };
            Event::Metrics { process, request, text }
        }
    }
}
