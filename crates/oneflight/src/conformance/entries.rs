//! Claims about entries: what is read, and when it is gone.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::{DAY, Place, entry, granted, kept, key, lease, publish};
use crate::entry::{Entry, HEADER, Seen};
use crate::key::{CacheBy, Key};
use crate::store::{Attempt, Found, Published, Store};

/// How long a store may answer with an entry that a store has replaced or removed: a tenth of a second,
/// and the time that a busy machine needs.
const MOMENT: Duration = Duration::from_secs(2);
/// The same for an entry that was changed without a store.
const SECONDS: Duration = Duration::from_secs(20);

/// What one process publishes, another reads, with the stamp.
pub(super) async fn a_published_entry_is_read_by_another_process(place: &dyn Place) {
    let published = entry("value");
    let lease = lease(&*place.open(DAY), &key()).await;
    assert_eq!(lease.publish(&published).await.unwrap(), Published::Stored);

    let found = place.open(DAY).look(&key()).await.unwrap();

    assert_eq!(found.entry, Some(published.clone()));
    assert_eq!(found.seen, Seen::of(&published.encode()));
    assert_eq!(place.stored(&key()).await, Some(published.encode()));
}

/// A key without an entry is a miss with nothing seen.
pub(super) async fn an_entry_that_was_never_published_is_a_miss(place: &dyn Place) {
    let store = place.open(DAY);

    assert_eq!(store.look(&key()).await.unwrap(), Found::default());
    assert_eq!(place.stored(&key()).await, None);
}

/// The length of a value does not matter.
pub(super) async fn an_entry_of_no_bytes_and_one_of_a_megabyte_are_kept(place: &dyn Place) {
    let (store, large) = (place.open(DAY), "four graphs".repeat(100_000));
    let other = Key::new("test").arg("a/b c:~ü\0");

    publish(&*store, &key(), "").await;
    publish(&*store, &other, &large).await;

    let another = place.open(DAY);
    assert_eq!(kept(&*another, &key()).await.unwrap(), "");
    assert!(kept(&*another, &other).await.unwrap() == large);
}

/// An entry that is still good is computed again and replaced.
pub(super) async fn an_entry_is_replaced_under_a_lease_for_what_was_seen(place: &dyn Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    publish(&*one, &key(), "first").await;
    let seen = other.look(&key()).await.unwrap().seen;

    let lease = granted(other.try_lease(&key(), &seen).await.unwrap());
    assert_eq!(kept(&*one, &key()).await.unwrap(), "first", "while it is computed");
    assert_eq!(lease.publish(&entry("second")).await.unwrap(), Published::Stored);

    assert_eq!(kept(&*one, &key()).await.unwrap(), "second");
}

/// A look removes a damaged entry, and leaves nothing that keeps the key from being computed.
pub(super) async fn a_damaged_entry_is_a_miss_and_is_removed(place: &dyn Place) {
    let (store, sound) = (place.open(DAY), entry("value").encode());
    let mut altered = sound.clone();
    *altered.last_mut().unwrap() ^= 1;

    for (at, damaged) in
        [&altered[..], &sound[..sound.len() - 1], b"garbage"].into_iter().enumerate()
    {
        // A key that no process has read, since what was read may be in memory for some seconds.
        let key = key().arg(at);
        place.plant(&key, damaged).await;
        assert_eq!(place.stored(&key).await.as_deref(), Some(damaged), "it is planted");

        let found = store.look(&key).await.unwrap();

        assert_eq!(found, Found::default());
        assert_eq!(place.stored(&key).await, None, "it is removed");
        let lease = granted(store.try_lease(&key, &found.seen).await.unwrap());
        assert_eq!(lease.publish(&entry("again")).await.unwrap(), Published::Stored);
        assert_eq!(kept(&*store, &key).await.unwrap(), "again");
    }
}

