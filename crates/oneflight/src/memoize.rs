//! Memoize: look, join or start, lease, look again, compute, publish or release.
//!
//! In a process, callers of one key share a flight. Across processes and hosts, the flight that
//! gets the lease of the store computes, and the others wait for what it publishes. A flight is a
//! task of its process, not of a request: it goes on while any caller, in any process, waits.
//!
//! This file is the whole state machine, in the order in which a caller passes through it.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};
use tracing::{Instrument, debug};

use crate::answer::{Answer, Asked, Failure, FailureNote, Outcome};
use crate::cache::{Cache, Recipe};
use crate::entry::{Entry, Seen, Stamp};
use crate::flight::{Flight, INTEREST, panicked};
use crate::key::Key;
use crate::lane::Lane;
use crate::notes::permille_of;
use crate::observer::{Event, Fate};
use crate::progress::Progress;
use crate::store::{Attempt, LEASE, Lease, Note, Published};

/// How often a flight that waits for its turn looks whether another process has published.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How often a flight that waits for another process says so: three times in [`INTEREST`].
const SAY_AGAIN: Duration = Duration::from_secs(1);
/// The least time between two attempts to get a lease, whatever a store answers.
const PAUSE: Duration = Duration::from_millis(10);
/// How often a computation checks whether callers wait in this process.
const TICK: Duration = Duration::from_millis(100);
/// How often other processes are told the progress: more than twice a second, so a bar moves.
const TELL: Duration = Duration::from_millis(400);

/// What a caller wants.
#[derive(Clone)]
pub(crate) struct Want {
    pub(crate) key: Key,
    /// The value must be newer than this.
    pub(crate) newer_than: Option<SystemTime>,
    /// A value of other data, or one that is too old, will do for now.
    pub(crate) is_stale_good: bool,
}

/// What a look at the store has told.
enum Lookup {
    /// A value that the caller wants.
    Fresh(Entry),
    /// A value to answer with until there is a better one.
    Stale(Asked, Missing),
    /// No value that the caller wants.
    Missing(Missing),
}

/// What is known of a key whose value has to be computed.
struct Missing {
    /// What the store has there, for the lease.
    seen: Seen,
    /// The stamp of the value there is, which is too old.
    old: Option<Stamp>,
    /// The failure of the last attempt.
    failure: Option<FailureNote>,
    /// How far another worker had come, in thousandths. If it died, the next one goes on from there.
    permille: u16,
}

/// What ends the waiting for a turn.
enum Turn {
    /// The right to compute in this process, until it is dropped.
    Taken(OwnedSemaphorePermit),
    /// What another process has published in the meantime.
    Published(Entry),
}

impl Cache {
    /// Look, and join or start a flight: what every caller does.
    pub(crate) async fn answer(&self, want: Want, recipe: Recipe) -> Result<Asked, Failure> {
        loop {
            // The flights before the store: the caller of a flight that has just landed may be the
            // one that caused it.
            let flight = self.inner.flights.get(&want.key);
            let flight = match flight.filter(|flight| want.joins(flight)) {
                Some(flight) => flight,
                None => match self.look_up(&want).await {
                    Lookup::Fresh(entry) => return Ok(want.fresh(entry, Outcome::Hit)),
                    Lookup::Stale(asked, missing) => {
                        if missing.standing().is_none() {
                            self.start(Lane::Background, &want, missing, recipe);
                        }
                        return Ok(asked);
                    }
                    Lookup::Missing(missing) => match missing.standing() {
                        Some(failure) => return Err(failure),
                        None => self.start(self.lane, &want, missing, recipe.clone()),
                    },
                },
            };
            match flight.landed().await {
                // A flight for callers of any value may bring one that is too old for this caller.
                Ok(answer)
                    if flight.newer_than < want.newer_than && !want.is_met_by(&answer.entry) =>
                {
                    // A value that no store took stays with its flight, which must not be joined again.
                    self.inner.flights.remove(&want.key, &flight);
                }
                Ok(Answer { entry, outcome }) => return Ok(want.fresh(entry, outcome)),
                // It ended without callers in the moment in which this one came.
                Err(Failure::Abandoned) => {}
                Err(failure) => return Err(failure),
            }
            // At most a hundred rounds a second, whatever the flights bring.
            sleep(PAUSE).await;
        }
    }

