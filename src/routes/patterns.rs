//! `/patterns/…`: patterns of the dashboard by themselves, each on a small page.

mod departures;
mod page;
mod summary;
pub(super) mod background;
pub(super) mod browser;
pub(super) mod aggregates;
