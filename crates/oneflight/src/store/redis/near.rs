//! Entries that this process has read from Redis lately: a look at one of them asks Redis nothing.
//!
//! An entry is believed while the subscription stands, until a message names its key, and for a few
//! seconds at most. Nothing is believed without a subscription, so a user without the right to the channel
//! gets nothing from memory.
//!
//! A stale entry is never believed once its message has been processed, whatever the order of events:
//! before Redis is asked, a caller takes a ticket, which counts the changes that this process knows of.
//! The entry is kept with that ticket, and believed only while a new ticket for its key is the same.
//!
//! - Redis sends the message after it has made the change. An answer with the old entry was therefore
//!   asked for before the message was processed, and its ticket is too old from then on. It does not
//!   matter whether the answer or the message arrives first, nor when the answer is kept.
//! - Messages are missed only while no subscription stands. Each subscription has a number, which is
//!   part of the ticket, so all that was read before it began is not believed.
//!
//! A message between two nodes of a cluster may be lost. The entry then is believed for its few seconds.
//!
//! An entry that is not believed any more is kept for another while: if Redis still has its header, which
//! holds a checksum of the value, the value need not be sent again.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::ops::compute::Op;
use moka::sync::Cache;

use super::standing::Standing;
use crate::entry::{Entry, HEADER, Seen};
use crate::key::Key;

/// For how long an entry is believed at most.
const BELIEVED: Duration = Duration::from_secs(5);
/// For how long an entry that is not used is kept.
const KEPT: Duration = Duration::from_secs(60);
/// Changes are counted by the hash of the key. Two keys that share a count are only read more often.
const COUNTS: usize = 1024;

/// Entries, bounded by the bytes of their values.
pub(super) struct Near {
    entries: Cache<String, Known>,
    believed: Duration,
    bytes: u64,
    standing: Arc<Standing>,
    changes: Vec<AtomicU64>,
}

/// The changes that this process knew of at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    subscription: u64,
    changes: u64,
}

#[derive(Clone)]
struct Known {
    ticket: Ticket,
    since: Instant,
    entry: Entry,
    seen: Seen,
}

impl Known {
    /// Whether both were asked for under the same ticket, and differ.
    fn contradicts(&self, other: &Self) -> bool {
        self.ticket == other.ticket && self.seen != other.seen
    }
}

impl Near {
    /// Room for this number of bytes, of entries that expire after this time.
    pub(super) fn new(bytes: u64, expire: Duration, standing: Arc<Standing>) -> Self {
        // A small part of the expiry, so that an entry which has expired is not believed for long.
        let believed = (expire / 20).clamp(Duration::from_millis(1), BELIEVED);
        let weigh = |_: &String, known: &Known| {
            (HEADER + known.entry.bytes.len()).try_into().unwrap_or(u32::MAX)
        };
        let entries = Cache::builder().max_capacity(bytes).weigher(weigh);
        let entries = entries.time_to_idle(KEPT).build();
        let changes = (0..COUNTS).map(|_| AtomicU64::default()).collect();
        Self { entries, believed, bytes, standing, changes }
    }

    /// Whether entries of this key may be kept at all: nothing of a user stays in memory.
    pub(super) fn may_keep(&self, key: &Key) -> bool {
        self.bytes > 0 && !key.is_private()
    }

    /// The entry of a key, if it is believed.
    pub(super) fn get(&self, key: &Key) -> Option<(Entry, Seen)> {
        let known = self.entries.get(key.name())?;
        let is_believed =
            known.since.elapsed() < self.believed && self.ticket(key) == Some(known.ticket);
        is_believed.then_some((known.entry, known.seen))
    }

    /// The entry that a key had when Redis was last asked.
    pub(super) fn last(&self, key: &Key) -> Option<(Entry, Seen)> {
        self.entries.get(key.name()).map(|known| (known.entry, known.seen))
    }

    /// A ticket for an entry that is about to be asked for; none while no subscription stands.
    pub(super) fn ticket(&self, key: &Key) -> Option<Ticket> {
        let subscription = self.standing.number()?;
        let changes = self.count(key.name()).load(Ordering::SeqCst);
        Some(Ticket { subscription, changes })
    }

    /// Keeps an entry that was asked for after the ticket was taken.
    pub(super) fn keep(&self, key: &Key, ticket: Ticket, entry: &Entry, seen: &Seen) {
        if !self.may_keep(key) {
            return;
        }
        let (entry, seen, since) = (entry.clone(), seen.clone(), Instant::now());
        let known = Known { ticket, since, entry, seen };
        self.entries.entry_by_ref(key.name()).and_compute_with(|before| match before {
            // One of the two is older, and its message is on its way. Neither is believed.
            Some(before) if before.value().contradicts(&known) => {
                self.count(key.name()).fetch_add(1, Ordering::SeqCst);
                Op::Remove
            }
            _ => Op::Put(known),
        });
    }

