//! What the dashboard costs: `cargo bench --locked`, in a bit over a minute.
//!
//! The computation, each origin in a process of its own, so that its peak memory is its own. Then
//! what six workers do: cold loads (a signal and its four graphs), warm ones beside nginx serving
//! the very same bytes from files, in turns, so that both see the same machine, and their memory.
//! Figures of a shared machine are good as ratios.
#![expect(clippy::print_stdout, reason = "this program's answer is what it prints")]

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use quadrant::dataset::{Dataset, Origin};
use quadrant::{frame, query};

#[path = "dashboard/cold.rs"]
mod cold;
#[path = "dashboard/warm.rs"]
mod warm;
#[path = "dashboard/memory.rs"]
mod memory;
#[path = "dashboard/loads.rs"]
mod loads;
#[path = "dashboard/wrk.rs"]
mod wrk;
#[path = "dashboard/server.rs"]
mod server;
#[path = "dashboard/processes.rs"]
mod processes;

/// Computations of an origin after its first, of which the median is told.
const RUNS: usize = 15;
/// Worker processes, as on a host that is shared with others.
const WORKERS: u16 = 6;

fn main() {
    // The program calls itself, to compute in a fresh process.
    let words: Vec<String> = std::env::args().collect();
    match words.iter().position(|word| word == "compute") {
        Some(at) => compute(&words[at + 1]),
        None => {
            for origin in ["ALL", "ATL", "YAK"] {
                let itself = Command::new(&words[0]).args(["compute", origin]).status();
                assert!(itself.expect("it runs already").success());
            }
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(async {
                cold::loads(WORKERS).await;
                warm::loads(WORKERS).await;
                memory::of_all(WORKERS).await;
            });
        }
    }
}

fn compute(code: &str) {
    let dataset = Dataset::open(Path::new("data/flights.parquet")).expect("the data file is here");
    let origin = Origin::parse(code, dataset.contents()).expect("the airport is in the file");
    let mut times = std::iter::repeat_with(|| {
        let started = Instant::now();
        let selection =
            query::selection(&dataset, origin, |_| Ok(())).expect("the data file is sound");
        frame::encode(selection).expect("frames can be encoded");
        started.elapsed().as_secs_f64() * 1000.0
    });
    let first = times.next().expect("there is no end to them");
    let [fastest, median, slowest] = spread(times.take(RUNS).collect());
    println!(
        "compute {code}: first {first:.1} ms, then median {median:.1} ms \
        (from {fastest:.1} to {slowest:.1}, {RUNS} runs), peak {} MiB resident",
        peak_kib() / 1024
    );
}

/// The least, the median and the greatest.
fn spread(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [values[0], values[values.len() / 2], values[values.len() - 1]]
}

/// The most memory that this process has had resident.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("Linux tells it");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("it is a number")
}
