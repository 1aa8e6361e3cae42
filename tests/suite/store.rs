//! What every store promises: each claim is written once and holds for both.

use std::time::{Duration, Instant};

use bytes::Bytes;
use quadrant::cache::entry::{Entry, Stamp};
use quadrant::cache::key::Key;
use quadrant::cache::store::{LEASE, Note, Published, Store};
use tokio::time::sleep;

use crate::helpers::place::Place;

const DAY: Duration = Duration::from_secs(86_400);

fn key() -> Key {
    Key::new("test").arg("one")
}

fn entry(text: &'static str) -> Entry {
    let stamp = Stamp::now(Duration::from_millis(5), 1);
    Entry { stamp, bytes: Bytes::from_static(text.as_bytes()) }
}

async fn kept(store: &dyn Store) -> Option<Entry> {
    store.get(&key()).await.unwrap()
}

async fn publish(store: &dyn Store, text: &'static str) {
    let lease = store.try_lease(&key()).await.unwrap().unwrap();
    let published = store.publish(lease, &entry(text)).await.unwrap();
    assert_eq!(published, Published::Stored);
}

/// Makes of each claim a test for each store.
macro_rules! for_every_store {
    ($($claim:ident)*) => {$(
        mod $claim {
            #[tokio::test]
            async fn on_disk() {
                super::$claim(crate::helpers::place::Place::disk()).await;
            }
            #[tokio::test]
            async fn in_redis() {
                super::$claim(crate::helpers::place::Place::redis()).await;
            }
        }
    )*};
}

for_every_store! {
    a_published_entry_is_read_by_another_process
    an_entry_that_nobody_published_is_a_miss
    a_damaged_entry_is_a_miss_and_is_removed
    an_entry_expires_after_its_last_use_not_after_its_first
    an_entry_that_is_never_used_expires_after_its_writing
    only_one_gets_the_lease
    a_released_lease_is_free_and_left_no_entry
    a_renewed_lease_outlives_its_term
    a_silent_holder_loses_its_lease_and_cannot_publish
    a_waiter_is_told_of_a_publication
    a_waiter_is_told_of_a_release
    a_waiter_gives_up_when_its_patience_ends
    keys_do_not_touch_each_other
    an_entry_that_is_used_again_and_again_is_given_up_when_it_changes
    a_note_is_amended_only_where_there_is_one
    trimming_leaves_the_entries_that_were_used_last
    a_removed_key_has_no_entry_no_note_and_no_lease
    what_is_computed_while_its_key_is_removed_is_refused
    removing_one_key_leaves_the_others_and_what_is_not_there_is_no_error
}

async fn a_published_entry_is_read_by_another_process(place: Place) {
    publish(&*place.open(DAY), "value").await;

    let found = kept(&*place.open(DAY)).await.unwrap();

    assert_eq!(found.bytes, "value");
    assert_eq!((found.stamp.compute, found.stamp.worker), (Duration::from_millis(5), 1));
}

async fn an_entry_that_nobody_published_is_a_miss(place: Place) {
    assert_eq!(kept(&*place.open(DAY)).await, None);
}

async fn a_damaged_entry_is_a_miss_and_is_removed(place: Place) {
    let store = place.open(DAY);
    publish(&*store, "value").await;
    place.damage(&key());

    let found = kept(&*store).await;

    assert_eq!(found, None);
    assert_eq!(place.entries(), 0);
    publish(&*store, "again").await;
    assert_eq!(kept(&*store).await.unwrap().bytes, "again");
}

async fn an_entry_expires_after_its_last_use_not_after_its_first(place: Place) {
    let store = place.open(Duration::from_secs(2));
    publish(&*store, "value").await;

    for _ in 0..3 {
        sleep(Duration::from_millis(900)).await;
        assert!(kept(&*store).await.is_some(), "it was used 900 ms ago");
    }
    sleep(Duration::from_millis(2200)).await;

    assert_eq!(kept(&*store).await, None);
}

