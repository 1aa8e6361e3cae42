//! The data file as it is now: a replaced one is opened, without a restart.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use tracing::{error, info};

use super::Dataset;
use crate::blocking::blocking;
use crate::identity::Identity;

/// What a path holds: nothing, or a file.
type Found = Option<Identity>;

/// Watches one path, and holds the last data file there that could be opened.
pub struct Datasets {
    path: PathBuf,
    current: RwLock<Arc<Dataset>>,
    /// Held while a replaced file is opened, so that only one request opens it.
    refused: tokio::sync::Mutex<Option<Refused>>,
}

/// What was last found at the path and could not be used.
struct Refused {
    found: Found,
    /// When to try again, if the system may have been the reason; none until the file changes.
    again: Option<Instant>,
}

/// How long a file is left alone that the system could not open or read.
const PAUSE: Duration = Duration::from_secs(1);

impl Datasets {
    /// Opens the data file at `path`.
    ///
    /// # Errors
    ///
    /// Those of [`Dataset::open`].
    pub fn open(path: PathBuf) -> anyhow::Result<Self> {
        let current = RwLock::new(Arc::new(Dataset::open(&path)?));
        Ok(Self { path, current, refused: tokio::sync::Mutex::default() })
    }

    /// The data file as it is now, which costs one `stat` unless it was replaced.
    ///
    /// While the path holds nothing usable, the file before stays: what was computed of it is still
    /// right, and it is still open.
    pub async fn current(&self) -> Arc<Dataset> {
        let known = self.known();
        if known.is_current() {
            return known;
        }
        let Ok(mut refused) = self.refused.try_lock() else { return known };
        let found = Identity::at(&self.path);
        let former = refused.as_ref().filter(|former| former.found == found);
        if former.is_some_and(|former| former.again.is_none_or(|again| Instant::now() < again)) {
            return known;
        }
        let is_news = former.is_none();
        let path = self.path.clone();
        match blocking(move || Dataset::open(&path)).await {
            Ok(Ok(opened)) => self.replace(opened),
            Ok(Err(reason)) => {
                let again = is_passing(&reason).then(|| Instant::now() + PAUSE);
                *refused = Some(Refused { found, again });
                // Logged once for each file, not for each request.
                if is_news {
                    error!("{reason:#}; the former data file stays in use");
                }
            }
            Err(panic) => error!("opening the data file failed: {panic}"),
        }
        self.known()
    }

    /// Whether the path holds the file that is in use.
    pub fn is_readable(&self) -> bool {
        self.known().is_current()
    }

    /// Whether [`Datasets::current`] would answer at once with the data file of this fingerprint.
    pub fn is_at(&self, fingerprint: &str) -> bool {
        let known = self.known();
        known.fingerprint() == fingerprint && known.is_current()
    }

    fn known(&self) -> Arc<Dataset> {
        self.current.read().expect("nothing panics while it holds the data file").clone()
    }

    fn replace(&self, opened: Dataset) {
        info!(fingerprint = opened.fingerprint(), "the data file was replaced");
        *self.current.write().expect("nothing panics while it holds the data file") =
            Arc::new(opened);
    }
}

/// Whether the system was the reason, so that the same file may be opened a moment later.
fn is_passing(reason: &anyhow::Error) -> bool {
    let errors = reason.chain().filter_map(|error| error.downcast_ref::<io::Error>());
    let passing = [
        Errno::MFILE,
        Errno::NFILE,
        Errno::IO,
        Errno::NOMEM,
        Errno::AGAIN,
        Errno::INTR,
        Errno::STALE,
    ];
    errors.filter_map(Errno::from_io_error).any(|error| passing.contains(&error))
}
