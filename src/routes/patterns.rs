//! `/patterns/…`: patterns of the dashboard by themselves, each on a small page.

pub(super) mod background;
