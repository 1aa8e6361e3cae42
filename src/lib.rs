//! Quadrant: a four-graph dashboard over three million flights.
//!
//! A dropdown triggers one expensive computation, kept for everybody; its arrival is a signal, an
//! HTML fragment that starts four graph requests in parallel. The modules stand in reading order:
//! each calls only those below it, apart from the small ones at the end that all may use.

pub mod config;
pub mod telemetry;
pub mod supervisor;
pub mod worker;
pub mod pages;
pub mod web;
pub mod import;
pub mod dataset;
pub mod query;
pub mod frame;
pub mod figure;
pub mod metric;
pub mod simulated_cost;
pub mod random;
pub mod control;
pub mod metrics;
pub mod observer;
pub mod blocking;
pub mod identity;