async fn an_entry_that_is_never_used_expires_after_its_writing(place: Place) {
    let store = place.open(Duration::from_millis(500));
    publish(&*store, "value").await;

    sleep(Duration::from_millis(700)).await;

    assert_eq!(kept(&*store).await, None);
}

async fn only_one_gets_the_lease(place: Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));

    let first = one.try_lease(&key()).await.unwrap();

    assert!(first.is_some());
    assert!(other.try_lease(&key()).await.unwrap().is_none());
    assert!(one.try_lease(&key()).await.unwrap().is_none(), "nor in the same process");
}

async fn a_released_lease_is_free_and_left_no_entry(place: Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    let lease = one.try_lease(&key()).await.unwrap().unwrap();

    one.release(lease).await.unwrap();

    assert_eq!(kept(&*other).await, None);
    assert!(other.try_lease(&key()).await.unwrap().is_some());
}

async fn a_renewed_lease_outlives_its_term(place: Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    let lease = one.try_lease(&key()).await.unwrap().unwrap();

    let until = Instant::now() + LEASE + LEASE / 2;
    while Instant::now() < until {
        assert!(one.renew(&lease).await.unwrap());
        sleep(LEASE / 6).await;
    }

    assert!(other.try_lease(&key()).await.unwrap().is_none());
    assert_eq!(one.publish(lease, &entry("value")).await.unwrap(), Published::Stored);
}

async fn a_silent_holder_loses_its_lease_and_cannot_publish(place: Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    let silent = one.try_lease(&key()).await.unwrap().unwrap();
    sleep(LEASE + Duration::from_millis(300)).await;

    let successor = other.try_lease(&key()).await.unwrap().expect("the lease is over");

    assert!(!one.renew(&silent).await.unwrap());
    assert_eq!(one.publish(silent, &entry("late")).await.unwrap(), Published::Refused);
    assert_eq!(kept(&*one).await, None);
    assert_eq!(other.publish(successor, &entry("value")).await.unwrap(), Published::Stored);
    assert_eq!(kept(&*one).await.unwrap().bytes, "value");
}

async fn a_waiter_is_told_of_a_publication(place: Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    let lease = one.try_lease(&key()).await.unwrap().unwrap();
    let publication = async {
        sleep(Duration::from_millis(300)).await;
        one.publish(lease, &entry("value")).await.unwrap()
    };

    let asked = Instant::now();
    let key = key();
    let (_, told) = tokio::join!(publication, other.changed(&key, DAY));

    told.unwrap();
    let waited = asked.elapsed();
    assert!((300..1000).contains(&waited.as_millis()), "{waited:?}");
    assert!(kept(&*other).await.is_some());
}

async fn a_waiter_is_told_of_a_release(place: Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    let lease = one.try_lease(&key()).await.unwrap().unwrap();
    let release = async {
        sleep(Duration::from_millis(300)).await;
        one.release(lease).await.unwrap();
    };

    let asked = Instant::now();
    let key = key();
    let ((), told) = tokio::join!(release, other.changed(&key, DAY));

    told.unwrap();
    assert!((300..1000).contains(&asked.elapsed().as_millis()), "{:?}", asked.elapsed());
}

async fn a_waiter_gives_up_when_its_patience_ends(place: Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    let _held = one.try_lease(&key()).await.unwrap().unwrap();

    let asked = Instant::now();
    other.changed(&key(), Duration::from_millis(400)).await.unwrap();

    assert!((400..1200).contains(&asked.elapsed().as_millis()), "{:?}", asked.elapsed());
}

async fn keys_do_not_touch_each_other(place: Place) {
    let store = place.open(DAY);
    let other = Key::new("test").arg("two");
    let _held = store.try_lease(&other).await.unwrap().unwrap();

    publish(&*store, "value").await;

    assert_eq!(store.get(&other).await.unwrap(), None);
    assert!(kept(&*store).await.is_some());
}

