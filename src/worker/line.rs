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
use crate::control::{self, Order, Others, Question, Said};
use crate::web::cookie::SessionKey;
use crate::{metrics, supervisor, telemetry};

/// What a worker is told before anything else.
pub(super) struct Start {
    pub(super) worker: u16,
    pub(super) listener: TcpListener,
    pub(super) loops: usize,
    pub(super) session_key: SessionKey,
}

/// The socket, before there is an event loop to read it.
pub(super) struct Line(UnixStream);

impl Line {
    /// Takes the socket from the standard input, and with it the first order.
    pub(super) fn open() -> anyhow::Result<(Self, Start)> {
        let by_hand = "a worker is started by `quadrant serve`, not by hand";
        let input = std::io::stdin().as_fd().try_clone_to_owned()?;
        let socket = UnixStream::from(input);
        let mut first = String::new();
        // One byte at a time: what follows the line is not ours to read yet.
        BufReader::with_capacity(1, &socket).read_line(&mut first).context(by_hand)?;
        let Ok(Order::Start { worker, listener, loops, session_key }) = control::message(&first)
        else {
            bail!(by_hand);
        };
        let session_key = session_key.parse().map_err(Error::msg)?;
        let listener = inherited(listener);
        rustix::io::fcntl_setfd(&listener, rustix::io::FdFlags::CLOEXEC)?;
        Ok((Self(socket), Start { worker, listener: listener.into(), loops, session_key }))
    }

    /// Says something when there is no event loop any more.
    pub(super) fn tell(&self, said: &Said) {
        // The supervisor may be gone; then nobody is left who would want to know.
        let _ = control::tell(&self.0, said);
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

/// Sends what this worker has to say, in its order.
pub(super) async fn speak(mut writer: OwnedWriteHalf, mut words: UnboundedReceiver<Said>) {
    while let Some(said) = words.recv().await {
        if let Err(error) = writer.write_all(control::line(&said).as_bytes()).await {
            return warn!(%error, "the supervisor does not listen: {error}");
        }
    }
}

async fn report(to: Question, others: Arc<Others>) {
    // Reading files of the system is no work for an event loop.
    if let Ok(text) = blocking(metrics::text).await {
        others.say(Said::Reported { to, text });
    }
}

/// Follows orders, and says when one is to end. Nobody to give any is such an order, too: then
/// there will be no successor, and new connections are refused.
pub(super) async fn obey(
    reader: OwnedReadHalf,
    others: Arc<Others>,
    end: UnboundedSender<End>,
    listener: TcpListener,
) {
    let mut lines = tokio::io::BufReader::new(reader).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        match control::message(&line) {
            // More than one such order changes nothing.
            Ok(Order::Drain) => drop(end.send(End::Told)),
            Ok(Order::Report(to)) => drop(tokio::spawn(report(to, others.clone()))),
            Ok(Order::Gathered { id, texts }) => others.answered(id, texts),
            // It holds a secret.
            Ok(Order::Start { .. }) => error!("a worker is started once"),
            Err(_) => error!("this order makes no sense: {line}"),
        }
    }
    telemetry::ignore_listeners();
    supervisor::refuse(&listener);
    let _ = end.send(End::Orphaned);
}
