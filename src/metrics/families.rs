//! Every family of numbers: its name, what it says, its labels and its buckets.

use std::collections::HashMap;
use std::sync::LazyLock;

use prometheus::core::Collector;
use prometheus::{
    Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry,
};

use super::{CacheEvent, StoreName};

/// From a fragment in memory to ten seconds, with an edge behind each of our own times: a signal is
/// held for one second, and a graph waits for five.
const REQUEST_SECONDS: [f64; 16] = [
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.95, 1.1, 2.5,
    5.25, 10.0,
];
/// From a small airport on a large host to data a thousand times ours.
const COMPUTATION_SECONDS: [f64; 12] =
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// The families of this process.
pub(super) static FAMILIES: LazyLock<Families> =
    LazyLock::new(|| Families::new().expect("names and labels are literals, which the tests try"));

/// All that is counted.
pub(super) struct Families {
    pub(super) requests: IntCounterVec,
    pub(super) request_seconds: HistogramVec,
    pub(super) open_connections: IntGauge,
    cache: IntCounterVec,
    /// The children of `cache` by event, so that each of them is there from the start.
    pub(super) cache_events: [IntCounter; 6],
    pub(super) computations: IntCounter,
    pub(super) computation_seconds: Histogram,
    pub(super) lease_waits: IntCounter,
    pub(super) lease_takeovers: IntCounter,
    store_errors_all: IntCounterVec,
    /// The children of `store_errors_all` by store.
    pub(super) store_errors: [IntCounter; 2],
    /// Without a child, and so untold, until there is a Redis.
    pub(super) redis_connections: IntGaugeVec,
    /// The same, until the system has told it.
    pub(super) resident_bytes: IntGaugeVec,
    pub(super) process_id: IntGauge,
    pub(super) started_seconds: Gauge,
}

impl Families {
    fn new() -> prometheus::Result<Self> {
        let cache = IntCounterVec::new(
            Opts::new(
                "cache_total",
                "Questions by how they were answered (hit, stored, collapsed, computed and not \
                kept), and entries found corrupt or evicted.",
            ),
            &["outcome"],
        )?;
        let store_errors = IntCounterVec::new(
            Opts::new("store_errors_total", "Questions that a store did not answer."),
            &["store"],
        )?;
        Ok(Self {
            requests: IntCounterVec::new(
                Opts::new("requests_total", "Responses, by route and status."),
                &["route", "status"],
            )?,
            request_seconds: HistogramVec::new(
                HistogramOpts::new("request_seconds", "Time from a request to its response.")
                    .buckets(REQUEST_SECONDS.to_vec()),
                &["route"],
            )?,
            open_connections: IntGauge::new("open_connections", "Connections of clients.")?,
            cache_events: CacheEvent::ALL.map(|event| cache.with_label_values(&[event.word()])),
            cache,
            computations: IntCounter::new("computations_total", "Computations made here.")?,
            computation_seconds: Histogram::with_opts(
                HistogramOpts::new("computation_seconds", "Time that a computation took.")
                    .buckets(COMPUTATION_SECONDS.to_vec()),
            )?,
            lease_waits: IntCounter::new(
                "lease_waits_total",
                "Flights that had to wait for the lease of another process.",
            )?,
            lease_takeovers: IntCounter::new(
                "lease_takeovers_total",
                "Flights that waited, found no entry, and got the lease themselves.",
            )?,
            store_errors: StoreName::ALL
                .map(|store| store_errors.with_label_values(&[store.word()])),
            store_errors_all: store_errors,
            redis_connections: IntGaugeVec::new(
                Opts::new("redis_connections", "Connections to Redis, and how many may be."),
                &["state"],
            )?,
            resident_bytes: IntGaugeVec::new(
                Opts::new("resident_bytes", "Memory that the process occupies."),
                &[],
            )?,
            process_id: IntGauge::new("process_id", "Id of the process of this worker.")?,
            started_seconds: Gauge::new("started_seconds", "When it started, in Unix time.")?,
        })
    }

    /// A registry that tells all of them, each with the number of the worker.
    pub(super) fn registry(&self, worker: u16) -> prometheus::Result<Registry> {
        let label = HashMap::from([("worker".to_owned(), worker.to_string())]);
        let registry = Registry::new_custom(Some("quadrant".to_owned()), Some(label))?;
        let all: [Box<dyn Collector>; 13] = [
            Box::new(self.requests.clone()),
            Box::new(self.request_seconds.clone()),
            Box::new(self.open_connections.clone()),
            Box::new(self.cache.clone()),
            Box::new(self.computations.clone()),
            Box::new(self.computation_seconds.clone()),
            Box::new(self.lease_waits.clone()),
            Box::new(self.lease_takeovers.clone()),
            Box::new(self.store_errors_all.clone()),
            Box::new(self.redis_connections.clone()),
            Box::new(self.resident_bytes.clone()),
            Box::new(self.process_id.clone()),
            Box::new(self.started_seconds.clone()),
        ];
        for family in all {
            registry.register(family)?;
        }
        Ok(registry)
    }
}
