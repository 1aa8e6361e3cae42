//! What the client says when Redis does not answer, as an error of the store.

use deadpool_redis::PoolError;
use deadpool_redis::redis::{ErrorKind, RedisError};

use crate::cache::store::StoreError;
use crate::metrics::{self, StoreName};

pub(super) fn count(_: &StoreError) {
    metrics::store_error(StoreName::Redis);
}

pub(super) fn unreachable(error: PoolError) -> StoreError {
    match error {
        PoolError::Backend(error) => failure(error),
        other => failed(other.to_string()),
    }
}

pub(super) fn failure(error: RedisError) -> StoreError {
    match error.kind() {
        // `noeviction`, and no memory left: reading works, writing does not.
        ErrorKind::Server(_) | ErrorKind::Extension if error.code() == Some("OOM") => {
            StoreError::Full { store: "Redis", reason: error.to_string() }
        }
        _ if error.to_string().contains("invalid peer certificate") => failed(format!(
            "{error}; this system does not trust that certificate, and REDIS_TLS_VERIFY=false accepts any"
        )),
        _ => failed(error.to_string()),
    }
}

pub(super) fn failed(reason: String) -> StoreError {
    StoreError::Failed { store: "Redis", reason }
}
