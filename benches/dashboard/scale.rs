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
/// Rounds of each number of connections, all servers in turns.
const ROUNDS: usize = 3;
/// How long a round takes.
const SECONDS: u64 = 1;

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
        let round = |_| targets.iter().map(|it| tried(it, users, &folders[4])).collect();
        let rounds: Vec<Vec<Run>> = (0..ROUNDS).map(round).collect();
        for (at, target) in targets.iter().enumerate() {
            row(users, &target.name, &rounds, at);
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

/// Medians over the rounds of one server, and its ratios to the last one.
fn row(users: usize, name: &str, rounds: &[Vec<Run>], at: usize) {
    let column = |at: usize, of: fn(&Run) -> f64| -> Vec<f64> {
        rounds.iter().map(|round| of(&round[at])).collect()
    };
    let last = rounds[0].len() - 1;
    let median = |of| super::spread(column(at, of))[1];
    let ratio = table::ratio(&column(at, loads), &column(last, loads));
    table::row(&[
        users.to_string(),
        name.to_owned(),
        table::count(median(loads)),
        if at == last { "1".to_owned() } else { ratio },
        format!("{:.2}", median(|run| run.median.as_secs_f64() * 1000.0)),
        format!("{:.2}", median(|run| run.p99.as_secs_f64() * 1000.0)),
    ]);
}
