//! What a caller gets: a value, or why there is none.

use std::fmt;

use super::entry::Entry;

/// How a caller came by its answer, in the words of RFC 9211.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The store had it.
    Hit,
    /// This caller caused the computation, and the store has it now.
    Stored,
    /// Another caused the computation, and this one waited for it.
    Collapsed,
    /// This caller caused the computation, and the store did not take it.
    Computed,
}

/// A value and how it was come by.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The value with its provenance.
    pub entry: Entry,
    /// How this caller came by it.
    pub outcome: Outcome,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hit => "hit",
            Self::Stored => "stored",
            Self::Collapsed => "collapsed",
            Self::Computed => "computed",
        })
    }
}
