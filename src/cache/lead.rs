//! What a process does once it has the right to compute, and once there is nobody to give it.

use std::time::{Duration, Instant};

use anyhow::anyhow;
use bytes::Bytes;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{Instrument, debug, info, warn};

use super::course::{Course, Progress};
use super::entry::{Entry, Stamp};
use super::failure::FailureNote;
use super::flight::Flight;
use super::key::Key;
use super::store::{LEASE, Lease, Note, Published};
use super::{Answer, Cache, Failure, Outcome, Recipe};
use crate::metrics::{self, LeaseWait};

/// How often it is seen to whether somebody still asks.
const TICK: Duration = Duration::from_millis(100);
/// How often other processes are told how far it is: more often than twice a second.
const TELL: Duration = Duration::from_millis(400);

impl Cache {
    /// Looks again, computes, publishes; releases on every other exit. `wait` is how the lease was
    /// come by, if it was another's at first.
    pub(super) async fn lead(
        &self,
        lease: Lease,
        flight: &Flight,
        wait: Option<LeaseWait>,
        recipe: Recipe,
    ) -> Result<Answer, Failure> {
        let _leading = self.leading.read().await;
        let key = lease.key().clone();
        // Another worker may have published between our miss and our lease.
        if let Some(entry) = self.look_for(&key, flight.than).await {
            self.release(lease).await;
            return Ok(Answer { entry, outcome: Outcome::Collapsed });
        }
        if let Some(wait) = wait {
            wait.took_over();
        }
        let started = Instant::now();
        let course = self.course(&key, flight).await;
        let computing = tokio::spawn((recipe.0)(course.clone()).in_current_span());
        let computed = tokio::select! {
            computed = self.watched(&key, flight, &course, computing) => computed,
            () = self.renewing(&lease) => unreachable!("renewals end with the computation"),
        };
        let entry = match computed {
            Ok(bytes) => self.stamped(bytes, started),
            Err(failure) => {
                self.remember(&key, &failure).await;
                self.release(lease).await;
                return Err(failure);
            }
        };
        let published = self.store.publish(lease, &entry).await;
        let said = match &published {
            Ok(Published::Stored) => "published it".to_owned(),
            Ok(Published::Refused) => "was too late: its lease had ended".to_owned(),
            Err(error) => format!("could not publish it: {error}"),
        };
        self.note(&key, &entry, &said);
        match published {
            Ok(Published::Stored) => Ok(Answer { entry, outcome: Outcome::Stored }),
            // The successor's value is everybody's; ours is the same unless it has not come yet.
            Ok(Published::Refused) => Ok(match self.look(&key).await {
                Some(entry) => Answer { entry, outcome: Outcome::Collapsed },
                None => Answer { entry, outcome: Outcome::Computed },
            }),
            Err(_) => Ok(Answer { entry, outcome: Outcome::Computed }),
        }
    }

    /// Computes without a lease: with no store at all, each process helps itself.
    pub(super) async fn alone(
        &self,
        key: &Key,
        flight: &Flight,
        recipe: Recipe,
    ) -> Result<Answer, Failure> {
        let _leading = self.leading.read().await;
        let (started, course) = (Instant::now(), Course::new(0, None));
        flight.leads(course.clone());
        let computing = tokio::spawn((recipe.0)(course.clone()).in_current_span());
        let bytes = self.watched(key, flight, &course, computing).await?;
        let entry = self.stamped(bytes, started);
        self.note(key, &entry, "kept it nowhere");
        Ok(Answer { entry, outcome: Outcome::Computed })
    }

    /// Begins the course of a computation, where the one before it has been left by its worker.
    async fn course(&self, key: &Key, flight: &Flight) -> Course {
        let before = self.told(key).await.map_or(0, |progress| progress.permille);
        let course = Course::new(before, self.last_compute(key).await);
        flight.leads(course.clone());
        course
    }

    /// Waits for the computation, for as long as somebody asks for it and this process goes on.
    async fn watched(
        &self,
        key: &Key,
        flight: &Flight,
        course: &Course,
        mut computing: JoinHandle<anyhow::Result<Bytes>>,
    ) -> Result<Bytes, Failure> {
        let failure = tokio::select! {
            computed = &mut computing => return Ok(joined(computed)?),
            () = self.ends() => Failure::Ending,
            () = self.until_unwanted(key, flight, course) => Failure::Abandoned,
        };
        course.stop();
        computing.abort();
        debug!(%key, "stopped computing {key}: {failure}");
        Err(failure)
    }

    /// Tells the others how far it is, until nobody asks any more, here or elsewhere.
    async fn until_unwanted(&self, key: &Key, flight: &Flight, course: &Course) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = Instant::now();
        loop {
            ticks.tick().await;
            if told.elapsed() >= TELL {
                told = Instant::now();
                self.tell(key, course.progress()).await;
            }
            if !flight.is_awaited() && !self.is_awaited_elsewhere(key).await {
                return;
            }
        }
    }

    async fn is_awaited_elsewhere(&self, key: &Key) -> bool {
        // Whoever asks in a process that cannot reach the store computes by itself.
        self.store.note(key, Note::Interest).await.is_ok_and(|note| note.is_some())
    }

    async fn tell(&self, key: &Key, progress: Progress) {
        let text = serde_json::to_string(&progress).expect("it is three numbers");
        if let Err(error) = self.store.leave(key, Note::Progress, &text, LEASE).await {
            debug!(%key, %error, "could not tell how far {key} is");
        }
    }

    /// Shows that this worker lives. Two renewals may be lost before the lease is.
    pub(super) async fn renewing(&self, lease: &Lease) {
        loop {
            tokio::time::sleep(LEASE / 3).await;
            // A lease that is lost shows when we publish; the value is as good for our callers.
            if let Err(error) = self.store.renew(lease).await {
                debug!(%error, "could not renew a lease: {error}");
            }
        }
    }

    /// Waits until this process gives up what it computes.
    pub(super) async fn ends(&self) {
        let mut ending = self.ending.subscribe();
        // The sender lives in `self`, so there is an end to wait for, or none.
        let _ = ending.wait_for(|ends| *ends).await;
    }

    /// Lets the other processes know of an error of the computation itself.
    async fn remember(&self, key: &Key, failure: &Failure) {
        let Failure::Failed(error) = failure else { return };
        let note = FailureNote::after(self.failure_note(key).await.as_ref(), error);
        let text = serde_json::to_string(&note).expect("it is a string and two numbers");
        if let Err(error) = self.store.leave(key, Note::Failure, &text, note.lifetime()).await {
            debug!(%key, %error, "could not tell that {key} failed");
        }
    }

    async fn release(&self, lease: Lease) {
        let key = lease.key().clone();
        if let Err(error) = self.store.release(lease).await {
            warn!(%key, %error, "the lease of {key} ends by itself: {error}");
        }
    }

    fn stamped(&self, bytes: Bytes, started: Instant) -> Entry {
        Entry { stamp: Stamp::now(started.elapsed(), self.worker), bytes }
    }

    /// Counts and logs a computation.
    fn note(&self, key: &Key, entry: &Entry, said: &str) {
        metrics::computed(entry.stamp.compute);
        let (compute_ms, worker) = (entry.stamp.compute.as_millis() as u64, self.worker);
        info!(%key, compute_ms, worker, "computed {key} and {said}");
    }
}

/// The value of a task, or its error, or the fact that it panicked.
fn joined(done: Result<anyhow::Result<Bytes>, tokio::task::JoinError>) -> anyhow::Result<Bytes> {
    done.unwrap_or_else(|panic| Err(anyhow!("the computation failed: {panic}")))
}
