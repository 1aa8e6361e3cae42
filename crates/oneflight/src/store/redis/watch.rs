//! The subscription of the store: it wakes the waiters of this process, and ends the belief in entries
//! that were read before.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use deadpool_redis::redis::aio::{PubSub, PubSubSink};
use deadpool_redis::redis::{RedisError, RedisResult};
use futures_util::StreamExt;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::Shared;
use super::trouble::{is_forbidden, late, reason};

/// The wait before another attempt to subscribe.
const AGAIN: Duration = Duration::from_secs(1);
/// The same when the user has no right to the channel, which an operator may grant later.
const AGAIN_FORBIDDEN: Duration = Duration::from_secs(60);
/// How often the connection is tried. A host that lost its power does not close it, and we must notice
/// that messages have stopped.
const TRY: Duration = Duration::from_secs(2);

/// The waiters, by the name of the key.
#[derive(Default)]
pub(super) struct Watch {
    waiting: Mutex<HashMap<String, Waiting>>,
    /// Whether an entry was read that could be kept in memory if there were a subscription.
    is_wanted: AtomicBool,
    /// Wakes the subscriber, which does not connect while nobody needs it.
    arrival: Notify,
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

    /// Asks for a subscription without waiting for a key.
    pub(super) fn want(&self) {
        if !self.is_wanted.swap(true, Ordering::Relaxed) {
            self.arrival.notify_one();
        }
    }

    fn tell(&self, name: &str) {
        let told = self.waiting().get(name).map(|waiting| waiting.told.clone());
        if let Some(told) = told {
            told.notify_waiters();
        }
    }

    /// Waits until the subscription is needed.
    async fn needed(&self) {
        while !self.is_wanted.swap(false, Ordering::Relaxed) && self.waiting().is_empty() {
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
        watch.needed().await;
        attempt += 1;
        match subscription(&shared, attempt).await {
            Ok(subscription) => {
                has_failed = false;
                pass_on(subscription, &shared, &watch).await;
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

/// Passes messages on until the connection ends, or a question to Redis fails: the subscription may be
/// at a server that is gone, too.
async fn pass_on(subscription: PubSub, shared: &Shared, watch: &Watch) {
    let (sink, mut messages) = subscription.split();
    let _up = shared.standing.begin();
    let mut silent = pin!(until_silent(sink, shared));
    loop {
        let message = tokio::select! {
            // Messages that came before a sign of life are processed before it.
            biased;
            message = messages.next() => message,
            () = &mut silent => None,
            () = shared.standing.ended() => None,
        };
        let Some(message) = message else { return };
        // Another program's message may be anything.
        if let Ok(name) = std::str::from_utf8(message.get_payload_bytes()) {
            // Before the waiters, who look again.
            shared.near.forget(name);
            watch.tell(name);
        }
    }
}

/// Completes when the connection gives no sign of life. Subscribing to the same channel again asks for
/// one and changes nothing. Unlike PING it needs no further right.
async fn until_silent(mut sink: PubSubSink, shared: &Shared) {
    let limit = shared.server.manager().patience().question;
    loop {
        sleep(TRY).await;
        let answer = timeout(limit, sink.subscribe(shared.names.channel())).await;
        if !matches!(answer, Ok(Ok(()))) {
            return;
        }
    }
}
