//! The Lua scripts: each is one step for Redis.
//!
//! They publish with `pcall`, because a user without the right to the channel must still be able to
//! store. The script then returns the error, and waiters find out by polling.

use std::sync::OnceLock;

use deadpool_redis::redis::{self, Cmd, ToRedisArgs};

/// A script with its hash, by which Redis knows it after its first use.
pub(super) struct Script {
    source: &'static str,
    hash: OnceLock<String>,
}

/// A script with its keys and arguments.
pub(super) struct Call {
    script: &'static Script,
    keys: Vec<String>,
    arguments: Vec<Vec<u8>>,
}

/// Prolongs the lease `KEYS[1]` if it is still the caller's.
pub(super) static RENEW: Script = Script::new(
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])",
);

/// Ends the caller's lease `KEYS[1]` and wakes the waiters. Returns nil when the lease is not the
/// caller's; otherwise the error of the message, or an empty text.
pub(super) static RELEASE: Script = Script::new(
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return false end
redis.call('DEL', KEYS[1])
local told = redis.pcall('PUBLISH', ARGV[2], ARGV[3])
return type(told) == 'table' and told.err or ''",
);

/// Stores the entry `KEYS[2]`, ends the caller's lease `KEYS[1]` and wakes the waiters. Returns what
/// [`RELEASE`] returns.
///
/// GETDEL saves a command. If the lease is another's, the script puts it back, and no other client
/// sees the gap. A Redis without free memory refuses only the first write of a script, so it still
/// takes the entry; it refuses new leases.
pub(super) static PUBLISH: Script = Script::new(
    "local holder = redis.call('GETDEL', KEYS[1])
if holder ~= ARGV[1] then
  if holder then redis.call('SET', KEYS[1], holder, 'PX', ARGV[2]) end
  return false
end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
local told = redis.pcall('PUBLISH', ARGV[5], ARGV[6])
return type(told) == 'table' and told.err or ''",
);

/// Removes the entry `KEYS[1]`, its lease and its notes, and wakes the waiters.
pub(super) static REMOVE: Script = Script::new(
    "local removed = redis.call('DEL', KEYS[1])
redis.call('DEL', unpack(KEYS, 2))
redis.pcall('PUBLISH', ARGV[1], ARGV[2])
return removed",
);

/// Removes the entry `KEYS[1]` if its beginning and length are still those of a damaged one.
pub(super) static REMOVE_DAMAGED: Script = Script::new(
    "if redis.call('STRLEN', KEYS[1]) ~= tonumber(ARGV[2]) then return 0 end
if redis.call('GETRANGE', KEYS[1], 0, ARGV[3]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])",
);

/// Records the use of the key `ARGV[1]` in the index `KEYS[1]`, by the clock of Redis in microseconds;
/// with `ARGV[3]` = `XX` only if the key is there.
pub(super) static TOUCH: Script = Script::new(
    "local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
if ARGV[3] == 'XX' then
  redis.call('ZADD', KEYS[1], 'XX', now, ARGV[1])
else
  redis.call('ZADD', KEYS[1], now, ARGV[1])
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])",
);

/// Records the uses of keys in the index `KEYS[1]`: from `ARGV[3]` on, a time and a key in turn. Keeps
/// the latest `ARGV[2]` members.
pub(super) static RANK: Script = Script::new(
    "redis.call('ZADD', KEYS[1], 'GT', unpack(ARGV, 3))
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - ARGV[2])
return redis.call('PEXPIRE', KEYS[1], ARGV[1])",
);

impl Script {
    const fn new(source: &'static str) -> Self {
        Self { source, hash: OnceLock::new() }
    }

    pub(super) fn call(&'static self, keys: impl IntoIterator<Item = String>) -> Call {
        Call { script: self, keys: keys.into_iter().collect(), arguments: Vec::new() }
    }

    fn hash(&self) -> &str {
        self.hash.get_or_init(|| redis::Script::new(self.source).get_hash().to_owned())
    }
}

impl Call {
    pub(super) fn arg(mut self, argument: impl ToRedisArgs) -> Self {
        argument.write_redis_args(&mut self.arguments);
        self
    }

    /// The call of a script that Redis knows.
    pub(super) fn by_hash(&self) -> Cmd {
        self.command("EVALSHA", self.script.hash())
    }

    /// The call that also loads the script. Unlike SCRIPT LOAD it takes one round trip and no other
    /// right.
    pub(super) fn by_source(&self) -> Cmd {
        self.command("EVAL", self.script.source)
    }

    fn command(&self, word: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(word);
        command.arg(script).arg(self.keys.len()).arg(&self.keys).arg(&self.arguments);
        command
    }
}
