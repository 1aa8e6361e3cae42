//! The places that the claims about flights are tried in: each store, opened as by several processes.

use std::sync::Arc;
use std::time::Duration;

use oneflight::store::disk::{DiskConfig, DiskStore};
use oneflight::store::memory::MemoryStore;
use oneflight::store::redis::{RedisConfig, RedisStore};
use oneflight::{LogObserver, Store};
use tempfile::TempDir;

use crate::servers::Server;

/// Where the stores of one test live.
pub(crate) enum Place {
    Memory(MemoryStore),
    Disk(TempDir),
    Redis(Server),
}

/// Tries a claim at one place of each kind, at the same time.
pub(crate) async fn at_each_place(claim: impl AsyncFn(Place)) {
    let memory = Place::Memory(MemoryStore::new(Duration::from_secs(60)));
    let disk = Place::Disk(TempDir::new().unwrap());
    tokio::join!(claim(memory), claim(disk), claim(Place::Redis(Server::spawn())));
}

impl Place {
    /// A store here, as another process would open it.
    pub(crate) fn open(&self, expire: Duration) -> Arc<dyn Store> {
        let prefix = "flights".to_owned();
        match self {
            Self::Memory(store) => Arc::new(store.clone()),
            Self::Disk(folder) => {
                let path = folder.path().to_owned();
                let (max_bytes, remembered_bytes) = (256 << 20, 1 << 20);
                let settings = DiskConfig { path, prefix, expire, max_bytes, remembered_bytes };
                Arc::new(DiskStore::new(settings, Arc::new(LogObserver)))
            }
            Self::Redis(redis) => {
                let settings = RedisConfig { prefix, expire, remembered_bytes: 1 << 20 };
                let address = redis.url().parse().unwrap();
                let store = RedisStore::new(address, settings, Arc::new(LogObserver));
                Arc::new(store.unwrap())
            }
        }
    }
}
