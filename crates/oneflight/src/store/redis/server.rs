//! Asking Redis: with which connection, how long, and what to do when it is broken.

use std::sync::Arc;

use deadpool::Runtime;
use deadpool::managed::{Object, Pool, PoolError, Timeouts};
use deadpool_redis::redis::{
    Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, ServerErrorKind, Value,
    from_redis_value,
};
use tokio::time::timeout;

use super::Connections;
use super::address::Address;
use super::pool::{Link, Manager};
use super::scripts::Call;
use super::standing::Standing;
use super::trouble::{failure, is_broken, is_of_cluster, late, no_connection, unusable};
use crate::observer::{Event, Observer};
use crate::store::{Cause, StoreError};

/// Connections of one process: a command occupies one for a fraction of a millisecond.
const CONNECTIONS: usize = 8;

/// A pool of connections, and the observer of its failures.
pub(super) struct Server {
    pool: Pool<Manager>,
    observer: Arc<dyn Observer>,
    /// Ended by trouble with Redis: while it does not answer, nothing is to be answered from memory, and
    /// the server that one is subscribed at may not be the one that is asked from now on.
    standing: Arc<Standing>,
}

/// What Redis is asked.
pub(super) enum Question {
    Command(Cmd),
    /// Each command has its own result. If the first one fails, the question fails.
    Pipeline(Pipeline),
    Call(Call),
}

impl Server {
    /// Prepares the pool; nothing is connected yet.
    pub(super) fn new(
        address: Address,
        observer: Arc<dyn Observer>,
        standing: Arc<Standing>,
    ) -> Result<Self, StoreError> {
        let manager = Manager::new(address);
        let patience = manager.patience();
        let timeouts =
            Timeouts { wait: Some(patience.question), create: Some(patience.ready), recycle: None };
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .timeouts(timeouts)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| unusable(&error.to_string()))?;
        Ok(Self { pool, observer, standing })
    }

    /// A function that returns the state of the pool.
    pub(super) fn connections(&self) -> impl Fn() -> Connections + Send + Sync + 'static {
        let pool = self.pool.clone();
        move || {
            let status = pool.status();
            Connections { open: status.size, idle: status.available, max: status.max_size }
        }
    }

    pub(super) fn manager(&self) -> &Manager {
        self.pool.manager()
    }

    pub(super) fn observer(&self) -> &dyn Observer {
        &*self.observer
    }

    /// Asks, and reports a failure.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        question: impl Into<Question>,
    ) -> Result<T, StoreError> {
        let answer = self.ask_with_new(&question.into()).await;
        let answer = answer.and_then(|value| Ok(from_redis_value(value)?));
        answer.map_err(|error| self.failed(&error))
    }

    /// Reports a failure.
    pub(super) fn failed(&self, error: &RedisError) -> StoreError {
        let error = failure(error);
        if matches!(error.cause, Cause::Unreachable | Cause::Unauthenticated) {
            self.standing.end();
        }
        self.observer.observe(&Event::StoreFailed(&error));
        error
    }

    /// Asks, and asks once more on a new connection if the first one was broken.
    async fn ask_with_new(&self, question: &Question) -> RedisResult<Value> {
        match self.ask_once(question).await {
            // Redis may be hanging, and the caller has waited long enough.
            Err((error, _)) if error.is_timeout() => Err(error),
            Err((error, WasOpen(true))) if is_broken(&error) => {
                self.ask_once(question).await.map_err(|(error, _)| error)
            }
            answer => answer.map_err(|(error, _)| error),
        }
    }

    async fn ask_once(&self, question: &Question) -> Result<Value, (RedisError, WasOpen)> {
        let patience = self.manager().patience();
        let mut link = self
            .link()
            .await
            .map_err(|error| (no_connection(error, patience.ready), WasOpen(false)))?;
        let limit = patience.question;
        let answer = timeout(limit, question.put(&mut link)).await;
        answer.unwrap_or_else(|_| Err(late(limit))).map_err(|error| {
            self.judge(link, &error);
            (error, WasOpen(true))
        })
    }

    /// A connection of the pool. A new one is opened by a task: it is there for the next question even
    /// if this one's caller does not wait for it.
    async fn link(&self) -> Result<Object<Manager>, PoolError<RedisError>> {
        if self.pool.status().available > 0 {
            return self.pool.get().await;
        }
        let pool = self.pool.clone();
        tokio::spawn(async move { pool.get().await }).await.unwrap_or(Err(PoolError::Closed))
    }

    /// Closes a connection that cannot be used again, and the idle ones of the same generation.
    ///
    /// A time-out counts too: if the server's host is gone, this connection never answers, and the
    /// name of the server may already belong to another host.
    fn judge(&self, link: Object<Manager>, error: &RedisError) {
        if !is_broken(error) && !error.is_timeout() {
            return;
        }
        let manager = self.manager();
        if is_of_cluster(error) {
            // The node lives, and it delivers the messages of all others.
            manager.turn_to_cluster();
        } else {
            self.standing.end();
        }
        manager.retire(&link);
        drop(Object::take(link));
        self.pool.retain(|link, _| manager.is_current(link));
    }
}

/// Whether the question had a connection. If not, asking again does not help.
struct WasOpen(bool);

impl Question {
    async fn put(&self, link: &mut Link) -> RedisResult<Value> {
        match self {
            Self::Command(command) => command.query_async(link).await,
            Self::Pipeline(pipeline) => {
                let values: Vec<Value> = pipeline.query_async(link).await?;
                match values.first() {
                    Some(Value::ServerError(error)) => Err(error.clone().into()),
                    _ => Ok(Value::Array(values)),
                }
            }
            Self::Call(call) => match call.by_hash().query_async(link).await {
                Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                    call.by_source().query_async(link).await
                }
                answer => answer,
            },
        }
    }
}

impl From<Cmd> for Question {
    fn from(command: Cmd) -> Self {
        Self::Command(command)
    }
}

impl From<&mut Cmd> for Question {
    fn from(command: &mut Cmd) -> Self {
        Self::Command(std::mem::take(command))
    }
}

impl From<Pipeline> for Question {
    fn from(mut pipeline: Pipeline) -> Self {
        pipeline.ignore_errors();
        Self::Pipeline(pipeline)
    }
}

impl From<Call> for Question {
    fn from(call: Call) -> Self {
        Self::Call(call)
    }
}
