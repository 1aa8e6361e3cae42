//! A Redis of its own for a test, with a second port for TLS if that is wanted.

use std::path::PathBuf;

use deadpool_redis::redis::FromRedisValue;

use super::certificate::Certificate;
use super::command::kill;
use super::free_port;
use super::servers::Server;

/// A running Redis; it is killed when the test ends.
pub(crate) struct Redis {
    server: Server,
    tls: Option<Tls>,
}

/// The second port of a Redis, which speaks TLS.
struct Tls {
    port: u16,
    certificate: Certificate,
}

impl Redis {
    /// Starts a Redis that keeps nothing on disk.
    pub(crate) fn spawn() -> Self {
        Self { server: Server::spawn(), tls: None }
    }

    /// Starts one with more options, such as `--requirepass`.
    pub(crate) fn spawn_with(options: &[&str]) -> Self {
        Self { server: Server::spawn_with(options), tls: None }
    }

    /// Starts one that speaks TLS too, with a certificate that no system trusts.
    pub(crate) fn spawn_with_tls() -> Self {
        let tls = Tls { port: free_port(), certificate: Certificate::new() };
        let (port, path) = (tls.port.to_string(), |path: PathBuf| path.display().to_string());
        let (own, key) = (path(tls.certificate.certificate()), path(tls.certificate.key()));
        let files = ["--tls-cert-file", &own, "--tls-key-file", &key];
        let options = ["--tls-port", &port, "--tls-auth-clients", "no"];
        Self { server: Server::spawn_with(&[options, files].concat()), tls: Some(tls) }
    }

    /// A place where a Redis may be started later.
    pub(crate) fn absent() -> Self {
        Self { server: Server::absent(), tls: None }
    }

    /// Starts it, with an empty memory.
    pub(crate) fn start(&mut self) {
        self.server.start();
    }

    /// Kills it.
    pub(crate) fn stop(&mut self) {
        self.server.stop();
    }

    /// Sends a signal such as `STOP` or `CONT`.
    pub(crate) fn kill(&self, signal: &str) {
        kill(self.server.id(), signal);
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// The address by TLS.
    pub(crate) fn tls_url(&self) -> String {
        format!("rediss://127.0.0.1:{}", self.tls.as_ref().unwrap().port)
    }

    /// The authority whose word makes its certificate trusted.
    pub(crate) fn authority(&self) -> PathBuf {
        self.tls.as_ref().unwrap().certificate.authority()
    }

    /// The server, for what only some tests need.
    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// Asks a command, such as `["KEYS", "*"]`.
    pub(crate) fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.server.ask(words)
    }
}
