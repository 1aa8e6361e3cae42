//! The folder itself: how entries are read, published and removed.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tempfile::NamedTempFile;

use super::guard::Locked;
use super::identity::Identity;
use super::names::Names;
use super::remembered::{Remembered, is_used};
use super::sweep::age;
use super::{DiskConfig, found};
use crate::entry::{Decoded, Entry, HEADER, Seen};
use crate::key::{Key, without_user};
use crate::observer::{Event, Observer};
use crate::store::{Found, Note, Published};

/// The files of one store.
pub(super) struct Folder {
    pub(super) names: Names,
    pub(super) expire: Duration,
    pub(super) max_bytes: u64,
    pub(super) observer: Arc<dyn Observer>,
    /// Held while room is made on a full volume.
    pub(super) room: Mutex<()>,
    remembered: Remembered,
}

/// What came of asking for a lease.
pub(super) enum Attempt {
    /// The locked file.
    Granted(Locked),
    Held,
    Changed,
}

impl Folder {
    pub(super) fn new(config: DiskConfig, observer: Arc<dyn Observer>) -> Self {
        Self {
            names: Names::new(config.path, &config.prefix),
            expire: config.expire,
            max_bytes: config.max_bytes,
            observer,
            room: Mutex::default(),
            remembered: Remembered::new(config.remembered_bytes),
        }
    }

    /// What is known of a key without reading its file.
    pub(super) fn remembered(&self, key: &Key) -> Option<Found> {
        let known = self.remembered.get(key, self.expire);
        known.map(|(entry, seen)| Found { entry: Some(entry), seen, ..Found::default() })
    }

    pub(super) fn look(&self, key: &Key) -> io::Result<Found> {
        let (entry, seen) = self.read(key)?;
        if entry.is_some() {
            return Ok(Found { entry, seen, ..Found::default() });
        }
        let failure = self.note(key, Note::Failure)?;
        let progress = self.note(key, Note::Progress)?;
        Ok(Found { entry, seen, failure, progress, latest: self.latest(key)? })
    }

    pub(super) fn try_lease(&self, key: &Key, seen: &Seen) -> io::Result<Attempt> {
        let lease = self.lease(key);
        let locked = self.with_room(|| {
            fs::create_dir_all(self.names.folder())?;
            lease.try_lock()
        })?;
        let Some(lock) = locked else { return Ok(Attempt::Held) };
        // After locking: what was published under an earlier lease is there by now.
        if self.peek(key)? == *seen {
            return Ok(Attempt::Granted(lock));
        }
        lease.end(&lock, || Ok(()))?;
        Ok(Attempt::Changed)
    }

    pub(super) fn publish(&self, key: &Key, lock: &File, stored: &[u8]) -> io::Result<Published> {
        let (bytes, most) = (stored.len() as u64, self.max_bytes);
        if bytes > most {
            let reason = format!("an entry of {bytes} bytes does not fit in {most} bytes");
            return Err(io::Error::new(io::ErrorKind::StorageFull, reason));
        }
        if !self.with_room(|| self.replace(key, lock, stored))? {
            return Ok(Published::Refused);
        }
        // The entry is stored, whether or not the older ones can be removed.
        if let Err(error) = self.sweep() {
            self.hiccup(&format!("could not tidy the disk store: {error}"));
        }
        Ok(Published::Stored)
    }

    pub(super) fn remove(&self, key: &Key) -> io::Result<bool> {
        if !self.has_any(key)? {
            // Without the guard, which a disk that is read-only on purpose cannot give.
            return Ok(false);
        }
        let _guard = self.guard()?;
        self.remove_guarded(key)
    }

    /// The same; the caller must hold the guard.
    pub(super) fn remove_guarded(&self, key: &Key) -> io::Result<bool> {
        // First: a caller that gets the lease afterwards reads in a note what it is to compute.
        self.erase_all(key)?;
        self.lease(key).revoke()?;
        Ok(found(fs::remove_file(self.names.entry(key)))?.is_some())
    }

    /// Whether there is an entry, a lease or a note of a key.
    fn has_any(&self, key: &Key) -> io::Result<bool> {
        let notes = Note::ALL.map(|note| self.names.note(key, note));
        let mut paths = [self.names.entry(key), self.names.lease(key)].into_iter().chain(notes);
        paths.try_fold(false, |any, path| Ok(any || found(fs::metadata(path))?.is_some()))
    }

