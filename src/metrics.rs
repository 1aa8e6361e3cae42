//! Placeholder until the numbers of a worker are here.
/// Text.
pub fn text() -> String {
    String::new()
}
