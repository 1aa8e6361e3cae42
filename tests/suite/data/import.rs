//! `quadrant import`: nothing is lost, and nothing half-written is left.

use std::fs;
use std::path::Path;

use polars::prelude::*;
use quadrant::dataset::Dataset;
use tempfile::TempDir;

use crate::helpers::flights::{FLIGHTS, Flight, HOUR, MONDAY, frame, import, source};

/// The flights of a data file, as the published file has them.
fn flights(dataset: &Dataset) -> Vec<(i64, i16, u16, String, String)> {
    let contents = dataset.contents();
    let columns = ["origin", "day", "hour", "minute", "destination", "distance", "delay"];
    let rows = dataset.scan(0..contents.flights(), &columns).unwrap();
    let number = |name: &str, row: usize| -> i64 {
        rows.column(name).unwrap().get(row).unwrap().try_extract().unwrap()
    };
    let code = |name: &str, row: usize| contents.airports[number(name, row) as usize].code.clone();
    let flight = |row: usize| {
        let day = i64::from(contents.first_day) + number("day", row);
        let time = (number("hour", row) % 24) * 60 + number("minute", row);
        let date = day * 24 * HOUR + time * 60_000;
        let (delay, distance) = (number("delay", row) as i16, number("distance", row) as u16);
        (date, delay, distance, code("origin", row), code("destination", row))
    };
    (0..rows.height()).map(flight).collect()
}

