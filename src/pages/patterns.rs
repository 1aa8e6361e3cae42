//! `/patterns/…`: patterns of the dashboard by themselves, each on a small page.

pub(crate) mod overview;
pub(crate) mod stateless;
mod departures;
mod page;
mod summary;
pub(crate) mod background;
pub(crate) mod browser;
pub(crate) mod aggregates;
