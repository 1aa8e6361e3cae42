//! A place for the cache of a program: a folder or a Redis, which several programs may share.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use oneflight::store::disk::{DiskConfig, DiskStore};
use oneflight::store::redis::{RedisConfig, RedisStore};
use oneflight::{Key, LogObserver, Store};
use tempfile::TempDir;

use super::redis::Redis;

/// Tries a claim with each store, at the same time.
pub(crate) async fn in_each_store(claim: impl AsyncFn(Place)) {
    tokio::join!(claim(Place::disk()), claim(Place::redis()));
}

/// Where the cache of one test lives.
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

    /// Both, one after the other.
    pub(crate) fn both() -> [Self; 2] {
        [Self::disk(), Self::redis()]
    }

    /// A store here, as another process of the program would open it.
    pub(crate) fn open(&self) -> Arc<dyn Store> {
        let (prefix, expire) = ("quadrant".to_owned(), Duration::from_secs(86_400));
        match self {
            Self::Disk(folder) => {
                let path = folder.path().to_owned();
                let (max_bytes, remembered_bytes) = (256 << 20, 0);
                let settings = DiskConfig { path, prefix, expire, max_bytes, remembered_bytes };
                Arc::new(DiskStore::new(settings, Arc::new(LogObserver)))
            }
            Self::Redis(redis) => {
                // As above: what a test changes behind a store's back is seen at once.
                let settings = RedisConfig { prefix, expire, remembered_bytes: 0 };
                let address = redis.url().parse().unwrap();
                let store = RedisStore::new(address, settings, Arc::new(LogObserver));
                Arc::new(store.unwrap())
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
                let name = format!("quadrant.{}.entry", key.file_name());
                let path = folder.path().join(name);
                let mut stored = fs::read(&path).unwrap();
                *stored.last_mut().unwrap() ^= 1;
                fs::write(path, stored).unwrap();
            }
            Self::Redis(redis) => {
                let name = format!("quadrant:{}", key.name());
                let length: i64 = redis.ask(&["STRLEN", &name]);
                let last = (length - 1).to_string();
                let _: i64 = redis.ask(&["SETRANGE", &name, &last, "\u{1}"]);
            }
        }
    }

    /// Whether a lease of this program's keys is held.
    pub(crate) fn is_leased(&self) -> bool {
        match self {
            Self::Disk(folder) => {
                let files = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
                let mut leases =
                    files.filter(|path| path.extension().is_some_and(|it| it == "lease"));
                // The lock is the lease; this question must not keep it.
                leases.any(|path| fs::File::open(path).is_ok_and(|file| file.try_lock().is_err()))
            }
            Self::Redis(redis) => {
                let keys: Vec<String> = redis.ask(&["KEYS", "quadrant:lease:*"]);
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
                // The names of leases, notes and indexes have a hash tag.
                let is_entry = |key: &&String| !key.contains('{');
                keys.iter().filter(is_entry).count()
            }
        }
    }

    /// The names of everything that is stored.
    pub(crate) fn names(&self) -> Vec<String> {
        match self {
            Self::Disk(folder) => {
                let files = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap());
                let names = files.map(|file| file.file_name().into_string().unwrap());
                // It is empty, and always the same.
                names.filter(|name| name != "quadrant.guard").collect()
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
                let names = self.names().into_iter().filter(|name| !name.contains('{'));
                let lengths = names.map(|key| redis.ask(&["STRLEN", &key]));
                lengths.max().unwrap()
            }
        }
    }
}
