//! Waiting for a key: one subscription of the store wakes all waiters of this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use deadpool_redis::redis::aio::PubSub;
use deadpool_redis::redis::{RedisError, RedisResult};
use futures_util::StreamExt;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use super::Shared;
use super::trouble::{is_forbidden, late, reason};

/// The wait before another attempt to subscribe.
const AGAIN: Duration = Duration::from_secs(1);
/// The same when the user has no right to the channel, which an operator may grant later.
const AGAIN_FORBIDDEN: Duration = Duration::from_secs(60);

/// The waiters, by the name of the key.
pub(super) struct Watch {
    waiting: Mutex<HashMap<String, Waiting>>,
    /// Wakes the subscriber, which does not connect while there are no waiters.
    arrival: Notify,
    is_listening: watch::Sender<bool>,
}

struct Waiting {
    number: usize,
    told: Arc<Notify>,
}

/// A registered waiter. Dropping it ends the registration.
pub(super) struct Waiter {
    watch: Arc<Watch>,
    name: String,
    told: Arc<Notify>,
}

impl Watch {
    pub(super) fn new() -> Self {
        let (waiting, arrival) = (Mutex::default(), Notify::new());
        Self { waiting, arrival, is_listening: watch::Sender::new(false) }
    }

    /// Registers a waiter.
    pub(super) fn wait_for(self: &Arc<Self>, name: &str) -> Waiter {
        let mut all = self.waiting();
        let new = || Waiting { number: 0, told: Arc::default() };
        let waiting = all.entry(name.to_owned()).or_insert_with(new);
        waiting.number += 1;
        let told = waiting.told.clone();
        drop(all);
        self.arrival.notify_one();
        Waiter { watch: self.clone(), name: name.to_owned(), told }
    }

    /// Whether the subscription is up, now and later.
    pub(super) fn is_listening(&self) -> watch::Receiver<bool> {
        self.is_listening.subscribe()
    }

    fn tell(&self, name: &[u8]) {
        let waiting = std::str::from_utf8(name).ok().and_then(|name| {
            let all = self.waiting();
            all.get(name).map(|waiting| waiting.told.clone())
        });
        if let Some(told) = waiting {
            told.notify_waiters();
        }
    }

    async fn first_waiter(&self) {
        while self.waiting().is_empty() {
            self.arrival.notified().await;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        self.waiting.lock().expect("nothing panics while it holds the list of waiters")
    }
}

impl Waiter {
    /// Completes with the first message about the key after this call, polled or not.
    pub(super) fn told(&self) -> impl Future<Output = ()> + '_ {
        self.told.notified()
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut all = self.watch.waiting();
        if let Some(waiting) = all.get_mut(&self.name) {
            waiting.number -= 1;
            if waiting.number == 0 {
                all.remove(&self.name);
            }
        }
    }
}

/// Subscribes and passes messages on. It runs until it is aborted.
pub(super) async fn listen(shared: Arc<Shared>, watch: Arc<Watch>) {
    let (mut attempt, mut has_failed) = (0, false);
    loop {
        watch.first_waiter().await;
        attempt += 1;
        match subscription(&shared, attempt).await {
            Ok(subscription) => {
                has_failed = false;
                pass_on(subscription, &watch).await;
                sleep(AGAIN).await;
            }
            Err(error) if is_forbidden(&error) => {
                shared.told(&reason(&error));
                sleep(AGAIN_FORBIDDEN).await;
            }
            Err(error) => {
                // Only the first of several in a row: attempts go on each second.
                if !std::mem::replace(&mut has_failed, true) {
                    shared.server.failed(&error);
                }
                sleep(AGAIN).await;
            }
        }
    }
}

async fn subscription(shared: &Shared, attempt: usize) -> RedisResult<PubSub> {
    let manager = shared.server.manager();
    let ready = manager.patience().ready;
    let subscribe = async {
        let mut subscription = manager.subscribe_at(attempt).await?.get_async_pubsub().await?;
        subscription.subscribe(shared.names.channel()).await?;
        Ok::<_, RedisError>(subscription)
    };
    timeout(ready, subscribe).await.unwrap_or_else(|_| Err(late(ready)))
}

/// Passes messages on until the connection ends.
async fn pass_on(mut subscription: PubSub, watch: &Watch) {
    watch.is_listening.send_replace(true);
    let mut messages = subscription.on_message();
    while let Some(message) = messages.next().await {
        watch.tell(message.get_payload_bytes());
    }
    watch.is_listening.send_replace(false);
}
