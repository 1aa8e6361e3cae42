//! The data file: how it is made, how it is watched, and which numbers come of it.

mod import;
mod dataset;
mod numbers;
