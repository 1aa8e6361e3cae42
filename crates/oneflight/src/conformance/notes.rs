//! Claims about notes.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::{DAY, Place, kept, key, publish};
use crate::key::{CacheBy, Key};
use crate::store::Note;

/// Each kind of note about a key is one note; the later replaces the former.
pub(super) async fn a_note_is_read_by_another_process_and_replaced(place: &dyn Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    for note in Note::ALL {
        assert_eq!(other.note(&key(), note).await.unwrap(), None);
        one.leave(&key(), note, note.word(), DAY).await.unwrap();
    }
    one.leave(&key(), Note::Progress, "half of it\n%:~", Duration::MAX).await.unwrap();

    for note in Note::ALL {
        let expected = if note == Note::Progress { "half of it\n%:~" } else { note.word() };
        assert_eq!(other.note(&key(), note).await.unwrap().as_deref(), Some(expected));
    }
    assert_eq!(other.note(&key().arg("two"), Note::Progress).await.unwrap(), None);
    assert_eq!(kept(&*other, &key()).await, None, "a note is no entry");
}

/// A note does not need to be removed.
pub(super) async fn a_note_disappears_after_its_lifetime(place: &dyn Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    one.leave(&key(), Note::Failure, "long", DAY).await.unwrap();
    one.leave(&key(), Note::Progress, "short", Duration::from_millis(400)).await.unwrap();
    let left = Instant::now();
    let is_there = other.note(&key(), Note::Progress).await.unwrap().is_some();
    assert!(is_there || left.elapsed() > Duration::from_millis(350));

    sleep(Duration::from_millis(700)).await;

    assert_eq!(other.note(&key(), Note::Progress).await.unwrap(), None);
    assert!(!one.amend(&key(), Note::Progress, "late", DAY).await.unwrap());
    assert_eq!(other.note(&key(), Note::Progress).await.unwrap(), None);
    assert_eq!(other.note(&key(), Note::Failure).await.unwrap().as_deref(), Some("long"));
}

/// An amendment does not bring back a note that is gone, and gives it another lifetime.
pub(super) async fn a_note_is_amended_only_where_there_is_one(place: &dyn Place) {
    let (one, other, note) = (place.open(DAY), place.open(DAY), Note::Annotation);
    assert!(!one.amend(&key(), note, "late", DAY).await.unwrap());
    assert_eq!(one.note(&key(), note).await.unwrap(), None);

    one.leave(&key(), note, "first", DAY).await.unwrap();
    assert!(other.amend(&key(), note, "second", DAY).await.unwrap());
    assert_eq!(one.note(&key(), note).await.unwrap().as_deref(), Some("second"));

    assert!(other.amend(&key(), note, "third", Duration::from_millis(50)).await.unwrap());
    sleep(Duration::from_millis(200)).await;
    assert_eq!(one.note(&key(), note).await.unwrap(), None, "its lifetime was amended too");
    one.leave(&key(), note, "fourth", DAY).await.unwrap();
    one.remove(&key()).await.unwrap();
    assert!(!other.amend(&key(), note, "late", DAY).await.unwrap());
    assert_eq!(one.note(&key(), note).await.unwrap(), None);
}

/// Erasing takes one note, and is no error where there is none.
pub(super) async fn an_erased_note_is_gone_and_leaves_the_others(place: &dyn Place) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    one.erase(&key(), Note::Failure).await.unwrap();
    publish(&*one, &key(), "value").await;
    for note in Note::ALL {
        one.leave(&key(), note, "text", DAY).await.unwrap();
    }

    other.erase(&key(), Note::Failure).await.unwrap();

    for note in Note::ALL {
        let expected = (note != Note::Failure).then_some("text");
        assert_eq!(one.note(&key(), note).await.unwrap().as_deref(), expected);
    }
    assert!(!one.amend(&key(), Note::Failure, "late", DAY).await.unwrap());
    assert_eq!(kept(&*one, &key()).await.unwrap(), "value");
}

/// A miss comes with the notes that a caller needs next: whether the computation has just failed, how
/// far another worker had come, and what the latest answer to the question is cached by.
pub(super) async fn a_miss_tells_of_the_failure_the_progress_and_the_latest_answer(
    place: &dyn Place,
) {
    let (one, other) = (place.open(DAY), place.open(DAY));
    let (question, cached) = (key(), key().by(CacheBy::Data("9f3c")));
    one.leave(&cached, Note::Failure, "no such airport", DAY).await.unwrap();
    one.leave(&cached, Note::Progress, "half", DAY).await.unwrap();
    one.leave(&question, Note::Latest, "aaaa", DAY).await.unwrap();
    one.leave(&cached, Note::Latest, "not about the question", DAY).await.unwrap();

    let found = other.look(&cached).await.unwrap();

    assert_eq!(found.entry, None);
    assert_eq!(found.failure.as_deref(), Some("no such airport"));
    assert_eq!(found.progress.as_deref(), Some("half"));
    assert_eq!(found.latest.as_deref(), Some("aaaa"));
    let plain = other.look(&question).await.unwrap();
    assert_eq!((plain.failure, plain.latest), (None, None), "it is cached by nothing");
    let private = Key::new("test").by(CacheBy::User("ann")).by(CacheBy::Build("1")).arg("one");
    assert_eq!(other.look(&private).await.unwrap().latest, None, "another user's");
    one.leave(&private.question(), Note::Latest, "ann's", DAY).await.unwrap();
    assert_eq!(other.look(&private).await.unwrap().latest.as_deref(), Some("ann's"));
}