    /// One question to the store, and a second one only for the value of other data.
    async fn look_up(&self, want: &Want) -> Lookup {
        let key = &want.key;
        let found = self.inner.store.look(key).await.unwrap_or_else(|error| {
            debug!(%key, %error, "a store error is a miss");
            Default::default()
        });
        let old = found.entry.as_ref().map(|entry| entry.stamp);
        let failure = found.failure.as_deref().and_then(FailureNote::read);
        let permille = permille_of(found.progress);
        let mut missing = Missing { seen: found.seen, old, failure, permille };
        let Some(entry) = found.entry else {
            let other = if want.is_stale_good { found.latest } else { None };
            return match self.of_other_data(key, other).await {
                Some(asked) => Lookup::Stale(asked, missing),
                None => Lookup::Missing(missing),
            };
        };
        let is_too_old = want.is_stale_good && self.is_too_old(&entry);
        if want.is_met_by(&entry) && !is_too_old {
            return Lookup::Fresh(entry);
        }
        if missing.failure.is_none() {
            // A store need not read the notes when it finds an entry.
            let notes = tokio::join!(self.note(key, Note::Failure), self.note(key, Note::Progress));
            missing.failure = notes.0.as_deref().and_then(FailureNote::read);
            missing.permille = permille_of(notes.1);
        }
        if is_too_old {
            let asked = want.fresh(entry, Outcome::Hit);
            return Lookup::Stale(Asked { is_stale: true, ..asked }, missing);
        }
        Lookup::Missing(missing)
    }

    /// The latest answer to the same question, cached by other values.
    async fn of_other_data(&self, key: &Key, latest: Option<String>) -> Option<Asked> {
        let cached_by: Vec<String> = serde_json::from_str(&latest?).ok()?;
        if cached_by == key.cached_by() {
            return None;
        }
        let answer = self.kept(&key.cached_by_others(cached_by.clone())).await?;
        Some(Asked { answer, cached_by, is_stale: true })
    }

    pub(crate) fn is_too_old(&self, entry: &Entry) -> bool {
        let age = entry.stamp.computed_at.elapsed().unwrap_or_default();
        self.inner.config.max_age.is_some_and(|most| age > most)
    }

    /// Starts the flight of a key, or joins the one that another caller has just started.
    fn start(&self, lane: Lane, want: &Want, missing: Missing, recipe: Recipe) -> Arc<Flight> {
        let is_old = |stamp: Stamp| stamp.computed_at;
        let newer_than = want.newer_than.or(missing.old.map(is_old));
        let want = Want { key: want.key.clone(), newer_than, is_stale_good: false };
        let (key, cache) = (want.key.clone(), self.clone());
        let fly = |flight| cache.fly(want, flight, missing, recipe);
        self.inner.flights.join_or_start(&key, Flight::new(lane, newer_than), fly)
    }

    /// Lease, look again, compute: what one flight of a process does.
    async fn fly(
        self,
        want: Want,
        flight: Arc<Flight>,
        mut missing: Missing,
        recipe: Recipe,
    ) -> Result<Answer, Failure> {
        let key = &want.key;
        let mut has_waited = false;
        loop {
            let turn = match self.turn(&want, &flight).await? {
                Turn::Taken(turn) => turn,
                Turn::Published(entry) => return Ok(collapsed(entry)),
            };
            match self.inner.store.try_lease(key, &missing.seen).await {
                Ok(Attempt::Granted(lease)) => {
                    if has_waited {
                        self.observe(&Event::LeaseTakeover(key));
                    }
                    let progress = Progress::new(missing.permille, missing.last());
                    return self.lead(key, &flight, lease, progress, missing, recipe).await;
                }
                Err(error) => {
                    self.observe(&Event::NoLease(key, &error));
                    let progress = Progress::new(0, missing.last());
                    return self.compute_alone(key, &flight, progress, recipe).await;
                }
                // Another worker has published, or removed an entry, since the look.
                Ok(Attempt::Changed) => sleep(PAUSE).await,
                Ok(Attempt::Held) => {
                    drop(turn);
                    if !has_waited {
                        self.observe(&Event::LeaseWait(key));
                    }
                    has_waited = true;
                    self.wait_for_another(key, &flight).await;
                }
            }
            match self.look_up(&want).await {
                Lookup::Fresh(entry) => return Ok(collapsed(entry)),
                Lookup::Stale(_, found) | Lookup::Missing(found) => missing = found,
            }
            if let Some(failure) = missing.standing() {
                return Err(failure);
            }
        }
    }

