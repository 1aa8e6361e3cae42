//! A server under test and how it is ended; how Quadrant is started.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::processes::Processes;

/// A running server; it is asked to end when it is dropped, and waited for.
pub(super) struct Server {
    child: Child,
    pub(super) url: String,
    /// All processes that it consists of.
    pub(super) processes: Processes,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both servers end their workers themselves, if they are asked and not killed.
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(asked.expect("every system has it").success());
        self.child.wait().expect("it was asked to end");
    }
}

impl Server {
    /// The server of this process, however many it consists of by now.
    pub(super) fn started(child: Child, url: String) -> Self {
        let processes = Processes::of(child.id());
        Self { child, url, processes }
    }

    /// The same, once it has started as many processes as it consists of.
    pub(super) fn new(child: Child, url: String, count: usize) -> Self {
        let processes = processes(child.id(), count);
        Self { child, url, processes }
    }
}

/// Quadrant with this many workers, its cache in `folder`.
pub(super) fn quadrant(folder: &Path, workers: u16) -> Server {
    quadrant_with(folder, workers, &[])
}

/// The same, with more settings.
pub(super) fn quadrant_with(folder: &Path, workers: u16, settings: &[(&str, &str)]) -> Server {
    let mut command = command(folder, workers);
    let command = command.env("PORT", "0").envs(settings.iter().copied());
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it has been built");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    // It says so when all workers answer.
    let line = lines.next().expect("it says where it is").expect("in UTF-8");
    // What it logs later is read and forgotten, so that the pipe does not fill.
    std::thread::spawn(move || lines.for_each(drop));
    let url = line[line.find("http://").expect("it says where it is")..].split(',').next();
    let url = url.expect("split gives one part at least").to_owned();
    Server::new(child, url, 1 + usize::from(workers))
}

/// The command that starts Quadrant, without a port.
pub(super) fn command(folder: &Path, workers: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quadrant"));
    command.env_clear().env("WEB_CONCURRENCY", workers.to_string());
    command.env("CACHE_DIR", cache(folder));
    command
}

/// A port on which nothing listens.
pub(super) fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    free.expect("there is a free port").port()
}

/// Where [`quadrant`] keeps its cache.
pub(super) fn cache(folder: &Path) -> std::path::PathBuf {
    folder.join("cache")
}

/// The processes of a server that has started as many as it consists of, itself included.
fn processes(root: u32, count: usize) -> Processes {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let processes = Processes::of(root);
        if processes.count() == count {
            return processes;
        }
        assert!(Instant::now() < until, "it has {} processes, not {count}", processes.count());
    }
}
