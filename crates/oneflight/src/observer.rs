//! What the cache and its stores report, for logs and counters.

use std::fmt;
use std::time::Duration;

use tracing::{debug, info, warn};

use crate::key::Key;
use crate::store::{Cause, Published, StoreError};

/// Gets every event of a cache and its stores. It is called on event loops, so it must not block.
pub trait Observer: Send + Sync {
    /// Logs or counts the event.
    fn observe(&self, event: &Event<'_>);
}

/// What has happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A computation ended with a value.
    Computed {
        /// What was computed.
        key: &'a Key,
        /// How long it took.
        compute: Duration,
        /// Number of the worker that computed it.
        worker: u16,
        /// What became of the value.
        fate: Fate<'a>,
    },
    /// A flight began to wait for the lease of another process.
    LeaseWait(&'a Key),
    /// The wait ended with the lease instead of an entry.
    LeaseTakeover(&'a Key),
    /// No store gives a lease, so this process computes for itself alone.
    NoLease(&'a Key, &'a StoreError),
    /// A damaged entry was found and removed.
    Damaged(&'a Key),
    /// A sound entry was removed to make room; a file or key name without its user.
    Evicted(&'a str),
    /// A store did not answer a question.
    StoreFailed(&'a StoreError),
    /// The first store of a fallback does not work any more; the second stands in for it.
    FellBack(&'a StoreError),
    /// The first store of a fallback, named here, had this trouble and works again.
    Recovered(&'static str, Cause),
    /// The user of a Redis has no right to a channel, so waiters poll. It is reported once.
    NoChannel {
        /// The channel.
        channel: &'a str,
        /// What Redis said.
        reason: &'a str,
    },
    /// Something went wrong that costs time or space and no answer.
    Hiccup(&'a str),
}

/// What became of a computed value.
#[derive(Debug)]
pub enum Fate<'a> {
    /// The store has it.
    Published,
    /// The lease had ended, and the store keeps the value of a successor.
    Refused,
    /// The store did not take it.
    Unstored(&'a StoreError),
    /// There was no lease to be had, so it was not offered to the store.
    Unoffered,
}

impl<'a> Fate<'a> {
    pub(crate) fn of(published: &'a Result<Published, StoreError>) -> Self {
        match published {
            Ok(Published::Stored) => Self::Published,
            Ok(Published::Refused) => Self::Refused,
            Err(error) => Self::Unstored(error),
        }
    }
}

/// Writes every event to the log with `tracing`; counts nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogObserver;

impl Observer for LogObserver {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::Computed { .. } | Event::Recovered(..) => info!("{event}"),
            Event::LeaseWait(_) | Event::StoreFailed(_) | Event::Evicted(_) => debug!("{event}"),
            _ => warn!("{event}"),
        }
    }
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Computed { key, fate, .. } => write!(f, "computed {key} and {fate}"),
            Self::LeaseWait(key) => write!(f, "waiting for another process to compute {key}"),
            Self::LeaseTakeover(key) => write!(f, "took over the computation of {key}"),
            Self::NoLease(key, error) => write!(f, "no store gives a lease of {key}: {error}"),
            Self::Damaged(key) => write!(f, "removed a damaged entry of {key}"),
            Self::Evicted(name) => write!(f, "removed {name} to make room"),
            Self::StoreFailed(error) => write!(f, "{error}"),
            Self::FellBack(error) => write!(f, "falling back to the second store: {error}"),
            Self::Recovered(store, Cause::Full) => write!(f, "{store} takes entries again"),
            Self::Recovered(store, _) => write!(f, "{store} answers again"),
            Self::NoChannel { channel, reason } => {
                write!(f, "waiting by polling: no right to the channel {channel}: {reason}")
            }
            Self::Hiccup(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Fate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Published => f.write_str("published it"),
            Self::Refused => f.write_str("was too late: its lease had ended"),
            Self::Unstored(error) => write!(f, "could not publish it: {error}"),
            Self::Unoffered => f.write_str("kept it in this process only"),
        }
    }
}
