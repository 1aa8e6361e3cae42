//! A store in memory that can be told to fail.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use oneflight::entry::{Entry, Seen};
use oneflight::store::memory::MemoryStore;
use oneflight::store::{Attempt, Cause, Found, Lease, Note, Published, Store, StoreError};
use oneflight::{Key, Stamp};

use super::places::DAY;

/// Clones are one store.
#[derive(Clone)]
pub(crate) struct Faulty {
    pub(crate) inner: MemoryStore,
    fault: Arc<Mutex<Option<Cause>>>,
    hangs: Arc<AtomicBool>,
    /// How often it was asked for anything.
    asked: Arc<AtomicUsize>,
}

#[derive(PartialEq, Eq)]
enum Kind {
    Read,
    Write,
    /// Removes something, for which there is always room.
    Removal,
}

impl Faulty {
    pub(crate) fn new() -> Self {
        let inner = MemoryStore::new(DAY);
        Self { inner, fault: Arc::default(), hangs: Arc::default(), asked: Arc::default() }
    }

    /// From now on every question fails so; a full or read-only store still answers what it has.
    pub(crate) fn fail(&self, cause: Cause) {
        *self.fault.lock().unwrap() = Some(cause);
    }

    /// From now on no look is answered.
    pub(crate) fn hang(&self) {
        self.hangs.store(true, Ordering::Relaxed);
    }

    pub(crate) fn work(&self) {
        *self.fault.lock().unwrap() = None;
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn check(&self, kind: Kind) -> Result<(), StoreError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let Some(cause) = *self.fault.lock().unwrap() else { return Ok(()) };
        let works = match cause {
            Cause::Full => kind != Kind::Write,
            Cause::ReadOnly | Cause::Forbidden => kind == Kind::Read,
            Cause::Unreachable | Cause::Unauthenticated => false,
        };
        let reason = "as it was told".to_owned();
        if works { Ok(()) } else { Err(StoreError { store: "faulty", cause, reason }) }
    }
}

#[async_trait]
impl Store for Faulty {
    fn name(&self) -> &'static str {
        "faulty"
    }

    async fn look(&self, key: &Key) -> Result<Found, StoreError> {
        if self.hangs.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        self.check(Kind::Read)?;
        self.inner.look(key).await
    }

    fn in_memory(&self, _: &Key) -> Option<Entry> {
        None
    }

    async fn try_lease(&self, key: &Key, seen: &Seen) -> Result<Attempt, StoreError> {
        // As in Redis: what is refused before it writes is refused by a full store too.
        self.check(Kind::Read)?;
        let attempt = self.inner.try_lease(key, seen).await?;
        let Attempt::Granted(lease) = attempt else { return Ok(attempt) };
        // An error here drops the lease, which ends it.
        self.check(Kind::Write)?;
        Ok(Attempt::Granted(Box::new(FaultyLease { store: self.clone(), lease })))
    }

    async fn remove(&self, key: &Key) -> Result<bool, StoreError> {
        self.check(Kind::Removal)?;
        self.inner.remove(key).await
    }

    async fn changed(&self, key: &Key, patience: Duration) -> Result<(), StoreError> {
        self.check(Kind::Read)?;
        self.inner.changed(key, patience).await
    }

    async fn leave(
        &self,
        key: &Key,
        note: Note,
        text: &str,
        lifetime: Duration,
    ) -> Result<(), StoreError> {
        self.check(Kind::Write)?;
        self.inner.leave(key, note, text, lifetime).await
    }

    async fn amend(
        &self,
        key: &Key,
        note: Note,
        text: &str,
        lifetime: Duration,
    ) -> Result<bool, StoreError> {
        self.check(Kind::Write)?;
        self.inner.amend(key, note, text, lifetime).await
    }

    async fn note(&self, key: &Key, note: Note) -> Result<Option<String>, StoreError> {
        self.check(Kind::Read)?;
        self.inner.note(key, note).await
    }

    async fn erase(&self, key: &Key, note: Note) -> Result<(), StoreError> {
        self.check(Kind::Removal)?;
        self.inner.erase(key, note).await
    }

    async fn recent(&self, namespace: &str, most: usize) -> Result<Vec<Key>, StoreError> {
        self.check(Kind::Read)?;
        self.inner.recent(namespace, most).await
    }

    async fn trim(&self, namespace: &str, most: usize) -> Result<Vec<Key>, StoreError> {
        self.check(Kind::Removal)?;
        self.inner.trim(namespace, most).await
    }
}

struct FaultyLease {
    store: Faulty,
    lease: Box<dyn Lease>,
}

#[async_trait]
impl Lease for FaultyLease {
    async fn renew(&self) -> Result<bool, StoreError> {
        self.store.check(Kind::Removal)?;
        self.lease.renew().await
    }

    async fn publish(self: Box<Self>, entry: &Entry) -> Result<Published, StoreError> {
        self.store.check(Kind::Write)?;
        self.lease.publish(entry).await
    }

    async fn release(self: Box<Self>) -> Result<(), StoreError> {
        self.store.check(Kind::Removal)?;
        self.lease.release().await
    }
}

/// An entry with this text as its value.
pub(crate) fn entry(text: &'static str) -> Entry {
    Entry { stamp: Stamp::now(Duration::from_millis(5), 1), bytes: text.into() }
}

pub(crate) async fn text(store: &dyn Store, key: &Key) -> Option<&'static str> {
    let found = store.look(key).await.unwrap().entry?;
    ["first", "second", "third"].into_iter().find(|text| found.bytes == *text)
}

/// Looks and asks for the lease as the cache does, a few times; a loop without an end would fail.
pub(crate) async fn lease(store: &dyn Store, key: &Key) -> Box<dyn Lease> {
    for _ in 0..3 {
        let seen = store.look(key).await.unwrap().seen;
        match store.try_lease(key, &seen).await.unwrap() {
            Attempt::Granted(lease) => return lease,
            Attempt::Held => panic!("it is held"),
            Attempt::Changed => {}
        }
    }
    panic!("it is sent to look again and again");
}

pub(crate) async fn publish(store: &dyn Store, key: &Key, text: &'static str) {
    let published = lease(store, key).await.publish(&entry(text)).await.unwrap();
    assert_eq!(published, Published::Stored);
}
