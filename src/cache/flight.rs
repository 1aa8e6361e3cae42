//! The flights of one process: at most one a key.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tracing::Instrument;

use super::key::Key;
use super::{Answer, Failure, Outcome};

/// How long a flight stays on the ground when nobody waited at its landing: its callers were told
/// to ask again and do so at once, and the first of them is the one that caused it.
const GROUNDED: Duration = Duration::from_secs(1);
/// How long a value stays with its flight when no store keeps it: long enough for the four graphs
/// of its signal and a change of the metric.
const UNSTORED: Duration = Duration::from_secs(30);

type Landing = Option<Result<Answer, Failure>>;

/// The flights in the air, by key.
pub(super) struct Flights {
    all: Mutex<HashMap<Key, Arc<Flight>>>,
    /// Where they run.
    runtime: Handle,
}

/// One computation in the air, or one being waited for.
pub(super) struct Flight {
    landing: watch::Sender<Landing>,
    pub(super) started: Instant,
    /// Whether a caller has been told already that it caused the computation.
    claimed: AtomicBool,
}

impl Flights {
    /// No flights yet; they will run on `runtime`.
    pub(super) fn new(runtime: Handle) -> Arc<Self> {
        Arc::new(Self { all: Mutex::default(), runtime })
    }

    /// The flight of this key, if there is one.
    pub(super) fn in_the_air(&self, key: &Key) -> Option<Arc<Flight>> {
        self.all().get(key).filter(|flight| !flight.is_over()).cloned()
    }

    /// The flight of this key; `fly` starts one when there is none.
    pub(super) fn join<F>(self: &Arc<Self>, key: &Key, fly: impl FnOnce() -> F) -> Arc<Flight>
    where
        F: Future<Output = Result<Answer, Failure>> + Send + 'static,
    {
        let mut all = self.all();
        if let Some(flight) = all.get(key) {
            return flight.clone();
        }
        let (landing, _) = watch::channel(None);
        let flight =
            Arc::new(Flight { landing, started: Instant::now(), claimed: AtomicBool::new(false) });
        all.insert(key.clone(), flight.clone());
        let flying = self.runtime.spawn(fly().in_current_span());
        self.runtime.spawn(self.clone().land(key.clone(), flight.clone(), flying));
        flight
    }

    async fn land(
        self: Arc<Self>,
        key: Key,
        flight: Arc<Flight>,
        flying: tokio::task::JoinHandle<Result<Answer, Failure>>,
    ) {
        let landed = flying.await;
        let landed =
            landed.unwrap_or_else(|panic| Err(Arc::new(anyhow!("a flight failed: {panic}"))));
        let is_awaited = flight.landing.receiver_count() > 0;
        let is_unstored = matches!(&landed, Ok(Answer { outcome: Outcome::Computed, .. }));
        flight.landing.send_replace(Some(landed));
        if is_unstored {
            tokio::time::sleep(UNSTORED).await;
        } else if !is_awaited {
            tokio::time::sleep(GROUNDED).await;
        }
        self.all().remove(&key);
    }

    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Arc<Flight>>> {
        self.all.lock().expect("nothing panics while it holds the flights")
    }
}

impl Flight {
    /// Whether its value has been handed to the caller that caused it; the store has it now.
    fn is_over(&self) -> bool {
        let Some(Ok(answer)) = &*self.landing.borrow() else { return false };
        answer.outcome != Outcome::Computed && self.claimed.load(Ordering::Relaxed)
    }

    /// Waits for the end of the flight.
    pub(super) async fn landing(&self) -> Result<Answer, Failure> {
        let mut landing = self.landing.subscribe();
        let landed = landing.wait_for(Option::is_some).await;
        let landed = landed.expect("the flight holds the sender").clone();
        let mut answer = landed.expect("it was waited for")?;
        let is_causal = matches!(answer.outcome, Outcome::Stored | Outcome::Computed);
        // One computation, one caller that caused it; the others came along.
        if is_causal && self.claimed.swap(true, Ordering::Relaxed) {
            answer.outcome = Outcome::Collapsed;
        }
        Ok(answer)
    }
}
