//! Claims about the order of use, and about trimming by it.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::{DAY, Place, entry, kept, lease, publish};
use crate::key::{CacheBy, Key};
use crate::store::{Note, Published, Store};

/// Uses of shared entries that are this far apart are told apart. A store may note the uses of one
/// entry within a tenth of a second as one.
const APART: Duration = Duration::from_millis(150);
/// The same for private entries, each use of which counts.
const CLOSE: Duration = Duration::from_millis(5);
/// How long a store may take to tell the uses of shared entries.
const TOLD: Duration = Duration::from_secs(10);

fn shared(number: usize) -> Key {
    Key::new("sample").arg(number)
}

fn private(number: usize) -> Key {
    Key::new("sample").by(CacheBy::User(&format!("user {number}"))).arg("daily")
}

/// Publishes entries 0 to 4 and uses them in this order, then uses 1 and 3 again.
///
/// Each use is that of another process: a process may note its uses of a shared entry once a minute,
/// and may tell them a few seconds later.
async fn use_in_turn(place: &dyn Place, key: fn(usize) -> Key, pause: Duration) {
    let others = ["other", "samples"].map(|namespace| Key::new(namespace).arg(0));
    for key in (0..5).map(key).chain(others) {
        publish(&*place.open(DAY), &key, "value").await;
        use_once(place, &key, pause).await;
    }
    for number in [1, 3] {
        use_once(place, &key(number), pause).await;
    }
    let (store, asked) = (place.open(DAY), Instant::now());
    let is_told = async || {
        let recent = store.recent("sample", 2).await.unwrap();
        recent == [key(3), key(1)] && store.recent("samples", 1).await.unwrap().len() == 1
    };
    while !is_told().await && asked.elapsed() < TOLD {
        sleep(pause).await;
    }
}

async fn use_once(place: &dyn Place, key: &Key, pause: Duration) {
    assert!(kept(&*place.open(DAY), key).await.is_some());
    sleep(pause).await;
}

/// The last used key comes first.
pub(super) async fn recent_keys_come_in_the_order_of_their_last_use(place: &dyn Place) {
    for (key, pause) in [(shared as fn(usize) -> Key, APART), (private, CLOSE)] {
        use_in_turn(place, key, pause).await;
        let store = place.open(DAY);

        let recent = store.recent("sample", 9).await.unwrap();
        let expected = [key(3), key(1), key(4), key(2), key(0)];
        assert_eq!(recent[..5], expected);
        assert_eq!(recent[0].name(), key(3).name(), "with its user");
        assert_eq!(store.recent("sample", 2).await.unwrap(), [key(3), key(1)]);
        assert_eq!(store.recent("sample", 0).await.unwrap(), []);
        assert_eq!(store.recent("samples", 9).await.unwrap(), [Key::new("samples").arg(0)]);
        for found in recent {
            assert!(
                kept(&*store, &found).await.is_some(),
                "a key that was found works as any other"
            );
        }
    }
}

async fn assert_trims(store: &dyn Store, key: fn(usize) -> Key) {
    assert_eq!(store.trim("sample", 5).await.unwrap(), []);

    let mut gone = store.trim("sample", 3).await.unwrap();

    gone.sort_by(|one, other| one.name().cmp(other.name()));
    assert_eq!(gone, [key(0), key(2)]);
    assert_eq!(store.trim("sample", 3).await.unwrap(), []);
    assert_eq!(store.recent("sample", 9).await.unwrap(), [key(3), key(1), key(4)]);
    for number in 0..5 {
        let is_kept = kept(store, &key(number)).await.is_some();
        assert_eq!(is_kept, [1, 3, 4].contains(&number), "{number}");
    }
    for other in ["other", "samples"] {
        assert!(kept(store, &Key::new(other).arg(0)).await.is_some(), "of another namespace");
    }
}

/// Trimming removes the least recently used entries of one namespace, and no others.
pub(super) async fn trimming_leaves_exactly_the_entries_that_were_used_last(place: &dyn Place) {
    for (key, pause) in [(shared as fn(usize) -> Key, APART), (private, CLOSE)] {
        use_in_turn(place, key, pause).await;
        let store = place.open(DAY);

        assert_trims(&*store, key).await;

        let gone = store.trim("sample", 0).await.unwrap();
        assert_eq!(gone.len(), 3);
        assert_eq!(store.recent("sample", 9).await.unwrap(), []);
    }
}

/// A trimmed key is a removed key: its computation is refused.
pub(super) async fn trimming_removes_the_notes_and_the_lease_too(place: &dyn Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    for number in 0..2 {
        publish(&*one, &private(number), "value").await;
        one.leave(&private(number), Note::Annotation, "text", DAY).await.unwrap();
        sleep(CLOSE).await;
    }
    // Looks at its key, so it is the last used by now; the other key is therefore used once more.
    let trimmed = lease(&*other, &private(0)).await;
    sleep(CLOSE).await;
    let left = lease(&*other, &private(1)).await;

    assert_eq!(one.trim("sample", 1).await.unwrap(), [private(0)]);

    assert_eq!(one.note(&private(0), Note::Annotation).await.unwrap(), None);
    assert_eq!(trimmed.publish(&entry("late")).await.unwrap(), Published::Refused);
    assert_eq!(kept(&*one, &private(0)).await, None);
    assert_eq!(one.note(&private(1), Note::Annotation).await.unwrap().as_deref(), Some("text"));
    assert_eq!(left.publish(&entry("new")).await.unwrap(), Published::Stored);
    assert_eq!(kept(&*one, &private(1)).await.unwrap(), "new");
}
