//! A computation in progress: how long a request waits for it, and what the page shows until then.

use std::time::{Duration, SystemTime};

use oneflight::Snapshot;
use tokio::time::{sleep, timeout};

use super::time::Timestamp;

/// How long a request is held: a computation that takes longer is asked for again, so that no
/// router, proxy or browser runs out of time.
pub(crate) const HOLD: Duration = Duration::from_secs(1);
/// How long a request is held at least that shows progress already: five times a second is as often
/// as people can see.
pub(crate) const GLANCE: Duration = Duration::from_millis(200);

/// What a waiting page shows: the progress in words and as a bar.
pub(crate) struct Wait {
    progress: Option<Snapshot>,
    /// Thousandths that the page shows already. Another worker may know less than the one before,
    /// and a bar that goes back would puzzle everybody.
    seen: u16,
    /// When this was said, in milliseconds since 1970: no two fragments are the same.
    pub(crate) said_ms: u64,
}

impl Wait {
    pub(crate) fn new(seen: Option<u16>, progress: Option<Snapshot>) -> Self {
        let said_ms = Timestamp(SystemTime::now()).ms();
        Self { progress, seen: seen.unwrap_or(0).min(1000), said_ms }
    }

    /// What the bar shows, and what the next question says that it has seen.
    pub(crate) fn permille(&self) -> u16 {
        self.progress.map_or(0, |progress| progress.permille).max(self.seen)
    }

    pub(crate) fn words(&self) -> Option<String> {
        let progress = self.progress?;
        let seconds = progress.elapsed_ms / 1000;
        let elapsed = format!("{} % after {seconds} s", self.permille() / 10);
        Some(match progress.left_ms {
            Some(left) => format!("{elapsed}, about {} s left", left.div_ceil(1000)),
            None => elapsed,
        })
    }
}

/// Waits for an answer, but no longer than `hold`, nor once the computation is further than the
/// asking page shows, which has `seen` so many thousandths of it.
pub(crate) async fn held<T>(
    asked: impl Future<Output = T>,
    hold: Duration,
    seen: Option<u16>,
    progress: impl AsyncFn() -> Option<Snapshot>,
) -> Option<T> {
    tokio::select! {
        answer = timeout(hold, asked) => answer.ok(),
        () = progressed(seen, progress) => None,
    }
}

async fn progressed(seen: Option<u16>, progress: impl AsyncFn() -> Option<Snapshot>) {
    let Some(seen) = seen else { return std::future::pending().await };
    loop {
        sleep(GLANCE).await;
        if progress().await.is_some_and(|now| now.permille > seen) {
            return;
        }
    }
}
