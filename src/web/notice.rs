//! What users and operators read while the store of the cache is in trouble.

use oneflight::StoreHealth;
use oneflight::store::Cause;

/// A sentence for users. They need not know what is wrong with Redis.
pub(crate) fn notice(health: &StoreHealth) -> Option<&'static str> {
    match health {
        StoreHealth::Healthy => None,
        StoreHealth::Degraded { cause: Cause::Full, .. } => {
            Some("Redis is full. New results are kept on this host.")
        }
        StoreHealth::Degraded { .. } => {
            Some("Redis cannot be used. Results are kept on this host until it is back.")
        }
    }
}

/// What users read when no store takes a result.
pub(crate) const LOST: &str = "Results cannot be kept at the moment: each is computed anew.";

/// A line for operators: the kind of trouble. The log has the words of the store.
pub(crate) fn line(health: &StoreHealth) -> Option<String> {
    match health {
        StoreHealth::Healthy => None,
        StoreHealth::Degraded { store, cause, .. } => {
            Some(format!("{store} {cause}; results are kept on this host\n"))
        }
    }
}
