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
use crate::web::cookie::SessionKey;

mod listeners;
mod process;
mod backoff;
mod serving;
mod care;
mod rolling;
mod gathering;

pub(crate) use self::listeners::refuse;

/// How often it looks for what is due, though nothing has happened.
const TICK: Duration = Duration::from_millis(50);
/// When the program ends, new connections are refused from then on: late enough that its workers
/// know that they drain, and earlier than they stop accepting.
const REFUSE: Duration = Duration::from_millis(50);
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
    /// All workers sign session cookies with this one.
    session_key: SessionKey,
    /// Whether that is one of our own, which nobody else has.
    is_key_made: bool,
    /// Whether all workers have answered once.
    is_up: bool,
    stopping: Option<Stopping>,
}

/// The program ends, with a reason if nobody asked for it.
struct Stopping {
    since: Instant,
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
        session_key: config.session_key.0.clone().unwrap_or_else(SessionKey::random),
        is_key_made: config.session_key.0.is_none(),
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
                Ok(event) => self.happened(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => unreachable!("a sender is in self"),
            }
            self.care(asked);
            let Some(stopping) = &self.stopping else { continue };
            // Once they know that they drain, while they still accept what has come before.
            if stopping.since.elapsed() > REFUSE {
                self.slots.iter().for_each(|slot| refuse(&slot.listener));
            }
            if self.processes.is_empty() {
                info!("Quadrant has drained and ends");
                return stopping.reason.clone().map_or(Ok(()), |reason| Err(anyhow!(reason)));
            }
        }
    }

    fn happened(&mut self, event: Event) {
        match event {
            Event::Said(process, said) => self.heard(process, said),
            Event::Ended(process) => self.closed(process),
            Event::Signal(SIGHUP) => self.roll(),
            Event::Signal(_) => self.stop(None),
        }
    }

    /// The socket of a process has ended, and so will the process in a moment.
    fn closed(&mut self, id: u32) {
        if let Some(process) = self.processes.iter_mut().find(|it| it.id() == id) {
            process.is_closed = true;
        }
    }

    fn heard(&mut self, id: u32, said: Said) {
        let Some(process) = self.processes.iter_mut().find(|it| it.id() == id) else { return };
        match said {
            // Only this tells that its event loops turn; all else is said by another thread.
            Said::Alive => process.heard = Instant::now(),
            Said::Failed(reason) => process.reason = Some(reason),
            Said::Ready => self.ready(id),
            Said::Drains => self.drains(id),
            Said::Gather { id: number } => self.gather(id, number),
            Said::Reported { to, text } => self.reported(id, to, text),
        }
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
        for process in &mut self.processes {
            // One that is starting may answer already, and not have been heard yet.
            if process.state != State::Draining {
                process.tell(&Order::Drain);
                process.is_now(State::Draining);
            }
        }
        self.stopping = Some(Stopping { since: Instant::now(), reason });
    }
}
