//! The flights of one process: at most one computation of a key, and the callers that wait for it.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::answer::{Answer, Failure, Outcome};
use crate::key::Key;
use crate::lane::Lane;
use crate::progress::{Progress, Snapshot};

/// How long a computation goes on after its last caller left.
pub(crate) const INTEREST: Duration = Duration::from_secs(3);
/// How long a value that no store took stays with its flight: long enough for the requests that
/// follow a first one.
const UNSTORED: Duration = Duration::from_secs(30);
/// How long a landed flight waits for the caller that caused it, if that caller polls.
const UNCLAIMED: Duration = Duration::from_secs(1);

/// The flights in the air, by key.
pub(crate) struct Flights {
    by_key: Mutex<HashMap<Key, Arc<Flight>>>,
    /// Where flights run. It outlives the event loops that answer requests.
    runtime: Handle,
    running: TaskTracker,
}

/// One computation in the air, here or in another process.
pub(crate) struct Flight {
    landing: watch::Sender<Option<Result<Answer, Failure>>>,
    /// The lane in which it waits for its turn.
    pub(crate) lane: watch::Sender<Lane>,
    /// Whether it goes on without callers.
    pub(crate) is_background: bool,
    /// Its value must be newer than this, if the store has one already.
    pub(crate) newer_than: Option<SystemTime>,
    /// When a caller last waited.
    asked: Mutex<Instant>,
    /// Set once this process computes.
    progress: OnceLock<Progress>,
    /// Whether a caller was told that it caused the computation.
    is_claimed: AtomicBool,
}

/// A caller that waits. Its end is noted as the last time at which somebody asked.
struct Waiter<'a>(&'a Flight);

impl Flights {
    /// No flights yet; they will run on `runtime`.
    pub(crate) fn new(runtime: Handle) -> Self {
        Self { by_key: Mutex::default(), runtime, running: TaskTracker::new() }
    }

    /// The flight of this key, if there is one that a caller can join.
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Flight>> {
        self.by_key().get(key).filter(|flight| !flight.is_over()).cloned()
    }

    /// Joins the flight of this key, or adds `flight` and starts `fly`. A flight that waits for a
    /// turn in the background moves to the lane of a caller that joins it.
    pub(crate) fn join_or_start<F>(
        self: &Arc<Self>,
        key: &Key,
        flight: Flight,
        fly: impl FnOnce(Arc<Flight>) -> F,
    ) -> Arc<Flight>
    where
        F: Future<Output = Result<Answer, Failure>> + Send + 'static,
    {
        let mut by_key = self.by_key();
        if let Some(known) = by_key.get(key).filter(|known| !known.is_over()) {
            if !flight.is_background {
                known.lane.send_replace(*flight.lane.borrow());
            }
            return known.clone();
        }
        let flight = Arc::new(flight);
        by_key.insert(key.clone(), flight.clone());
        let flying = fly(flight.clone());
        let (flights, key, started) = (self.clone(), key.clone(), flight.clone());
        let landing = async move {
            let landed = AssertUnwindSafe(flying).catch_unwind().await;
            let landed = landed.unwrap_or_else(|panic| Err(Failure::new(panicked(&*panic))));
            flights.land(key, &started, landed);
        };
        self.running.spawn_on(landing.in_current_span(), &self.runtime);
        flight
    }

    /// Makes [`Flights::closed`] wait for this future.
    pub(crate) fn track<F: Future>(&self, future: F) -> impl Future<Output = F::Output> {
        self.running.track_future(future)
    }

    /// Waits until no flight runs. No flight may be started from then on.
    pub(crate) async fn closed(&self) {
        self.running.close();
        self.running.wait().await;
    }

