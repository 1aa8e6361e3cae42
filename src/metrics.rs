//! The numbers of one worker, in the form that Prometheus reads.
//!
//! What happens is counted where it happens, by a call of one of the functions here. Counting never
//! fails and needs no preparation; [`start`] only decides under which worker the numbers are told.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oneflight::store::redis::Connections;
use prometheus::{Registry, TextEncoder};

use self::families::FAMILIES;

pub use self::merged::merged;

mod families;
mod merged;

/// Numbers are told once it is known whose they are.
static REGISTRY: OnceLock<Registry> = OnceLock::new();
/// Tells how many connections to Redis there are; none when the disk is the only store.
static CONNECTIONS: OnceLock<Box<dyn Fn() -> Connections + Send + Sync>> = OnceLock::new();

/// What happens in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheEvent {
    /// A question was answered from a store, or from what this worker keeps in memory.
    Hit,
    /// A question was answered by a computation, which the store has now.
    Stored,
    /// A question was answered by another's computation.
    Collapsed,
    /// A question was answered by a computation that no store keeps.
    Computed,
    /// A damaged entry was found and removed.
    Corrupt,
    /// A sound entry was removed to make room.
    Evicted,
}

/// The places where entries live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreName {
    /// The Redis of all hosts.
    Redis,
    /// The disk of this host.
    Disk,
}

impl CacheEvent {
    /// All of them; the order is that of the variants.
    const ALL: [Self; 6] =
        [Self::Hit, Self::Stored, Self::Collapsed, Self::Computed, Self::Corrupt, Self::Evicted];

    fn word(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Stored => "stored",
            Self::Collapsed => "collapsed",
            Self::Computed => "computed",
            Self::Corrupt => "corrupt",
            Self::Evicted => "evicted",
        }
    }
}

impl StoreName {
    /// All of them; the order is that of the variants.
    const ALL: [Self; 2] = [Self::Redis, Self::Disk];

    fn word(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Disk => "disk",
        }
    }
}

/// Says whose numbers these are. It is called once, when the worker starts.
///
/// # Errors
///
/// When two families have one name, which is a mistake in the program.
pub fn start(worker: u16) -> anyhow::Result<()> {
    let registry = FAMILIES.registry(worker)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    FAMILIES.started_seconds.set(now.as_secs_f64());
    FAMILIES.process_id.set(std::process::id().into());
    // A second worker in one process would be a mistake, and its numbers are the first one's.
    let _ = REGISTRY.set(registry);
    Ok(())
}

/// Has the connections to Redis told too; `status` is asked each time that somebody reads.
pub fn tell_connections(status: impl Fn() -> Connections + Send + Sync + 'static) {
    let _ = CONNECTIONS.set(Box::new(status));
}

/// Counts a response. `route` is a pattern such as `/graphs/{graph}`, and never a user's text.
pub fn responded(route: &'static str, status: &str, after: Duration) {
    FAMILIES.requests.with_label_values(&[route, status]).inc();
    FAMILIES.request_seconds.with_label_values(&[route]).observe(after.as_secs_f64());
}

/// Counts a connection that was opened.
pub fn connected() {
    FAMILIES.open_connections.inc();
}

/// Counts a connection that was closed.
pub fn disconnected() {
    FAMILIES.open_connections.dec();
}

/// Counts what has happened in the cache.
pub fn cache(event: CacheEvent) {
    FAMILIES.cache_events[event as usize].inc();
}

/// Counts a computation that has ended with a value.
pub fn computed(took: Duration) {
    FAMILIES.computations.inc();
    FAMILIES.computation_seconds.observe(took.as_secs_f64());
}

/// Counts that a computation has to wait for another process.
pub fn lease_wait() {
    FAMILIES.lease_waits.inc();
}

/// Counts that such a wait ended with the lease instead of an entry.
pub fn lease_takeover() {
    FAMILIES.lease_takeovers.inc();
}

/// Counts a question that a store did not answer.
pub fn store_error(store: StoreName) {
    FAMILIES.store_errors[store as usize].inc();
}

/// The numbers of this worker; none before [`start`]. It reads a file of the system.
pub fn text() -> String {
    let Some(registry) = REGISTRY.get() else { return String::new() };
    if let Some(bytes) = resident_bytes() {
        FAMILIES.resident_bytes.with_label_values::<&str>(&[]).set(bytes);
    }
    if let Some(status) = CONNECTIONS.get() {
        let Connections { open, idle, max } = status();
        let in_use = open.saturating_sub(idle);
        for (state, number) in [("idle", idle), ("in_use", in_use), ("max", max)] {
            FAMILIES.redis_connections.with_label_values(&[state]).set(number as i64);
        }
    }
    let told = TextEncoder::new().encode_to_string(&registry.gather());
    told.expect("every family has a name and a sample")
}

/// What this process occupies in memory, where the system tells it.
fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = kib.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_counted_at_its_own_place() {
        for (at, event) in CacheEvent::ALL.into_iter().enumerate() {
            assert_eq!(event as usize, at, "{}", event.word());
        }
        for (at, store) in StoreName::ALL.into_iter().enumerate() {
            assert_eq!(store as usize, at, "{}", store.word());
        }
    }

    #[test]
    fn counting_needs_no_start() {
        responded("/", "200", Duration::from_millis(1));
        cache(CacheEvent::Hit);
        computed(Duration::from_millis(40));
        store_error(StoreName::Redis);
        lease_wait();
        lease_takeover();

        assert_eq!(text(), "", "nobody's numbers are told by nobody");
    }
}
