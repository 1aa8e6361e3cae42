//! What a memory store knows, behind its lock.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::entry::{Decoded, Entry, Seen};
use crate::key::Key;
use crate::store::{LEASE, Note};

#[derive(Default)]
pub(super) struct State {
    entries: HashMap<Key, Kept>,
    leases: HashMap<Key, Held>,
    notes: HashMap<(Key, Note), Text>,
    /// Counts uses, which gives their order, and leases, which gives their tokens.
    count: u64,
}

struct Kept {
    /// The stored form, so that a damaged entry is found out as in any other store.
    stored: Bytes,
    used: Instant,
    order: u64,
}

struct Held {
    token: u64,
    until: Instant,
}

struct Text {
    text: String,
    /// None when it is too late to be a time.
    until: Option<Instant>,
}

impl State {
    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// The token of the present holder.
    pub(super) fn holder(&self, key: &Key) -> Option<u64> {
        self.held(key).map(|held| held.token)
    }

    /// When the present holder loses the lease if it stays silent.
    pub(super) fn held_until(&self, key: &Key) -> Option<Instant> {
        self.held(key).map(|held| held.until)
    }

    /// Gives the lease away, held or not; returns its token.
    pub(super) fn lease(&mut self, key: &Key) -> u64 {
        let token = self.next();
        self.leases.insert(key.clone(), Held { token, until: Instant::now() + LEASE });
        token
    }

    /// False when the lease is no longer that of this token.
    pub(super) fn renew(&mut self, key: &Key, token: u64) -> bool {
        let is_mine = self.holder(key) == Some(token);
        if is_mine && let Some(held) = self.leases.get_mut(key) {
            held.until = Instant::now() + LEASE;
        }
        is_mine
    }

    /// Ends the lease; false when it is no longer that of this token.
    pub(super) fn end(&mut self, key: &Key, token: u64) -> bool {
        let is_mine = self.holder(key) == Some(token);
        if is_mine {
            self.leases.remove(key);
        }
        is_mine
    }

    /// The stored form of an entry, expired or not.
    pub(super) fn stored(&self, key: &Key) -> Option<Bytes> {
        self.entries.get(key).map(|kept| kept.stored.clone())
    }

    /// What identifies an entry.
    pub(super) fn seen(&self, key: &Key, expire: Duration) -> Seen {
        self.kept(key, expire).map(|kept| Seen::of(&kept.stored)).unwrap_or_default()
    }

    pub(super) fn erase(&mut self, key: &Key, note: Note) {
        self.notes.remove(&(key.clone(), note));
    }

    fn held(&self, key: &Key) -> Option<&Held> {
        self.leases.get(key).filter(|held| held.until > Instant::now())
    }

    fn kept(&self, key: &Key, expire: Duration) -> Option<&Kept> {
        self.entries.get(key).filter(|kept| kept.used.elapsed() <= expire)
    }

    pub(super) fn read(&mut self, key: &Key, expire: Duration) -> (Option<Entry>, Seen) {
        let Some(stored) = self.kept(key, expire).map(|kept| kept.stored.clone()) else {
            return Default::default();
        };
        match Entry::decode(&stored) {
            Decoded::Entry(entry) => {
                let seen = Seen::of(&stored);
                self.store(key, stored);
                (Some(entry), seen)
            }
            Decoded::OtherVersion => (None, Seen::of(&stored)),
            Decoded::Damaged => {
                self.entries.remove(key);
                Default::default()
            }
        }
    }

    /// Puts an entry in its place, used now.
    pub(super) fn store(&mut self, key: &Key, stored: Bytes) {
        let order = self.next();
        self.entries.insert(key.clone(), Kept { stored, used: Instant::now(), order });
    }

    pub(super) fn remove(&mut self, key: &Key) -> bool {
        self.leases.remove(key);
        for note in Note::ALL {
            self.notes.remove(&(key.clone(), note));
        }
        self.entries.remove(key).is_some()
    }

    pub(super) fn leave(&mut self, key: &Key, note: Note, text: &str, lifetime: Duration) {
        let (text, until) = (text.to_owned(), Instant::now().checked_add(lifetime));
        self.notes.insert((key.clone(), note), Text { text, until });
    }

    pub(super) fn note(&self, key: &Key, note: Note) -> Option<String> {
        let found = self.notes.get(&(key.clone(), note))?;
        found.is_valid().then(|| found.text.clone())
    }

    /// The keys of a namespace, the last used first.
    pub(super) fn used(&self, namespace: &str, expire: Duration) -> Vec<Key> {
        let asked = Key::new(namespace);
        let mut used: Vec<(u64, &Key)> = Vec::new();
        for (key, kept) in &self.entries {
            if key.namespace() == asked.namespace() && kept.used.elapsed() <= expire {
                used.push((kept.order, key));
            }
        }
        used.sort_unstable_by_key(|(order, _)| Reverse(*order));
        used.into_iter().map(|(_, key)| key.clone()).collect()
    }

    /// Removes what has expired.
    pub(super) fn tidy(&mut self, expire: Duration) {
        self.entries.retain(|_, kept| kept.used.elapsed() <= expire);
        self.notes.retain(|_, note| note.is_valid());
        self.leases.retain(|_, held| held.until > Instant::now());
    }
}

impl Text {
    fn is_valid(&self) -> bool {
        self.until.is_none_or(|until| until > Instant::now())
    }
}
