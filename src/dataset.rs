//! The data file: which one it is, what it holds, and its rows by slice.
//!
//! `quadrant import` sorts the flights by origin, so the flights of one airport are one range of
//! rows, and writes names and ranges into the file's metadata: opening it reads no column.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use polars::prelude::{
    DataFrame, FileMetadataRef, HiveOptions, LazyFrame, ParallelStrategy, ParquetReader,
    PolarsResult, ScanArgsParquet, ScanSources, SerReader,
};
use sha2::{Digest, Sha256};

pub use self::contents::{Airport, COLUMNS, Contents, METADATA};
pub use self::current::Datasets;
pub use self::departures::Departures;
pub use self::origin::Origin;
use crate::identity::Identity;
use crate::{frame, query};

mod contents;
mod current;
mod origin;
mod departures;
mod ahead;

/// One state of the data file, open for as long as it is held.
pub struct Dataset {
    contents: Contents,
    fingerprint: String,
    identity: Identity,
    path: PathBuf,
    file: File,
    /// Where its row groups and columns are, parsed once.
    metadata: FileMetadataRef,
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
        let mut reader = ParquetReader::new(file.try_clone()?);
        let contents = Contents::read(&mut reader)?;
        let identity = Identity::of(&metadata);
        let metadata = reader.get_metadata()?.clone();
        Ok(Self { contents, fingerprint, identity, path: path.to_owned(), file, metadata })
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

    /// Fails when the file that is held open has been written to since it was opened: what was read
    /// of it then belongs to no fingerprint. (Replacing the path by a rename leaves it as it was.)
    ///
    /// # Errors
    ///
    /// One line that names the file.
    pub fn ensure_unaltered(&self) -> anyhow::Result<()> {
        let now = Identity::of(&self.file.metadata()?);
        let path = self.path.display();
        ensure!(
            now == self.identity,
            "{path} was written to while it was read; replace it by a rename"
        );
        Ok(())
    }

    /// The rows of an origin's flights.
    pub fn rows(&self, origin: Origin) -> Range<u32> {
        match self.contents.airport(origin) {
            Some(airport) => airport.first..airport.first + airport.flights,
            None => 0..self.contents.flights(),
        }
    }

    /// The named columns of some rows: other columns and row groups are not read.
    ///
    /// # Errors
    ///
    /// What polars says of a damaged file; that the file was written to.
    pub fn scan(&self, rows: Range<u32>, columns: &[&str]) -> anyhow::Result<DataFrame> {
        // polars panics on a file that is shorter than its metadata says.
        self.ensure_unaltered()?;
        // Nothing goes through the buffer: polars maps the file into memory.
        let mut reader = ParquetReader::new(BufReader::with_capacity(0, &self.file))
            .with_slice(Some((rows.start as usize, rows.len())))
            .with_columns(Some(columns.iter().map(|name| (*name).to_owned()).collect()))
            // The other strategies also decode the row groups before the rows.
            .read_parallel(ParallelStrategy::RowGroups);
        reader.set_metadata(self.metadata.clone());
        Ok(reader.finish()?)
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

/// Hashes everything that must make old answers unreachable.
fn fingerprint(file: &mut File) -> io::Result<String> {
    let mut hash = Sha256::new_with_prefix(query::VERSION).chain_update(frame::VERSION);
    // One megabyte at a time: memory stays bounded whatever the file's size.
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            length => hash.update(&buffer[..length]),
        }
    }
    Ok(hex::encode(&hash.finalize()[..8]))
}
