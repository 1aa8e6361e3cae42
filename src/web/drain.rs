//! Whether a worker is about to end, and how many connections it has.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::metrics;

/// Whether this worker drains, and how many connections it has.
#[derive(Default)]
pub struct Drain {
    has_begun: AtomicBool,
    connections: Arc<AtomicUsize>,
}

/// An open connection; it is counted until it is dropped.
pub struct Connection(Arc<AtomicUsize>);

impl Drain {
    /// From now on answers close their connections, and the worker is not ready.
    pub fn begin(&self) {
        self.has_begun.store(true, Ordering::Relaxed);
    }

    /// Whether the worker is about to end.
    pub fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }

    /// Counts a connection for as long as the value lives.
    pub fn connected(&self) -> Connection {
        self.connections.fetch_add(1, Ordering::Relaxed);
        metrics::connected();
        Connection(self.connections.clone())
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
        metrics::disconnected();
    }
}
