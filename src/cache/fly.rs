//! A flight: whoever gets the lease computes, the others wait for what it publishes.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;
use tracing::{debug, warn};

use super::entry::Entry;
use super::flight::{Flight, INTEREST, Kind};
use super::key::Key;
use super::store::Note;
use super::{Answer, Cache, Failure, Outcome, Recipe};
use crate::metrics::LeaseWait;

/// How often a flight that waits for its turn looks whether another process has published: seldom
/// enough to cost nothing, often enough that nobody notices.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How often a flight that waits for another process says that it is asked for here: several times
/// within the time for which that is believed.
const SAY_AGAIN: Duration = Duration::from_secs(1);
/// Between two attempts to get a lease: not noticed by people, and no load for a store.
const PAUSE: Duration = Duration::from_millis(10);

impl Cache {
    /// Look, take a turn, lease, look again, compute, publish; on every other exit, release.
    pub(super) async fn fly(
        self,
        key: Key,
        flight: Arc<Flight>,
        recipe: Recipe,
    ) -> Result<Answer, Failure> {
        let mut wait = None;
        loop {
            let turn = match self.turn_unless_published(&key, &flight).await? {
                Turn::Taken(turn) => turn,
                Turn::Published(entry) => {
                    return Ok(Answer { entry, outcome: Outcome::Collapsed });
                }
            };
            match self.store.try_lease(&key).await {
                Ok(Some(lease)) => return self.lead(lease, &flight, wait, recipe).await,
                Ok(None) => wait = wait.or_else(|| Some(LeaseWait::begin())),
                Err(error) => {
                    warn!(%key, %error, "no store gives a lease: {error}");
                    return self.alone(&key, &flight, recipe).await;
                }
            }
            drop(turn);
            self.say_interest(&key, &flight).await;
            if let Err(error) = self.store.changed(&key, SAY_AGAIN).await {
                debug!(%key, %error, "could not wait for the lease of {key}");
            }
            // Whatever a store says, no flight may circle without a pause.
            sleep(PAUSE).await;
            if let Some(entry) = self.look_for(&key, flight.than).await {
                return Ok(Answer { entry, outcome: Outcome::Collapsed });
            }
            if let Some(failure) = self.failed_lately(&key).await {
                return Err(failure);
            }
        }
    }

    /// Waits for the right to compute in this process; meanwhile another process may publish.
    ///
    /// # Errors
    ///
    /// When nobody asks any more.
    async fn turn_unless_published(&self, key: &Key, flight: &Flight) -> Result<Turn, Failure> {
        if !flight.is_awaited() {
            return Err(Failure::Abandoned);
        }
        if flight.kind == Kind::Background {
            // What nobody waits for must not keep those waiting who do.
            return Ok(Turn::Taken(None));
        }
        let mut turn = pin!(self.turn.clone().acquire_owned());
        loop {
            tokio::select! {
                turn = &mut turn => {
                    return Ok(Turn::Taken(Some(turn.expect("the turns are never closed"))));
                }
                () = sleep(LOOK_AGAIN) => {}
            }
            if !flight.is_awaited() {
                return Err(Failure::Abandoned);
            }
            if let Some(entry) = self.look_for(key, flight.than).await {
                return Ok(Turn::Published(entry));
            }
        }
    }

    /// Tells the process that computes, wherever it is, that somebody asks here.
    async fn say_interest(&self, key: &Key, flight: &Flight) {
        if flight.kind == Kind::Asked && !flight.was_asked_within(SAY_AGAIN) {
            return;
        }
        if let Err(error) = self.store.leave(key, Note::Interest, "", INTEREST).await {
            debug!(%key, %error, "could not say that {key} is asked for");
        }
    }

    /// An entry that is newer than something, if that is asked for.
    pub(super) async fn look_for(&self, key: &Key, than: Option<SystemTime>) -> Option<Entry> {
        let entry = self.look(key).await?;
        than.is_none_or(|than| entry.stamp.computed_at > than).then_some(entry)
    }
}

/// What a flight gets that waits for its turn.
enum Turn {
    /// The right to compute; in the background it needs none.
    Taken(Option<OwnedSemaphorePermit>),
    /// What another process has published meanwhile.
    Published(Entry),
}
