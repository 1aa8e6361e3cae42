//! The settings of `quadrant import`.

use std::path::PathBuf;

use clap::Args;

/// The settings of `quadrant import`.
#[derive(Debug, Clone, Args)]
pub struct Import {
    /// Parquet files with the columns date, delay, distance, origin and destination
    #[arg(required = true, value_name = "SOURCE")]
    pub sources: Vec<PathBuf>,
    /// The data file to write; it is replaced in one step, when it is complete
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Names of the airports: CSV with the columns iata, name, city and state
    #[arg(long, value_name = "FILE", default_value = "data/airports.csv")]
    pub airports: PathBuf,
}
