//! Whether all event loops of a worker turn. The connections of one that is blocked hang.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::control::ALIVE;

/// Beats that an event loop may miss while it or the machine is busy.
const MISSED: u32 = 3;

/// The last beat of each event loop.
#[derive(Clone)]
pub(super) struct Heartbeat {
    started: Instant,
    beats: Arc<Mutex<Vec<Arc<AtomicU64>>>>,
}

impl Heartbeat {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), beats: Arc::default() }
    }

    /// Has the event loop that this is called on beat from now on.
    pub(super) fn join(&self) {
        let (started, beat) = (self.started, Arc::new(AtomicU64::new(self.now())));
        self.beats.lock().expect("nothing panics while it holds the beats").push(beat.clone());
        actix_web::rt::spawn(async move {
            loop {
                tokio::time::sleep(ALIVE).await;
                beat.store(started.elapsed().as_millis() as u64, Ordering::Relaxed);
            }
        });
    }

    /// Whether each of them has beaten lately.
    pub(super) fn is_regular(&self) -> bool {
        let earliest = self.now().saturating_sub((ALIVE * MISSED).as_millis() as u64);
        let beats = self.beats.lock().expect("nothing panics while it holds the beats");
        beats.iter().all(|beat| beat.load(Ordering::Relaxed) >= earliest)
    }

    fn now(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }
}
