//! What processes tell each other about a key, by notes in the store.
//!
//! All of it may be lost: without it a computation goes on a little longer, a bar starts over, or a
//! failure is tried again a little earlier.

use std::time::Duration;

use tracing::debug;

use crate::answer::{Failure, FailureNote};
use crate::cache::Cache;
use crate::key::Key;
use crate::progress::{Progress, Snapshot};
use crate::store::{LEASE, Note};

/// How long the note of the progress is kept. It outlives the lease of a worker that dies, so that its
/// successor goes on from there.
const TOLD: Duration = LEASE.saturating_mul(2);
/// How long the note of the latest answer is kept. Data sets are often replaced once a month.
const LATEST: Duration = Duration::from_secs(31 * 24 * 3600);

impl Cache {
    /// How far another process says that it is.
    pub(crate) async fn told(&self, key: &Key) -> Option<Snapshot> {
        snapshot(self.note(key, Note::Progress).await)
    }

    /// Tells other processes how far the computation is.
    pub(crate) async fn tell_progress(&self, key: &Key, progress: &Progress) {
        let text = serde_json::to_string(&progress.snapshot()).expect("three numbers");
        self.leave(key, Note::Progress, &text, TOLD).await;
    }

    pub(crate) async fn erase_progress(&self, key: &Key) {
        if let Err(error) = self.inner.store.erase(key, Note::Progress).await {
            debug!(%key, %error, "could not erase the progress of {key}");
        }
    }

    /// Lets later versions of the data find this answer. See [`Cache::ask`].
    pub(crate) async fn note_latest(&self, key: &Key) {
        // What belongs to one user leaves nothing behind when it is removed.
        if !key.cached_by().is_empty() && !key.is_private() {
            let text = serde_json::to_string(key.cached_by()).expect("a list of strings");
            self.leave(&key.question(), Note::Latest, &text, LATEST).await;
        }
    }

    /// Lets other processes know that the computation itself failed.
    pub(crate) async fn remember(
        &self,
        key: &Key,
        failure: &Failure,
        before: Option<&FailureNote>,
    ) {
        let Failure::Failed(_) = failure else { return };
        let note = FailureNote::after(before, failure);
        let text = serde_json::to_string(&note).expect("a string and two numbers");
        self.leave(key, Note::Failure, &text, note.lifetime()).await;
    }

    pub(crate) async fn note(&self, key: &Key, note: Note) -> Option<String> {
        self.inner.store.note(key, note).await.ok()?
    }

    pub(crate) async fn leave(&self, key: &Key, note: Note, text: &str, lifetime: Duration) {
        if let Err(error) = self.inner.store.leave(key, note, text, lifetime).await {
            debug!(%key, %error, "could not note the {} of {key}", note.word());
        }
    }
}

/// How far a computation was, in thousandths, by the note of its progress.
pub(crate) fn permille_of(note: Option<String>) -> u16 {
    snapshot(note).map_or(0, |snapshot| snapshot.permille)
}

fn snapshot(note: Option<String>) -> Option<Snapshot> {
    serde_json::from_str(&note?).ok()
}
