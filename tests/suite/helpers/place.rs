//! A place for a store: a folder or a Redis, which several stores may share as processes do.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use quadrant::cache::disk::DiskStore;
use quadrant::cache::key::Key;
use quadrant::cache::redis::RedisStore;
use quadrant::cache::store::Store;
use tempfile::TempDir;

use super::redis::Redis;

/// Where stores of one test live.
pub(crate) enum Place {
    Disk(TempDir),
    Redis(Redis),
}

impl Place {
    pub(crate) fn disk() -> Self {
        Self::Disk(TempDir::new().unwrap())
    }

    pub(crate) fn redis() -> Self {
        Self::Redis(Redis::spawn())
    }

    /// Both, for claims about the whole program.
    pub(crate) fn both() -> [Self; 2] {
        [Self::disk(), Self::redis()]
    }

    /// A store here, with the bytes of the default settings.
    pub(crate) fn open(&self, expire: Duration) -> Arc<dyn Store> {
        self.open_bounded(expire, 256 << 20)
    }

    /// A store here; Redis has its own bound.
    pub(crate) fn open_bounded(&self, expire: Duration, max_bytes: u64) -> Arc<dyn Store> {
        match self {
            Self::Disk(folder) => {
                Arc::new(DiskStore::new(folder.path().to_owned(), expire, max_bytes, 1 << 20))
            }
            Self::Redis(redis) => {
                Arc::new(RedisStore::new(redis.url().parse().unwrap(), expire).unwrap())
            }
        }
    }

    /// The settings of a program that keeps its cache here.
    pub(crate) fn settings(&self) -> [(String, String); 1] {
        match self {
            Self::Disk(folder) => [("CACHE_DIR".into(), folder.path().to_str().unwrap().into())],
            Self::Redis(redis) => [("REDIS_URL".into(), redis.url())],
        }
    }

    /// Alters one byte of an entry's value.
    pub(crate) fn damage(&self, key: &Key) {
        match self {
            Self::Disk(folder) => {
                let name = format!("{}.entry", key.name().replace(':', "."));
                let path = folder.path().join(name);
                let mut stored = fs::read(&path).unwrap();
                *stored.last_mut().unwrap() ^= 1;
                fs::write(path, stored).unwrap();
            }
            Self::Redis(redis) => {
                let length: i64 = redis.ask(&["STRLEN", key.name()]);
                let last = (length - 1).to_string();
                let _: i64 = redis.ask(&["SETRANGE", key.name(), &last, "\u{1}"]);
            }
        }
    }

    /// Removes everything.
    pub(crate) fn clear(&self) {
        match self {
            Self::Disk(folder) => {
                let files = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
                files.for_each(|path| fs::remove_file(path).unwrap());
            }
            Self::Redis(redis) => redis.ask::<()>(&["FLUSHALL"]),
        }
    }

    /// Whether somebody holds a lease of this program's keys.
    pub(crate) fn is_leased(&self) -> bool {
        match self {
            Self::Disk(folder) => {
                let files = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
                let mut leases =
                    files.filter(|path| path.extension().is_some_and(|it| it == "lease"));
                // The lock is the lease; whoever asks for it must not keep it.
                leases.any(|path| fs::File::open(path).is_ok_and(|file| file.try_lock().is_err()))
            }
            Self::Redis(redis) => {
                let keys: Vec<String> = redis.ask(&["KEYS", "quadrant:*:lease"]);
                !keys.is_empty()
            }
        }
    }

    /// How many entries there are, of all keys.
    pub(crate) fn entries(&self) -> usize {
        match self {
            Self::Disk(folder) => {
                let files = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
                files.filter(|path| path.extension().is_some_and(|it| it == "entry")).count()
            }
            Self::Redis(redis) => {
                let keys: Vec<String> = redis.ask(&["KEYS", "quadrant:*"]);
                let is_entry = |key: &&String| !key.ends_with(":lease") && !key.contains('!');
                keys.iter().filter(is_entry).count()
            }
        }
    }

    /// The names of all that is stored, of whatever kind.
    pub(crate) fn names(&self) -> Vec<String> {
        match self {
            Self::Disk(folder) => {
                let files = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap());
                let names = files.map(|file| file.file_name().into_string().unwrap());
                // It is empty, and always the same.
                names.filter(|name| name != "guard").collect()
            }
            Self::Redis(redis) => redis.ask(&["KEYS", "*"]),
        }
    }

    /// How many bytes the largest entry has.
    pub(crate) fn largest(&self) -> u64 {
        match self {
            Self::Disk(folder) => {
                let files = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap());
                files.map(|file| file.metadata().unwrap().len()).max().unwrap()
            }
            Self::Redis(redis) => {
                let lengths = self.names().into_iter().map(|key| redis.ask(&["STRLEN", &key]));
                lengths.max().unwrap()
            }
        }
    }
}
