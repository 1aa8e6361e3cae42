//! What the supervisor and its workers say to each other: one JSON object a line, over the socket
//! that a worker has as its standard input. Its end tells each of them that the other has died.

use std::io::{self, Write};
use std::os::fd::RawFd;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use self::others::Others;

mod others;

/// How often a worker says that it lives.
pub const ALIVE: Duration = Duration::from_secs(1);

/// From the supervisor to a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The first line: who the worker is, and the listener that it has inherited.
    Start {
        /// Its number, from 1.
        worker: u16,
        /// The file descriptor of its listener.
        listener: RawFd,
        /// How many event loops it runs.
        loops: usize,
        /// What signs session cookies, the same for all workers.
        session_key: String,
    },
    /// Finish open requests, then end.
    Drain,
    /// Tell your metrics, for another worker that was asked for those of all.
    Report(Question),
    /// What the others told.
    Gathered {
        /// The number that the asking worker gave its question.
        id: u64,
        /// One exposition a process.
        texts: Vec<String>,
    },
}

/// From a worker to the supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// It answers requests.
    Ready,
    /// All its event loops turn.
    Alive,
    /// Somebody else than the supervisor has asked it to end, and so it does.
    Drains,
    /// It cannot start, and ends: one line that says why.
    Failed(String),
    /// It wants the metrics of all others.
    Gather {
        /// Its own number for this question.
        id: u64,
    },
    /// Its metrics.
    Reported {
        /// What is answered.
        to: Question,
        /// One exposition.
        text: String,
    },
}

/// Who wants to know: the process, and its number for the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The process id of the asking worker.
    pub asker: u32,
    /// Its own number for the question.
    pub id: u64,
}

/// A message as its line.
pub fn line(message: &impl Serialize) -> String {
    let mut line = serde_json::to_string(message).expect("messages hold strings and numbers");
    line.push('\n');
    line
}

/// Writes a message as one line.
///
/// # Errors
///
/// Those of the socket: the other end is gone, or has not read for too long.
pub fn tell(mut socket: impl Write, message: &impl Serialize) -> io::Result<()> {
    socket.write_all(line(message).as_bytes())
}

/// Reads a line as a message.
///
/// # Errors
///
/// When the line is none; both ends are the same program, so that is a mistake of ours.
pub fn message<T: DeserializeOwned>(line: &str) -> serde_json::Result<T> {
    serde_json::from_str(line)
}
