//! The memory of all processes together, as the sum of their proportional shares (PSS).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Client;
use tempfile::TempDir;

use super::loads::{airports, ask, client, get, graphs, load, signal};
use super::server::{Server, cache, quadrant};
use super::table;

/// Between two looks at the memory of all; a look itself takes a few milliseconds.
const LOOK: Duration = Duration::from_millis(1);

/// Prints it at the start, in use, and at most during a computation, with this many workers.
pub(super) async fn of_all(workers: u16) {
    let about = format!(
        "Of {workers} workers and their supervisor, as the sum of proportional shares (PSS), which \
        counts once what processes share. \"At most\" is the greatest of looks a millisecond apart."
    );
    table::begin("Memory", &about, &["when", "PSS"]);
    let folder = TempDir::new().expect("there is room for files");
    let server = Arc::new(quadrant(folder.path(), workers));
    print("after the start", server.processes.pss());
    let peak = peak(&server).await;
    print("at most during the first computation, that of all airports", peak);
    let callers = callers(&server.url, workers).await;
    let few = ["ALL", "ATL", "ORD", "DFW", "LAX", "YAK"].map(str::to_owned);
    ask_all(&server.url, &callers, &few, &["mean"]).await;
    print("warm, all airports and five of them asked of each worker", server.processes.pss());
    let every = airports(usize::MAX);
    ask_all(&server.url, &callers, &every, &["mean", "median", "p90"]).await;
    let what = format!("warm, {} airports by all metrics asked of each worker", every.len());
    print(&what, server.processes.pss());
    forget(&cache(folder.path()));
    let peak = self::peak(&server).await;
    print("at most while then all airports are computed once more", peak);
}

fn print(when: &str, kib: u64) {
    table::row(&[when.to_owned(), format!("{} MiB", kib / 1024)]);
}

/// The most that all processes have together while "All airports" is loaded cold.
async fn peak(server: &Arc<Server>) -> u64 {
    let is_over = Arc::new(AtomicBool::new(false));
    let (watched, over) = (server.clone(), is_over.clone());
    let watching = std::thread::spawn(move || watch(&watched, &over));
    let compute = load(&client(), &server.url, "ALL").await;
    assert!(compute > 0.0, "it was computed for this load");
    is_over.store(true, Ordering::Relaxed);
    watching.join().expect("it only looks")
}

#[expect(clippy::disallowed_methods, reason = "this thread has no event loop to stop")]
fn watch(server: &Server, is_over: &AtomicBool) -> u64 {
    let mut most = 0;
    while !is_over.load(Ordering::Relaxed) {
        most = most.max(server.processes.pss());
        std::thread::sleep(LOOK);
    }
    most
}

/// One client for each worker: each keeps the one connection that it has.
async fn callers(url: &str, workers: u16) -> Vec<Client> {
    let mut callers = BTreeMap::new();
    while callers.len() < usize::from(workers) {
        let client = client();
        let answer = ask(&client, &format!("{url}{}", signal("ATL", "mean"))).await;
        let timing = answer.headers()["server-timing"].to_str().expect("it is ASCII");
        let worker = timing.rsplit("worker;desc=").next().expect("it has one part").to_owned();
        // Read to its end, so that its connection is free for the next question.
        answer.bytes().await.expect("it answers in full");
        callers.insert(worker, client);
    }
    callers.into_values().collect()
}

/// Has each worker answer the loads of these airports.
async fn ask_all(url: &str, callers: &[Client], airports: &[String], metrics: &[&str]) {
    let one = async |client: &Client| {
        for origin in airports {
            for metric in metrics {
                let signal = get(client, &format!("{url}{}", signal(origin, metric))).await;
                for graph in graphs(&signal) {
                    get(client, &format!("{url}{graph}")).await;
                }
            }
        }
    };
    join_all(callers.iter().map(one)).await;
}

/// Removes all entries, so that the next question for one is a computation.
fn forget(cache: &Path) {
    for file in std::fs::read_dir(cache).expect("it has been written to").flatten() {
        std::fs::remove_file(file.path()).expect("it is ours");
    }
}
