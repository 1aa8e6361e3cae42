//! What Redis does in one step: each compares the token of a lease before it changes anything.

/// Whether the lease is still the caller's, and if so for another `ARGV[2]` milliseconds.
pub(super) const RENEW: &str = "
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])";

/// Ends the caller's lease and wakes those who wait for it.
pub(super) const RELEASE: &str = "
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', KEYS[1], '')
return 1";

/// Stores the entry, ends the caller's lease and wakes those who wait for it.
pub(super) const PUBLISH: &str = "
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', KEYS[1], '')
return 1";
