//! The flights themselves, for who wants them instead of what is computed of them.

use std::sync::Arc;

use super::Dashboard;
use crate::blocking::blocking;
use crate::dataset::{Dataset, Origin};
use crate::query::{self, Rows};

impl Dashboard {
    /// What `form` makes of the flights of an origin. They are read anew each time, for one question
    /// at a time: they take megabytes, and many who ask must not take gigabytes.
    ///
    /// # Errors
    ///
    /// When the data file cannot be read, and those of `form`.
    pub async fn rows<T: Send + 'static>(
        &self,
        dataset: &Arc<Dataset>,
        origin: Origin,
        form: impl FnOnce(Rows) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let (turn, dataset) = (self.reading.clone().lock_owned().await, dataset.clone());
        let read = move || {
            // Until the end of the work, not of the question: who gives up may ask again.
            let _turn = turn;
            form(query::rows(&dataset, origin)?)
        };
        blocking(read).await?
    }
}
