//! The data file as it is now: a replaced one is opened, without a restart.

use std::path::PathBuf;
use std::sync::{Arc, RwLock};

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
    /// Held while a replaced file is opened, so that only one request opens it; what was last found
    /// there and could not be used.
    refused: tokio::sync::Mutex<Option<Found>>,
}

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
        if *refused == Some(found) {
            return known;
        }
        let path = self.path.clone();
        match blocking(move || Dataset::open(&path)).await {
            Ok(Ok(opened)) => self.replace(opened),
            // Said once for each file, not for each request.
            Ok(Err(reason)) => {
                *refused = Some(found);
                error!("{reason:#}; the file before it stays in use");
            }
            Err(panic) => error!("opening the data file failed: {panic}"),
        }
        self.known()
    }

    /// Whether the path holds the file that is in use.
    pub fn is_readable(&self) -> bool {
        self.known().is_current()
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
