//! The tests that every store passes, for stores of your own.
//!
//! Implement [`Place`] for a place where your store keeps its entries, and call [`check`]:
//!
//! ```
//! use oneflight::conformance::{MemoryPlace, check};
//!
//! # #[cfg(test)]
//! #[tokio::test(flavor = "multi_thread")]
//! async fn the_memory_store_conforms() {
//!     check(MemoryPlace::default).await;
//! }
//! ```

#![expect(clippy::unwrap_used, reason = "a claim fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::entry::{Entry, Seen, Stamp};
use crate::key::Key;
use crate::store::memory::MemoryStore;
use crate::store::{Attempt, Lease, Published, Store};

use self::entries::*;
use self::leases::*;
use self::notes::*;
use self::order::*;
use self::removal::*;
use self::waiting::*;

mod entries;
mod leases;
mod waiting;
mod notes;
mod removal;
mod order;

/// A place where several stores share their entries, as processes do. Each claim gets an empty one.
#[async_trait]
pub trait Place: Send + Sync {
    /// Opens a store here; its entries expire when this time has passed since their last use. A store
    /// that is opened again stands for another process.
    fn open(&self, expire: Duration) -> Arc<dyn Store>;

    /// Opens a store here with another prefix; none if stores have no prefixes.
    fn open_with_prefix(&self, _prefix: &str, _expire: Duration) -> Option<Arc<dyn Store>> {
        None
    }

    /// The stored form of an entry, read without a store.
    async fn stored(&self, key: &Key) -> Option<Vec<u8>>;

    /// Puts these bytes in the place of an entry, sound or not, without a store.
    async fn plant(&self, key: &Key, stored: &[u8]);
}

/// Makes a task of each claim, on an empty place of its own.
macro_rules! tasks {
    ($place:ident; $($claim:ident)*) => {
        [$((stringify!($claim), {
            let place = $place();
            tokio::spawn(async move { $claim(&place).await })
        })),*]
    };
}

/// Checks every claim, all at the same time. It takes about ten seconds: leases have to run out.
///
/// `place` gives an empty place. The runtime needs several threads if a place blocks.
///
/// # Panics
///
/// When a claim does not hold, with the names of all that do not. Their own panics say more.
pub async fn check<P: Place + 'static>(place: impl Fn() -> P) {
    let tasks = tasks! { place;
        a_published_entry_is_read_by_another_process
        an_entry_that_was_never_published_is_a_miss
        an_entry_of_no_bytes_and_one_of_a_megabyte_are_kept
        an_entry_is_replaced_under_a_lease_for_what_was_seen
        a_damaged_entry_is_a_miss_and_is_removed
        a_sound_entry_that_replaces_a_damaged_one_is_never_removed
        an_entry_of_another_version_is_a_miss_and_stays
        an_entry_expires_after_its_last_use_not_after_its_first
        an_entry_that_is_never_used_expires_after_its_writing
        an_entry_that_is_used_often_is_given_up_when_it_changes
        an_entry_that_was_replaced_is_leased_to_nobody
        keys_do_not_touch_each_other
        users_do_not_see_each_others_entries
        prefixes_do_not_see_each_other
        only_one_gets_the_lease
        of_many_that_ask_at_once_one_gets_the_lease
        a_lease_is_refused_when_an_entry_came_after_the_look
        a_lease_is_refused_when_the_entry_changed_after_the_look
        a_lease_is_refused_when_the_entry_was_removed_after_the_look
        a_released_lease_is_free_and_left_no_entry
        a_dropped_lease_ends_by_itself
        a_renewed_lease_outlives_its_term
        a_silent_holder_loses_its_lease_and_cannot_publish
        a_waiter_is_told_of_a_publication
        a_waiter_is_told_of_a_release
        a_waiter_is_told_of_a_removal
        a_waiter_for_a_free_lease_does_not_wait
        a_waiter_gives_up_when_its_patience_ends
        a_note_is_read_by_another_process_and_replaced
        a_note_disappears_after_its_lifetime
        a_note_is_amended_only_where_there_is_one
        an_erased_note_is_gone_and_leaves_the_others
        a_miss_tells_of_the_failure_the_progress_and_the_latest_answer
        a_removed_key_has_no_entry_no_note_and_no_lease
        a_computation_whose_key_is_removed_is_refused
        removing_one_key_leaves_the_others
        what_is_not_there_is_removed_without_an_error
        recent_keys_come_in_the_order_of_their_last_use
        trimming_leaves_exactly_the_entries_that_were_used_last
        trimming_removes_the_notes_and_the_lease_too
    };
    let mut failed = Vec::new();
    for (claim, task) in tasks {
        if task.await.is_err() {
            failed.push(claim);
        }
    }
    assert!(failed.is_empty(), "these claims do not hold: {failed:#?}");
}

/// A [`MemoryStore`] as a place.
pub struct MemoryPlace(MemoryStore);

impl Default for MemoryPlace {
    fn default() -> Self {
        Self(MemoryStore::new(DAY))
    }
}

#[async_trait]
impl Place for MemoryPlace {
    fn open(&self, expire: Duration) -> Arc<dyn Store> {
        Arc::new(self.0.expiring(expire))
    }

    async fn stored(&self, key: &Key) -> Option<Vec<u8>> {
        self.0.stored(key).map(Vec::from)
    }

    async fn plant(&self, key: &Key, stored: &[u8]) {
        self.0.plant(key, Bytes::copy_from_slice(stored));
    }
}

const DAY: Duration = Duration::from_secs(86_400);

fn key() -> Key {
    Key::new("test").arg("one")
}

fn entry(text: &str) -> Entry {
    let stamp = Stamp::now(Duration::from_millis(5), 1);
    Entry { stamp, bytes: Bytes::copy_from_slice(text.as_bytes()) }
}

async fn kept(store: &dyn Store, key: &Key) -> Option<Bytes> {
    store.look(key).await.unwrap().entry.map(|entry| entry.bytes)
}

/// The lease of a key for what the store has now.
async fn lease(store: &dyn Store, key: &Key) -> Box<dyn Lease> {
    let seen = store.look(key).await.unwrap().seen;
    granted(store.try_lease(key, &seen).await.unwrap())
}

fn granted(attempt: Attempt) -> Box<dyn Lease> {
    match attempt {
        Attempt::Granted(lease) => lease,
        Attempt::Held => panic!("the lease is held"),
        Attempt::Changed => panic!("the entry has changed"),
    }
}

async fn is_held(store: &dyn Store, key: &Key) -> bool {
    matches!(store.try_lease(key, &Seen::default()).await.unwrap(), Attempt::Held)
}

async fn publish(store: &dyn Store, key: &Key, text: &str) {
    let published = lease(store, key).await.publish(&entry(text)).await.unwrap();
    assert_eq!(published, Published::Stored);
}
