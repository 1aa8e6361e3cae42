//! The flights themselves, as they are in the data file.

use polars::prelude::{DataFrame, IntoLazy, col, lit};

use crate::dataset::Departures;
use crate::query::ranges;

/// `day` (counted from the first one of the file), `hour` (of the day) and `delay` (in minutes) of
/// every flight of an origin: one frame for each slice of the file.
///
/// # Errors
///
/// What polars says of a damaged file.
pub(super) fn rows(departures: &Departures) -> anyhow::Result<Vec<DataFrame>> {
    let dataset = departures.dataset();
    let slice = |rows| -> anyhow::Result<DataFrame> {
        let slice = dataset.scan(rows, &["day", "hour", "delay"])?;
        // The file has hours of the week.
        Ok(slice.lazy().with_column(col("hour") % lit(24_u8)).collect()?)
    };
    let slices =
        ranges(dataset.rows(departures.origin())).map(slice).collect::<anyhow::Result<Vec<_>>>();
    // First: a file that was written to explains whatever else is wrong.
    dataset.ensure_unaltered()?;
    slices
}
