//! Waits with an end: each fails its test after [`PATIENCE`].

use std::time::{Duration, Instant};

use super::PATIENCE;
use super::answer::Answer;

/// An answer that may say that its computation goes on.
pub(crate) trait Computing {
    fn is_computing(&self) -> bool;
}

impl Computing for Answer {
    fn is_computing(&self) -> bool {
        self.status == 202
    }
}

impl<E> Computing for Result<Answer, E> {
    fn is_computing(&self) -> bool {
        self.as_ref().is_ok_and(Answer::is_computing)
    }
}

/// Asks until the status is not 202, as a fragment or a script does.
pub(crate) async fn until_computed<A: Computing>(ask: impl AsyncFnMut() -> A) -> A {
    computed_within(PATIENCE, ask).await
}

/// The same for a computation that takes longer.
pub(crate) async fn computed_within<A: Computing>(
    patience: Duration,
    mut ask: impl AsyncFnMut() -> A,
) -> A {
    let until = Instant::now() + patience;
    loop {
        let answer = ask().await;
        if !answer.is_computing() {
            return answer;
        }
        assert!(Instant::now() < until, "still computing after {patience:?}");
    }
}

/// Does what needs an event loop, in a test that has none.
pub(crate) fn wait_for<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work)
}

/// Waits until `holds`, while other work of the test goes on.
pub(crate) async fn until_true(what: &str, mut holds: impl FnMut() -> bool) {
    until(what, async || holds().then_some(())).await;
}

/// Looks until there is something, and fails with `what` after [`PATIENCE`].
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < until, "waited {PATIENCE:?} for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