    fn land(self: Arc<Self>, key: Key, flight: &Arc<Flight>, landed: Result<Answer, Failure>) {
        let stay = match &landed {
            Ok(answer) if answer.outcome == Outcome::Computed => UNSTORED,
            Ok(answer) if answer.outcome == Outcome::Stored && flight.is_unclaimed() => UNCLAIMED,
            _ => Duration::ZERO,
        };
        if stay.is_zero() {
            // Before the landing: a caller that starts over must not join this flight again.
            self.remove(&key, flight);
            flight.landing.send_replace(Some(landed));
            return;
        }
        flight.landing.send_replace(Some(landed));
        let (runtime, flight) = (self.runtime.clone(), flight.clone());
        runtime.spawn(async move {
            sleep(stay).await;
            self.remove(&key, &flight);
        });
    }

    /// Removes the flight, unless another has taken its place.
    pub(crate) fn remove(&self, key: &Key, flight: &Arc<Flight>) {
        let mut by_key = self.by_key();
        if by_key.get(key).is_some_and(|known| Arc::ptr_eq(known, flight)) {
            by_key.remove(key);
        }
    }

    /// Removes whatever flight there is, so that its value is not handed out any more.
    pub(crate) fn forget(&self, key: &Key) {
        self.by_key().remove(key);
    }

    fn by_key(&self) -> MutexGuard<'_, HashMap<Key, Arc<Flight>>> {
        self.by_key.lock().expect("nothing panics while it holds the flights")
    }
}

impl Flight {
    /// A flight in this lane.
    pub(crate) fn new(lane: Lane, newer_than: Option<SystemTime>) -> Self {
        Self {
            landing: watch::Sender::new(None),
            lane: watch::Sender::new(lane),
            is_background: lane == Lane::Background,
            newer_than,
            asked: Mutex::new(Instant::now()),
            progress: OnceLock::new(),
            is_claimed: AtomicBool::new(false),
        }
    }

    /// Waits for the end of the flight.
    pub(crate) async fn landed(&self) -> Result<Answer, Failure> {
        let mut landing = self.landing.subscribe();
        // Dropped before the receiver: the time is noted while the caller still counts.
        let _waiter = Waiter(self);
        let landed = landing.wait_for(Option::is_some).await;
        let landed = landed.expect("the flight holds the sender").clone();
        let mut answer = landed.expect("it was waited for")?;
        let is_cause = matches!(answer.outcome, Outcome::Stored | Outcome::Computed);
        // One computation has one cause; the other callers came along.
        if is_cause && self.is_claimed.swap(true, Ordering::Relaxed) {
            answer.outcome = Outcome::Collapsed;
        }
        Ok(answer)
    }

    /// Whether a caller waits here, or did so a moment ago, or none is needed.
    pub(crate) fn is_awaited(&self) -> bool {
        self.is_background || self.was_asked_within(INTEREST)
    }

    /// Whether a caller waits here, or left no longer ago than `duration`.
    pub(crate) fn was_asked_within(&self, duration: Duration) -> bool {
        if self.landing.receiver_count() > 0 {
            return true;
        }
        self.asked.lock().expect("nothing panics while it holds the time").elapsed() < duration
    }

    /// Notes that this process computes.
    pub(crate) fn computes(&self, progress: Progress) {
        // A flight computes at most once.
        let _ = self.progress.set(progress);
    }

    /// How far the computation is, if this process computes.
    pub(crate) fn snapshot(&self) -> Option<Snapshot> {
        self.progress.get().map(Progress::snapshot)
    }

    /// Whether its caller polls, and is not waiting at this moment.
    fn is_unclaimed(&self) -> bool {
        !self.is_background && self.landing.receiver_count() == 0
    }

    /// Whether the value has gone to the caller that caused it, and the store has it now.
    fn is_over(&self) -> bool {
        let Some(Ok(answer)) = &*self.landing.borrow() else { return false };
        answer.outcome != Outcome::Computed && self.is_claimed.load(Ordering::Relaxed)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        *self.0.asked.lock().expect("nothing panics while it holds the time") = Instant::now();
    }
}

/// What a panic said.
pub(crate) fn panicked(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("the computation panicked: {}", text.unwrap_or_else(|| "no message".to_owned()))
}
