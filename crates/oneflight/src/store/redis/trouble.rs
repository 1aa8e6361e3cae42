//! The errors of the client, as errors of the store.

use std::io;
use std::time::Duration;

use deadpool::managed::{PoolError, TimeoutType};
use deadpool_redis::redis::{ErrorKind, RedisError};

use crate::store::{Cause, StoreError};

/// Codes that an old Redis wraps into another error when a script fails.
const WRAPPED: [&str; 3] = ["OOM", "READONLY", "NOPERM"];
/// What some versions of Redis say in a script, in the place of NOPERM.
const FORBIDDEN: &str = "user executing the script can't";

/// The error of a question without an answer within this time.
pub(super) fn late(limit: Duration) -> RedisError {
    io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} ms", limit.as_millis()))
        .into()
}

/// The error of a pool without a connection, as an error of the client.
pub(super) fn no_connection(error: PoolError<RedisError>, connect: Duration) -> RedisError {
    let ms = connect.as_millis();
    let reason = match error {
        PoolError::Backend(error) => return error,
        PoolError::Timeout(TimeoutType::Wait) => "all connections are in use".to_owned(),
        PoolError::Timeout(_) => format!("no connection within {ms} ms"),
        other => other.to_string(),
    };
    io::Error::other(reason).into()
}

/// The error of the store, by the code of Redis.
pub(super) fn failure(error: &RedisError) -> StoreError {
    let (code, text) = words(error);
    let cause = match code.as_str() {
        "OOM" => Cause::Full,
        "READONLY" => Cause::ReadOnly,
        "NOAUTH" | "WRONGPASS" => Cause::Unauthenticated,
        "NOPERM" => Cause::Forbidden,
        _ if error.kind() == ErrorKind::AuthenticationFailed => Cause::Unauthenticated,
        _ => Cause::Unreachable,
    };
    let reason = match text.contains("invalid peer certificate") {
        true => format!("{text}; this system does not trust that certificate"),
        false => text,
    };
    StoreError { store: "Redis", cause, reason }
}

/// What Redis said.
pub(super) fn reason(error: &RedisError) -> String {
    words(error).1
}

/// An error before Redis is asked.
pub(super) fn unusable(reason: &str) -> StoreError {
    StoreError { store: "Redis", cause: Cause::Unreachable, reason: reason.to_owned() }
}

/// Whether a new connection may help: this one is closed, or its server is not the master any more.
pub(super) fn is_broken(error: &RedisError) -> bool {
    let is_elsewhere = ["READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN"];
    error.is_io_error()
        || matches!(error.kind(), ErrorKind::Parse | ErrorKind::ClusterConnectionNotFound)
        || is_elsewhere.contains(&code(error).as_str())
        || is_of_cluster(error)
}

/// Whether the server is a node of a cluster.
pub(super) fn is_of_cluster(error: &RedisError) -> bool {
    ["MOVED", "ASK", "CROSSSLOT"].contains(&code(error).as_str())
}

/// Whether the user lacks a right.
pub(super) fn is_forbidden(error: &RedisError) -> bool {
    code(error) == "NOPERM"
}

/// Whether the value of a key is not a string.
pub(super) fn is_of_another_type(error: &RedisError) -> bool {
    code(error) == "WRONGTYPE"
}

fn code(error: &RedisError) -> String {
    words(error).0
}

/// The code of an error, and Redis's own words if it is the server's.
fn words(error: &RedisError) -> (String, String) {
    // A pipeline has several; the first one explains the others.
    let first = error.clone().into_server_errors().and_then(|all| all.first().cloned());
    let Some((_, error)) = first else { return (String::new(), error.to_string()) };
    let details = error.details().unwrap_or_default();
    let is_wrapped = |code: &&str| details.contains(&format!("-{code} "));
    let wrapped = match details.contains(FORBIDDEN) {
        true => Some("NOPERM"),
        false => WRAPPED.into_iter().find(is_wrapped),
    };
    let code = wrapped.unwrap_or(error.code()).to_owned();
    (code, format!("{} {details}", error.code()))
}

#[cfg(test)]
mod tests {
    use deadpool_redis::redis::{Value, parse_redis_value};

    use super::*;

    fn said(line: &str) -> RedisError {
        let value = parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        let Value::ServerError(error) = value else { panic!("{value:?}") };
        error.into()
    }

    #[test]
    fn the_code_tells_the_cause_and_the_reason_is_in_the_words_of_redis() {
        for (line, cause) in [
            ("OOM command not allowed when used memory > 'maxmemory'.", Cause::Full),
            ("READONLY You can't write against a read only replica.", Cause::ReadOnly),
            ("NOAUTH Authentication required.", Cause::Unauthenticated),
            ("WRONGPASS invalid username-password pair", Cause::Unauthenticated),
            ("NOPERM this user has no permissions to run the 'mget' command", Cause::Forbidden),
            ("ERR Error running script: @user_script:2: -OOM command not allowed", Cause::Full),
            ("ERR The user executing the script can't run this command", Cause::Forbidden),
            ("MISCONF Redis is configured to save RDB snapshots", Cause::Unreachable),
        ] {
            let error = failure(&said(line));

            assert_eq!((error.cause, error.reason.as_str()), (cause, line));
        }
    }

    #[test]
    fn another_connection_may_reach_another_server() {
        for line in ["READONLY x", "LOADING x", "MASTERDOWN x", "MOVED 1 a:1", "CROSSSLOT x"] {
            assert!(is_broken(&said(line)), "{line}");
        }
        assert!(!is_broken(&said("OOM x")));
        assert!(!is_broken(&said("NOPERM x")));
    }
}
