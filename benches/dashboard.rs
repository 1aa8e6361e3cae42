//! What the dashboard costs: `bin/bench`, in about six minutes, or `bin/bench NAME` for one part.
//!
//! The output is Markdown for docs/performance.md. Quadrant is measured beside others that do the
//! same: polars from Python for the computation, nginx with the very same answers as files for
//! warm loads, Dash with Flask-Caching for the whole. They take turns, so that all see the same
//! machine; figures of a shared machine are good as ratios.
#![expect(clippy::print_stdout, reason = "this program's answer is what it prints")]

use std::path::Path;
use std::time::Instant;

use quadrant::dataset::{Dataset, Origin};
use quadrant::{frame, query};

#[path = "dashboard/computation.rs"]
mod computation;
#[path = "dashboard/cold.rs"]
mod cold;
#[path = "dashboard/first.rs"]
mod first;
#[path = "dashboard/warm.rs"]
mod warm;
#[path = "dashboard/redis.rs"]
mod redis;
#[path = "dashboard/peers.rs"]
mod peers;
#[path = "dashboard/memory.rs"]
mod memory;
#[path = "dashboard/scale.rs"]
mod scale;
#[path = "dashboard/addresses.rs"]
mod addresses;
#[path = "dashboard/start.rs"]
mod start;
#[path = "dashboard/page.rs"]
mod page;
#[path = "dashboard/distance.rs"]
mod distance;
#[path = "dashboard/machine.rs"]
mod machine;
#[path = "dashboard/table.rs"]
mod table;
#[path = "dashboard/contest.rs"]
mod contest;
#[path = "dashboard/capacity.rs"]
mod capacity;
#[path = "dashboard/loads.rs"]
mod loads;
#[path = "dashboard/wrk.rs"]
mod wrk;
#[path = "dashboard/nginx.rs"]
mod nginx;
#[path = "dashboard/server.rs"]
mod server;
#[path = "dashboard/processes.rs"]
mod processes;
#[path = "dashboard/tools.rs"]
mod tools;

/// Computations of an origin after the first; the benchmark prints their median.
const RUNS: usize = 15;
/// Worker processes, as on a host that is shared with others.
const WORKERS: u16 = 6;

/// The parts, in the order of a full run.
const PARTS: [&str; 9] =
    ["compute", "cold", "warm", "redis", "page", "peers", "memory", "scale", "start"];

fn main() {
    // cargo adds options of its own.
    let words = std::env::args().skip(1).filter(|word| !word.starts_with("--"));
    let words: Vec<String> = words.collect();
    match words.iter().map(String::as_str).collect::<Vec<&str>>()[..] {
        // The program calls itself, to compute in a fresh process.
        ["compute", origin] if !PARTS.contains(&origin) => compute(origin),
        [] => run(&PARTS),
        ref parts => run(parts),
    }
}

fn run(parts: &[&str]) {
    for part in parts {
        assert!(PARTS.contains(part), "{part} is none of the parts {PARTS:?}");
    }
    let started = Instant::now();
    machine::print(parts);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be made").block_on(async {
        for part in parts {
            match *part {
                "compute" => computation::beside_polars(),
                "cold" => cold::loads(WORKERS).await,
                "warm" => warm::loads(WORKERS).await,
                "redis" => redis::loads(WORKERS).await,
                "page" => page::first_load().await,
                "peers" => peers::loads(WORKERS).await,
                "memory" => memory::of_all(WORKERS).await,
                "scale" => scale::users(WORKERS).await,
                _ => start::times(WORKERS).await,
            }
        }
    });
    println!("\nThe run took {:.0} s.", started.elapsed().as_secs_f64());
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
