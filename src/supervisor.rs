//! The supervisor: the parent process that owns the port and keeps the workers running.
//!
//! It answers no request, computes nothing and has no event loop of its own: one thread waits for
//! events, which are what workers say, their ends, and signals. One worker runs the same way as six.

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tracing::{info, warn};

use self::backoff::Backoff;
use self::gathering::{Gatherings, Restarts};
use self::process::{Process, State};
use self::rolling::Rolling;
use crate::config::Config;
use crate::control::{Order, Said};

mod listeners;
mod process;
mod backoff;
mod care;
mod rolling;
mod gathering;

pub(crate) use self::listeners::refuse;

/// How often it looks for what is due, though nothing has happened.
const TICK: Duration = Duration::from_millis(50);
/// A router gives up after 30 s; by then the last worker is gone.
const DRAIN: Duration = Duration::from_secs(25);

/// What can happen.
enum Event {
    /// A worker process said something.
    Said(u32, Said),
    /// A worker process ended.
    Ended(u32),
    /// Somebody sent a signal.
    Signal(i32),
}

/// One worker's place: its listener, whoever serves it.
struct Slot {
    worker: u16,
    listener: TcpListener,
    backoff: Backoff,
    /// When its next process is to be started.
    due: Option<Instant>,
}

struct Supervisor {
    slots: Vec<Slot>,
    processes: Vec<Process>,
    events: Receiver<Event>,
    sender: Sender<Event>,
    rolling: Rolling,
    gatherings: Gatherings,
    restarts: Restarts,
    address: SocketAddr,
    /// Where the cache is, in words.
    kept: String,
    /// Whether all workers have answered once.
    is_up: bool,
    stopping: Option<Stopping>,
}

/// The program ends, with a reason if nobody asked for it.
struct Stopping {
    reason: Option<String>,
}

/// Runs the workers until the program is asked to end, then has them drain.
///
/// # Errors
///
/// One line for what keeps it from serving: the address, or what the workers say.
pub fn run(config: &Config) -> anyhow::Result<()> {
    let workers = config.workers.get();
    let listeners = listeners::bind((config.host, config.port).into(), workers.into())?;
    let address = listeners[0].local_addr()?;
    let (sender, events) = mpsc::channel();
    watch_signals(sender.clone())?;
    let slot = |(listener, worker)| Slot { worker, listener, backoff: <_>::default(), due: None };
    let mut supervisor = Supervisor {
        slots: listeners.into_iter().zip(1..).map(slot).collect(),
        processes: Vec::new(),
        events,
        sender,
        rolling: Rolling::default(),
        gatherings: Gatherings::default(),
        restarts: Restarts::default(),
        address,
        kept: config.cache_in_words(),
        is_up: false,
        stopping: None,
    };
    // One goes ahead: what keeps it from starting would keep all of them, and is said once.
    supervisor.slots[0].due = Some(Instant::now());
    supervisor.supervise()
}

fn watch_signals(sender: Sender<Event>) -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    std::thread::spawn(move || {
        // It ends with the process.
        signals.forever().try_for_each(|signal| sender.send(Event::Signal(signal)))
    });
    Ok(())
}

impl Supervisor {
    fn supervise(mut self) -> anyhow::Result<()> {
        loop {
            let asked = Instant::now();
            match self.events.recv_timeout(TICK) {
                Ok(event) => self.happened(event)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => unreachable!("a sender is in self"),
            }
            self.care(asked);
            let Some(stopping) = &self.stopping else { continue };
            if self.processes.is_empty() {
                info!("Quadrant has drained and ends");
                return stopping.reason.clone().map_or(Ok(()), |reason| Err(anyhow!(reason)));
            }
        }
    }

    fn happened(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::Said(process, said) => self.heard(process, said),
            Event::Ended(process) => self.ended(process)?,
            Event::Signal(SIGHUP) => self.roll(),
            Event::Signal(_) => self.stop(None),
        }
        Ok(())
    }

    fn heard(&mut self, id: u32, said: Said) {
        let Some(process) = self.processes.iter_mut().find(|it| it.id() == id) else { return };
        process.heard = Instant::now();
        match said {
            Said::Alive => {}
            Said::Failed(reason) => process.reason = Some(reason),
            Said::Ready => self.ready(id),
            Said::Gather { id: number } => self.gather(id, number),
            Said::Reported { to, text } => self.reported(id, to, text),
        }
    }

    /// A process answers requests: the one before it, if there is one, has its turn to end.
    fn ready(&mut self, id: u32) {
        let Some(at) = self.processes.iter().position(|it| it.id() == id) else { return };
        if self.stopping.is_some() {
            return;
        }
        let worker = self.processes[at].worker;
        let serving = self.serving(worker);
        self.processes[at].is_now(State::Ready);
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

    /// Starts the other workers after the first, and says where they are once all of them answer.
    fn start_up(&mut self) {
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
        for process in &self.processes {
            let (worker, pid) = (process.worker, process.id());
            info!(worker, pid, "worker {worker} serves, as process {pid}");
        }
    }

    /// The process that answers a worker's requests, by its place in the list.
    fn serving(&self, worker: u16) -> Option<usize> {
        self.processes.iter().position(|it| it.worker == worker && it.state == State::Ready)
    }

    /// Has everybody drain; asked for a second time, it changes nothing.
    fn stop(&mut self, reason: Option<String>) {
        if self.stopping.is_some() {
            return;
        }
        match &reason {
            None => info!("Quadrant drains"),
            Some(reason) => warn!("Quadrant ends: {reason}"),
        }
        for slot in &self.slots {
            // A worker refuses connections itself, once it no longer accepts any.
            if self.serving(slot.worker).is_none() {
                refuse(&slot.listener);
            }
        }
        for process in &mut self.processes {
            match process.state {
                State::Starting => process.kill("the program ends"),
                State::Ready => {
                    process.tell(&Order::Close);
                    process.is_now(State::Draining);
                }
                State::Draining => {}
            }
        }
        self.stopping = Some(Stopping { reason });
    }
}
