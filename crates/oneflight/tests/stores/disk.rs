//! What the store on disk promises besides.

use std::fs::{self, File, FileTimes};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use oneflight::conformance::Place;
use oneflight::entry::Seen;
use oneflight::store::disk::DiskConfig;
use oneflight::store::{Attempt, Cause, Note, Published, Store};
use oneflight::{CacheBy, Key};
use tokio::time::sleep;

use super::places::{DAY, DiskPlace, PREFIX, entry, has, lease, publish};

fn key(number: usize) -> Key {
    Key::new("test").arg(number)
}

fn bounded(place: &DiskPlace, max_bytes: u64) -> impl Store {
    place.store(DiskConfig { max_bytes, ..place.settings() })
}

fn make_old(path: &Path) {
    let long_ago = FileTimes::new().set_modified(UNIX_EPOCH);
    File::options().write(true).open(path).unwrap().set_times(long_ago).unwrap();
}

#[tokio::test]
async fn it_keeps_to_its_bytes_and_loses_the_least_recently_used() {
    let place = DiskPlace::default();
    // Room for three entries of 1000 bytes and their headers.
    let store = bounded(&place, 3 * 1100);
    let private = |number: usize| Key::new("test").by(CacheBy::User("ann")).arg(number);
    for number in 0..3 {
        publish(&store, &private(number), 1000).await.unwrap();
        sleep(Duration::from_millis(5)).await;
    }
    assert!(has(&store, &private(0)).await, "the oldest is used again");

    publish(&store, &private(3), 1000).await.unwrap();

    let entries = place.names().into_iter().filter(|name| name.ends_with(".entry"));
    assert_eq!(entries.count(), 3);
    for (number, expected) in [true, false, true, true].into_iter().enumerate() {
        assert_eq!(has(&store, &private(number)).await, expected, "{number}");
    }
    assert!(place.events.have("removed tests.test.~.1.entry to make room"));
    assert_eq!(place.events.count("to make room"), 1);
}

#[tokio::test]
async fn an_entry_that_it_has_no_room_for_is_refused_and_takes_no_other_along() {
    let place = DiskPlace::default();
    let store = bounded(&place, 200);
    publish(&store, &key(0), 5).await.unwrap();

    let refused = publish(&store, &key(1), 1000).await.unwrap_err();

    assert_eq!((refused.store, refused.cause), ("disk", Cause::Full));
    assert!(has(&store, &key(0)).await);
    lease(&store, &key(1)).await.unwrap().release().await.unwrap();
}

#[tokio::test]
async fn a_dropped_lease_is_free_at_once() {
    let place = DiskPlace::default();
    let (one, other) = (place.open(DAY), place.open(DAY));

    let held = lease(&*one, &key(0)).await.unwrap();
    let refused = other.try_lease(&key(0), &Seen::default()).await.unwrap();
    assert!(matches!(refused, Attempt::Held));
    drop(held);

    lease(&*other, &key(0)).await.unwrap().release().await.unwrap();
}

#[tokio::test]
async fn a_sweep_removes_what_is_over_and_nothing_that_is_foreign_or_in_use() {
    let place = DiskPlace::default();
    let store = place.store(DiskConfig { expire: Duration::from_secs(600), ..place.settings() });
    publish(&store, &key(0), 5).await.unwrap();
    store.leave(&key(0), Note::Annotation, "text", DAY).await.unwrap();
    store.leave(&key(0), Note::Progress, "text", Duration::from_millis(1)).await.unwrap();
    let held = lease(&store, &key(1)).await.unwrap();
    let file = |name: &str, is_old: bool| {
        let path = place.path().join(name);
        fs::write(&path, "text").unwrap();
        if is_old {
            make_old(&path);
        }
        path
    };
    let odd = place.path().join("tests.test.odd.entry");
    fs::create_dir(&odd).unwrap();
    let young = [file(".tests-writing-young", false), file("tests.test.young.lease", false)];
    let foreign = ["diary.entry", "diary.lease", ".writing-letter", "tests.note", "test.x.entry"]
        .map(|name| file(name, true));
    let over = ["tests.test.old.entry", "tests.test.dead.lease", ".tests-writing-dead"]
        .map(|name| file(name, true));

    sleep(Duration::from_millis(20)).await;
    store.sweep().await;

    assert!(foreign.iter().chain(&young).all(|path| path.exists()) && odd.exists());
    assert!(!over.iter().any(|path| path.exists()), "{:?}", place.names());
    assert!(!place.names().contains(&"tests.test.0!progress.note".to_owned()));
    assert_eq!(store.note(&key(0), Note::Annotation).await.unwrap().as_deref(), Some("text"));
    assert!(has(&store, &key(0)).await);
    make_old(&place.path().join("tests.test.1.lease"));
    store.sweep().await;
    assert!(held.renew().await.unwrap(), "a held lease stays, however old it is");
    assert_eq!(place.events.all(), "", "nothing was worth an event");
}

