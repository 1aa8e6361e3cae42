//! The other workers, as far as one of them can reach them: through the supervisor.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::Said;

/// Longer than the supervisor waits for a worker that hangs; it answers even then.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks the other workers, and knows which answers are awaited.
pub struct Others {
    said: UnboundedSender<Said>,
    awaited: Mutex<HashMap<u64, oneshot::Sender<Vec<String>>>>,
    next: AtomicU64,
}

impl Others {
    /// Speaks through the sender, whose receiver the supervisor hears.
    pub fn new(said: UnboundedSender<Said>) -> Self {
        Self { said, awaited: Mutex::default(), next: AtomicU64::new(0) }
    }

    /// Tells the supervisor something.
    pub fn say(&self, said: Said) {
        // Nobody hears it while the worker ends.
        let _ = self.said.send(said);
    }

    /// The metrics of all other workers and of the supervisor: one exposition each. A worker that
    /// does not answer is left out.
    pub async fn gather(&self) -> Vec<String> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        self.awaited().insert(id, sender);
        self.say(Said::Gather { id });
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        self.awaited().remove(&id);
        answer.ok().and_then(Result::ok).unwrap_or_default()
    }

    /// Hands over an answer of the supervisor.
    pub fn answered(&self, id: u64, texts: Vec<String>) {
        if let Some(sender) = self.awaited().remove(&id) {
            // Who asked may have gone away.
            let _ = sender.send(texts);
        }
    }

    fn awaited(&self) -> std::sync::MutexGuard<'_, HashMap<u64, oneshot::Sender<Vec<String>>>> {
        self.awaited.lock().expect("nothing panics while it holds the awaited answers")
    }
}
