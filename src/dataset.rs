//! The data file: which one it is, what it holds, and its rows by slice.
//!
//! `quadrant import` sorts the flights by origin, so the flights of one airport are one range of
//! rows, and writes names and ranges into the file's metadata: opening it reads no column.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, ensure};
use polars::prelude::{
    DataFrame, DataType, Expr, HiveOptions, IdxSize, LazyFrame, ParquetReader, PolarsResult,
    ScanArgsParquet, ScanSources, SerReader, col,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use self::current::Datasets;
pub use self::origin::Origin;
use crate::query;

mod current;
mod origin;

/// The name of our entry in the file's metadata; its digit is the version of the layout.
pub const METADATA: &str = "quadrant.1";

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

/// What tells one file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

/// One state of the data file, open for as long as it is held.
pub struct Dataset {
    contents: Contents,
    fingerprint: String,
    identity: Identity,
    path: PathBuf,
    sources: ScanSources,
}

impl Dataset {
    /// Opens the data file and reads what it says of itself.
    ///
    /// # Errors
    ///
    /// One line that names the file and what is wrong: missing, empty, cut off, of another form.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        Self::read(path).with_context(|| format!("the data file {} cannot be used", path.display()))
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        ensure!(metadata.is_file(), "it is not a file");
        ensure!(metadata.len() > 0, "it is empty");
        let fingerprint = fingerprint(&mut file)?;
        let contents = Contents::read(file.try_clone()?)?;
        let sources = ScanSources::Files(Arc::new([file]));
        let identity = Identity::of(&metadata);
        Ok(Self { contents, fingerprint, identity, path: path.to_owned(), sources })
    }

    /// What the file says of its rows.
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// 16 hexadecimal digits that change with the file's bytes and with what is computed of them.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Whether the path still names this very file, unaltered.
    pub fn is_current(&self) -> bool {
        Identity::at(&self.path) == Some(self.identity)
    }

    /// The rows of an origin's flights.
    pub fn rows(&self, origin: Origin) -> Range<u32> {
        match self.contents.airport(origin) {
            Some(airport) => airport.first..airport.first + airport.flights,
            None => 0..self.contents.flights(),
        }
    }

    /// The named columns of some rows, scanned lazily: other columns and row groups are not read.
    ///
    /// # Errors
    ///
    /// What polars says of a damaged file.
    pub fn scan(&self, rows: Range<u32>, columns: &[&str]) -> PolarsResult<DataFrame> {
        let columns: Vec<Expr> = columns.iter().map(|name| col(*name)).collect();
        scan(self.sources.clone())?
            .slice(rows.start.into(), rows.len() as IdxSize)
            .select(columns)
            .collect()
    }
}

/// Scans an open Parquet file lazily: by its handle, so that a path which is renamed meanwhile does
/// not mix two files.
///
/// # Errors
///
/// What polars says of a file that it cannot read.
pub fn scan(file: ScanSources) -> PolarsResult<LazyFrame> {
    // Nothing is encoded in the names of folders, since a handle has none.
    let hive_options = HiveOptions::new_disabled();
    let args = ScanArgsParquet { cache: false, hive_options, ..Default::default() };
    LazyFrame::scan_parquet_sources(file, args)
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

    /// The airport of an origin; none for all of them.
    pub fn airport(&self, origin: Origin) -> Option<&Airport> {
        self.airports.get(origin.position()?)
    }

    /// The airports with departures, by code.
    pub fn origins(&self) -> impl Iterator<Item = &Airport> {
        self.airports.iter().filter(|airport| airport.flights > 0)
    }

    fn read(file: File) -> anyhow::Result<Self> {
        let mut reader = ParquetReader::new(file);
        let metadata =
            reader.get_metadata().context("it is no Parquet file, or is cut off")?.clone();
        let rows = metadata.num_rows;
        let entries = metadata.key_value_metadata.iter().flatten();
        let ours = entries.into_iter().find(|entry| entry.key == METADATA);
        let text = ours.and_then(|entry| entry.value.as_deref()).context(
            "`quadrant import` has not made it; run `quadrant import SOURCE --output FILE`",
        )?;
        let contents: Self = serde_json::from_str(text).context("its metadata is damaged")?;
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

impl Identity {
    /// That of the file at a path, if there is one.
    fn at(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().map(|found| Self::of(&found))
    }

    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

/// Hashes everything that must make old answers unreachable.
fn fingerprint(file: &mut File) -> io::Result<String> {
    let mut hash = Sha256::new_with_prefix(query::VERSION);
    // One megabyte at a time: memory stays bounded whatever the file's size.
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            length => hash.update(&buffer[..length]),
        }
    }
    Ok(hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect())
}
