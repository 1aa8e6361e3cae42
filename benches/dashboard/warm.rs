//! Warm loads with the cache on disk, beside nginx with the same answers as files.

use std::path::Path;
use std::time::Instant;

use reqwest::Client;
use tempfile::TempDir;

use super::capacity;
use super::contest::{self, Round, Target, compared};
use super::loads::{client, get, graphs, signal};
use super::nginx::nginx;
use super::server::{Server, quadrant};
use super::table;
use super::tools::{cores, has};
use super::wrk::Asked;

/// Rounds of each server on one connection, in turns.
const ROUNDS: usize = 5;
/// Loads of such a round; five answers each.
const LOADS: usize = 1000;

/// Prints what a warm load costs both servers.
pub(super) async fn loads(workers: u16) {
    if !has("warm loads", &["nginx", "wrk"]) {
        return;
    }
    let client = client();
    let folders = [(); 3].map(|()| TempDir::new().expect("there is room for files"));
    let mut targets = Vec::new();
    for (workers, folder) in counts(workers).into_iter().zip(&folders) {
        let server = quadrant(folder.path(), workers);
        let name = format!("Quadrant, {workers} workers, disk");
        targets.push(ours(name, vec![server], folder.path(), &client).await);
    }
    let folder = folders[2].path();
    targets.push(theirs(&targets[0], folder, &client).await);
    table::begin(
        "Warm loads, cache on disk",
        "A signal and its four graphs, asked for before, of Quadrant and of nginx with the same \
        bodies and headers, in turns; ratios to nginx. CPU is that of all processes of a server.",
        &contest::COLUMNS,
    );
    contest::many(folder, &targets);
    single(&targets, &client).await;
    capacity::of(folder, &targets[0]);
}

/// Six workers, and as many as there are cores.
pub(super) fn counts(workers: u16) -> Vec<u16> {
    let mut counts = vec![workers, cores()];
    counts.dedup();
    counts
}

/// Quadrant, after a load through every worker's memory.
pub(super) async fn ours(
    name: String,
    servers: Vec<Server>,
    folder: &Path,
    client: &Client,
) -> Target {
    let signal = signal("ATL", "mean");
    let graphs = graphs(&get(client, &format!("{}{signal}", servers[0].url)).await);
    let paths = [signal].into_iter().chain(graphs).collect();
    let target = Target { name, servers, asked: Asked::Paths(paths) };
    target.many(folder, 1);
    target
}

/// nginx with the answers of this one.
pub(super) async fn theirs(ours: &Target, folder: &Path, client: &Client) -> Target {
    let urls: Vec<String> = ours.urls();
    let server = nginx(folder, client, &urls).await;
    let paths = (0..urls.len()).map(|at| format!("/{at}")).collect();
    let name = format!("nginx, {} worker processes, files", cores());
    Target { name, servers: vec![server], asked: Asked::Paths(paths) }
}

impl Target {
    /// The addresses of a load.
    fn urls(&self) -> Vec<String> {
        let Asked::Paths(paths) = &self.asked else { return Vec::new() };
        paths.iter().map(|path| format!("{}{path}", self.url())).collect()
    }
}

/// Prints what loads cost that come one after the other on one connection.
async fn single(targets: &[Target], client: &Client) {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let mut round = Vec::new();
        for target in targets {
            round.push(one_by_one(target, client).await);
        }
        rounds.push(round);
    }
    println!();
    table::head(&["1 connection", "time of a load (µs)", "ratio", "CPU of a load (µs)", "ratio"]);
    for (at, target) in targets.iter().enumerate() {
        let mut cells = vec![target.name.clone()];
        cells.extend(compared(&rounds, at, Round::time_each));
        cells.extend(compared(&rounds, at, Round::cpu_each));
        table::row(&cells);
    }
}

async fn one_by_one(target: &Target, client: &Client) -> Round {
    let urls = target.urls();
    let (cpu, started) = (target.cpu(), Instant::now());
    let mut bytes = 0;
    for _ in 0..LOADS {
        for url in &urls {
            bytes += get(client, url).await.len();
        }
    }
    let (time, cpu) = (started.elapsed(), target.cpu().since(&cpu));
    Round { loads: LOADS as f64, cpu, time, bytes: bytes as f64 / LOADS as f64 }
}
