//! The protocol between the supervisor and its workers: one JSON object a line, over the socket that a
//! worker has as its standard input. The end of the socket tells each side that the other has died.
//!
//! The names on the wire stay: after an upgrade, a rolling restart runs workers of the new version
//! under a supervisor of the old one.

use std::io::{self, Write};
use std::os::fd::RawFd;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use self::link::SupervisorLink;

mod link;

/// How often a worker sends [`WorkerMessage::Alive`].
pub const ALIVE: Duration = Duration::from_secs(1);

/// From the supervisor to a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
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
    /// Report your metrics, for another worker that was asked for those of all.
    #[serde(rename = "report")]
    ReportMetrics(MetricsRequest),
    /// The metrics of the others.
    #[serde(rename = "gathered")]
    GatheredMetrics {
        /// The number that the asking worker gave its question.
        id: u64,
        /// One exposition a process.
        texts: Vec<String>,
    },
}

/// From a worker to the supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerMessage {
    /// The worker answers requests.
    Ready,
    /// All its event loops turn.
    Alive,
    /// Somebody other than the supervisor asked it to end, and it drains.
    #[serde(rename = "drains")]
    Draining,
    /// It cannot serve, and ends: one line that says why.
    Failed(String),
    /// It wants the metrics of all others.
    #[serde(rename = "gather")]
    GatherMetrics {
        /// Its own number for this question.
        id: u64,
    },
    /// Its metrics.
    #[serde(rename = "reported")]
    Metrics {
        /// What is answered.
        to: MetricsRequest,
        /// One exposition.
        text: String,
    },
}

/// A question for everybody's metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricsRequest {
    /// The supervisor's number for the asking process.
    pub asker: u64,
    /// The asking worker's own number for the question.
    pub id: u64,
}

/// Encodes a message as its line.
pub fn encode(message: &impl Serialize) -> String {
    let mut line = serde_json::to_string(message).expect("messages hold strings and numbers");
    line.push('\n');
    line
}

/// Writes a message as one line.
///
/// # Errors
///
/// Those of the socket: the other end is gone.
pub fn write(mut socket: impl Write, message: &impl Serialize) -> io::Result<()> {
    socket.write_all(encode(message).as_bytes())
}

/// Decodes a line.
///
/// # Errors
///
/// When the line is not a message; both ends are the same program, so that is a mistake of ours.
pub fn decode<T: DeserializeOwned>(line: &str) -> serde_json::Result<T> {
    serde_json::from_str(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_names_that_other_versions_know() {
        let request = MetricsRequest { asker: 4, id: 2 };
        let (texts, text) = (vec!["a".to_owned()], "b".to_owned());
        let start = Command::Start { worker: 1, listener: 5, loops: 2, session_key: "k".into() };
        for (command, line) in [
            (start, r#"{"start":{"worker":1,"listener":5,"loops":2,"session_key":"k"}}"#),
            (Command::Drain, r#""drain""#),
            (Command::ReportMetrics(request), r#"{"report":{"asker":4,"id":2}}"#),
            (Command::GatheredMetrics { id: 2, texts }, r#"{"gathered":{"id":2,"texts":["a"]}}"#),
        ] {
            assert_eq!(encode(&command), format!("{line}\n"));
            assert_eq!(decode::<Command>(line).unwrap(), command);
        }
        for (message, line) in [
            (WorkerMessage::Ready, r#""ready""#),
            (WorkerMessage::Alive, r#""alive""#),
            (WorkerMessage::Draining, r#""drains""#),
            (WorkerMessage::Failed("c".to_owned()), r#"{"failed":"c"}"#),
            (WorkerMessage::GatherMetrics { id: 2 }, r#"{"gather":{"id":2}}"#),
            (
                WorkerMessage::Metrics { to: request, text },
                r#"{"reported":{"to":{"asker":4,"id":2},"text":"b"}}"#,
            ),
        ] {
            assert_eq!(encode(&message), format!("{line}\n"));
            assert_eq!(decode::<WorkerMessage>(line).unwrap(), message);
        }
    }
}
