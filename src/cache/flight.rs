//! The flights of one process: at most one a key, for as long as somebody asks for it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use anyhow::anyhow;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tracing::Instrument;

use super::course::{Course, Progress};
use super::key::Key;
use super::{Answer, Failure, Outcome};

/// How long a flight stays on the ground when nobody waited at its landing: its callers were told
/// to ask again and do so at once, and the first of them is the one that caused it.
const GROUNDED: Duration = Duration::from_secs(1);
/// How long a value stays with its flight when no store keeps it: long enough for the four graphs
/// of its signal and a change of the metric.
const UNSTORED: Duration = Duration::from_secs(30);
/// How long after the last question for it a computation goes on.
pub(super) const INTEREST: Duration = Duration::from_secs(3);

type Landing = Option<Result<Answer, Failure>>;

/// The flights in the air, by key.
pub(super) struct Flights {
    all: Mutex<HashMap<Key, Arc<Flight>>>,
    /// Where they run.
    runtime: Handle,
}

/// On whose behalf a flight is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of those who ask: without them it ends.
    Asked,
    /// Of whoever will ask: it delays nobody, and ends by itself.
    Background,
}

/// One computation in the air, or one being waited for.
pub(super) struct Flight {
    landing: watch::Sender<Landing>,
    pub(super) kind: Kind,
    /// What it brings is to be newer than this, if there is a value already.
    pub(super) than: Option<SystemTime>,
    /// When somebody last asked.
    asked: Mutex<Instant>,
    /// Set once the computation is this process's own.
    course: Mutex<Option<Course>>,
    /// Whether a caller has been told already that it caused the computation.
    claimed: AtomicBool,
}

/// Somebody who waits; the moment at which he leaves is the last at which he asked.
struct Asking<'a>(&'a Flight);

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
    pub(super) fn join<F>(
        self: &Arc<Self>,
        key: &Key,
        kind: Kind,
        than: Option<SystemTime>,
        fly: impl FnOnce(Arc<Flight>) -> F,
    ) -> Arc<Flight>
    where
        F: Future<Output = Result<Answer, Failure>> + Send + 'static,
    {
        let mut all = self.all();
        if let Some(flight) = all.get(key).filter(|flight| !flight.is_over()) {
            return flight.clone();
        }
        let flight = Arc::new(Flight::new(kind, than));
        all.insert(key.clone(), flight.clone());
        let flying = self.runtime.spawn(fly(flight.clone()).in_current_span());
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
        let landed = landed.unwrap_or_else(|panic| Err(anyhow!("a flight failed: {panic}").into()));
        let is_awaited = flight.landing.receiver_count() > 0;
        let is_unstored = matches!(&landed, Ok(Answer { outcome: Outcome::Computed, .. }));
        let is_stored = matches!(&landed, Ok(Answer { outcome: Outcome::Stored, .. }));
        if flight.kind == Kind::Background || !is_stored && !is_unstored {
            // Nobody has caused it who would be told so, or there is nothing to be had: who asks
            // from now on does not come too late for this one, but looks, or begins the next.
            self.remove(&key, &flight);
        }
        flight.landing.send_replace(Some(landed));
        if is_unstored {
            tokio::time::sleep(UNSTORED).await;
        } else if is_stored && !is_awaited {
            tokio::time::sleep(GROUNDED).await;
        }
        self.remove(&key, &flight);
    }

    /// Removes the flight, unless another has taken its place.
    fn remove(&self, key: &Key, flight: &Arc<Flight>) {
        let mut all = self.all();
        if all.get(key).is_some_and(|known| Arc::ptr_eq(known, flight)) {
            all.remove(key);
        }
    }

    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Arc<Flight>>> {
        self.all.lock().expect("nothing panics while it holds the flights")
    }
}

impl Flight {
    fn new(kind: Kind, than: Option<SystemTime>) -> Self {
        let (landing, _) = watch::channel(None);
        let (asked, claimed) = (Mutex::new(Instant::now()), AtomicBool::new(false));
        Self { landing, kind, than, asked, course: Mutex::default(), claimed }
    }

    /// Whether its value has been handed to the caller that caused it; the store has it now.
    fn is_over(&self) -> bool {
        let Some(Ok(answer)) = &*self.landing.borrow() else { return false };
        answer.outcome != Outcome::Computed && self.claimed.load(Ordering::Relaxed)
    }

    /// Whether somebody asks for it here, or has done so a moment ago.
    pub(super) fn is_awaited(&self) -> bool {
        self.kind == Kind::Background || self.was_asked_within(INTEREST)
    }

    /// Whether somebody waits here or has left no longer ago than that.
    pub(super) fn was_asked_within(&self, while_ago: Duration) -> bool {
        let asked = *self.asked.lock().expect("nothing panics while it holds the time");
        self.landing.receiver_count() > 0 || asked.elapsed() < while_ago
    }

    /// Notes that the computation is this process's own.
    pub(super) fn leads(&self, course: Course) {
        *self.course.lock().expect("nothing panics while it holds the course") = Some(course);
    }

    /// How far the computation is, if it is this process's own.
    pub(super) fn progress(&self) -> Option<Progress> {
        let course = self.course.lock().expect("nothing panics while it holds the course");
        course.as_ref().map(Course::progress)
    }

    /// Waits for the end of the flight.
    pub(super) async fn landing(&self) -> Result<Answer, Failure> {
        let _asking = Asking(self);
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

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let mut asked = self.0.asked.lock().expect("nothing panics while it holds the time");
        *asked = Instant::now();
    }
}
