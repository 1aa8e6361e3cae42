//! A volume smaller than the bytes of the store, without inodes, or read-only. These tests mount
//! volumes and therefore run as root.

use std::path::Path;
use std::process::Command;

use oneflight::Key;
use oneflight::store::disk::DiskConfig;
use oneflight::store::{Cause, Note, Published, Store};

use super::places::{DAY, DiskPlace, has, publish};

/// A place on a volume of its own, which is unmounted when it is dropped.
struct Volume(DiskPlace);

impl Volume {
    fn new(options: &str) -> Self {
        let place = DiskPlace::default();
        mount(&["-t", "tmpfs", "-o", options, "tmpfs"], place.folder.path());
        Self(place)
    }

    fn store(&self) -> impl Store {
        // Nothing is remembered, so that what is found is on the volume.
        self.0.store(DiskConfig { remembered_bytes: 0, ..self.0.settings() })
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // At once or as soon as the last file is closed.
        let path = self.0.folder.path();
        Command::new("umount").arg("--lazy").arg(path).status().unwrap();
    }
}

fn mount(arguments: &[&str], path: &Path) {
    let done = Command::new("mount").args(arguments).arg(path).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "this test has to run as root, since it mounts a tmpfs: {said}");
}

fn key(number: usize) -> Key {
    Key::new("test").arg(number)
}

#[tokio::test]
async fn a_volume_smaller_than_the_bytes_of_the_store_takes_entry_after_entry() {
    let volume = Volume::new("size=512k");
    let store = volume.store();

    for number in 0..40 {
        let published = publish(&store, &key(number), 60_000).await.unwrap();
        assert_eq!(published, Published::Stored, "{number}");
        assert!(has(&store, &key(number)).await, "{number}");
    }

    let events = &volume.0.events;
    assert!(events.have("to make room"), "it cannot have been full: {}", events.all());
    assert!(!events.have("is full"), "{}", events.all());
    let kept = store.recent("test", 40).await.unwrap();
    assert!(kept.len() >= 3, "half is left, and not only the latest: {kept:?}");
    assert_eq!(kept[0], key(39));
}

#[tokio::test]
async fn an_entry_larger_than_the_volume_is_refused_and_the_store_goes_on() {
    let volume = Volume::new("size=512k");
    let store = volume.store();

    let refused = publish(&store, &key(0), 600_000).await.unwrap_err();

    assert_eq!(refused.cause, Cause::Full, "{refused}");
    assert_eq!(publish(&store, &key(1), 60_000).await.unwrap(), Published::Stored);
    assert!(
        volume.0.names().iter().all(|name| !name.contains("writing")),
        "{:?}",
        volume.0.names()
    );
}

#[tokio::test]
async fn a_volume_without_inodes_takes_entries_leases_and_notes() {
    let volume = Volume::new("size=4m,nr_inodes=24");
    let store = volume.store();

    for number in 0..60 {
        let published = publish(&store, &key(number), 10).await.unwrap();
        assert_eq!(published, Published::Stored, "{number}");
        assert!(has(&store, &key(number)).await, "{number}");
    }
    assert!(volume.0.events.have("to make room"), "it cannot have been full");
    // Entries that fill the last inodes make room for notes too.
    for number in 60..90 {
        publish(&store, &key(number), 10).await.unwrap();
        let latest = number % 4;
        store.leave(&key(latest), Note::Latest, "text", DAY).await.unwrap();
        assert!(store.amend(&key(latest), Note::Latest, "other", DAY).await.unwrap());
        assert!(store.note(&key(latest), Note::Latest).await.unwrap().is_some());
    }
    assert!(!volume.0.events.have("is full"), "{}", volume.0.events.all());
}

#[tokio::test]
async fn a_read_only_volume_answers_what_it_has_and_says_what_is_wrong() {
    let volume = Volume::new("size=512k");
    let store = volume.store();
    publish(&store, &key(0), 10).await.unwrap();
    mount(&["-o", "remount,ro"], volume.0.folder.path());

    assert!(has(&store, &key(0)).await);
    let refused = publish(&store, &key(1), 10).await.unwrap_err();

    assert_eq!((refused.store, refused.cause), ("disk", Cause::ReadOnly), "{refused}");
    assert!(volume.0.events.have("the disk store is read-only"), "{}", volume.0.events.all());
    mount(&["-o", "remount,rw"], volume.0.folder.path());
    assert_eq!(publish(&store, &key(1), 10).await.unwrap(), Published::Stored);
}
