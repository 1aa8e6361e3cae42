//! Small sources to import, made here.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Output;

use polars::prelude::*;

use super::app::quadrant;
use super::command::output;

/// A flight as the published file has it: departure in milliseconds since 1970, delay, miles, from, to.
pub(crate) type Flight = (i64, i64, i64, &'static str, &'static str);

/// 2001-01-01, a Monday, 00:00.
pub(crate) const MONDAY: i64 = 978_307_200_000;
pub(crate) const HOUR: i64 = 3_600_000;

/// Flights of two days between three airports; no flight leaves from BBB.
pub(crate) const FLIGHTS: [Flight; 6] = [
    (MONDAY + 25 * HOUR, 7, 100, "ZZZ", "ATL"),
    (MONDAY + 5 * HOUR, -3, 100, "ATL", "ZZZ"),
    (MONDAY + 5 * HOUR, 300, 100, "ATL", "ZZZ"),
    (MONDAY + 5 * HOUR + 60_000, 11, 200, "ATL", "BBB"),
    (MONDAY + 30 * HOUR, -99, 200, "ATL", "BBB"),
    (MONDAY + 47 * HOUR + 59 * 60_000, 0, 200, "ATL", "BBB"),
];

/// The columns of the published file.
pub(crate) fn frame(flights: &[Flight]) -> DataFrame {
    let dates: Vec<i64> = flights.iter().map(|flight| flight.0).collect();
    let dates = Column::new("date".into(), dates)
        .cast(&DataType::Datetime(TimeUnit::Milliseconds, None))
        .unwrap();
    let mut frame = df![
        "delay" => flights.iter().map(|flight| flight.1).collect::<Vec<_>>(),
        "distance" => flights.iter().map(|flight| flight.2).collect::<Vec<_>>(),
        "origin" => flights.iter().map(|flight| flight.3).collect::<Vec<_>>(),
        "destination" => flights.iter().map(|flight| flight.4).collect::<Vec<_>>(),
    ]
    .unwrap();
    frame.with_column(dates).unwrap();
    frame
}

/// Writes a source.
pub(crate) fn source(folder: &Path, mut frame: DataFrame) -> PathBuf {
    let path = folder.join("source.parquet");
    ParquetWriter::new(File::create(&path).unwrap()).finish(&mut frame).unwrap();
    path
}

/// Runs `quadrant import` to its end.
pub(crate) fn import(source: &Path, data: &Path) -> Output {
    let mut command = quadrant(&[]);
    output(command.arg("import").arg(source).arg("--output").arg(data))
}

/// Imports these flights to a path.
pub(crate) fn dataset(flights: &[Flight], output: &Path) {
    let folder = tempfile::TempDir::new().unwrap();
    let done = import(&source(folder.path(), frame(flights)), output);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// A data file in a folder whose metadata are sound and whose flights from Atlanta are not.
pub(crate) fn damaged(folder: &Path) -> PathBuf {
    with_hole(folder, 400_000..403_000)
}

/// A data file in a folder whose metadata are sound and whose flights cannot be read.
pub(crate) fn unreadable(folder: &Path) -> PathBuf {
    let length = std::fs::metadata("data/flights.parquet").unwrap().len() as usize;
    // The metadata are at the end.
    with_hole(folder, 100_000..length - 200_000)
}

fn with_hole(folder: &Path, hole: Range<usize>) -> PathBuf {
    let path = folder.join("flights.parquet");
    let mut bytes = std::fs::read("data/flights.parquet").unwrap();
    bytes[hole].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    path
}
