#![doc = include_str!("../README.md")]
//!
//! # How a caller gets its answer
//!
//! ```text
//! caller ──► a flight of this key in this process? ── yes ──► wait for its landing
//!              │ no
//!            look at the store ── fresh, or stale and good enough ──► the answer
//!              │ miss
//!            start a flight, a task of the process, and wait for its landing
//!              │
//!            a turn in its lane ◄────────────────────────────────────┐
//!              │                                                     │
//!            the lease, if the store still has what was seen         │
//!              │      ├─ changed: look again ────────────────────────┤
//!              │      └─ held: wait for the other process, look ─────┘
//!              │ granted
//!            compute, renewing the lease
//!              │
//!            publish the value; release on an error, a panic, a stop
//! ```
//!
//! [`Cache::memoize`] and its siblings do this, and `memoize.rs` is all of it. The modules stand in
//! reading order.

pub mod key;
pub mod entry;
mod answer;
mod progress;
mod lane;
pub mod observer;
mod cache;
mod memoize;
mod notes;
mod flight;
mod once;
pub mod store;
#[cfg(feature = "conformance")]
pub mod conformance;

pub use self::answer::{Answer, Asked, BoxError, Failure, Outcome};
pub use self::cache::{Cache, CacheConfig, Recipe};
pub use self::entry::{Entry, Stamp};
pub use self::key::{CacheBy, Key};
pub use self::lane::{Bounds, Lane};
pub use self::observer::{Event, LogObserver, Observer};
pub use self::progress::{Progress, Snapshot, Stopped};
pub use self::store::{Store, StoreError, StoreHealth};