/// A dead process holds no lock: the kernel frees a lease on disk at once.
#[tokio::test]
async fn a_lease_on_disk_that_is_dropped_is_free_at_once() {
    let place = Place::disk();
    let (one, other) = (place.open(DAY), place.open(DAY));

    drop(one.try_lease(&key()).await.unwrap().unwrap());

    assert!(other.try_lease(&key()).await.unwrap().is_some());
}

#[tokio::test]
async fn an_entry_that_the_disk_has_no_room_for_is_refused_and_takes_none_along() {
    let place = Place::disk();
    publish(&*place.open(DAY), "value").await;
    let store = place.open_bounded(DAY, 200);
    let other = Key::new("test").arg("two");

    let lease = store.try_lease(&other).await.unwrap().unwrap();
    let bytes = Bytes::from(vec![7; 1000]);
    let refused = store.publish(lease, &Entry { bytes, ..entry("") }).await.unwrap_err();

    assert!(refused.to_string().contains("the disk store is full"), "{refused}");
    assert!(kept(&*store).await.is_some());
    assert!(store.try_lease(&other).await.unwrap().is_some(), "the lease is free");
}

#[tokio::test]
async fn what_is_not_ours_stays_and_keeps_nothing_from_being_tidied() {
    let place = Place::disk();
    let Place::Disk(folder) = &place else { panic!("it is on disk") };
    let long_ago = std::fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
    let old = |name: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, "old").unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_times(long_ago).unwrap();
        path
    };
    let foreign = [old("diary.entry"), old("notes.lease"), old(".writing-a-letter")];
    let ours = [old("quadrant.test.old.entry"), old("quadrant.test.old.lease")];
    let odd = folder.path().join("quadrant.test.odd.entry");
    std::fs::create_dir(&odd).unwrap();

    publish(&*place.open(Duration::from_secs(60)), "value").await;

    assert!(foreign.iter().all(|path| path.exists()) && odd.exists());
    assert!(!ours.iter().any(|path| path.exists()));
}

#[tokio::test]
async fn the_disk_keeps_to_its_bytes_and_loses_the_least_recently_used() {
    let place = Place::disk();
    let large = |at: usize| Key::new("test").arg(at);
    // Room for three entries of 1000 bytes and their headers.
    let store = place.open_bounded(DAY, 3 * 1100);
    for at in 0..3 {
        let lease = store.try_lease(&large(at)).await.unwrap().unwrap();
        let bytes = Bytes::from(vec![7; 1000]);
        store.publish(lease, &Entry { bytes, ..entry("") }).await.unwrap();
        sleep(Duration::from_millis(20)).await;
    }
    assert!(store.get(&large(0)).await.unwrap().is_some(), "the oldest is used again");
    sleep(Duration::from_millis(20)).await;

    let lease = store.try_lease(&large(3)).await.unwrap().unwrap();
    let bytes = Bytes::from(vec![7; 1000]);
    store.publish(lease, &Entry { bytes, ..entry("") }).await.unwrap();

    let mut found = Vec::new();
    for at in 0..4 {
        found.push(store.get(&large(at)).await.unwrap().is_some());
    }
    assert_eq!(found, [true, false, true, true]);
    assert_eq!(place.entries(), 3);
}

async fn a_removed_key_has_no_entry_no_note_and_no_lease(place: Place) {
    let store = place.open(DAY);
    publish(&*store, "value").await;
    for note in [Note::Progress, Note::Interest, Note::Failure, Note::Latest, Note::Order] {
        store.leave(&key(), note, "text", DAY).await.unwrap();
    }

    assert!(store.remove(&key()).await.unwrap());

    assert_eq!(kept(&*place.open(DAY)).await, None);
    assert_eq!(place.names(), [""; 0]);
    publish(&*store, "again").await;
}