/// A look that has read a damaged entry leaves the sound one that has come in between.
pub(super) async fn a_sound_entry_that_replaces_a_damaged_one_is_never_removed(place: &dyn Place) {
    let (one, other, third) = (place.open(DAY), place.open(DAY), place.open(DAY));
    let mut damaged = entry("value").encode();
    *damaged.last_mut().unwrap() ^= 1;

    for round in 0..50 {
        let (key, sound) = (key().arg(round), entry("sound"));
        let lease = lease(&*one, &key).await;
        place.plant(&key, &damaged).await;

        let (published, first, second) =
            tokio::join!(lease.publish(&sound), other.look(&key), third.look(&key));

        assert_eq!(published.unwrap(), Published::Stored);
        for found in [first.unwrap(), second.unwrap()] {
            assert!(found.entry.is_none_or(|found| found == sound), "round {round}");
        }
        assert_eq!(kept(&*one, &key).await.as_deref(), Some(&b"sound"[..]), "round {round}");
    }
}

/// An entry of another version belongs to another program: it is not read and not removed, and it is
/// replaced only under a lease for what was seen.
pub(super) async fn an_entry_of_another_version_is_a_miss_and_stays(place: &dyn Place) {
    let (store, mut stored) = (place.open(DAY), entry("value").encode());
    stored[3] += 1;
    place.plant(&key(), &stored).await;

    let found = store.look(&key()).await.unwrap();

    assert_eq!((found.entry, &found.seen), (None, &Seen::of(&stored)));
    assert_eq!(place.stored(&key()).await, Some(stored));
    let unseen = store.try_lease(&key(), &Seen::default()).await.unwrap();
    assert!(matches!(unseen, Attempt::Changed));
    let lease = granted(store.try_lease(&key(), &found.seen).await.unwrap());
    assert_eq!(lease.publish(&entry("ours")).await.unwrap(), Published::Stored);
    assert_eq!(kept(&*store, &key()).await.unwrap(), "ours");
}

/// Using an entry keeps it.
pub(super) async fn an_entry_expires_after_its_last_use_not_after_its_first(place: &dyn Place) {
    let expire = Duration::from_secs(2);
    let store = place.open(expire);
    publish(&*store, &key(), "value").await;

    for _ in 0..3 {
        sleep(Duration::from_millis(800)).await;
        assert!(kept(&*store, &key()).await.is_some(), "it was used 800 ms ago");
    }
    sleep(expire + Duration::from_millis(300)).await;

    assert_eq!(store.look(&key()).await.unwrap(), Found::default());
    granted(store.try_lease(&key(), &Seen::default()).await.unwrap()).release().await.unwrap();
}

/// An entry that nobody reads does not stay.
pub(super) async fn an_entry_that_is_never_used_expires_after_its_writing(place: &dyn Place) {
    let store = place.open(Duration::from_secs(1));
    publish(&*store, &key(), "value").await;
    assert!(place.stored(&key()).await.is_some(), "it is there without having been used");

    sleep(Duration::from_millis(1300)).await;

    assert_eq!(kept(&*store, &key()).await, None);
}

/// Uses an entry so often that a store which remembers anything remembers this.
async fn use_often(store: &dyn Store) {
    let until = Instant::now() + Duration::from_millis(200);
    while Instant::now() < until {
        assert!(kept(store, &key()).await.is_some());
        sleep(Duration::from_millis(5)).await;
    }
}

/// Looks until a look answers this. What a store has kept in memory may outlive a change that no store
/// has made for some seconds, and any other change for a moment.
async fn until(store: &dyn Store, bytes: Option<&str>, limit: Duration, why: &str) {
    let changed = Instant::now();
    while kept(store, &key()).await.as_deref() != bytes.map(str::as_bytes) {
        assert!(changed.elapsed() < limit, "{why}");
        sleep(Duration::from_millis(5)).await;
    }
    if let Some(in_memory) = store.in_memory(&key()) {
        assert_eq!(bytes.map(str::as_bytes), Some(&in_memory.bytes[..]), "{why}");
    }
}

/// A process does not go on with an entry that has been replaced, damaged or removed, and does not
/// return to it.
pub(super) async fn an_entry_that_is_used_often_is_given_up_when_it_changes(place: &dyn Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    publish(&*other, &key(), "first").await;
    use_often(&*one).await;

    publish(&*other, &key(), "other").await;
    until(&*one, Some("other"), MOMENT, "another process has replaced it").await;
    for _ in 0..100 {
        assert_eq!(kept(&*one, &key()).await.unwrap(), "other", "the old one has come back");
    }

    use_often(&*one).await;
    // A store may go on with a sound value that it has in memory while the stored header is the same.
    let mut damaged = place.stored(&key()).await.unwrap();
    damaged[HEADER - 1] ^= 1;
    place.plant(&key(), &damaged).await;
    until(&*one, None, SECONDS, "it was damaged").await;

    publish(&*other, &key(), "third").await;
    until(&*one, Some("third"), MOMENT, "another process has published").await;
    use_often(&*one).await;
    assert!(other.remove(&key()).await.unwrap());
    until(&*one, None, MOMENT, "another process has removed it").await;
}

