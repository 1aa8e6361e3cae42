//! The time limits for Redis.

use std::time::Duration;

/// The limit for a question. A Redis nearby answers a hundred times faster; one with round trips of
/// 200 ms answers twice in this time, which a script takes that it does not know yet.
const QUESTION: Duration = Duration::from_millis(500);
/// The limit for opening a connection: a handshake and a greeting.
const CONNECT: Duration = Duration::from_secs(1);
/// The factor for TLS: its handshake takes two more round trips and time of both processors, which
/// may be busy computing.
const TLS: u32 = 2;
/// The factor for finding the server first: asking a sentinel, or a cluster for its nodes.
const LOOKUP: u32 = 2;
/// The factor for a question to a cluster: a node may redirect it, and the client may first have to ask
/// for the slots or connect to the other node.
const REDIRECT: u32 = 4;

/// The time limits of one Redis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For a question on an open connection.
    pub(super) question: Duration,
    /// For opening one connection.
    pub(super) connect: Duration,
    /// For finding the server and opening a connection to it.
    pub(super) ready: Duration,
}

impl Patience {
    pub(super) fn new(is_tls: bool) -> Self {
        let tls = if is_tls { TLS } else { 1 };
        let connect = CONNECT * tls;
        Self { question: QUESTION * tls, connect, ready: connect * LOOKUP }
    }

    /// The limits for a cluster at the same place.
    pub(super) fn of_cluster(self) -> Self {
        Self { question: self.question * REDIRECT, ..self }
    }
}