    /// Waits for the turn of a flight in its lane. Another process may publish in the meantime.
    async fn turn(&self, want: &Want, flight: &Flight) -> Result<Turn, Failure> {
        let mut lane = flight.lane.subscribe();
        let mut said = Instant::now();
        loop {
            let current = *lane.borrow_and_update();
            // One future for the whole wait, which keeps its place in the line.
            let mut turn = pin!(self.inner.lanes.turn(current));
            loop {
                if self.inner.closing.is_cancelled() {
                    return Err(Failure::Closing);
                }
                if !flight.is_awaited() {
                    return Err(Failure::Abandoned);
                }
                tokio::select! {
                    turn = &mut turn => return Ok(Turn::Taken(turn)),
                    _ = lane.changed() => break,
                    () = self.inner.closing.cancelled() => {}
                    () = sleep(LOOK_AGAIN) => {
                        if said.elapsed() >= SAY_AGAIN {
                            said = Instant::now();
                            self.say_interest(&want.key, flight).await;
                        }
                        if let Lookup::Fresh(entry) = self.look_up(want).await {
                            return Ok(Turn::Published(entry));
                        }
                    }
                }
            }
        }
    }

    /// Waits for the process that holds the lease, and tells it that callers wait here.
    async fn wait_for_another(&self, key: &Key, flight: &Flight) {
        let earliest = Instant::now() + PAUSE;
        self.say_interest(key, flight).await;
        tokio::select! {
            changed = self.inner.store.changed(key, SAY_AGAIN) => {
                if let Err(error) = changed {
                    debug!(%key, %error, "could not wait for the lease of {key}");
                }
            }
            () = self.inner.closing.cancelled() => {}
        }
        sleep_until(earliest).await;
    }

    /// Tells the process that computes, wherever it is, that callers wait here.
    async fn say_interest(&self, key: &Key, flight: &Flight) {
        if flight.is_background || flight.was_asked_within(SAY_AGAIN) {
            self.leave(key, Note::Interest, "", INTEREST).await;
        }
    }

    /// Compute, publish; release on every other exit.
    async fn lead(
        &self,
        key: &Key,
        flight: &Flight,
        lease: Box<dyn Lease>,
        progress: Progress,
        missing: Missing,
        recipe: Recipe,
    ) -> Result<Answer, Failure> {
        let started = Instant::now();
        let computed = tokio::select! {
            computed = self.compute(key, flight, &progress, recipe) => computed,
            () = renewing(&*lease) => unreachable!("renewals end with the computation"),
        };
        let answer = match computed {
            Ok(bytes) => {
                let entry = self.stamped(bytes, started);
                Ok(self.publish(key, lease, entry).await)
            }
            Err(failure) => {
                // Before the release: the next holder of the lease reads it.
                self.remember(key, &failure, missing.failure.as_ref()).await;
                if let Err(error) = lease.release().await {
                    debug!(%key, %error, "the lease of {key} ends by itself: {error}");
                }
                Err(failure)
            }
        };
        let goes_on = matches!(answer, Err(Failure::Closing));
        if started.elapsed() >= TELL && !goes_on {
            // The next run starts at nothing.
            self.erase_progress(key).await;
        }
        answer
    }

    /// Computes without a lease. While no store works, each process computes for its own callers.
    async fn compute_alone(
        &self,
        key: &Key,
        flight: &Flight,
        progress: Progress,
        recipe: Recipe,
    ) -> Result<Answer, Failure> {
        let started = Instant::now();
        let bytes = self.compute(key, flight, &progress, recipe).await?;
        let entry = self.stamped(bytes, started);
        self.computed(key, &entry, Fate::Unoffered);
        Ok(Answer { entry, outcome: Outcome::Computed })
    }

