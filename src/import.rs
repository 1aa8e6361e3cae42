//! `quadrant import`: makes the data file from a published one.
//!
//! The file is laid out for the queries: sorted by origin and time, so that an airport is one range
//! of rows; times and names as narrow integers; what they mean stands in the metadata.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use polars::prelude::{
    DataFrame, Expr, KeyValueMetadata, ParquetCompression, ParquetReader, ParquetWriter,
    ScanSources, SerReader, StatisticsOptions, col,
};
use tempfile::NamedTempFile;

use crate::config::Import;
use crate::dataset::{COLUMNS, Contents, Dataset, METADATA, scan};

mod layout;

/// Rows of a row group: an airport then touches few of them, and each is worth its overhead.
const ROW_GROUP: usize = 65_536;

/// Reads the sources and writes the data file, in one step at the end.
///
/// # Errors
///
/// One line that names the file and what is wrong with it. The output is then as it was before.
pub fn run(import: &Import) -> anyhow::Result<()> {
    let bar = ProgressBar::new(0).with_style(style());
    let flights = read(&import.sources, &bar)?;
    bar.set_message("sorting");
    let (flights, mut contents) = layout::lay_out(flights)?;
    layout::name_airports(&mut contents, &import.airports)?;
    let written = write(&flights, &contents, &import.output, &bar);
    written.with_context(|| format!("{} cannot be written", import.output.display()))?;
    bar.finish_and_clear();
    report(&import.output)
}

/// The flights of all sources, with the columns and types that the published file has.
fn read(sources: &[PathBuf], bar: &ProgressBar) -> anyhow::Result<DataFrame> {
    let mut flights: Option<DataFrame> = None;
    for path in sources {
        bar.set_message(format!("reading {}", path.display()));
        let more = read_one(path, bar)
            .with_context(|| format!("{} cannot be imported", path.display()))?;
        flights = Some(match flights {
            None => more,
            Some(before) => before.vstack(&more)?,
        });
    }
    flights.context("no source was named")
}

fn read_one(path: &Path, bar: &ProgressBar) -> anyhow::Result<DataFrame> {
    let file = File::open(path)?;
    ensure!(file.metadata()?.len() > 0, "it is empty");
    let mut reader = ParquetReader::new(file.try_clone()?);
    let rows = reader.num_rows().context("it is no Parquet file, or is cut off")?;
    ensure!(rows > 0, "it holds no flights");
    bar.set_length(bar.length().unwrap_or(0) + 2 * rows as u64);
    let flights = layout::typed(scan(ScanSources::Files([file].into()))?)?;
    bar.inc(rows as u64);
    Ok(flights)
}

/// Writes beside the output and renames, so that there is never a half-written file at its place.
fn write(
    flights: &DataFrame,
    contents: &Contents,
    output: &Path,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    bar.set_message(format!("writing {}", output.display()));
    let metadata = vec![(METADATA.to_owned(), serde_json::to_string(contents)?)];
    let mut writer = ParquetWriter::new(file.as_file_mut())
        .with_compression(ParquetCompression::Zstd(None))
        .with_statistics(StatisticsOptions::full())
        .with_row_group_size(Some(ROW_GROUP))
        .with_key_value_metadata(Some(KeyValueMetadata::from_static(metadata)))
        .batched(flights.schema())?;
    for first in (0..flights.height()).step_by(ROW_GROUP) {
        let group = flights.slice(first as i64, ROW_GROUP);
        writer.write_batch(&group)?;
        bar.inc(group.height() as u64);
    }
    writer.finish()?;
    drop(writer);
    file.as_file().sync_all()?;
    share(file.as_file())?;
    file.persist(output)?;
    Ok(())
}

/// A temporary file is its owner's alone; the data file is for whoever may read its folder.
fn share(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

/// Opens what was written, as the server will, and says what it holds.
fn report(output: &Path) -> anyhow::Result<()> {
    let dataset = Dataset::open(output)?;
    let contents = dataset.contents();
    let (flights, origins) = (contents.flights(), contents.origins().count());
    let bytes = bytesize::ByteSize(std::fs::metadata(output)?.len());
    let output = output.display();
    writeln!(io::stdout(), "{output}: {flights} flights from {origins} airports, {bytes}")?;
    Ok(())
}

fn style() -> ProgressStyle {
    let template = "{bar:40} {percent:>3} % {msg}";
    ProgressStyle::with_template(template).expect("the template is valid")
}

/// The names of the columns as the data file orders them.
fn columns() -> Vec<Expr> {
    COLUMNS.iter().map(|(name, dtype)| col(*name).strict_cast(dtype.clone())).collect()
}
