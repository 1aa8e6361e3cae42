//! Cold loads: what they take beyond the computation, and how often many callers compute.

use std::time::Instant;

use futures_util::future::join_all;
use tempfile::TempDir;

use super::loads::{airports, ask, client, get, load, signal};
use super::server::quadrant;
use super::wrk::CONNECTIONS;

/// Airports that are loaded alone, and those that many callers ask for at once.
const AIRPORTS: [usize; 2] = [20, 10];

/// Prints both, with this many workers.
pub(super) async fn loads(workers: u16) {
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
    let ([_, compute, _], [least, median, most]) =
        (super::spread(computations), super::spread(beyond));
    println!(
        "cold load: {median:.1} ms beyond the computation (from {least:.1} to {most:.1}, \
        {} airports), which takes {compute:.1} ms",
        AIRPORTS[0]
    );
    let before = computed(&server.url).await;
    for origin in &crowded {
        let url = format!("{}{}", server.url, signal(origin, "mean"));
        join_all((0..CONNECTIONS).map(|_| ask(&client, &url))).await;
    }
    println!(
        "cold signals: {CONNECTIONS} callers at once on {workers} workers, {} airports: {} \
        computations",
        AIRPORTS[1],
        computed(&server.url).await - before
    );
}

/// How many computations all workers have made.
async fn computed(url: &str) -> u64 {
    let metrics = get(&client(), &format!("{url}/metrics")).await;
    let metrics = String::from_utf8_lossy(&metrics).into_owned();
    let samples = metrics.lines().filter(|it| it.starts_with("quadrant_computations_total{"));
    let counts = samples.filter_map(|sample| sample.rsplit(' ').next());
    counts.map(|count| count.parse::<u64>().expect("it is a number")).sum()
}