#[test]
fn every_flight_of_the_source_is_in_the_data_file() {
    let folder = TempDir::new().unwrap();
    let output = folder.path().join("flights.parquet");

    let done = import(&source(folder.path(), frame(&FLIGHTS)), &output);

    assert!(done.status.success());
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(said.contains("6 flights from 2 airports"), "{said}");
    let mut found = flights(&Dataset::open(&output).unwrap());
    let published = |(date, delay, miles, from, to): Flight| {
        (date, delay as i16, miles as u16, from.to_owned(), to.to_owned())
    };
    let mut expected: Vec<_> = FLIGHTS.into_iter().map(published).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

/// `select count(*), sum(delay), sum(distance), sum(epoch(date)) from 'flights-3m.parquet'`, DuckDB
/// 1.4.
#[test]
fn the_committed_file_holds_the_published_flights() {
    let dataset = Dataset::open(Path::new("data/flights.parquet")).unwrap();
    let contents = dataset.contents();

    let columns = ["day", "hour", "minute", "distance", "delay"];
    let rows = dataset.scan(0..contents.flights(), &columns).unwrap();
    let sum = |name: &str| -> i64 {
        let column = rows.column(name).unwrap().cast(&DataType::Int64).unwrap();
        column.as_materialized_series().sum().unwrap()
    };
    let hours = rows.column("hour").unwrap().cast(&DataType::Int64).unwrap();
    let of_day: i64 = hours.i64().unwrap().iter().flatten().map(|hour| hour % 24).sum();

    assert_eq!((contents.flights(), contents.origins().count()), (3_000_000, 229));
    assert_eq!((sum("delay"), sum("distance")), (20_003_603, 2_194_861_208));
    let days = sum("day") + 3_000_000 * i64::from(contents.first_day);
    assert_eq!(days * 86_400 + of_day * 3600 + sum("minute") * 60, 2_958_522_682_120_320);
    assert!(fs::metadata("data/flights.parquet").unwrap().len() < 20_000_000);
}

#[test]
fn the_same_flights_in_any_order_give_the_same_bytes() {
    let folder = TempDir::new().unwrap();
    let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
    let mut reversed = FLIGHTS;
    reversed.reverse();

    import(&source(folder.path(), frame(&FLIGHTS)), &one);
    import(&source(folder.path(), frame(&reversed)), &other);

    assert_eq!(fs::read(one).unwrap(), fs::read(other).unwrap());
}

#[test]
fn hours_count_from_monday_and_airports_have_their_names() {
    let folder = TempDir::new().unwrap();
    let output = folder.path().join("flights.parquet");
    import(&source(folder.path(), frame(&FLIGHTS)), &output);

    let dataset = Dataset::open(&output).unwrap();

    let contents = dataset.contents();
    let atlanta = contents.airports.iter().find(|airport| airport.code == "ATL").unwrap();
    assert_eq!((atlanta.city.as_str(), atlanta.state.as_str()), ("Atlanta", "GA"));
    let unknown = contents.airports.iter().find(|airport| airport.code == "ZZZ").unwrap();
    assert_eq!((unknown.name.as_str(), unknown.city.as_str()), ("ZZZ", ""));
    let hours = dataset.scan(0..6, &["hour"]).unwrap();
    let hours: Vec<_> = hours.column("hour").unwrap().u8().unwrap().iter().flatten().collect();
    assert_eq!(hours, [5, 5, 5, 30, 47, 25]);
}

fn without(name: &str) -> DataFrame {
    frame(&FLIGHTS).drop(name).unwrap()
}

fn with_dates_as_text() -> DataFrame {
    frame(&FLIGHTS).lazy().with_column(col("date").cast(DataType::String)).collect().unwrap()
}

fn with_hole() -> DataFrame {
    let hole = when(col("delay").eq(lit(0))).then(lit(NULL)).otherwise(col("delay")).alias("delay");
    frame(&FLIGHTS).lazy().with_column(hole).collect().unwrap()
}

#[test]
fn a_wrong_source_is_named_in_one_line_and_the_output_stays() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("source.parquet");
    let output = folder.path().join("flights.parquet");
    let parquet = |frame| {
        source(folder.path(), frame);
        fs::read(&path).unwrap()
    };
    let whole = parquet(frame(&FLIGHTS));
    let late = [(MONDAY, 40_000, 1, "ATL", "ZZZ")];
    let far = [(MONDAY, 0, -1, "ATL", "ZZZ")];
    let century = 36_525 * 24 * HOUR;
    let wide = [(MONDAY, -32_768, 1, "ATL", "ZZZ"), (MONDAY + century, 32_767, 1, "ATL", "ZZZ")];
    for (bytes, says) in [
        (Vec::new(), "it is empty"),
        (b"a,b\n1,2\n".to_vec(), "no Parquet file"),
        (whole[..whole.len() / 2].to_vec(), "cut off"),
        (parquet(without("delay")), "it has no column delay"),
        (parquet(frame(&[])), "it holds no flights"),
        (parquet(with_hole()), "its column delay has 1 empty values"),
        (
            parquet(with_dates_as_text()),
            "its column date is of type str; a date and time is needed",
        ),
        (parquet(frame(&wide)), "are too many to count"),
        (parquet(frame(&late)), "a value does not fit"),
        (parquet(frame(&far)), "a value does not fit"),
    ] {
        fs::write(&path, bytes).unwrap();
        fs::write(&output, "what was there").unwrap();

        let done = import(&path, &output);

        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(1), "{says}");
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
        assert!(said.contains(says), "{said}");
        assert!(said.contains("source.parquet") || says.contains("too many"), "{said}");
        assert_eq!(fs::read_to_string(&output).unwrap(), "what was there");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
    }
}

#[test]
fn a_source_that_is_not_there_and_an_output_that_cannot_be_are_named() {
    let folder = TempDir::new().unwrap();
    let there = source(folder.path(), frame(&FLIGHTS));

    let missing = import(&folder.path().join("nowhere.parquet"), &folder.path().join("out"));
    let nowhere = import(&there, &folder.path().join("no/such/folder/out.parquet"));

    let said = |output: &[u8]| String::from_utf8_lossy(output).into_owned();
    assert!(said(&missing.stderr).contains("nowhere.parquet cannot be imported: No such file"));
    assert!(said(&nowhere.stderr).contains("no/such/folder/out.parquet cannot be written"));
    assert_eq!((missing.status.code(), nowhere.status.code()), (Some(1), Some(1)));
}
