//! Many different addresses: whether they are answered from the cache, in bounded memory.

use tempfile::TempDir;

use super::cold::computed;
use super::loads::{airports, client, get, graphs, signal};
use super::server::quadrant_with;
use super::table;
use super::wrk::{Asked, run_and_count};

/// Addresses that differ in a number alone.
const NUMBERED: u64 = 100_000;
/// How long a run takes; there are as many as the addresses need.
const SECONDS: u64 = 2;

/// Addresses, each of which is asked for at least once.
enum Kind {
    Listed(Vec<String>),
    /// Those that begin so and end with a number.
    Numbered(String),
}

impl Kind {
    fn count(&self) -> u64 {
        match self {
            Self::Listed(paths) => paths.len() as u64,
            Self::Numbered(_) => NUMBERED,
        }
    }

    /// What remains after these answers.
    fn after(&self, answers: u64) -> Asked {
        match self {
            Self::Listed(paths) => Asked::Paths(paths[answers as usize..].to_vec()),
            Self::Numbered(start) => Asked::Numbered(start.clone(), answers + 1),
        }
    }
}

/// Prints a row for each kind of addresses, with this many workers.
pub(super) async fn many(workers: u16) {
    let about = format!(
        "Asked of {workers} workers with their cache on disk, each kind after the ones before. \
        Unknown parameters are ignored. \"At\" names a computation, here ones that never were."
    );
    table::begin(
        "Different addresses",
        &about,
        &[
            "addresses",
            "answers",
            "answers/s",
            "from the cache",
            "computations",
            "memory before",
            "after",
        ],
    );
    let (folder, client) = (TempDir::new().expect("there is room for files"), client());
    // Nothing is computed but what is asked for.
    let server = quadrant_with(folder.path(), workers, &[("WARM", "0")]);
    let print = async |what: &str, asked: Kind| {
        let (before, pss) = (computed(&server.url).await, server.processes.pss());
        let (mut answers, mut hits, mut time) = (0, 0, 0.0);
        while answers < asked.count() {
            let run = run_and_count(folder.path(), &server.url, &asked.after(answers), SECONDS);
            (answers, hits) = (answers + run.answers, hits + run.hits);
            time += run.time.as_secs_f64();
        }
        let made = computed(&server.url).await - before;
        let share = format!("{:.2} %", hits as f64 * 100.0 / answers as f64);
        let [answers, rate] = [answers as f64, answers as f64 / time].map(table::count);
        let memory = [pss, server.processes.pss()].map(|kib| format!("{} MiB", kib / 1024));
        table::row(
            &[&[what.to_owned(), answers, rate, share, made.to_string()], &memory[..]].concat(),
        );
    };
    let signal = signal("ATL", "mean");
    let known = graphs(&get(&client, &format!("{}{signal}", server.url)).await).swap_remove(0);
    let other = known.split("&at=").next().unwrap_or_default();
    print("`/signal?…&x=N`", Kind::Numbered(format!("{signal}&x="))).await;
    print("`/graphs/daily?…&x=N`", Kind::Numbered(format!("{known}&x="))).await;
    print("`/graphs/daily?…&at=N`", Kind::Numbered(format!("{other}&at="))).await;
    let (signals, graphs) = all(&server.url).await;
    print(
        &format!("{} signals of all airports by all metrics", signals.len()),
        Kind::Listed(signals),
    )
    .await;
    print(&format!("{} graphs that these name", graphs.len()), Kind::Listed(graphs)).await;
}

/// The addresses of all signals, each of which has been answered, and of the graphs that they name.
async fn all(url: &str) -> (Vec<String>, Vec<String>) {
    let (client, mut signals, mut named) = (client(), Vec::new(), Vec::new());
    for origin in airports(usize::MAX).into_iter().chain(["ALL".to_owned()]) {
        for metric in ["mean", "median", "p90"] {
            let signal = signal(&origin, metric);
            named.extend(graphs(&get(&client, &format!("{url}{signal}")).await));
            signals.push(signal);
        }
    }
    (signals, named)
}
