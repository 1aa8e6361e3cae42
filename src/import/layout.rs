//! From published columns to those of the data file, and what the metadata says of them.

use std::path::Path;

use anyhow::{Context, anyhow, ensure};
use polars::prelude::{
    ChunkAgg, CsvReadOptions, DataFrame, DataType, IntoLazy, JoinType, LazyFrame, PolarsError,
    PolarsResult, SerReader, SortMultipleOptions, TimeUnit, UnionArgs, UniqueKeepStrategy, col,
    concat, len, lit,
};

use super::columns;
use crate::dataset::{Airport, Contents};

/// The columns that a source must have, as the published file has them.
const PUBLISHED: [(&str, DataType, Form); 5] = [
    ("date", DataType::Datetime(TimeUnit::Milliseconds, None), ("a date and time", is_time)),
    ("delay", DataType::Int16, ("a whole number", DataType::is_integer)),
    ("distance", DataType::UInt16, ("a whole number", DataType::is_integer)),
    ("origin", DataType::String, ("text", DataType::is_string)),
    ("destination", DataType::String, ("text", DataType::is_string)),
];

/// What a column must be before it is narrowed: in words, and in polars' types.
type Form = (&'static str, fn(&DataType) -> bool);

fn is_time(dtype: &DataType) -> bool {
    matches!(dtype, DataType::Datetime(..))
}

/// Reads a source with the types above; a value that does not fit its type is an error.
pub(super) fn typed(mut flights: LazyFrame) -> anyhow::Result<DataFrame> {
    let schema = flights.collect_schema().context("it is no Parquet file, or is cut off")?;
    for (name, _, (needed, is_that)) in PUBLISHED {
        let names: Vec<_> = schema.iter_names().map(|name| name.as_str()).collect();
        let missing = || format!("it has no column {name}; its columns are {}", names.join(", "));
        let dtype = schema.get(name).with_context(missing)?;
        ensure!(is_that(dtype), "its column {name} is of type {dtype}; {needed} is needed");
    }
    let flights = flights
        .select(PUBLISHED.map(|(name, dtype, _)| col(name).strict_cast(dtype)))
        .collect()
        .map_err(|error| {
            anyhow!("a value does not fit, or the file is damaged: {}", line(&error))
        })?;
    for column in flights.columns() {
        let (name, empty) = (column.name(), column.null_count());
        ensure!(empty == 0, "its column {name} has {empty} empty values");
    }
    Ok(flights)
}

/// The first line of what polars says: the others repeat it, and advise on the use of polars.
fn line(error: &PolarsError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// Sorts the flights and replaces times and codes by narrow integers.
pub(super) fn lay_out(flights: DataFrame) -> anyhow::Result<(DataFrame, Contents)> {
    let codes = codes(&flights)?;
    let date = || col("date").dt();
    let first_day = flights.clone().lazy().select([date().date().min().cast(DataType::Int32)]);
    let first_day = first_day.collect()?.column("date")?.i32()?.get(0).context("no flights")?;
    let position = |name: &str| {
        let positions = codes.clone().lazy().select([col("code").alias(name), col("at")]);
        positions.rename(["at"], [format!("{name} at")], true)
    };
    let laid_out = flights
        .lazy()
        .join(position("origin"), [col("origin")], [col("origin")], JoinType::Inner.into())
        .join(
            position("destination"),
            [col("destination")],
            [col("destination")],
            JoinType::Inner.into(),
        )
        .select([
            col("origin at").alias("origin"),
            (date().date().cast(DataType::Int32) - lit(first_day)).alias("day"),
            // Monday is 1 in ISO 8601, and hour 0 of the week is Monday's first.
            ((date().weekday().cast(DataType::Int32) - lit(1)) * lit(24)
                + date().hour().cast(DataType::Int32))
            .alias("hour"),
            date().minute().alias("minute"),
            col("destination at").alias("destination"),
            col("distance"),
            col("delay"),
        ])
        .select(columns())
        // Every column sorts, so that the same flights give the same bytes in whatever order.
        .sort(crate::dataset::COLUMNS.map(|(name, _)| name), SortMultipleOptions::default())
        .collect()
        .context("the flights span more days, or airports, than 65535")?;
    let contents = contents(&laid_out, &codes, first_day)?;
    Ok((laid_out, contents))
}

/// Every code in order, and its position.
fn codes(flights: &DataFrame) -> PolarsResult<DataFrame> {
    let one = |name: &str| flights.clone().lazy().select([col(name).alias("code")]);
    let both = concat([one("origin"), one("destination")], UnionArgs::default())?;
    let codes = both.unique(None, UniqueKeepStrategy::Any).sort(["code"], Default::default());
    codes.with_row_index("at", None).collect()
}

fn contents(laid_out: &DataFrame, codes: &DataFrame, first_day: i32) -> anyhow::Result<Contents> {
    let delay = laid_out.column("delay")?.i16()?;
    let mut airports: Vec<Airport> = codes
        .column("code")?
        .str()?
        .iter()
        .flatten()
        .map(|code| Airport { first: 0, flights: 0, ..unnamed(code) })
        .collect();
    let departures =
        laid_out.clone().lazy().group_by([col("origin")]).agg([len().alias("flights")]);
    let departures = departures.collect()?;
    let positions = departures.column("origin")?.u16()?.into_no_null_iter();
    for (at, flights) in positions.zip(departures.column("flights")?.u32()?.into_no_null_iter()) {
        airports[usize::from(at)].flights = flights;
    }
    let mut first = 0;
    for airport in &mut airports {
        airport.first = first;
        first += airport.flights;
    }
    let last_day = laid_out.column("day")?.u16()?.max().context("no flights")?;
    let contents = Contents {
        first_day,
        days: last_day + 1,
        min_delay: delay.min().context("no flights")?,
        max_delay: delay.max().context("no flights")?,
        airports,
    };
    contents.ensure_countable()?;
    Ok(contents)
}

fn unnamed(code: &str) -> Airport {
    let (code, nothing) = (code.to_owned(), String::new());
    Airport {
        name: code.clone(),
        code,
        city: nothing.clone(),
        state: nothing,
        first: 0,
        flights: 0,
    }
}

/// Gives the airports the names that a table of the world's airports has for them.
pub(super) fn name_airports(contents: &mut Contents, path: &Path) -> anyhow::Result<()> {
    let table = CsvReadOptions::default()
        .with_has_header(true)
        .try_into_reader_with_file_path(Some(path.to_owned()))
        .and_then(|reader| reader.finish())
        .with_context(|| format!("the airport names {} cannot be read", path.display()))?;
    let column = |name: &str| -> anyhow::Result<Vec<String>> {
        let missing = || format!("{} has no column {name}", path.display());
        let texts = table.column(name).with_context(missing)?.cast(&DataType::String)?;
        Ok(texts.str()?.iter().map(|text| text.unwrap_or_default().to_owned()).collect())
    };
    let (codes, names) = (column("iata")?, column("name")?);
    let (cities, states) = (column("city")?, column("state")?);
    for airport in &mut contents.airports {
        if let Some(row) = codes.iter().position(|code| *code == airport.code) {
            airport.name.clone_from(&names[row]);
            airport.city.clone_from(&cities[row]);
            airport.state.clone_from(&states[row]);
        }
    }
    Ok(())
}
