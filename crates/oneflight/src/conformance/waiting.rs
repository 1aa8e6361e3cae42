//! Claims about waiting for a lease.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::{DAY, Place, entry, is_held, kept, key, lease};
use crate::store::{LEASE, Published, Store};

/// How long one waits before the other does something.
const BEFORE: Duration = Duration::from_millis(300);

/// Waits until the lease is free. A store may return early, but not a hundred times, since that would
/// be a busy loop.
async fn until_free(store: &dyn Store) -> Instant {
    for _ in 0..100 {
        store.changed(&key(), DAY).await.unwrap();
        if !is_held(store, &key()).await {
            return Instant::now();
        }
    }
    panic!("the store has returned early a hundred times");
}

/// A waiter was told of an end if it did not have to wait for the lease to run out.
fn assert_told(ended: Instant, told: Instant) {
    let late = told.saturating_duration_since(ended);
    assert!(late < LEASE * 2 / 3, "it was told {late:?} after the end");
}

/// A waiter learns of the entry that it waits for.
pub(super) async fn a_waiter_is_told_of_a_publication(place: &dyn Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    let held = lease(&*one, &key()).await;
    let publication = async {
        sleep(BEFORE).await;
        // So that the lease would last as long as it can.
        assert!(held.renew().await.unwrap());
        assert!(is_held(&*one, &key()).await, "it is still waited for");
        assert_eq!(held.publish(&entry("value")).await.unwrap(), Published::Stored);
        Instant::now()
    };

    let (ended, told) = tokio::join!(publication, until_free(&*other));

    assert_told(ended, told);
    assert_eq!(kept(&*other, &key()).await.unwrap(), "value");
}

/// A waiter learns that a computation has failed, so that it may try.
pub(super) async fn a_waiter_is_told_of_a_release(place: &dyn Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    let held = lease(&*one, &key()).await;
    let release = async {
        sleep(BEFORE).await;
        assert!(held.renew().await.unwrap());
        held.release().await.unwrap();
        Instant::now()
    };

    let (ended, told) = tokio::join!(release, until_free(&*other));

    assert_told(ended, told);
}

/// A waiter learns that its key was removed, which ends the lease.
pub(super) async fn a_waiter_is_told_of_a_removal(place: &dyn Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    let held = lease(&*one, &key()).await;
    let removal = async {
        sleep(BEFORE).await;
        assert!(held.renew().await.unwrap());
        one.remove(&key()).await.unwrap();
        Instant::now()
    };

    let (ended, told) = tokio::join!(removal, until_free(&*other));

    assert_told(ended, told);
    assert!(!held.renew().await.unwrap());
}

/// A lease that ended before the wait began is not waited for.
pub(super) async fn a_waiter_for_a_free_lease_does_not_wait(place: &dyn Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    lease(&*one, &key()).await.release().await.unwrap();

    let asked = Instant::now();
    other.changed(&key(), DAY).await.unwrap();
    other.changed(&key().arg("never leased"), DAY).await.unwrap();

    assert!(asked.elapsed() < LEASE, "{:?}", asked.elapsed());
}

/// A wait ends with the patience of the waiter, while the lease is still held.
pub(super) async fn a_waiter_gives_up_when_its_patience_ends(place: &dyn Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    let held = lease(&*one, &key()).await;
    let patience = Duration::from_millis(400);

    let asked = Instant::now();
    other.changed(&key(), patience).await.unwrap();

    let waited = asked.elapsed();
    assert!(waited >= patience && waited < LEASE - patience, "{waited:?}");
    assert!(held.renew().await.unwrap());
}
