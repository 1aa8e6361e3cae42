//! The guard: the lock of one file, held around check-and-rename.

use std::fs::{File, TryLockError};
use std::io;
use std::ops::Deref;
use std::path::Path;
use std::time::{Duration, Instant};

use super::folder::Folder;

/// How long the guard is waited for. Its holders keep it for less than a millisecond, so a longer
/// wait means that one of them is stopped or its disk hangs.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it is tried.
const POLL: Duration = Duration::from_millis(2);

/// A file that this process has locked, until it is dropped.
///
/// It is unlocked by name: closing it would leave the lock to a child process that was forked in
/// this moment and has not begun its own program.
pub(super) struct Locked(pub(super) File);

impl Deref for Locked {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing the file unlocks it too, a moment later at most.
        let _ = self.0.unlock();
    }
}

impl Folder {
    /// Keeps all other processes from publishing, taking over and removing while it is held.
    pub(super) fn guard(&self) -> io::Result<Locked> {
        let path = self.names.guard();
        let (file, asked) = (open(&path)?, Instant::now());
        loop {
            if lock(&file)? {
                return Ok(Locked(file));
            }
            if asked.elapsed() >= PATIENCE {
                let path = path.display();
                let reason = format!("another process has held {path} for {PATIENCE:?}");
                return Err(io::Error::new(io::ErrorKind::TimedOut, reason));
            }
            pause();
        }
    }

    /// The same without waiting; none when another process has it.
    pub(super) fn try_guard(&self) -> io::Result<Option<Locked>> {
        let file = open(&self.names.guard())?;
        Ok(lock(&file)?.then(|| Locked(file)))
    }
}

#[expect(clippy::disallowed_methods, reason = "all work on files runs on threads that may block")]
fn pause() {
    std::thread::sleep(POLL);
}

fn lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Opens a file that is only locked, and makes it if there is none.
pub(super) fn open(path: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).write(true).open(path)
}
