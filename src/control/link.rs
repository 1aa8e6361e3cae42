//! A worker's link to its supervisor, and through it to the other workers.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::WorkerMessage;

/// Longer than the supervisor waits for a worker that hangs; it answers even then.
const PATIENCE: Duration = Duration::from_secs(1);

/// Sends messages to the supervisor, and matches its answers with the questions.
pub struct SupervisorLink {
    messages: UnboundedSender<WorkerMessage>,
    pending: Mutex<HashMap<u64, oneshot::Sender<Vec<String>>>>,
    next_id: AtomicU64,
}

impl SupervisorLink {
    /// A link over this channel, whose receiver writes to the supervisor.
    pub fn new(messages: UnboundedSender<WorkerMessage>) -> Self {
        Self { messages, pending: Mutex::default(), next_id: AtomicU64::new(0) }
    }

    /// Sends a message to the supervisor.
    pub fn send(&self, message: WorkerMessage) {
        // Nothing receives it any more while the worker ends.
        let _ = self.messages.send(message);
    }

    /// The metrics of all other workers and of the supervisor, one exposition each. A worker that
    /// does not answer is left out.
    pub async fn gather_metrics(&self) -> Vec<String> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        self.pending().insert(id, sender);
        self.send(WorkerMessage::GatherMetrics { id });
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        self.pending().remove(&id);
        answer.ok().and_then(Result::ok).unwrap_or_default()
    }

    /// Passes an answer of the supervisor on to the request that waits for it.
    pub fn on_gathered(&self, id: u64, texts: Vec<String>) {
        if let Some(sender) = self.pending().remove(&id) {
            // The request may be gone.
            let _ = sender.send(texts);
        }
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, HashMap<u64, oneshot::Sender<Vec<String>>>> {
        self.pending.lock().expect("nothing panics while it holds the pending questions")
    }
}
