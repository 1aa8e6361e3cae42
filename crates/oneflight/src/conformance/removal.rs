//! Claims about the removal of a key.

use super::{DAY, Place, entry, is_held, kept, key, lease, publish};
use crate::entry::Seen;
use crate::key::Key;
use crate::store::{Found, Note, Published};

/// After a removal the key is as if it had never been asked for.
pub(super) async fn a_removed_key_has_no_entry_no_note_and_no_lease(place: &dyn Place) {
    let (store, other) = (place.open(DAY), place.open(DAY));
    publish(&*store, &key(), "value").await;
    for note in Note::ALL {
        store.leave(&key(), note, "text", DAY).await.unwrap();
    }
    let held = lease(&*other, &key()).await;
    assert!(is_held(&*store, &key()).await);

    assert!(store.remove(&key()).await.unwrap());

    assert_eq!(other.look(&key()).await.unwrap(), Found::default());
    assert_eq!(place.stored(&key()).await, None);
    for note in Note::ALL {
        assert_eq!(other.note(&key(), note).await.unwrap(), None);
    }
    assert_eq!(other.recent("test", 9).await.unwrap(), []);
    assert!(!held.renew().await.unwrap());
    publish(&*store, &key(), "again").await;
    assert_eq!(kept(&*other, &key()).await.unwrap(), "again");
}

/// A computation that was under way when its key was removed does not bring the entry back.
pub(super) async fn a_computation_whose_key_is_removed_is_refused(place: &dyn Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    let held = lease(&*one, &key()).await;

    assert!(!other.remove(&key()).await.unwrap(), "there is no entry yet");

    assert!(!held.renew().await.unwrap());
    assert_eq!(held.publish(&entry("late")).await.unwrap(), Published::Refused);
    assert_eq!(kept(&*other, &key()).await, None);
    assert_eq!(place.stored(&key()).await, None);
    publish(&*other, &key(), "value").await;
}

/// Keys whose names begin alike are removed one at a time.
pub(super) async fn removing_one_key_leaves_the_others(place: &dyn Place) {
    let store = place.open(DAY);
    let longer = key().arg("more");
    publish(&*store, &key(), "value").await;
    publish(&*store, &longer, "longer").await;
    store.leave(&key(), Note::Annotation, "text", DAY).await.unwrap();
    let held = lease(&*store, &key()).await;

    assert!(!store.remove(&Key::new("test").arg("on")).await.unwrap());
    assert!(store.remove(&longer).await.unwrap());

    assert_eq!(kept(&*store, &longer).await, None);
    assert_eq!(kept(&*store, &key()).await.unwrap(), "value");
    assert_eq!(store.note(&key(), Note::Annotation).await.unwrap().as_deref(), Some("text"));
    assert!(held.renew().await.unwrap());
}

/// Nothing needs to be there.
pub(super) async fn what_is_not_there_is_removed_without_an_error(place: &dyn Place) {
    let store = place.open(DAY);

    assert!(!store.remove(&key()).await.unwrap());
    store.erase(&key(), Note::Latest).await.unwrap();
    assert_eq!(store.trim("test", 0).await.unwrap(), []);
    assert_eq!(store.recent("test", 9).await.unwrap(), []);
    assert!(!is_held(&*store, &key()).await);
    let seen = store.look(&key()).await.unwrap().seen;
    assert_eq!(seen, Seen::default());
}
