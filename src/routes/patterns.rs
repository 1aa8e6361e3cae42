//! `/patterns/…`: patterns of the dashboard by themselves, each on a small page.

pub(super) mod overview;
pub(super) mod stateless;
mod departures;
mod page;
mod summary;
pub(super) mod background;
pub(super) mod browser;
pub(super) mod aggregates;
