//! A worker process, as its parent sees it.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::io::FdFlags;

use super::Event;
use crate::config;
use crate::control::{self, Order, Said};
use crate::web::cookie::SessionKey;

/// A worker that does not read what it is told hangs; the supervisor must not hang with it.
const TELLING: Duration = Duration::from_millis(200);

/// Settings of glibc, which reads them before `main`. Allocations of 128 KiB and more are given back
/// to the system when they are freed: glibc would raise the threshold by itself with the first large
/// one, and then keep what every computation used. Threads share two arenas: of one each, every
/// thread that has ever drawn a graph would keep its own.
const MALLOC: [(&str, &str); 3] = [
    ("MALLOC_MMAP_THRESHOLD_", "131072"),
    ("MALLOC_TRIM_THRESHOLD_", "131072"),
    ("MALLOC_ARENA_MAX", "2"),
];
/// Bounds the threads, and with them the memory, of one computation on a large machine.
const POLARS_THREADS: usize = 4;

/// How far a worker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It opens the data file and does not answer yet.
    Starting,
    /// It answers.
    Ready,
    /// It has been told to end.
    Draining,
}

/// A running worker process.
pub(super) struct Process {
    pub(super) worker: u16,
    pub(super) state: State,
    /// Since when it has been in this state.
    pub(super) since: Instant,
    /// When it last said anything.
    pub(super) heard: Instant,
    /// Why it says it cannot start.
    pub(super) reason: Option<String>,
    /// Why it was killed by us.
    pub(super) killed: Option<&'static str>,
    /// Whether its end of the socket is closed, by which its end is noticed.
    pub(super) is_closed: bool,
    child: Child,
    control: UnixStream,
}

impl Process {
    /// Runs this program again, as the worker of this number, on this listener.
    pub(super) fn start(
        worker: u16,
        workers: u16,
        listener: &TcpListener,
        session_key: &SessionKey,
        events: Sender<Event>,
    ) -> anyhow::Result<Self> {
        let (control, theirs) = UnixStream::pair()?;
        control.set_write_timeout(Some(TELLING))?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut command = config::worker_command()?;
        command.stdin(Stdio::from(OwnedFd::from(theirs)));
        command.envs(MALLOC.into_iter().filter(|(name, _)| !config::is_set(name)));
        if !config::is_set("POLARS_MAX_THREADS") {
            command.env("POLARS_MAX_THREADS", cores.min(POLARS_THREADS).to_string());
        }
        // Every other descriptor of ours is closed in the child; this one goes along.
        rustix::io::fcntl_setfd(listener, FdFlags::empty())?;
        let child = command.spawn();
        rustix::io::fcntl_setfd(listener, FdFlags::CLOEXEC)?;
        // Closed with the command, so that the socket ends with the process.
        drop(command);
        let child = child.context("a worker process cannot be started")?;
        // The event loops of all workers together are as many as the cores.
        let loops = (cores / usize::from(workers)).max(1);
        let now = Instant::now();
        let reading = control.try_clone()?;
        let process = child.id();
        std::thread::spawn(move || listen(process, reading, &events));
        let (state, since, heard) = (State::Starting, now, now);
        let (reason, killed, is_closed) = (None, None, false);
        let mut new =
            Self { worker, state, since, heard, reason, killed, is_closed, child, control };
        let (listener, session_key) = (listener.as_raw_fd(), session_key.reveal().to_owned());
        new.tell(&Order::Start { worker, listener, loops, session_key });
        Ok(new)
    }

    /// Its process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Notes how far it is.
    pub(super) fn is_now(&mut self, state: State) {
        self.state = state;
        self.since = Instant::now();
    }

    /// Tells it something; one that does not listen is killed.
    pub(super) fn tell(&mut self, order: &Order) {
        if control::tell(&self.control, order).is_err() {
            self.kill("it does not listen");
        }
    }

    /// Ends it at once; its end is then heard like any other.
    pub(super) fn kill(&mut self, why: &'static str) {
        self.killed.get_or_insert(why);
        // It may have ended by itself.
        let _ = self.child.kill();
    }

    /// How it ended, once it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        // A moment lies between the end of its socket and its own; nobody waits here for that.
        self.child.try_wait().ok().flatten()
    }
}

/// Hands on what a worker says; the end of the socket is the end of the process.
fn listen(process: u32, control: UnixStream, events: &Sender<Event>) {
    for line in BufReader::new(control).lines() {
        let Ok(line) = line else { break };
        let said = control::message::<Said>(&line);
        let said = said.unwrap_or_else(|error| Said::Failed(format!("{line}: {error}")));
        // Nobody listens to the events any more when the supervisor itself ends.
        let _ = events.send(Event::Said(process, said));
    }
    let _ = events.send(Event::Ended(process));
}
