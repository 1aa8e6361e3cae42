//! Slices of rows, read ahead of what is done with them.

use std::ops::Range;
use std::sync::mpsc::sync_channel;
use std::thread;

use polars::prelude::DataFrame;

use super::Dataset;

impl Dataset {
    /// Hands one slice after the other to `take`, which may end it. Meanwhile the next slices are
    /// read; there are never more than three of them in memory.
    ///
    /// # Errors
    ///
    /// Those of [`Dataset::scan`], and what `take` returns.
    pub(crate) fn scan_each(
        &self,
        slices: impl Iterator<Item = Range<u32>> + Send,
        columns: &[&str],
        mut take: impl FnMut(DataFrame) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let taken = thread::scope(|scope| {
            let (sender, read) = sync_channel(1);
            scope.spawn(move || {
                let mut read = slices.map(|rows| self.scan(rows, columns));
                // Fails once `take` has ended it.
                read.try_for_each(|slice| sender.send(slice))
            });
            read.into_iter().try_for_each(|slice| take(slice?))
        });
        // First: a file that was written to explains whatever else is wrong.
        self.ensure_unaltered()?;
        taken
    }
}
