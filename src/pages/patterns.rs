//! `/patterns/…`: ways to share data between requests, each by itself on a small page.

pub(crate) mod overview;
pub(crate) mod stateless;
pub(crate) mod browser;
pub(crate) mod aggregates;
pub(crate) mod background;
mod airport;
mod airport_page;
mod summary;
