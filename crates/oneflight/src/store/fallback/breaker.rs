//! Whether the first store is asked, and what is wrong with it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::observer::{Event, Observer};
use crate::store::{Cause, StoreError};

/// How long the first store is left alone after a failure: a person hardly notices, and a store that
/// has come back is in use again within the time of two clicks.
const REST: Duration = Duration::from_secs(1);

/// A caller that gave up after this time has waited in vain. Callers that leave earlier say nothing
/// about the store.
const IN_VAIN: Duration = Duration::from_millis(500);

pub(super) struct Breaker {
    state: Mutex<State>,
    observer: Arc<dyn Observer>,
}

/// A question that is under way. If it is dropped, its caller gave up before the time-out of the store,
/// and without this no failure would ever be noted while all callers do so.
pub(super) struct Asking<'a> {
    breaker: &'a Breaker,
    store: &'static str,
    since: Instant,
    is_answered: bool,
}

#[derive(Default)]
struct State {
    resting_until: Option<Instant>,
    trouble: Option<StoreError>,
}

impl Breaker {
    pub(super) fn new(observer: Arc<dyn Observer>) -> Self {
        Self { state: Mutex::default(), observer }
    }

    /// Whether the first store is to be asked. After its rest one question tries it, and the others
    /// leave it alone for another rest or until it has answered.
    pub(super) fn may_ask(&self) -> bool {
        let mut state = self.state();
        let Some(until) = state.resting_until else { return true };
        let is_over = Instant::now() >= until;
        if is_over {
            state.resting_until = Some(Instant::now() + REST);
        }
        is_over
    }

    /// Begins a question to the store of this name.
    pub(super) fn asking(&self, store: &'static str) -> Asking<'_> {
        Asking { breaker: self, store, since: Instant::now(), is_answered: false }
    }

    /// Like [`Self::may_ask`]: the trouble if the first store is not to be asked.
    pub(super) fn rest(&self) -> Option<StoreError> {
        if self.may_ask() { None } else { self.trouble() }
    }

    pub(super) fn is_resting(&self) -> bool {
        self.state().resting_until.is_some()
    }

    pub(super) fn trouble(&self) -> Option<StoreError> {
        self.state().trouble.clone()
    }

    /// Notes how the first store has answered, and returns the answer.
    pub(super) fn note<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        match &answer {
            Ok(_) => {
                self.state().resting_until = None;
                self.recover(|cause| !needs_a_write(cause));
            }
            Err(error) => self.fail(error),
        }
        answer
    }

    /// Notes a failure of the first store, and nothing else: a wait that ends by itself proves nothing.
    pub(super) fn note_failure<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        answer.inspect_err(|error| self.fail(error))
    }

    /// Notes that the first store has taken something.
    pub(super) fn has_written(&self) {
        self.recover(needs_a_write);
    }

    fn recover(&self, is_over: impl FnOnce(Cause) -> bool) {
        let mut state = self.state();
        let recovered = state.trouble.take_if(|trouble| is_over(trouble.cause));
        if recovered.is_some() {
            // A store without trouble is asked.
            state.resting_until = None;
        }
        drop(state);
        if let Some(StoreError { store, cause, .. }) = recovered {
            self.observer.observe(&Event::Recovered(store, cause));
        }
    }

    fn fail(&self, error: &StoreError) {
        let mut state = self.state();
        // A full store still answers what it has.
        let rests = error.cause != Cause::Full;
        state.resting_until = rests.then(|| Instant::now() + REST);
        let former = state.trouble.replace(error.clone());
        drop(state);
        // A change of its state is worth an event, and not every failure.
        if former.is_none_or(|former| former.cause != error.cause) {
            self.observer.observe(&Event::FellBack(error));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asking<'_> {
    /// Ends the question with whatever answer.
    pub(super) fn end(mut self) {
        self.is_answered = true;
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let waited = self.since.elapsed();
        if self.is_answered || waited < IN_VAIN {
            return;
        }
        let reason = format!("a caller gave up after {} ms", waited.as_millis());
        let error = StoreError { store: self.store, cause: Cause::Unreachable, reason };
        self.breaker.observer.observe(&Event::StoreFailed(&error));
        self.breaker.fail(&error);
    }
}

/// Whether reading works while a store has this trouble, so that only a write shows its end.
fn needs_a_write(cause: Cause) -> bool {
    matches!(cause, Cause::Full | Cause::ReadOnly | Cause::Forbidden)
}
