//! Flights: one computation for all callers, on every store.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

#[expect(dead_code, reason = "the tests of the Redis store need more of it")]
#[path = "redis/servers.rs"]
mod servers;
#[path = "flights/place.rs"]
mod place;
#[path = "flights/memoizing.rs"]
mod memoizing;
#[path = "flights/waiting.rs"]
mod waiting;
#[path = "flights/model.rs"]
mod model;
