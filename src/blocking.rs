//! The one door off the event loop: whatever reads files or computes goes through it.

use tokio::task::JoinError;
use tracing::Span;

/// Runs `work` on a thread that may block, inside the caller's span.
///
/// Dropping the future does not stop the work: what others wait for must not end with one request.
///
/// # Errors
///
/// A [`JoinError`] when `work` panicked; the worker goes on.
#[expect(clippy::disallowed_methods, reason = "this is the door that the ban points to")]
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    let span = Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work)).await
}
