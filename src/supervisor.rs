//! The supervisor: the parent process that owns the port and keeps the workers running.
//!
//! It answers no request, computes nothing and has no event loop of its own: one thread waits for
//! messages of the workers, their ends, and signals. What follows from them is decided in `core`, and
//! done in `driver`. One worker runs the same way as six.

use std::sync::mpsc::{self, Sender};

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use self::core::{Event, ProcessId};
use self::driver::Driver;
use self::log::Log;
use crate::config::Config;
use crate::control::WorkerMessage;
use crate::web::cookie::SessionKey;

mod core;
mod driver;
mod process;
mod listeners;
mod log;

pub(crate) use self::listeners::refuse;

/// What reaches the supervisor from other threads.
enum Input {
    /// A worker process has sent a message.
    Message(ProcessId, WorkerMessage),
    /// The socket of a worker process has ended, and so will the process in a moment.
    Closed(ProcessId),
    /// A worker process may have ended.
    ChildEnded,
    /// Somebody has sent a signal.
    Signal(Event),
}

/// Runs the workers until the program is asked to end, then has them drain.
///
/// # Errors
///
/// One line for what keeps it from serving: the address, or what the workers say.
pub fn run(config: &Config) -> anyhow::Result<()> {
    let listeners = listeners::bind((config.host, config.port).into(), config.workers.get())?;
    let address = listeners[0].local_addr()?;
    let (sender, inputs) = mpsc::channel();
    watch_signals(sender.clone())?;
    let own_key = config.session_key.0.clone();
    let log = Log { address, cache: config.cache_in_words(), is_key_random: own_key.is_none() };
    let session_key = own_key.unwrap_or_else(SessionKey::random);
    Driver::new(listeners, session_key, log, (sender, inputs)).run()
}

fn watch_signals(sender: Sender<Input>) -> anyhow::Result<()> {
    // A parent may have left SIGCHLD ignored, and then the system would throw away how a child has
    // ended, so that its end would never be noticed. A handler undoes that.
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGCHLD])?;
    let input = |signal| match signal {
        SIGCHLD => Input::ChildEnded,
        SIGHUP => Input::Signal(Event::Reload),
        _ => Input::Signal(Event::Stop),
    };
    std::thread::spawn(move || {
        // It ends with the process.
        signals.forever().try_for_each(|signal| sender.send(input(signal)))
    });
    Ok(())
}
