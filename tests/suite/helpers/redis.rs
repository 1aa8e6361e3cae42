//! A Redis of its own for a test.

use std::process::{Child, Command, Stdio};

use deadpool_redis::redis::{Client, FromRedisValue, cmd};

use super::{eventually, free_port};

/// A running Redis; it is killed when the test ends.
pub(crate) struct Redis {
    port: u16,
    child: Option<Child>,
}

impl Redis {
    /// Starts a Redis that keeps nothing on disk.
    pub(crate) fn spawn() -> Self {
        let mut redis = Self { port: free_port(), child: None };
        redis.start();
        redis
    }

    /// A place where a Redis may be started later.
    pub(crate) fn absent() -> Self {
        Self { port: free_port(), child: None }
    }

    /// Starts it, with an empty memory.
    pub(crate) fn start(&mut self) {
        let mut command = Command::new("redis-server");
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "no"]).stdout(Stdio::null());
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
