//! `/patterns/…`: patterns of the dashboard by themselves, each on a small page.

pub(super) mod overview;
pub(super) mod stateless;
pub(super) mod background;