    /// Frees an entry that Redis does not have any more. What is being asked for is not affected.
    pub(super) fn drop(&self, key: &Key) {
        self.entries.invalidate(key.name());
    }

    /// Ends the belief in the entry of this key, also in one that Redis is being asked for.
    pub(super) fn forget(&self, name: &str) {
        self.count(name).fetch_add(1, Ordering::SeqCst);
        // The new count already invalidates it; this only frees the memory.
        self.entries.invalidate(name);
    }

    fn count(&self, name: &str) -> &AtomicU64 {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        &self.changes[hasher.finish() as usize % COUNTS]
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::entry::Stamp;
    use crate::key::CacheBy;

    const HOUR: Duration = Duration::from_secs(3600);

    fn entry(bytes: &'static [u8]) -> Entry {
        Entry { stamp: Stamp::now(HOUR, 1), bytes: Bytes::from_static(bytes) }
    }

    fn keep(near: &Near, key: &Key, ticket: Option<Ticket>) {
        let entry = entry(b"value");
        near.keep(key, ticket.unwrap(), &entry, &Seen::of(&entry.encode()));
    }

    #[test]
    fn an_entry_is_believed_with_what_was_seen_until_its_key_changes() {
        let standing = Arc::new(Standing::new());
        let (near, _up) = (Near::new(1 << 20, HOUR, standing.clone()), standing.begin());
        let (one, other) = (Key::new("one"), Key::new("other"));
        for key in [&one, &other] {
            keep(&near, key, near.ticket(key));
        }

        near.forget(one.name());

        assert!(near.get(&one).is_none());
        let (entry, seen) = near.get(&other).unwrap();
        assert_eq!((&entry.bytes[..], seen), (&b"value"[..], Seen::of(&entry.encode())));
    }

    #[test]
    fn an_answer_that_its_message_overtook_is_not_believed() {
        let standing = Arc::new(Standing::new());
        let (near, _up) = (Near::new(1 << 20, HOUR, standing.clone()), standing.begin());
        let (key, ticket) = (Key::new("one"), near.ticket(&Key::new("one")));

        near.forget(key.name());
        keep(&near, &key, ticket);

        assert!(near.get(&key).is_none());
    }

    #[test]
    fn of_two_entries_asked_for_under_one_ticket_neither_is_believed() {
        let standing = Arc::new(Standing::new());
        let (near, _up) = (Near::new(1 << 20, HOUR, standing.clone()), standing.begin());
        let (key, ticket) = (Key::new("one"), near.ticket(&Key::new("one")));

        keep(&near, &key, ticket);
        let newer = entry(b"newer");
        near.keep(&key, ticket.unwrap(), &newer, &Seen::of(&newer.encode()));
        assert!(near.get(&key).is_none());

        keep(&near, &key, ticket);
        assert!(near.get(&key).is_none(), "the ticket is too old");
        near.keep(&key, near.ticket(&key).unwrap(), &newer, &Seen::of(&newer.encode()));
        assert_eq!(near.get(&key).unwrap().0, newer);
    }

    #[test]
    fn nothing_is_believed_before_during_and_after_a_gap_between_subscriptions() {
        let standing = Arc::new(Standing::new());
        let (near, key) = (Near::new(1 << 20, HOUR, standing.clone()), Key::new("one"));
        assert_eq!(near.ticket(&key), None);
        let up = standing.begin();
        let ticket = near.ticket(&key);
        keep(&near, &key, ticket);
        assert!(near.get(&key).is_some());

        drop(up);
        assert!(near.get(&key).is_none() && near.ticket(&key).is_none());

        let _up = standing.begin();
        assert!(near.get(&key).is_none());
        keep(&near, &key, ticket);
        assert!(near.get(&key).is_none(), "it was asked for before the gap");
    }

    #[test]
    fn nothing_of_a_user_is_kept_and_no_more_than_the_bytes() {
        let standing = Arc::new(Standing::new());
        let (near, _up) = (Near::new(1000, HOUR, standing.clone()), standing.begin());
        let private = Key::new("sample").by(CacheBy::User("ann"));
        keep(&near, &private, near.ticket(&private));
        let keys: Vec<Key> = (0..1000).map(|at| Key::new("many").arg(at)).collect();
        for key in &keys {
            keep(&near, key, near.ticket(key));
        }

        near.entries.run_pending_tasks();

        assert!(near.get(&private).is_none());
        let kept = keys.iter().filter(|key| near.get(key).is_some()).count();
        assert!((1..=1000 / HEADER).contains(&kept), "{kept}");
        let none = Near::new(0, HOUR, standing.clone());
        assert!(!none.may_keep(&keys[0]));
    }
}
