//! The stores of this crate: each passes the conformance suite, and a few tests of its own.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

mod stores {
    mod places;
    mod conformance;
    mod disk;
    mod volume;
    mod faulty;
    mod fallback;
    mod model;
}