async fn what_is_computed_while_its_key_is_removed_is_refused(place: Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    let lease = one.try_lease(&key()).await.unwrap().unwrap();

    assert!(!other.remove(&key()).await.unwrap(), "there is no entry yet");

    assert!(!one.renew(&lease).await.unwrap());
    assert_eq!(one.publish(lease, &entry("late")).await.unwrap(), Published::Refused);
    assert_eq!(kept(&*other).await, None);
    publish(&*other, "value").await;
}

async fn removing_one_key_leaves_the_others_and_what_is_not_there_is_no_error(place: Place) {
    let store = place.open(DAY);
    store.remove(&key()).await.unwrap();
    publish(&*store, "value").await;
    let longer = Key::new("test").arg("one").arg("more");
    store.leave(&longer, Note::Order, "text", DAY).await.unwrap();

    store.remove(&Key::new("test").arg("on")).await.unwrap();
    store.remove(&longer).await.unwrap();

    assert_eq!(kept(&*store).await.unwrap().bytes, "value");
}

/// Uses an entry so often that a store which remembers anything remembers this.
async fn use_often(store: &dyn Store) {
    sleep(Duration::from_millis(150)).await;
    for _ in 0..20 {
        assert!(kept(store).await.is_some());
    }
}

async fn an_entry_that_is_used_again_and_again_is_given_up_when_it_changes(place: Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    publish(&*other, "first").await;
    use_often(&*one).await;

    publish(&*other, "other").await;
    assert_eq!(kept(&*one).await.unwrap().bytes, "other", "another process has replaced it");
    use_often(&*one).await;
    place.damage(&key());
    assert_eq!(kept(&*one).await, None, "it was damaged");
    publish(&*other, "third").await;
    use_often(&*one).await;
    other.remove(&key()).await.unwrap();
    assert_eq!(kept(&*one).await, None, "another process has removed it");
}

async fn a_note_is_amended_only_where_there_is_one(place: Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    assert!(!one.amend(&key(), Note::Order, "late", DAY).await.unwrap());
    assert_eq!(one.note(&key(), Note::Order).await.unwrap(), None);

    one.leave(&key(), Note::Order, "first", DAY).await.unwrap();
    assert!(other.amend(&key(), Note::Order, "second", DAY).await.unwrap());
    assert_eq!(one.note(&key(), Note::Order).await.unwrap().as_deref(), Some("second"));

    one.remove(&key()).await.unwrap();
    assert!(!other.amend(&key(), Note::Order, "late", DAY).await.unwrap());
    let short = Duration::from_millis(50);
    one.leave(&key(), Note::Order, "first", short).await.unwrap();
    sleep(short * 3).await;
    assert!(!other.amend(&key(), Note::Order, "late", DAY).await.unwrap(), "it has expired");
    assert_eq!(one.note(&key(), Note::Order).await.unwrap(), None);
}

async fn trimming_leaves_the_entries_that_were_used_last(place: Place) {
    let store = place.open(DAY);
    let sample = |number: usize| Key::new("sample").private(&number.to_string());
    let publish = async |key: &Key| {
        let lease = store.try_lease(key).await.unwrap().unwrap();
        store.publish(lease, &entry("value")).await.unwrap();
        sleep(Duration::from_millis(5)).await;
    };
    publish(&key()).await;
    for number in 0..5 {
        publish(&sample(number)).await;
    }
    store.get(&sample(1)).await.unwrap();

    let gone = store.trim(&Key::new("sample"), 3).await.unwrap();

    assert_eq!(gone, [sample(2), sample(0)]);
    assert_eq!(store.trim(&Key::new("sample"), 3).await.unwrap(), []);
    assert!(kept(&*store).await.is_some(), "of another beginning");
    for number in [1, 3, 4] {
        assert!(store.get(&sample(number)).await.unwrap().is_some(), "{number}");
    }
}