/// A look that names an entry which was replaced leads to no lease, and to a look that does not name it.
pub(super) async fn an_entry_that_was_replaced_is_leased_to_nobody(place: &dyn Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    publish(&*other, &key(), "0").await;
    use_often(&*one).await;

    for round in 1..100 {
        let text = round.to_string();
        publish(&*other, &key(), &text).await;
        let found = one.look(&key()).await.unwrap();
        match one.try_lease(&key(), &found.seen).await.unwrap() {
            Attempt::Granted(lease) => {
                assert_eq!(found.entry.unwrap().bytes, text);
                lease.release().await.unwrap();
            }
            Attempt::Held => panic!("nobody holds the lease"),
            Attempt::Changed => assert_ne!(found.entry.unwrap().bytes, text),
        }
        assert_eq!(kept(&*one, &key()).await.unwrap(), text);
    }
}

/// A lease and an entry are of one key, even if its name begins with that of another.
pub(super) async fn keys_do_not_touch_each_other(place: &dyn Place) {
    let (store, longer) = (place.open(DAY), key().arg("two"));
    let held = lease(&*store, &longer).await;

    publish(&*store, &key(), "value").await;

    assert_eq!(kept(&*store, &longer).await, None);
    assert!(held.renew().await.unwrap());
    assert_eq!(held.publish(&entry("longer")).await.unwrap(), Published::Stored);
    assert_eq!(kept(&*store, &key()).await.unwrap(), "value");
    assert_eq!(kept(&*store, &longer).await.unwrap(), "longer");
}

/// An entry of one user is no entry of another user or of all, and is read by other processes.
pub(super) async fn users_do_not_see_each_others_entries(place: &dyn Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    let of = |user| key().by(CacheBy::User(user));

    publish(&*one, &of("ann"), "ann's").await;

    assert_eq!(kept(&*other, &of("ann")).await.unwrap(), "ann's");
    assert_eq!(kept(&*other, &of("bob")).await, None);
    assert_eq!(kept(&*other, &key()).await, None);
    publish(&*other, &key(), "everybody's").await;
    assert_eq!(kept(&*one, &of("ann")).await.unwrap(), "ann's");
}

/// Two applications share a place under two prefixes. Nothing is claimed of stores without prefixes.
pub(super) async fn prefixes_do_not_see_each_other(place: &dyn Place) {
    let open = |prefix| place.open_with_prefix(prefix, DAY);
    let prefixes = ["app", "app.test", "app:test", "ap"];
    let Some(stores) = prefixes.into_iter().map(open).collect::<Option<Vec<_>>>() else { return };
    let private = Key::new("sample").by(CacheBy::User("ann"));
    let mut leases = Vec::new();
    for (prefix, store) in prefixes.into_iter().zip(&stores) {
        assert_eq!(store.recent("sample", 9).await.unwrap(), []);
        publish(&**store, &private, prefix).await;
        publish(&**store, &key(), prefix).await;
        leases.push(lease(&**store, &key()).await);
    }

    for (prefix, store) in prefixes.into_iter().zip(&stores) {
        assert_eq!(kept(&**store, &key()).await.unwrap(), prefix);
        assert_eq!(store.recent("sample", 9).await.unwrap(), std::slice::from_ref(&private));
    }
    assert!(stores[0].remove(&key()).await.unwrap());
    assert_eq!(kept(&*stores[0], &key()).await, None);
    let stored: Entry = entry("renewed");
    for (at, lease) in leases.into_iter().enumerate() {
        let expected = if at == 0 { Published::Refused } else { Published::Stored };
        assert_eq!(lease.publish(&stored).await.unwrap(), expected, "{}", prefixes[at]);
    }
}
