//! Warm loads, beside nginx with the same bytes as files: on one connection, and on many.

use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::Client;
use tempfile::TempDir;

use super::loads::{client, get, graphs, signal};
use super::server::{Server, nginx, quadrant};
use super::wrk::{self, CONNECTIONS};

/// Rounds of each server, in turns.
const ROUNDS: usize = 5;
/// Loads of a round on one connection; five answers each.
const LOADS: usize = 1500;
/// How long a round on many connections takes.
const SECONDS: u64 = 4;

/// What one round has cost.
struct Round {
    loads: f64,
    cpu: Duration,
    time: Duration,
}

impl Round {
    /// Microseconds of the server's processors for one load.
    fn cpu_each(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.loads
    }

    fn a_second(&self) -> f64 {
        self.loads / self.time.as_secs_f64()
    }

    fn time_each(&self) -> f64 {
        1e6 / self.a_second()
    }
}

/// A server, and what a load asks of it.
struct Target {
    server: Server,
    paths: Vec<String>,
}

/// Prints what a warm load costs both servers, with this many workers.
pub(super) async fn loads(workers: u16) {
    let (folder, client) = (TempDir::new().expect("there is room for files"), client());
    let ours = ours(folder.path(), workers, &client).await;
    let bytes = copy(&ours, folder.path(), &client).await;
    println!("a warm load: 5 answers, {bytes} bytes");
    let paths = (0..5).map(|at| format!("/{at}")).collect();
    let theirs = Target { server: nginx(folder.path()), paths };
    let (mut one, mut many) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        one.push([single(&ours, &client).await, single(&theirs, &client).await]);
        many.push([ours.many(folder.path()), theirs.many(folder.path())]);
    }
    print("1 connection, time (µs)", &one, Round::time_each);
    print("1 connection, CPU (µs)", &one, Round::cpu_each);
    print(&format!("{CONNECTIONS} connections, loads/s"), &many, Round::a_second);
    print(&format!("{CONNECTIONS} connections, CPU (µs)"), &many, Round::cpu_each);
}

/// Medians of both servers over all rounds, and the ratio that each round gives.
fn print(what: &str, rounds: &[[Round; 2]], of: impl Fn(&Round) -> f64) {
    let column = |at: usize| rounds.iter().map(|round| of(&round[at])).collect();
    let [ours, theirs] = [column(0), column(1)].map(super::spread);
    let ratio = super::spread(rounds.iter().map(|[our, their]| of(our) / of(their)).collect());
    println!(
        "warm load, {what}: quadrant {:.0}, nginx {:.0}, ratio {:.2} (from {:.2} to {:.2}, \
        {ROUNDS} rounds)",
        ours[1], theirs[1], ratio[1], ratio[0], ratio[2]
    );
}

/// Quadrant, after a load through every worker's memory.
async fn ours(folder: &Path, workers: u16, client: &Client) -> Target {
    let server = quadrant(folder, workers);
    let signal = signal("ATL", "mean");
    let graphs = graphs(&get(client, &format!("{}{signal}", server.url)).await);
    let paths = [signal].into_iter().chain(graphs).collect();
    let target = Target { server, paths };
    wrk::run(folder, &target.server.url, &target.paths, 1);
    target
}

/// Keeps the answers as files, as they come over the wire, and counts their bytes.
async fn copy(from: &Target, folder: &Path, client: &Client) -> usize {
    let mut bytes = 0;
    for (at, path) in from.paths.iter().enumerate() {
        let body = get(client, &format!("{}{path}", from.server.url)).await;
        bytes += body.len();
        std::fs::write(folder.join(at.to_string()), body).expect("there is room for files");
    }
    bytes
}

/// A round of loads one after the other on one connection.
async fn single(target: &Target, client: &Client) -> Round {
    let (cpu, started) = (target.server.processes.cpu(), Instant::now());
    for _ in 0..LOADS {
        for path in &target.paths {
            get(client, &format!("{}{path}", target.server.url)).await;
        }
    }
    let (time, cpu) = (started.elapsed(), target.server.processes.cpu() - cpu);
    Round { loads: LOADS as f64, cpu, time }
}

impl Target {
    /// A round of loads on many connections, as many as the server can answer.
    fn many(&self, folder: &Path) -> Round {
        let cpu = self.server.processes.cpu();
        let (answers, time) = wrk::run(folder, &self.server.url, &self.paths, SECONDS);
        let loads = answers as f64 / self.paths.len() as f64;
        Round { loads, cpu: self.server.processes.cpu() - cpu, time }
    }
}