    /// Runs the recipe while callers wait for it and this process is not closing.
    async fn compute(
        &self,
        key: &Key,
        flight: &Flight,
        progress: &Progress,
        recipe: Recipe,
    ) -> Result<Bytes, Failure> {
        flight.computes(progress.clone());
        let cooking = progress.clone();
        // A task of its own: a panic of the recipe must end neither the flight nor its lease.
        let cooking = async move { recipe.cook(cooking).await };
        let mut computing = tokio::spawn(cooking.in_current_span());
        let failure = tokio::select! {
            computed = &mut computing => return match computed {
                Ok(computed) => computed.map_err(Failure::new),
                Err(error) => Err(Failure::new(match error.try_into_panic() {
                    Ok(panic) => panicked(&*panic),
                    Err(error) => error.to_string(),
                })),
            },
            () = self.inner.closing.cancelled() => Failure::Closing,
            () = self.until_unwanted(key, flight, progress) => Failure::Abandoned,
        };
        progress.stop();
        computing.abort();
        debug!(%key, "stopped computing {key}: {failure}");
        Err(failure)
    }

    /// Tells other processes the progress, until no caller waits, here or there.
    async fn until_unwanted(&self, key: &Key, flight: &Flight, progress: &Progress) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = Instant::now();
        loop {
            ticks.tick().await;
            if told.elapsed() >= TELL {
                told = Instant::now();
                self.tell_progress(key, progress).await;
            }
            // A process that cannot reach the store computes by itself.
            if !flight.is_awaited() && self.note(key, Note::Interest).await.is_none() {
                return;
            }
        }
    }

    /// Hands in the lease with the value.
    async fn publish(&self, key: &Key, lease: Box<dyn Lease>, entry: Entry) -> Answer {
        let publishing = async {
            let published = lease.publish(&entry).await;
            self.computed(key, &entry, Fate::of(&published));
            published
        };
        // At the same time, so that the note costs no round trip of its own.
        let (published, ()) = tokio::join!(publishing, self.note_latest(key));
        let outcome = match published {
            Ok(Published::Stored) => Outcome::Stored,
            // The value of the successor is the one that all callers share.
            Ok(Published::Refused) => match self.kept(key).await {
                Some(Answer { entry, .. }) => return collapsed(entry),
                None => Outcome::Computed,
            },
            Err(_) => Outcome::Computed,
        };
        Answer { entry, outcome }
    }

    fn stamped(&self, bytes: Bytes, started: Instant) -> Entry {
        Entry { stamp: Stamp::now(started.elapsed(), self.inner.config.worker), bytes }
    }

    fn computed(&self, key: &Key, entry: &Entry, fate: Fate<'_>) {
        let Stamp { compute, worker, .. } = entry.stamp;
        self.observe(&Event::Computed { key, compute, worker, fate });
    }
}

/// Shows that this process lives. Two renewals may be lost before the lease is.
pub(crate) async fn renewing(lease: &dyn Lease) {
    loop {
        sleep(LEASE / 3).await;
        // A lease that is lost shows when it is handed in; the value is as good for our callers.
        if let Err(error) = lease.renew().await {
            debug!(%error, "could not renew a lease: {error}");
        }
    }
}

fn collapsed(entry: Entry) -> Answer {
    Answer { entry, outcome: Outcome::Collapsed }
}

impl Want {
    /// Any value of this key.
    pub(crate) fn of(key: &Key) -> Self {
        Self { key: key.clone(), newer_than: None, is_stale_good: false }
    }

    fn is_met_by(&self, entry: &Entry) -> bool {
        self.newer_than.is_none_or(|than| entry.stamp.computed_at > than)
    }

    /// Whether to wait for this flight before looking. A renewal is only for callers that want a
    /// newer value: the store has one that is good for the others.
    fn joins(&self, flight: &Flight) -> bool {
        self.newer_than.is_some() || flight.newer_than.is_none() && !flight.is_background
    }

    fn fresh(&self, entry: Entry, outcome: Outcome) -> Asked {
        let cached_by = self.key.cached_by().to_vec();
        Asked { answer: Answer { entry, outcome }, cached_by, is_stale: false }
    }
}

impl Missing {
    /// The failure of the last attempt, while no process tries again.
    fn standing(&self) -> Option<Failure> {
        self.failure.as_ref().and_then(FailureNote::standing)
    }

    fn last(&self) -> Option<Duration> {
        self.old.map(|stamp| stamp.compute)
    }
}
