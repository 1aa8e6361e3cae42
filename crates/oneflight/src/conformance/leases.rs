//! Claims about leases: which caller gets one, and how it ends.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::{DAY, Place, entry, granted, is_held, kept, key, lease, publish};
use crate::entry::Seen;
use crate::store::{Attempt, LEASE, Published};

/// A lease that is held is refused to other processes and to the same one.
pub(super) async fn only_one_gets_the_lease(place: &dyn Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));

    let first = lease(&*one, &key()).await;

    assert!(is_held(&*other, &key()).await);
    assert!(is_held(&*one, &key()).await, "nor in the same process");
    assert!(first.renew().await.unwrap());
}

/// The store decides, however close together the callers are.
pub(super) async fn of_many_that_ask_at_once_one_gets_the_lease(place: &dyn Place) {
    for round in 0..10 {
        let key = key().arg(round);
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (store, key) = (place.open(DAY), key.clone());
                tokio::spawn(async move { store.try_lease(&key, &Seen::default()).await })
            })
            .collect();

        let mut leases = Vec::new();
        for task in tasks {
            match task.await.unwrap().unwrap() {
                Attempt::Granted(lease) => leases.push(lease),
                Attempt::Held => {}
                Attempt::Changed => panic!("nothing has changed"),
            }
        }
        assert_eq!(leases.len(), 1, "round {round}");
    }
}

/// What was published between a look and a lease is not computed again.
pub(super) async fn a_lease_is_refused_when_an_entry_came_after_the_look(place: &dyn Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    let seen = one.look(&key()).await.unwrap().seen;
    publish(&*other, &key(), "value").await;

    let late = one.try_lease(&key(), &seen).await.unwrap();

    assert!(matches!(late, Attempt::Changed));
    let found = one.look(&key()).await.unwrap();
    assert_eq!(found.entry.unwrap().bytes, "value");
    granted(one.try_lease(&key(), &found.seen).await.unwrap()).release().await.unwrap();
}

/// The same for a caller that wants to replace the entry it saw.
pub(super) async fn a_lease_is_refused_when_the_entry_changed_after_the_look(place: &dyn Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    publish(&*other, &key(), "first").await;
    let seen = one.look(&key()).await.unwrap().seen;
    publish(&*other, &key(), "second").await;

    let late = one.try_lease(&key(), &seen).await.unwrap();

    assert!(matches!(late, Attempt::Changed));
    assert_eq!(kept(&*one, &key()).await.unwrap(), "second");
    assert!(!is_held(&*other, &key()).await, "the refusal left no lease");
}

/// The same for an entry that is gone.
pub(super) async fn a_lease_is_refused_when_the_entry_was_removed_after_the_look(
    place: &dyn Place,
) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    publish(&*other, &key(), "first").await;
    let seen = one.look(&key()).await.unwrap().seen;
    other.remove(&key()).await.unwrap();

    let late = one.try_lease(&key(), &seen).await.unwrap();

    assert!(matches!(late, Attempt::Changed));
    publish(&*one, &key(), "second").await;
}

/// A computation that failed leaves the key as it was.
pub(super) async fn a_released_lease_is_free_and_left_no_entry(place: &dyn Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    let first = lease(&*one, &key()).await;
    assert!(is_held(&*other, &key()).await);

    first.release().await.unwrap();

    assert_eq!(kept(&*other, &key()).await, None);
    let again = granted(other.try_lease(&key(), &Seen::default()).await.unwrap());
    assert!(again.renew().await.unwrap());
}

/// A holder that goes away without a word blocks the key no longer than the lease lasts.
pub(super) async fn a_dropped_lease_ends_by_itself(place: &dyn Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    drop(lease(&*one, &key()).await);

    let dropped = Instant::now();
    while is_held(&*other, &key()).await {
        assert!(dropped.elapsed() < LEASE + Duration::from_secs(2), "it is still held");
        sleep(Duration::from_millis(20)).await;
    }
}

/// A computation may take longer than a lease lasts.
pub(super) async fn a_renewed_lease_outlives_its_term(place: &dyn Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    let held = lease(&*one, &key()).await;

    let until = Instant::now() + LEASE + LEASE / 3;
    while Instant::now() < until {
        assert!(held.renew().await.unwrap());
        assert!(is_held(&*other, &key()).await);
        sleep(LEASE / 6).await;
    }

    assert_eq!(held.publish(&entry("value")).await.unwrap(), Published::Stored);
}

/// A holder that was stopped for longer than the lease lasts is too late, whatever it does.
pub(super) async fn a_silent_holder_loses_its_lease_and_cannot_publish(place: &dyn Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    let silent = lease(&*one, &key()).await;
    let also_silent = lease(&*one, &key().arg("released")).await;
    sleep(LEASE + Duration::from_millis(300)).await;

    let successor = lease(&*other, &key()).await;
    let other_successor = lease(&*other, &key().arg("released")).await;

    assert!(!silent.renew().await.unwrap());
    assert_eq!(silent.publish(&entry("late")).await.unwrap(), Published::Refused);
    assert_eq!(kept(&*one, &key()).await, None);
    assert_eq!(successor.publish(&entry("value")).await.unwrap(), Published::Stored);
    assert_eq!(kept(&*one, &key()).await.unwrap(), "value");
    also_silent.release().await.unwrap();
    assert!(other_successor.renew().await.unwrap(), "a late release ends no other lease");
}
