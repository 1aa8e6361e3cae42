//! The supervisor's lines in the log.

use std::net::SocketAddr;

use tracing::{error, info, warn};

use super::core::{Notice, ProcessId};

/// What the lines say besides what the state machine knows.
pub(super) struct Log {
    pub(super) address: SocketAddr,
    /// Where the cache is, in words.
    pub(super) cache: String,
    /// Whether the session key is one of our own, which no other program has.
    pub(super) is_key_random: bool,
}

impl Log {
    /// Writes a notice; `pid` tells the process id of a process.
    pub(super) fn write(&self, notice: &Notice, pid: &dyn Fn(ProcessId) -> Option<u32>) {
        match notice {
            Notice::Listening { workers } => self.listening(*workers),
            Notice::Ready { worker, process } => {
                let pid = pid(*process).unwrap_or_default();
                info!(worker, pid, "worker {worker} serves, as process {pid}");
            }
            Notice::Gone { worker, process, reason } => {
                let pid = pid(*process);
                warn!(worker, pid, reason, "worker {worker} is gone ({reason})");
            }
            Notice::StartFailed { worker, reason } => {
                warn!(worker, reason, "worker {worker} did not start: {reason}");
            }
            Notice::NoSuccessor { worker, reason } => {
                error!(worker, "worker {worker} has no successor, and stays: {reason}");
            }
            Notice::RollingRestart => info!("the workers are replaced one after the other"),
            Notice::RollingRestartDone => info!("all workers have been replaced"),
            Notice::Stopping { reason: None } => info!("shutting down: the workers drain"),
            Notice::Stopping { reason: Some(reason) } => warn!("shutting down: {reason}"),
            Notice::Stopped => info!("Quadrant has drained and ends"),
        }
    }

    fn listening(&self, workers: u16) {
        let Self { address, cache, .. } = self;
        let workers = match workers {
            1 => "1 worker".to_owned(),
            many => format!("{many} workers"),
        };
        info!("Quadrant is at http://{address}, with {workers}, its cache {cache}");
        if self.is_key_random {
            warn!(
                "SESSION_KEY is not set: sessions end with this program, and no other one knows them"
            );
        }
    }
}
