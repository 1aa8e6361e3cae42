//! `/`: one expensive computation for an airport, its signal, and four graphs.

pub(crate) mod page;
pub(crate) mod choice;
pub(crate) mod signal;
pub(crate) mod selection;
pub(crate) mod graphs;
pub mod warming;
