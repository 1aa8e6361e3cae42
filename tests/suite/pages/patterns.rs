//! `/patterns`: seven ways to share data between callbacks.

mod overview;
mod stateless;
mod browser;
mod aggregates;
mod background;
mod chromium;

/// What stands between two texts, at each place.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    text.split(start).skip(1).map(|rest| rest.split(end).next().unwrap()).collect()
}
