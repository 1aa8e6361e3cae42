//! What a process does once it has the right to compute, and once there is nobody to give it.

use std::time::Instant;

use anyhow::anyhow;
use bytes::Bytes;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tracing::{Instrument, debug, info, warn};

use super::entry::{Entry, Stamp};
use super::key::Key;
use super::store::{LEASE, Lease, Published};
use super::{Answer, Cache, Failure, Outcome};
use crate::metrics::{self, LeaseWait};

impl Cache {
    /// Looks again, computes, publishes; releases on every other exit. `wait` is how the lease was
    /// come by, if it was another's at first.
    pub(super) async fn lead<F>(
        &self,
        lease: Lease,
        wait: Option<LeaseWait>,
        recipe: impl FnOnce() -> F + Send + 'static,
    ) -> Result<Answer, Failure>
    where
        F: Future<Output = anyhow::Result<Bytes>> + Send + 'static,
    {
        let key = lease.key().clone();
        // Another worker may have published between our miss and our lease.
        if let Some(entry) = self.look(&key).await {
            self.release(lease).await;
            return Ok(Answer { entry, outcome: Outcome::Collapsed });
        }
        if let Some(wait) = wait {
            wait.took_over();
        }
        let started = Instant::now();
        let computed = self.renewing(&lease, tokio::spawn(recipe().in_current_span())).await;
        let entry = match computed {
            Ok(bytes) => self.stamped(bytes, started),
            Err(error) => {
                self.release(lease).await;
                return Err(error.into());
            }
        };
        let published = self.store.publish(lease, &entry).await;
        let said = match &published {
            Ok(Published::Stored) => "published it".to_owned(),
            Ok(Published::Refused) => "was too late: another had taken over".to_owned(),
            Err(error) => format!("could not publish it: {error}"),
        };
        self.note(&key, &entry, &said);
        match published {
            Ok(Published::Stored) => Ok(Answer { entry, outcome: Outcome::Stored }),
            // The successor's value is everybody's; ours is the same unless it has not come yet.
            Ok(Published::Refused) => Ok(match self.look(&key).await {
                Some(entry) => Answer { entry, outcome: Outcome::Collapsed },
                None => Answer { entry, outcome: Outcome::Computed },
            }),
            Err(_) => Ok(Answer { entry, outcome: Outcome::Computed }),
        }
    }

    /// Computes without a lease: with no store at all, each process helps itself.
    pub(super) async fn alone<F>(
        &self,
        key: &Key,
        recipe: impl FnOnce() -> F,
    ) -> Result<Answer, Failure>
    where
        F: Future<Output = anyhow::Result<Bytes>> + Send + 'static,
    {
        let started = Instant::now();
        let mut computing = tokio::spawn(recipe().in_current_span());
        let bytes = tokio::select! {
            computed = &mut computing => joined(computed)?,
            ends = self.ends() => return Err(abandoned(&computing, ends).into()),
        };
        let entry = self.stamped(bytes, started);
        self.note(key, &entry, "kept it nowhere");
        Ok(Answer { entry, outcome: Outcome::Computed })
    }

    /// Waits for the computation, and shows meanwhile that this worker lives.
    async fn renewing(
        &self,
        lease: &Lease,
        mut computing: JoinHandle<anyhow::Result<Bytes>>,
    ) -> anyhow::Result<Bytes> {
        // Two renewals may be lost before the lease is.
        let renewals = async {
            loop {
                sleep(LEASE / 3).await;
                // A lease that is lost shows when we publish; the value is as good for our callers.
                if let Err(error) = self.store.renew(lease).await {
                    debug!(%error, "could not renew a lease: {error}");
                }
            }
        };
        tokio::select! {
            computed = &mut computing => joined(computed),
            ends = self.ends() => Err(abandoned(&computing, ends)),
            () = renewals => unreachable!("renewals end with the computation"),
        }
    }

    /// Waits until this process gives up what it computes.
    async fn ends(&self) -> anyhow::Error {
        let mut ending = self.ending.subscribe();
        // The sender lives in `self`, so there is an end to wait for, or none.
        let _ = ending.wait_for(|ends| *ends).await;
        anyhow!("this worker ends; another one computes it")
    }

    async fn release(&self, lease: Lease) {
        let key = lease.key().clone();
        if let Err(error) = self.store.release(lease).await {
            warn!(%key, %error, "the lease of {key} ends by itself: {error}");
        }
    }

    fn stamped(&self, bytes: Bytes, started: Instant) -> Entry {
        Entry { stamp: Stamp::now(started.elapsed(), self.worker), bytes }
    }

    /// Counts and logs a computation.
    fn note(&self, key: &Key, entry: &Entry, said: &str) {
        metrics::computed(entry.stamp.compute);
        let (compute_ms, worker) = (entry.stamp.compute.as_millis() as u64, self.worker);
        info!(%key, compute_ms, worker, "computed {key} and {said}");
    }
}

fn abandoned(computing: &JoinHandle<anyhow::Result<Bytes>>, ends: anyhow::Error) -> anyhow::Error {
    computing.abort();
    ends
}

/// The value of a task, or its error, or the fact that it panicked.
fn joined(done: Result<anyhow::Result<Bytes>, tokio::task::JoinError>) -> anyhow::Result<Bytes> {
    done.unwrap_or_else(|panic| Err(anyhow!("the computation failed: {panic}")))
}
