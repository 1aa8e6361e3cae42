//! The dashboard: a choice, its signal, and four graphs.

mod page;
mod choice;
mod signal;
mod refresh;
mod graph;
mod numbers;
mod warming;
mod stores;
mod chromium;
