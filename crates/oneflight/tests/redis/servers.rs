//! Redis processes of a test's own.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use deadpool_redis::redis::{Client, Connection, FromRedisValue, RedisResult, cmd};
use tempfile::TempDir;

/// How long anything that a test waits for may take, on a busy machine too, before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running Redis; it is killed when the test ends.
pub(crate) struct Server {
    port: u16,
    password: Option<String>,
    folder: TempDir,
    options: Vec<String>,
    child: Option<Child>,
}

impl Server {
    /// Starts a Redis that keeps nothing on disk.
    pub(crate) fn spawn() -> Self {
        Self::spawn_with(&[])
    }

    /// Starts one with more options, such as `--requirepass`.
    pub(crate) fn spawn_with(options: &[&str]) -> Self {
        let mut server = Self::absent();
        server.options = options.iter().map(ToString::to_string).collect();
        let password = options.iter().position(|option| *option == "--requirepass");
        server.password = password.map(|at| options[at + 1].to_owned());
        server.start();
        server
    }

    /// Starts one in another mode, whose options may have to be a file.
    pub(crate) fn spawn_sentinel(lines: &str) -> Self {
        let mut server = Self::absent();
        let file = server.folder.path().join("sentinel.conf");
        std::fs::write(&file, lines).unwrap();
        server.options = vec!["--sentinel".to_owned()];
        let mut command = Command::new("redis-server");
        command.arg(file);
        server.run(command);
        server
    }

    /// A place where a Redis may be started later.
    pub(crate) fn absent() -> Self {
        let (port, folder) = (free_port(), TempDir::new().unwrap());
        Self { port, password: None, folder, options: Vec::new(), child: None }
    }

    /// Starts it, with an empty memory.
    pub(crate) fn start(&mut self) {
        let mut command = Command::new("redis-server");
        command.args(["--save", "", "--appendonly", "no"]);
        // A replica would wait five seconds for others.
        command.args(["--repl-diskless-sync-delay", "0"]);
        self.run(command);
    }

    fn run(&mut self, mut command: Command) {
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        command.arg("--dir").arg(self.folder.path()).args(&self.options).stdout(Stdio::null());
        self.child = Some(command.spawn().expect("redis-server is installed"));
        // Another test's Redis on this port would be another process.
        let ours = format!("process_id:{}\r", self.id());
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

    /// The id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Asks a command, such as `["KEYS", "*"]`.
    pub(crate) fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_ask(words).unwrap()
    }

    pub(crate) fn try_ask<T: FromRedisValue>(&self, words: &[&str]) -> Result<T, String> {
        let mut connection = self.connect().map_err(|error| error.to_string())?;
        let mut question = cmd(words[0]);
        question.arg(&words[1..]);
        question.query(&mut connection).map_err(|error| error.to_string())
    }

    /// A connection whose questions each end within [`PATIENCE`].
    fn connect(&self) -> RedisResult<Connection> {
        let credentials = self.password.as_ref().map(|password| format!(":{password}@"));
        let credentials = credentials.unwrap_or_default();
        let client = Client::open(format!("redis://{credentials}127.0.0.1:{}", self.port))?;
        let connection = client.get_connection_with_timeout(PATIENCE)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        connection.set_write_timeout(Some(PATIENCE))?;
        Ok(connection)
    }

    pub(crate) fn set(&self, name: &str, value: &[u8]) {
        let mut connection = self.connect().unwrap();
        cmd("SET").arg(name).arg(value).exec(&mut connection).unwrap();
    }

    /// Makes it a copy of another one, and waits until it is.
    pub(crate) fn follow(&self, master: &Self) {
        let _: String = self.ask(&["REPLICAOF", "127.0.0.1", &master.port.to_string()]);
        eventually("a replica", || {
            self.ask::<String>(&["INFO", "replication"]).contains("master_link_status:up")
        });
    }

    /// How often each command was asked since the last reset, `config` and `info` left out.
    pub(crate) fn commands(&self) -> Vec<(String, u64)> {
        let info: String = self.ask(&["INFO", "commandstats"]);
        let lines = info.lines().filter_map(|line| line.strip_prefix("cmdstat_"));
        let calls = lines.map(|line| {
            let (name, rest) = line.split_once(":calls=").unwrap();
            (name.to_owned(), rest.split(',').next().unwrap().parse().unwrap())
        });
        // Asked by this helper, which opens a connection each time.
        let mine = ["config|resetstat", "info", "client|setinfo", "client|list"];
        calls.filter(|(name, _)| !mine.contains(&name.as_str())).collect()
    }

    /// How often this command was asked.
    pub(crate) fn calls(&self, command: &str) -> u64 {
        let all = self.commands();
        all.iter().find(|(name, _)| name == command).map_or(0, |(_, calls)| *calls)
    }

    pub(crate) fn reset_commands(&self) {
        let _: String = self.ask(&["CONFIG", "RESETSTAT"]);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until it is true, and fails with `what` after [`PATIENCE`].
pub(crate) fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < until, "waited {PATIENCE:?} for {what}");
        pause();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a server's start is awaited, on a thread of its own"
)]
fn pause() {
    std::thread::sleep(Duration::from_millis(10));
}
