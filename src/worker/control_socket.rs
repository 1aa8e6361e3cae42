//! The worker's end of the socket to its supervisor.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use anyhow::{Context, Error, bail};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tracing::{error, warn};

use super::End;
use crate::blocking::blocking;
use crate::control::{self, Command, MetricsRequest, SupervisorLink, WorkerMessage};
use crate::web::cookie::SessionKey;
use crate::{metrics, supervisor, telemetry};

/// What the first command says.
pub(super) struct Start {
    pub(super) worker: u16,
    pub(super) listener: TcpListener,
    pub(super) loops: usize,
    pub(super) session_key: SessionKey,
}

/// The socket, before there is an event loop to read it.
pub(super) struct ControlSocket(UnixStream);

impl ControlSocket {
    /// Takes the socket from the standard input, and reads the first command from it.
    pub(super) fn open() -> anyhow::Result<(Self, Start)> {
        let by_hand = "a worker is started by `quadrant serve`, not by hand";
        let input = std::io::stdin().as_fd().try_clone_to_owned()?;
        let socket = UnixStream::from(input);
        let mut first = String::new();
        // One byte at a time: what follows the line is not ours to read yet.
        BufReader::with_capacity(1, &socket).read_line(&mut first).context(by_hand)?;
        let Ok(Command::Start { worker, listener, loops, session_key }) = control::decode(&first)
        else {
            bail!(by_hand);
        };
        let session_key = session_key.parse().map_err(Error::msg)?;
        let listener = inherited(listener);
        rustix::io::fcntl_setfd(&listener, rustix::io::FdFlags::CLOEXEC)?;
        Ok((Self(socket), Start { worker, listener: listener.into(), loops, session_key }))
    }

    /// Sends a message when there is no event loop any more.
    pub(super) fn send(&self, message: &WorkerMessage) {
        // The supervisor may be gone; then nobody is left who would want to know.
        let _ = control::write(&self.0, message);
    }

    /// The same socket, for an event loop.
    pub(super) fn split(&self) -> anyhow::Result<(OwnedReadHalf, OwnedWriteHalf)> {
        let socket = self.0.try_clone()?;
        socket.set_nonblocking(true)?;
        Ok(tokio::net::UnixStream::from_std(socket)?.into_split())
    }
}

#[expect(unsafe_code, reason = "a descriptor that a parent hands on has no safe way to arrive")]
fn inherited(listener: std::os::fd::RawFd) -> OwnedFd {
    // SAFETY: the supervisor, which is this same program, has left this descriptor open for us
    // under this number, and says so once; nothing else in this process uses or closes it.
    unsafe { OwnedFd::from_raw_fd(listener) }
}

/// Writes the worker's messages, in their order.
pub(super) async fn write_messages(
    mut writer: OwnedWriteHalf,
    mut messages: UnboundedReceiver<WorkerMessage>,
) {
    while let Some(message) = messages.recv().await {
        if let Err(error) = writer.write_all(control::encode(&message).as_bytes()).await {
            return warn!(%error, "cannot write to the supervisor: {error}");
        }
    }
}

async fn report_metrics(to: MetricsRequest, supervisor: Arc<SupervisorLink>) {
    // Reading files of the system is no work for an event loop.
    if let Ok(text) = blocking(metrics::text).await {
        supervisor.send(WorkerMessage::Metrics { to, text });
    }
}

/// Follows the supervisor's commands, and says through `end` when this worker is to end. The end of
/// the socket is such a command, too: the supervisor is gone and there will be no successor, so new
/// connections are refused.
pub(super) async fn follow_commands(
    reader: OwnedReadHalf,
    supervisor: Arc<SupervisorLink>,
    end: UnboundedSender<End>,
    listener: TcpListener,
) {
    let mut lines = tokio::io::BufReader::new(reader).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match control::decode(&line) {
            // A second one changes nothing.
            Ok(Command::Drain) => drop(end.send(End::Told)),
            Ok(Command::ReportMetrics(to)) => {
                drop(tokio::spawn(report_metrics(to, supervisor.clone())));
            }
            Ok(Command::GatheredMetrics { id, texts }) => supervisor.on_gathered(id, texts),
            // Not logged whole: it holds a secret.
            Ok(Command::Start { .. }) => error!("a worker is started once"),
            Err(_) => error!("not a command: {line}"),
        }
    }
    telemetry::ignore_listeners();
    supervisor::refuse(&listener);
    let _ = end.send(End::Orphaned);
}
