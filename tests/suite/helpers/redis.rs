//! A Redis of its own for a test.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use deadpool_redis::redis::{Client, FromRedisValue, cmd};

use super::certificate::Certificate;
use super::{eventually, free_port};

/// A running Redis; it is killed when the test ends.
pub(crate) struct Redis {
    port: u16,
    tls: Option<Tls>,
    child: Option<Child>,
}

/// A second port of the same Redis, which speaks TLS.
struct Tls {
    port: u16,
    certificate: Certificate,
}

impl Redis {
    /// Starts a Redis that keeps nothing on disk.
    pub(crate) fn spawn() -> Self {
        let mut redis = Self::absent();
        redis.start();
        redis
    }

    /// Starts one that speaks TLS too, with a certificate that no system trusts.
    pub(crate) fn spawn_with_tls() -> Self {
        let tls = Tls { port: free_port(), certificate: Certificate::new() };
        let mut redis = Self { port: free_port(), tls: Some(tls), child: None };
        redis.start();
        redis
    }

    /// A place where a Redis may be started later.
    pub(crate) fn absent() -> Self {
        Self { port: free_port(), tls: None, child: None }
    }

    /// Starts it, with an empty memory.
    pub(crate) fn start(&mut self) {
        let mut command = Command::new("redis-server");
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "no"]).stdout(Stdio::null());
        if let Some(Tls { port, certificate }) = &self.tls {
            command.args(["--tls-port", &port.to_string(), "--tls-auth-clients", "no"]);
            command.arg("--tls-cert-file").arg(certificate.certificate());
            command.arg("--tls-key-file").arg(certificate.key());
        }
        let child = command.spawn().expect("bin/test installs redis-server");
        // Another test's Redis on this port would be another process.
        let ours = format!("process_id:{}\r", child.id());
        self.child = Some(child);
        eventually("redis-server", || {
            self.try_ask::<String>(&["INFO", "server"]).is_ok_and(|info| info.contains(&ours))
        });
    }

    /// Kills it.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Sends a signal such as `STOP` or `CONT`.
    pub(crate) fn kill(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        let status = Command::new("kill").args([&format!("-{signal}"), &id]).status().unwrap();
        assert!(status.success());
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The address by TLS.
    pub(crate) fn tls_url(&self) -> String {
        format!("rediss://127.0.0.1:{}", self.tls.as_ref().unwrap().port)
    }

    /// The authority whose word makes its certificate trusted.
    pub(crate) fn authority(&self) -> PathBuf {
        self.tls.as_ref().unwrap().certificate.authority()
    }

    /// Asks a command, such as `["KEYS", "*"]`.
    pub(crate) fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_ask(words).unwrap()
    }

    fn try_ask<T: FromRedisValue>(&self, words: &[&str]) -> Result<T, String> {
        let client = Client::open(self.url()).unwrap();
        let mut connection = client.get_connection().map_err(|error| error.to_string())?;
        let mut question = cmd(words[0]);
        question.arg(&words[1..]);
        question.query(&mut connection).map_err(|error| error.to_string())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}
