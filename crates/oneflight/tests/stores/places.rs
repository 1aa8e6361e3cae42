//! The places where the tests put their stores.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use oneflight::conformance::{MemoryPlace, Place};
use oneflight::entry::{Entry, Seen, Stamp};
use oneflight::store::disk::{DiskConfig, DiskStore};
use oneflight::store::fallback::FallbackStore;
use oneflight::store::{Attempt, Lease, Published, Store, StoreError};
use oneflight::{Event, Key, Observer};
use tempfile::TempDir;

pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// The prefix of the stores in these tests.
pub(crate) const PREFIX: &str = "tests";

/// A folder.
pub(crate) struct DiskPlace {
    pub(crate) folder: TempDir,
    pub(crate) events: Arc<Events>,
}

/// Memory, and a folder to fall back on.
#[derive(Default)]
pub(crate) struct FallbackPlace {
    first: MemoryPlace,
    second: DiskPlace,
}

/// All events so far, as texts.
#[derive(Default)]
pub(crate) struct Events(Mutex<Vec<String>>);

impl Observer for Events {
    fn observe(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(event.to_string());
    }
}

impl Events {
    pub(crate) fn have(&self, text: &str) -> bool {
        self.count(text) > 0
    }

    pub(crate) fn count(&self, text: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|event| event.contains(text)).count()
    }

    pub(crate) fn all(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

impl Default for DiskPlace {
    fn default() -> Self {
        Self { folder: TempDir::new().unwrap(), events: Arc::default() }
    }
}

impl DiskPlace {
    pub(crate) fn settings(&self) -> DiskConfig {
        DiskConfig {
            // The store has to make it.
            path: self.path(),
            prefix: PREFIX.to_owned(),
            expire: DAY,
            max_bytes: 256 << 20,
            remembered_bytes: 1 << 20,
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    pub(crate) fn store(&self, settings: DiskConfig) -> DiskStore {
        DiskStore::new(settings, self.events.clone())
    }

    /// The names of the files, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let files = fs::read_dir(self.path()).unwrap().map(|file| file.unwrap().file_name());
        let mut names: Vec<String> = files.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn entry(&self, key: &Key) -> PathBuf {
        self.path().join(format!("{PREFIX}.{}.entry", key.file_name()))
    }
}

#[async_trait]
impl Place for DiskPlace {
    fn open(&self, expire: Duration) -> Arc<dyn Store> {
        Arc::new(self.store(DiskConfig { expire, ..self.settings() }))
    }

    fn open_with_prefix(&self, prefix: &str, expire: Duration) -> Option<Arc<dyn Store>> {
        let prefix = prefix.to_owned();
        Some(Arc::new(self.store(DiskConfig { expire, prefix, ..self.settings() })))
    }

    async fn stored(&self, key: &Key) -> Option<Vec<u8>> {
        match fs::read(self.entry(key)) {
            Ok(stored) => Some(stored),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => panic!("{error}"),
        }
    }

    async fn plant(&self, key: &Key, stored: &[u8]) {
        fs::create_dir_all(self.path()).unwrap();
        fs::write(self.entry(key), stored).unwrap();
    }
}

#[async_trait]
impl Place for FallbackPlace {
    fn open(&self, expire: Duration) -> Arc<dyn Store> {
        let (first, second) = (self.first.open(expire), self.second.open(expire));
        Arc::new(FallbackStore::new(first, second, self.second.events.clone()))
    }

    async fn stored(&self, key: &Key) -> Option<Vec<u8>> {
        self.first.stored(key).await
    }

    async fn plant(&self, key: &Key, stored: &[u8]) {
        self.first.plant(key, stored).await;
    }
}

pub(crate) fn entry(length: usize) -> Entry {
    Entry { stamp: Stamp::now(Duration::from_millis(5), 1), bytes: Bytes::from(vec![7; length]) }
}

pub(crate) async fn lease(store: &dyn Store, key: &Key) -> Result<Box<dyn Lease>, StoreError> {
    let seen: Seen = store.look(key).await?.seen;
    match store.try_lease(key, &seen).await? {
        Attempt::Granted(lease) => Ok(lease),
        Attempt::Held => panic!("the lease of {key} is held"),
        Attempt::Changed => panic!("the entry of {key} has changed"),
    }
}

/// Publishes an entry with a value of this length.
pub(crate) async fn publish(
    store: &dyn Store,
    key: &Key,
    length: usize,
) -> Result<Published, StoreError> {
    lease(store, key).await?.publish(&entry(length)).await
}

pub(crate) async fn has(store: &dyn Store, key: &Key) -> bool {
    store.look(key).await.unwrap().entry.is_some()
}
