//! Notes as small files. The time of such a file is the time at which the note ends.

use std::fs::{self, File};
use std::io;
use std::time::{Duration, SystemTime};

use super::folder::Folder;
use super::found;
use crate::key::Key;
use crate::store::Note;

/// No note is kept longer, because some file systems cannot write times after 2038.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 86_400);

impl Folder {
    pub(super) fn leave(
        &self,
        key: &Key,
        note: Note,
        text: &str,
        lifetime: Duration,
    ) -> io::Result<()> {
        self.with_room(|| self.write_note(key, note, text, lifetime))
    }

    pub(super) fn amend(
        &self,
        key: &Key,
        note: Note,
        text: &str,
        lifetime: Duration,
    ) -> io::Result<bool> {
        if self.note(key, note)?.is_none() {
            return Ok(false);
        }
        self.with_room(|| {
            let _guard = self.guard()?;
            // Again, because it may have been removed before we had the guard.
            let is_there = self.note(key, note)?.is_some();
            if is_there {
                self.write_note(key, note, text, lifetime)?;
            }
            Ok(is_there)
        })
    }

    pub(super) fn note(&self, key: &Key, note: Note) -> io::Result<Option<String>> {
        let Some(file) = found(File::open(self.names.note(key, note)))? else { return Ok(None) };
        if file.metadata()?.modified()? <= SystemTime::now() {
            return Ok(None);
        }
        io::read_to_string(file).map(Some)
    }

    pub(super) fn erase(&self, key: &Key, note: Note) -> io::Result<()> {
        let path = self.names.note(key, note);
        if found(fs::metadata(&path))?.is_some() {
            // Guarded, so that it does not come back by an amendment that has already found it.
            let _guard = self.guard()?;
            found(fs::remove_file(path))?;
        }
        Ok(())
    }

    /// What the latest answer to the question of a key is cached by.
    pub(super) fn latest(&self, key: &Key) -> io::Result<Option<String>> {
        if key.cached_by().is_empty() {
            return Ok(None);
        }
        self.note(&key.question(), Note::Latest)
    }

    /// The caller must hold the guard.
    pub(super) fn erase_all(&self, key: &Key) -> io::Result<()> {
        let mut notes = Note::ALL.into_iter();
        notes.try_for_each(|note| found(fs::remove_file(self.names.note(key, note))).map(drop))
    }
    fn write_note(&self, key: &Key, note: Note, text: &str, lifetime: Duration) -> io::Result<()> {
        let file = self.write(text.as_bytes())?;
        file.as_file().set_modified(SystemTime::now() + lifetime.min(LONGEST))?;
        file.persist(self.names.note(key, note)).map(drop).map_err(io::Error::from)
    }
}