    /// Writes a temporary file, which is to be renamed.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<NamedTempFile> {
        fs::create_dir_all(self.names.folder())?;
        let begin = self.names.temporary();
        let mut file = tempfile::Builder::new().prefix(&begin).tempfile_in(self.names.folder())?;
        file.write_all(bytes)?;
        Ok(file)
    }

    /// A path as logs may have it.
    pub(super) fn shown(&self, path: &Path) -> String {
        without_user(&path.file_name().unwrap_or_default().to_string_lossy())
    }

    pub(super) fn hiccup(&self, text: &str) {
        self.observer.observe(&Event::Hiccup(text));
    }

    /// The entry of a key, and what identifies its file; neither when it has expired.
    fn read(&self, key: &Key) -> io::Result<(Option<Entry>, Seen)> {
        let Some(mut file) = self.open(key)? else { return Ok(Default::default()) };
        let identity = Identity::of(&file.metadata()?);
        let mut stored = Vec::new();
        file.read_to_end(&mut stored)?;
        let (seen, stored) = (Seen::of(&stored), Bytes::from(stored));
        match Entry::decode(&stored) {
            Decoded::Entry(entry) => {
                self.note_use(key, &file, &entry, &seen)?;
                Ok((Some(entry), seen))
            }
            Decoded::OtherVersion => Ok((None, seen)),
            Decoded::Damaged if self.is_cleared(key, identity) => Ok(Default::default()),
            Decoded::Damaged => Ok((None, seen)),
        }
    }

    /// What identifies the entry of a key; nothing when it has expired.
    fn peek(&self, key: &Key) -> io::Result<Seen> {
        let Some(file) = self.open(key)? else { return Ok(Seen::default()) };
        let mut stored = Vec::with_capacity(HEADER);
        file.take(HEADER as u64).read_to_end(&mut stored)?;
        Ok(Seen::of(&stored))
    }

    fn open(&self, key: &Key) -> io::Result<Option<File>> {
        let Some(file) = found(File::open(self.names.entry(key)))? else { return Ok(None) };
        let has_expired = age(&file.metadata()?) > self.expire;
        Ok((!has_expired).then_some(file))
    }

    /// Makes now the time of the file, from which the entry expires, and remembers the entry.
    fn note_use(&self, key: &Key, file: &File, entry: &Entry, seen: &Seen) -> io::Result<()> {
        // Uses of private entries are always written, so that their order is exact: they are seldom
        // used and often trimmed.
        if key.is_private() || !is_used(&file.metadata()?, self.expire) {
            // On a file system that is only read, an entry expires from its writing.
            drop(file.set_modified(SystemTime::now()));
        }
        let path = self.names.entry(key);
        self.remembered.keep(key, entry, seen, (path, &file.metadata()?));
        Ok(())
    }

    /// Removes a damaged entry if it is still the file that was read; false when something is left.
    fn is_cleared(&self, key: &Key, damaged: Identity) -> bool {
        match self.clear_damaged(key, damaged) {
            Ok(is_cleared) => is_cleared,
            Err(error) => {
                self.hiccup(&format!("could not remove a damaged entry of {key}: {error}"));
                false
            }
        }
    }

    fn clear_damaged(&self, key: &Key, damaged: Identity) -> io::Result<bool> {
        let path = self.names.entry(key);
        // Guarded, so that no sound entry comes in between the comparison and the removal.
        let _guard = self.guard()?;
        let Some(now) = found(fs::metadata(&path))? else { return Ok(true) };
        if Identity::of(&now) != damaged {
            return Ok(false);
        }
        fs::remove_file(&path)?;
        self.observer.observe(&Event::Damaged(key));
        Ok(true)
    }

    /// Puts an entry in its place and ends the lease; false when the lease has ended before.
    fn replace(&self, key: &Key, lock: &File, stored: &[u8]) -> io::Result<bool> {
        let file = self.write(stored)?;
        self.lease(key).end(lock, || {
            // As exact as the times of uses. The kernel writes times that are milliseconds late.
            file.as_file().set_modified(SystemTime::now())?;
            file.persist(self.names.entry(key)).map(drop).map_err(io::Error::from)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Stamp;
    use crate::observer::LogObserver;

    fn folder(path: &Path) -> Folder {
        let config = DiskConfig {
            path: path.to_owned(),
            prefix: "test".to_owned(),
            expire: Duration::from_secs(60),
            max_bytes: 1 << 20,
            remembered_bytes: 0,
        };
        Folder::new(config, Arc::new(LogObserver))
    }

    #[test]
    fn a_sound_entry_that_came_in_after_a_damaged_one_was_read_is_not_removed() {
        let temporary = tempfile::tempdir().unwrap();
        let (folder, key) = (folder(temporary.path()), Key::new("one"));
        let path = folder.names.entry(&key);
        fs::write(&path, "damaged").unwrap();
        let read = Identity::of(&fs::metadata(&path).unwrap());

        let stamp = Stamp::now(Duration::ZERO, 0);
        let sound = Entry { stamp, bytes: Bytes::from_static(b"value") };
        folder.write(&sound.encode()).unwrap().persist(&path).unwrap();

        assert!(!folder.is_cleared(&key, read));
        assert_eq!(folder.look(&key).unwrap().entry, Some(sound));
        fs::write(&path, "damaged").unwrap();
        let read = Identity::of(&fs::metadata(&path).unwrap());
        assert!(folder.is_cleared(&key, read), "it is still the file that was read");
        assert!(!path.exists());
    }
}
