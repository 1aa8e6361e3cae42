//! The flights themselves, as they are in the data file.

use polars::prelude::{DataFrame, IntoLazy, PolarsResult, col, lit};

use super::ranges;
use crate::dataset::{Dataset, Origin};

/// Frames of consecutive flights, a slice each.
pub type Rows = Vec<DataFrame>;

/// `day` (counted from the first one of the file), `hour` (of the day) and `delay` of every flight of
/// an origin.
///
/// # Errors
///
/// What polars says of a damaged file.
pub fn rows(dataset: &Dataset, origin: Origin) -> anyhow::Result<Rows> {
    let slice = |rows| -> PolarsResult<DataFrame> {
        let slice = dataset.scan(rows, &["day", "hour", "delay"])?;
        // The file has hours of the week.
        slice.lazy().with_column(col("hour") % lit(24_u8)).collect()
    };
    let slices = ranges(dataset.rows(origin)).map(slice).collect::<PolarsResult<Rows>>();
    // First: a file that was written to explains whatever else is wrong.
    dataset.ensure_unaltered()?;
    Ok(slices?)
}
