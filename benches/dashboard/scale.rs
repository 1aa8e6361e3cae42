//! How many loads few and many users get from few and many workers, and how long they wait.

use tempfile::TempDir;

use super::addresses;
use super::contest::{ANSWERS, Target};
use super::loads::client;
use super::server::quadrant;
use super::table;
use super::tools::has;
use super::warm::{ours, theirs};
use super::wrk::{self, Run};

const WORKERS: [u16; 4] = [1, 2, 4, 6];
/// Connections, each of which asks for the next answer as soon as it has one.
const USERS: [usize; 4] = [1, 10, 100, 1000];
/// How long each of both is tried.
const SECONDS: u64 = 2;

/// Prints a row for each number of connections and each server, then what many addresses cost.
pub(super) async fn users(workers: u16) {
    if !has("scale in users", &["wrk"]) {
        return;
    }
    let client = client();
    let folders = [(); 5].map(|()| TempDir::new().expect("there is room for files"));
    let mut targets = Vec::new();
    for (workers, folder) in WORKERS.into_iter().zip(&folders) {
        let server = quadrant(folder.path(), workers);
        let name = format!("Quadrant, workers: {workers}");
        targets.push(ours(name, vec![server], folder.path(), &client).await);
    }
    if has("nginx", &["nginx"]) {
        targets.push(theirs(&targets[0], folders[4].path(), &client).await);
    }
    table::begin(
        "Scale in users",
        "Warm loads from disk. Each connection asks for the next answer as soon as it has one, so \
        that one stands for the many users who are reading. Times are those of one answer of five, \
        as the client sees them; it shares the cores with the servers. Ratios are to the last row.",
        &["connections", "server", "loads/s", "ratio", "median (ms)", "99th percentile (ms)"],
    );
    for users in USERS {
        let runs: Vec<Run> =
            targets.iter().map(|target| tried(target, users, &folders[4])).collect();
        let last = runs.last().map_or(0.0, loads);
        for (target, run) in targets.iter().zip(&runs) {
            row(users, target, run, loads(run) / last);
        }
    }
    drop(targets);
    addresses::many(workers).await;
}

fn tried(target: &Target, users: usize, folder: &TempDir) -> Run {
    wrk::run(folder.path(), target.url(), &target.asked, users, SECONDS)
}

/// Loads a second.
fn loads(run: &Run) -> f64 {
    run.answers as f64 / ANSWERS / run.time.as_secs_f64()
}

fn row(users: usize, target: &Target, run: &Run, ratio: f64) {
    let [median, p99] = [run.median, run.p99].map(|time| time.as_secs_f64() * 1000.0);
    table::row(&[
        users.to_string(),
        target.name.clone(),
        table::count(loads(run)),
        format!("{ratio:.2}"),
        format!("{median:.2}"),
        format!("{p99:.2}"),
    ]);
}
