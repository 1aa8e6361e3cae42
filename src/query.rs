//! What is computed for one origin: the frames of all four graphs, for all three metrics.
//!
//! A delay is a whole number of minutes, so counts per delay value say everything about it: means
//! and exact quantiles are read from them, and the counts of slices add up. Memory is therefore
//! that of one slice and three tables of counts, however long the file is.

use std::ops::Range;

use anyhow::Context;
use polars::prelude::{ChunkAgg, DataFrame};

pub(crate) use self::counts::{Counts, quantile};
pub use self::selection::Selection;
use crate::dataset::{Contents, Dataset, Origin};

mod counts;
mod selection;

/// Changes whenever the same file gives other frames, or frames of another form.
pub const VERSION: &str = "selection 1";

/// Rows of a slice: eight row groups, two for each thread that polars has at most, and 4 MB of columns.
/// Every slice is a step of the progress, and a step takes a few milliseconds.
const SLICE: u32 = 524_288;

/// Hours of a week: the rhythm's rows.
pub(crate) const HOURS: usize = 7 * 24;

/// The counts of three dimensions, filled slice by slice.
pub(crate) struct Tally {
    days: Counts,
    hours: Counts,
    destinations: Counts,
    /// Miles flown to each destination, all its flights together.
    miles: Vec<u64>,
}

/// How many slices the flights of an origin have: the steps of its computation.
pub fn slices(dataset: &Dataset, origin: Origin) -> u64 {
    ranges(dataset.rows(origin)).count() as u64
}

/// Computes the frames of an origin. `reached` is told how many slices are done, and may end it.
///
/// # Errors
///
/// What polars says of a damaged file, and what `reached` returns.
pub fn selection(
    dataset: &Dataset,
    origin: Origin,
    reached: impl Fn(u64) -> anyhow::Result<()>,
) -> anyhow::Result<Selection> {
    of_rows(dataset, dataset.rows(origin), reached)
}

/// Computes the frames of one flight, which takes a process about 10 ms the first time and 1 ms
/// from then on: polars starts its threads, fills a buffer with zeros, and code is loaded.
///
/// # Errors
///
/// What polars says of a damaged file.
pub fn warm_up(dataset: &Dataset) -> anyhow::Result<Selection> {
    of_rows(dataset, 0..1, |_| Ok(()))
}

fn of_rows(
    dataset: &Dataset,
    rows: Range<u32>,
    reached: impl Fn(u64) -> anyhow::Result<()>,
) -> anyhow::Result<Selection> {
    let contents = dataset.contents();
    let (mut tally, mut done) = (None, 0);
    dataset.scan_each(ranges(rows.clone()), &Tally::COLUMNS, |mut slice| {
        let delays = slice.column("delay")?.i16()?;
        let tally = tally.get_or_insert_with(|| match delays.min_max() {
            // A small airport is one slice, and needs no counts beyond its own delays.
            Some((min, max)) if delays.len() == rows.len() => Tally::within(contents, min, max),
            _ => Tally::new(contents),
        });
        tally.add(&mut slice)?;
        done += 1;
        reached(done)
    })?;
    let tally = tally.unwrap_or_else(|| Tally::new(contents));
    Ok(Selection::new(&tally, contents)?)
}

/// The rows of each slice.
pub(crate) fn ranges(rows: Range<u32>) -> impl Iterator<Item = Range<u32>> {
    let end = rows.end;
    rows.step_by(SLICE as usize).map(move |first| first..end.min(first + SLICE))
}

impl Tally {
    /// What is read of each flight.
    const COLUMNS: [&str; 5] = ["day", "hour", "destination", "distance", "delay"];

    /// Zeros for every delay of the file.
    pub(crate) fn new(contents: &Contents) -> Self {
        Self::within(contents, contents.min_delay, contents.max_delay)
    }

    /// Zeros for every delay of the file from `min` to `max` minutes.
    fn within(contents: &Contents, min: i16, max: i16) -> Self {
        let delays = min.max(contents.min_delay)..=max.min(contents.max_delay);
        let airports = contents.airports.len();
        Self {
            days: Counts::new(contents.days.into(), delays.clone()),
            hours: Counts::new(HOURS, delays.clone()),
            destinations: Counts::new(airports, delays),
            miles: vec![0; airports],
        }
    }

    pub(crate) fn add(&mut self, slice: &mut DataFrame) -> anyhow::Result<()> {
        // One run of memory a column, so that counting is a loop over slices.
        slice.split_chunks().try_for_each(|chunk| self.add_chunk(&chunk))
    }

    fn add_chunk(&mut self, slice: &DataFrame) -> anyhow::Result<()> {
        let damaged = "the data file holds values outside of what its metadata says";
        let delay = slice.column("delay")?.i16()?.cont_slice()?;
        let day = slice.column("day")?.u16()?.cont_slice()?;
        let hour = slice.column("hour")?.u8()?.cont_slice()?;
        let destination = slice.column("destination")?.u16()?.cont_slice()?;
        self.days.add(day, delay).context(damaged)?;
        self.hours.add(hour, delay).context(damaged)?;
        self.destinations.add(destination, delay).context(damaged)?;
        // The destinations have just been found to be within the list.
        for (at, miles) in destination.iter().zip(slice.column("distance")?.u16()?.cont_slice()?) {
            self.miles[usize::from(*at)] += u64::from(*miles);
        }
        Ok(())
    }
}
