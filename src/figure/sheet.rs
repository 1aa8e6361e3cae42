//! The numbers of a graph as CSV and as rows of text.

use polars::prelude::{AnyValue, CsvWriter, DataFrame, PolarsResult, SerWriter};

use super::minutes;

/// The frame as CSV with a header; numbers in full precision, empty where there is none.
///
/// # Errors
///
/// What polars says of a column that CSV has no form for.
pub fn csv(mut frame: DataFrame) -> PolarsResult<Vec<u8>> {
    let mut csv = Vec::new();
    CsvWriter::new(&mut csv).finish(&mut frame)?;
    Ok(csv)
}

/// The names of the columns, in words.
pub fn columns(frame: &DataFrame) -> Vec<String> {
    frame.get_column_names().iter().map(|name| name.replace('_', " ")).collect()
}

/// The frame as text, row by row, for a table on the page.
///
/// # Errors
///
/// When a column cannot be read.
pub fn rows(frame: &DataFrame) -> PolarsResult<Vec<Vec<String>>> {
    let cell = |column: &polars::prelude::Column, row| Ok(text(&column.get(row)?));
    let row = |row| frame.columns().iter().map(|column| cell(column, row)).collect();
    (0..frame.height()).map(row).collect()
}

fn text(value: &AnyValue<'_>) -> String {
    match value {
        AnyValue::Null => String::new(),
        AnyValue::Float64(number) => minutes(*number),
        AnyValue::String(text) => (*text).to_owned(),
        // What polars makes of the text in a frame of one row.
        AnyValue::StringOwned(text) => text.to_string(),
        AnyValue::UInt32(number) => super::count((*number).into()),
        // The same minus sign as in front of fractions.
        AnyValue::Int32(number) => minutes((*number).into()),
        other => other.to_string(),
    }
}
