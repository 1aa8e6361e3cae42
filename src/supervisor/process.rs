//! A worker process, as its parent sees it.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use anyhow::Context;
use rustix::io::FdFlags;

use super::Input;
use super::core::{Exit, ExitKind, ProcessId};
use crate::config;
use crate::control::{self, Command, WorkerMessage};
use crate::web::cookie::SessionKey;

/// Settings of glibc, which reads them before `main`. Allocations of 256 KiB and more are given back
/// to the system when they are freed: glibc would raise the threshold by itself with the first large
/// one, and then keep what every computation used. A column of a row group has 128 KiB, and is used
/// again: with a threshold of 128 KiB, a computation would take 7 % more processor time. Threads share two arenas: of one each, every
/// thread that has ever drawn a graph would keep its own.
const MALLOC: [(&str, &str); 3] = [
    ("MALLOC_MMAP_THRESHOLD_", "262144"),
    ("MALLOC_TRIM_THRESHOLD_", "262144"),
    ("MALLOC_ARENA_MAX", "2"),
];
/// Bounds the threads, and with them the memory, of one computation on a large machine.
const POLARS_THREADS: usize = 4;

/// A worker process that was started and has not been waited for.
pub(super) struct Process {
    child: Child,
    commands: Sender<Command>,
    /// Whether its end of the socket is closed, so that it has nothing more to say.
    pub(super) is_closed: bool,
}

impl Process {
    /// Runs this program again, as the worker of this number, on this listener.
    pub(super) fn spawn(
        id: ProcessId,
        worker: u16,
        workers: usize,
        listener: &TcpListener,
        session_key: &SessionKey,
        inputs: Sender<Input>,
    ) -> anyhow::Result<Self> {
        let (socket, theirs) = UnixStream::pair()?;
        let commands = talk(id, socket, inputs)?;
        let cores = thread::available_parallelism().map_or(1, usize::from);
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
        let process = Self { child, commands, is_closed: false };
        // The event loops of all workers together are as many as the cores.
        let loops = (cores / workers).max(1);
        let (listener, session_key) = (listener.as_raw_fd(), session_key.reveal().to_owned());
        process.send(Command::Start { worker, listener, loops, session_key });
        Ok(process)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Has a command written. A worker that does not read it for a while does not hold us up.
    pub(super) fn send(&self, command: Command) {
        // It fails when the process has ended.
        let _ = self.commands.send(command);
    }

    /// Ends it at once; its end is then noticed like any other.
    pub(super) fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
    }

    /// How it has ended, once it has and all that it had to say was read.
    pub(super) fn try_wait(&mut self) -> Option<Exit> {
        if !self.is_closed {
            return None;
        }
        // A moment lies between the end of its socket and its own; nothing waits here for that.
        Some(match self.child.try_wait() {
            Ok(status) => exit(status?),
            // It cannot be waited for, so it is not there.
            Err(error) => Exit { kind: ExitKind::Failure, description: error.to_string() },
        })
    }
}

fn exit(status: ExitStatus) -> Exit {
    let kind = match status.code() {
        Some(0) => ExitKind::Success,
        Some(_) => ExitKind::Failure,
        None => ExitKind::Signal,
    };
    Exit { kind, description: status.to_string() }
}

/// Reads and writes a socket in threads of its own, which end with the socket.
fn talk(
    process: ProcessId,
    socket: UnixStream,
    inputs: Sender<Input>,
) -> anyhow::Result<Sender<Command>> {
    let (sender, commands) = mpsc::channel();
    let reading = socket.try_clone()?;
    thread::Builder::new().spawn(move || read_messages(process, reading, &inputs))?;
    thread::Builder::new().spawn(move || write_commands(&socket, commands))?;
    Ok(sender)
}

/// Hands on the messages of a worker. The end of the socket is the end of the process.
fn read_messages(process: ProcessId, socket: UnixStream, inputs: &Sender<Input>) {
    for line in BufReader::new(socket).lines() {
        let Ok(line) = line else { break };
        let message = control::decode(&line);
        let message =
            message.unwrap_or_else(|error| WorkerMessage::Failed(format!("{line}: {error}")));
        // Nothing receives it any more when the supervisor itself ends.
        let _ = inputs.send(Input::Message(process, message));
    }
    let _ = inputs.send(Input::Closed(process));
}

/// Writes commands in their order, for as long as the worker takes to read them: whether it hangs is
/// told by its silence, not by this. What waits here is bounded by the time after which it is killed.
fn write_commands(socket: &UnixStream, commands: Receiver<Command>) {
    for command in commands {
        if control::write(socket, &command).is_err() {
            // The process has ended, and `read_messages` tells.
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// More than the buffers of a socket hold.
    const COMMANDS: u64 = 2000;

    fn text() -> String {
        "x".repeat(1000)
    }

    #[test]
    fn a_worker_that_does_not_read_for_a_while_gets_every_command_in_order() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (inputs, received) = mpsc::channel();
        let commands = talk(ProcessId(7), ours, inputs).unwrap();

        for id in 0..COMMANDS {
            commands.send(Command::GatheredMetrics { id, texts: vec![text()] }).unwrap();
        }
        // The former version killed a worker after a write that had stalled for 200 ms.
        let nothing = received.recv_timeout(Duration::from_millis(400));
        theirs.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut reader = BufReader::new(&theirs);
        for id in 0..COMMANDS {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let command: Command = control::decode(&line).unwrap();
            assert_eq!(command, Command::GatheredMetrics { id, texts: vec![text()] });
        }

        assert!(nothing.is_err(), "it was reported as closed");
    }

    #[test]
    fn the_end_of_the_socket_ends_both_threads_and_is_told_after_the_last_message() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (inputs, received) = mpsc::channel();
        let commands = talk(ProcessId(7), ours, inputs).unwrap();
        for id in 0..COMMANDS {
            commands.send(Command::GatheredMetrics { id, texts: vec![text()] }).unwrap();
        }

        control::write(&theirs, &WorkerMessage::Failed("a reason".to_owned())).unwrap();
        drop(theirs);

        // It ends when the last sender is gone, which the reading thread has.
        let inputs: Vec<Input> = received.iter().collect();
        let [Input::Message(ProcessId(7), message), Input::Closed(ProcessId(7))] = &inputs[..]
        else {
            panic!("other inputs")
        };
        assert_eq!(*message, WorkerMessage::Failed("a reason".to_owned()));
        let until = std::time::Instant::now() + Duration::from_secs(10);
        while commands.send(Command::Drain).is_ok() {
            assert!(std::time::Instant::now() < until, "the writing thread goes on");
            thread::yield_now();
        }
    }
}
