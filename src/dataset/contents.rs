//! What a data file says of itself, in its metadata.

use std::fs::File;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, ensure};
use polars::prelude::{DataType, ParquetReader};
use serde::{Deserialize, Serialize};

use super::Origin;
use crate::query;

/// The name of our entry in the file's metadata; its digit is the version of the layout.
pub const METADATA: &str = "quadrant.1";

/// Counts that a computation may hold, four bytes each: fifteen times those of the published flights.
const MOST_COUNTS: u64 = 25_000_000;

/// The columns and their types, in the order of the file.
pub const COLUMNS: [(&str, DataType); 7] = [
    ("origin", DataType::UInt16),
    ("day", DataType::UInt16),
    ("hour", DataType::UInt8),
    ("minute", DataType::UInt8),
    ("destination", DataType::UInt16),
    ("distance", DataType::UInt16),
    ("delay", DataType::Int16),
];

/// What the file says of its rows, as JSON in its metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Day 0, in days since 1970-01-01.
    pub first_day: i32,
    /// How many days the rows span.
    pub days: u16,
    /// The smallest delay, in minutes; negative is early.
    pub min_delay: i16,
    /// The largest delay, in minutes.
    pub max_delay: i16,
    /// Every origin and destination by code; the columns hold positions in this list.
    pub airports: Vec<Airport>,
}

/// An airport and the rows of the flights that leave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Airport {
    /// IATA code.
    pub code: String,
    /// Name, or the code where none is known.
    pub name: String,
    /// City, or nothing.
    pub city: String,
    /// State, or nothing.
    pub state: String,
    /// Its first row.
    pub first: u32,
    /// How many flights leave it.
    pub flights: u32,
}

impl Contents {
    /// All flights of the file.
    pub fn flights(&self) -> u32 {
        self.airports.iter().map(|airport| airport.flights).sum()
    }

    /// A day of the file, counted from 0, as `2001-01-01`.
    pub fn date(&self, day: u16) -> String {
        let seconds = (i64::from(self.first_day) + i64::from(day)) * 24 * 3600;
        let time = UNIX_EPOCH + Duration::from_secs(seconds.try_into().unwrap_or(0));
        humantime::format_rfc3339_seconds(time).to_string()[..10].to_owned()
    }

    /// Fails when counting these flights would take more than 100 MB of memory.
    ///
    /// # Errors
    ///
    /// One line with what is too much.
    pub fn ensure_countable(&self) -> anyhow::Result<()> {
        let (days, airports) = (u64::from(self.days), self.airports.len() as u64);
        let delays = (i64::from(self.max_delay) - i64::from(self.min_delay) + 1).max(1) as u64;
        ensure!(
            (days + query::HOURS as u64 + airports) * delays <= MOST_COUNTS,
            "{days} days and {airports} airports with delays from {} to {} minutes are too many to count",
            self.min_delay,
            self.max_delay
        );
        Ok(())
    }

    /// The airport of an origin; none for all of them.
    pub fn airport(&self, origin: Origin) -> Option<&Airport> {
        self.airports.get(origin.position()?)
    }

    /// The airports with departures, by code.
    pub fn origins(&self) -> impl Iterator<Item = &Airport> {
        self.airports.iter().filter(|airport| airport.flights > 0)
    }

    pub(super) fn read(reader: &mut ParquetReader<File>) -> anyhow::Result<Self> {
        let metadata =
            reader.get_metadata().context("it is no Parquet file, or is cut off")?.clone();
        let rows = metadata.num_rows;
        let entries = metadata.key_value_metadata.iter().flatten();
        let ours = entries.into_iter().find(|entry| entry.key == METADATA);
        let text = ours.and_then(|entry| entry.value.as_deref()).context(
            "`quadrant import` has not made it; run `quadrant import SOURCE --output FILE`",
        )?;
        let contents: Self = serde_json::from_str(text).context("its metadata is damaged")?;
        contents.ensure_countable()?;
        let said = contents.flights();
        ensure!(rows == said as usize, "it has {rows} rows where its metadata says {said}");
        let schema = reader.schema().context("its schema is damaged")?;
        for (name, wanted) in COLUMNS {
            let found = schema.get(name).map(DataType::from_arrow_field);
            ensure!(found.as_ref() == Some(&wanted), "its column {name} is not of type {wanted}");
        }
        Ok(contents)
    }
}