#[tokio::test]
async fn a_sweep_of_a_folder_that_is_not_there_makes_none() {
    let place = DiskPlace::default();

    place.store(place.settings()).sweep().await;
    assert!(!has(&*place.open(DAY), &key(0)).await);
    place.open(DAY).remove(&key(0)).await.unwrap();

    assert!(!place.path().exists());
    assert_eq!(place.events.all(), "");
}

#[tokio::test]
async fn trimming_does_not_count_what_has_expired() {
    let place = DiskPlace::default();
    let store = place.open(DAY);
    for number in 0..4 {
        publish(&*store, &key(number), 5).await.unwrap();
        sleep(Duration::from_millis(5)).await;
    }
    make_old(&place.path().join("tests.test.3.entry"));
    make_old(&place.path().join("tests.test.2.entry"));

    assert_eq!(store.trim("test", 2).await.unwrap(), []);
    assert_eq!(store.trim("test", 1).await.unwrap(), [key(0)]);
    assert_eq!(store.recent("test", 9).await.unwrap(), [key(1)]);
}

#[tokio::test]
async fn a_damaged_entry_is_reported_without_its_user() {
    let place = DiskPlace::default();
    let private = Key::new("test").by(CacheBy::User("ann")).arg(0);
    place.plant(&private, b"damaged").await;

    assert!(!has(&*place.open(DAY), &private).await);

    assert_eq!(place.events.all(), "removed a damaged entry of test:~:0");
}

/// Another process that holds a lock until it is dropped.
struct Holder(Child);

impl Holder {
    fn of(path: &Path) -> Self {
        let mut command = Command::new("flock");
        // It becomes the shell, so that no other process keeps the lock when it is killed.
        command.arg("--no-fork").arg(path).args(["sh", "-c", "echo held; exec sleep 60"]);
        let mut process = command.stdout(Stdio::piped()).spawn().expect("flock of util-linux");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "held\n");
        Self(process)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test]
async fn a_guard_that_is_held_for_long_is_an_error_and_no_hang() {
    let place = DiskPlace::default();
    let store = place.open(DAY);
    let waiting = lease(&*store, &key(0)).await.unwrap();
    let holder = Holder::of(&place.path().join(format!("{PREFIX}.guard")));

    let asked = Instant::now();
    let refused = waiting.publish(&entry(5)).await.unwrap_err();

    let waited = asked.elapsed();
    assert!((1..10).contains(&waited.as_secs()), "{waited:?}");
    assert_eq!(refused.cause, Cause::Unreachable);
    assert!(refused.reason.contains("tests.guard for 1s"), "{refused}");
    assert!(place.events.have("tests.guard"), "{}", place.events.all());
    assert!(store.remove(&key(0)).await.is_err());
    drop(holder);
    assert_eq!(publish(&*store, &key(0), 5).await.unwrap(), Published::Stored);
}

#[tokio::test]
async fn a_stopped_process_that_holds_a_lease_loses_it_and_a_dead_one_at_once() {
    let place = DiskPlace::default();
    let store = place.open(DAY);
    publish(&*store, &key(9), 5).await.unwrap();
    let path = place.path().join("tests.test.0.lease");
    let holder = Holder::of(&path);
    File::options().write(true).open(&path).unwrap().set_modified(SystemTime::now()).unwrap();
    let refused = store.try_lease(&key(0), &Seen::default()).await.unwrap();
    assert!(matches!(refused, Attempt::Held));

    make_old(&path);
    let taken = lease(&*store, &key(0)).await.unwrap();
    assert!(place.events.have("took over tests.test.0.lease"), "{}", place.events.all());
    assert!(taken.renew().await.unwrap());
    taken.release().await.unwrap();
    drop(holder);

    let dying = Holder::of(&path);
    drop(dying);
    lease(&*store, &key(0)).await.unwrap().release().await.unwrap();
}
