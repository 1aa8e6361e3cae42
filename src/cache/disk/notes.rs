//! Notes as small files, each with the time at which it goes away as the time of the file.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::{Folder, evict, found};
use crate::cache::key::Key;
use crate::cache::store::Note;

/// How the name of a note's file ends.
pub(super) const NOTE: &str = ".note";

impl Folder {
    pub(super) fn leave(
        &self,
        key: &Key,
        note: Note,
        text: &str,
        lifetime: Duration,
    ) -> io::Result<()> {
        fs::create_dir_all(&self.path)?;
        let mut file = tempfile::Builder::new().prefix(evict::TEMPORARY).tempfile_in(&self.path)?;
        file.write_all(text.as_bytes())?;
        // A clock cannot be so late that this overflows.
        let until = SystemTime::now().checked_add(lifetime).unwrap_or(SystemTime::UNIX_EPOCH);
        file.as_file().set_modified(until)?;
        file.persist(self.note_path(key, note)).map(drop).map_err(io::Error::from)
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
        self.lease(key).guarded(|| {
            let is_there = self.note(key, note)?.is_some();
            if is_there {
                self.leave(key, note, text, lifetime)?;
            }
            Ok(is_there)
        })
    }

    pub(super) fn note(&self, key: &Key, note: Note) -> io::Result<Option<String>> {
        let Some(file) = found(File::open(self.note_path(key, note)))? else { return Ok(None) };
        if file.metadata()?.modified()? <= SystemTime::now() {
            return Ok(None);
        }
        io::read_to_string(file).map(Some)
    }

    pub(super) fn remove_notes(&self, key: &Key) -> io::Result<()> {
        let mut notes = Note::ALL.into_iter();
        notes.try_for_each(|note| found(fs::remove_file(self.note_path(key, note))).map(drop))
    }

    /// The keys of entries whose names begin so, the last used first.
    pub(super) fn recent(&self, beginning: &Key, most: usize) -> io::Result<Vec<Key>> {
        let start = beginning.file_name() + ".";
        let Some(files) = found(fs::read_dir(&self.path))? else { return Ok(Vec::new()) };
        let mut keys: Vec<(SystemTime, Key)> = Vec::new();
        for file in files {
            let file = file?;
            let name = file.file_name().into_string().unwrap_or_default();
            let Some(name) = name.strip_suffix(evict::ENTRY) else { continue };
            let Some(metadata) = found(file.metadata())? else { continue };
            if name.starts_with(&start) && evict::age(&metadata) <= self.expire {
                // Parts of a key hold no dot: it would be written as %2E.
                keys.extend(
                    Key::stored(&name.replace('.', ":"))
                        .map(|key| (metadata.modified(), key))
                        .and_then(|(used, key)| used.ok().map(|used| (used, key))),
                );
            }
        }
        keys.sort_by_key(|(used, _)| std::cmp::Reverse(*used));
        Ok(keys.into_iter().map(|(_, key)| key).take(most).collect())
    }

    fn note_path(&self, key: &Key, note: Note) -> PathBuf {
        // No key holds an exclamation mark, so no note is taken for an entry or a lease.
        self.path.join(format!("{}!{}{NOTE}", key.file_name(), note.word()))
    }
}
