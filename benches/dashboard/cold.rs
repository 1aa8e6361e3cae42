//! Cold loads: what they take beyond the computation, and how often many callers compute.

use std::time::Instant;

use futures_util::future::join_all;
use tempfile::TempDir;

use super::first;
use super::loads::{airports, ask, client, get, load, signal};
use super::server::quadrant;
use super::table;
use super::wrk::CONNECTIONS;

/// Airports that are loaded alone, and those that many callers ask for at once.
const AIRPORTS: [usize; 2] = [20, 10];

/// Prints both, with this many workers, and what the first computation of a worker takes.
pub(super) async fn loads(workers: u16) {
    let about = format!(
        "A signal and its four graphs, none of them asked for before, on {workers} workers with \
        their cache on disk: milliseconds beyond the computation, then the computations that \
        {CONNECTIONS} callers at once cause."
    );
    table::begin("Cold loads", &about, &["what", "median (least to greatest)"]);
    let (folder, client) = (TempDir::new().expect("there is room for files"), client());
    let server = quadrant(folder.path(), workers);
    let mut airports = airports(AIRPORTS.iter().sum());
    let crowded = airports.split_off(AIRPORTS[0]);
    let (mut computations, mut beyond) = (Vec::new(), Vec::new());
    for origin in &airports {
        let started = Instant::now();
        let compute = load(&client, &server.url, origin).await;
        computations.push(compute);
        beyond.push(started.elapsed().as_secs_f64() * 1000.0 - compute);
    }
    let [_, compute, _] = super::spread(computations);
    let what =
        format!("a cold load beyond its computation of {compute:.1} ms, {} airports", AIRPORTS[0]);
    table::row(&[what, format!("{} ms", table::spread(beyond, 1))]);
    let before = computed(&server.url).await;
    for origin in &crowded {
        let url = format!("{}{}", server.url, signal(origin, "mean"));
        join_all((0..CONNECTIONS).map(|_| ask(&client, &url))).await;
    }
    let made = computed(&server.url).await - before;
    let what = format!("computations of {} airports, {CONNECTIONS} callers each", AIRPORTS[1]);
    table::row(&[what, made.to_string()]);
    drop(server);
    first::computation().await;
}

/// How many computations all workers have made.
pub(super) async fn computed(url: &str) -> u64 {
    let metrics = get(&client(), &format!("{url}/metrics")).await;
    let metrics = String::from_utf8_lossy(&metrics).into_owned();
    let samples = metrics.lines().filter(|it| it.starts_with("quadrant_computations_total{"));
    let counts = samples.filter_map(|sample| sample.rsplit(' ').next());
    counts.map(|count| count.parse::<u64>().expect("it is a number")).sum()
}
