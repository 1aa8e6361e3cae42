//! The numbers, against values computed another way: by DuckDB from the published file, and by
//! polars' own group-bys from ours.

use std::cell::RefCell;
use std::path::Path;

use anyhow::ensure;
use polars::prelude::*;
use quadrant::dataset::{Dataset, Origin};
use quadrant::query::{Selection, selection, slices, warm_up};

fn dataset() -> Dataset {
    Dataset::open(Path::new("data/flights.parquet")).unwrap()
}

fn selected(code: &str) -> Selection {
    let dataset = dataset();
    selection(&dataset, Origin::parse(code, dataset.contents()).unwrap(), |_| Ok(())).unwrap()
}

#[track_caller]
fn assert_close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{found} ≠ {expected}");
}

fn number(frame: &DataFrame, row: usize, column: &str) -> f64 {
    frame.column(column).unwrap().get(row).unwrap().try_extract().unwrap()
}

/// The only row where the column holds this text.
fn row(frame: &DataFrame, column: &str, text: &str) -> usize {
    let texts = frame.column(column).unwrap().cast(&DataType::String).unwrap();
    let mut rows =
        (0..frame.height()).filter(|row| texts.get(*row).unwrap().get_str() == Some(text));
    let row = rows.next().unwrap();
    assert_eq!(rows.next(), None);
    row
}

/// `select count(*), avg(delay), quantile_cont(delay, .5), … .9, … .99, sum(delay < -60),
/// sum(delay >= 240) from 'flights-3m.parquet' where origin = …`, DuckDB 1.4.
#[test]
fn summaries_are_those_that_duckdb_finds() {
    for (origin, expected) in [
        ("ALL", [3e6, 6.667867666666667, -1.0, 35.0, 139.0, 142.0, 5302.0]),
        ("ATL", [124_711.0, 8.828138656574, 1.0, 38.0, 132.0, 0.0, 153.0]),
        ("LAX", [115_245.0, 7.422595340361838, 0.0, 37.0, 129.0, 6.0, 156.0]),
        ("YAK", [353.0, 12.708215297450424, -4.0, 44.4, 261.68, 0.0, 6.0]),
        ("ACY", [1.0, 98.0, 98.0, 98.0, 98.0, 0.0, 0.0]),
    ] {
        let summary = selected(origin).summary;

        let names = ["flights", "mean", "median", "p90", "p99", "below", "above"];
        for (name, expected) in names.into_iter().zip(expected) {
            assert_close(number(&summary, 0, name), expected);
        }
    }
}

#[test]
fn a_day_an_hour_a_bin_and_a_destination_are_those_that_duckdb_finds() {
    let atlanta = selected("ATL");
    let everywhere = selected("ALL");

    let day = row(&atlanta.daily, "date", "2001-03-15");
    let friday_at_17 = 4 * 24 + 17;
    let bin = row(&atlanta.distribution, "from", "15");
    let boston = row(&atlanta.destinations, "destination", "BOS");
    let boston_from_all = row(&everywhere.destinations, "destination", "BOS");
    for (frame, row, expected) in [
        (&atlanta.daily, day, [698.0, 14.684813753581661, 8.0, 49.0]),
        (&atlanta.rhythm, friday_at_17, [1357.0, 17.984524686809138, 7.0, 63.0]),
        (&atlanta.destinations, boston, [2392.0, 13.244983277591974, 5.0, 49.0]),
        (&everywhere.destinations, boston_from_all, [65556.0, 8.774208310452133, -2.0, 50.0]),
    ] {
        for (name, expected) in ["flights", "mean", "median", "p90"].into_iter().zip(expected) {
            assert_close(number(frame, row, name), expected);
        }
    }
    assert_close(number(&atlanta.daily, day, "mean_7d"), 10.698485949158655);
    assert_close(number(&atlanta.distribution, bin, "flights"), 5999.0);
    assert_close(number(&atlanta.destinations, boston, "distance"), 946.0);
    assert_close(number(&everywhere.destinations, boston_from_all, "distance"), 823.864406004027);
}

/// Counting and sorting are different algorithms: here polars sorts.
#[test]
fn every_row_is_that_of_polars_own_quantiles() {
    let dataset = dataset();
    for code in ["ALL", "ATL", "YAK", "ACY"] {
        let origin = Origin::parse(code, dataset.contents()).unwrap();
        let rows = dataset.rows(origin);
        let flights = dataset.scan(rows, &["day", "hour", "destination", "delay"]).unwrap();
        let ours = selection(&dataset, origin, |_| Ok(())).unwrap();

        for (dimension, frame) in
            [("day", &ours.daily), ("hour", &ours.rhythm), ("destination", &ours.destinations)]
        {
            let expected = grouped(&flights, dimension);
            let found = frame.clone().lazy().filter(col("flights").gt(lit(0))).collect().unwrap();
            assert_eq!(found.height(), expected.height(), "{code} by {dimension}");
            for name in ["flights", "mean", "median", "p90"] {
                for row in 0..expected.height() {
                    let (found, expected) =
                        (number(&found, row, name), number(&expected, row, name));
                    assert!(
                        (found - expected).abs() < 1e-9,
                        "{code} {dimension} {row} {name}: {found} ≠ {expected}"
                    );
                }
            }
        }
    }
}

fn grouped(flights: &DataFrame, dimension: &str) -> DataFrame {
    let delay = || col("delay").cast(DataType::Float64);
    let p90 = delay().quantile(lit(0.9), QuantileMethod::Linear).alias("p90");
    let numbers = [
        len().alias("flights"),
        delay().mean().alias("mean"),
        delay().median().alias("median"),
        p90,
    ];
    let grouped = flights.clone().lazy().group_by([col(dimension)]).agg(numbers);
    grouped.sort([dimension], SortMultipleOptions::default()).collect().unwrap()
}

#[test]
fn bins_and_days_and_hours_and_destinations_count_every_flight() {
    for (code, expected) in [("ALL", 3_000_000), ("ATL", 124_711), ("YAK", 353), ("ACY", 1)] {
        let Selection { daily, distribution, rhythm, destinations, .. } = selected(code);

        for frame in [daily, distribution, rhythm, destinations] {
            let sum: u32 = frame.column("flights").unwrap().as_materialized_series().sum().unwrap();
            assert_eq!(sum, expected, "{code}");
        }
    }
}

#[test]
fn hours_without_flights_are_empty_not_zero() {
    let rhythm = selected("ATL").rhythm;

    // No flight leaves Atlanta on a Monday between three and four, DuckDB says.
    let three_on_monday = 3;
    assert_close(number(&rhythm, three_on_monday, "flights"), 0.0);
    assert_eq!(rhythm.column("mean").unwrap().get(three_on_monday).unwrap(), AnyValue::Null);
}

#[test]
fn a_rolling_mean_needs_a_whole_week() {
    let daily = selected("ATL").daily;

    let empty = daily.column("mean_7d").unwrap().is_null();
    let empty: Vec<usize> =
        (0..daily.height()).filter(|day| empty.get(*day) == Some(true)).collect();
    assert_eq!(empty, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn every_slice_is_told_in_order_and_an_error_ends_the_computation() {
    let dataset = dataset();
    let told = RefCell::new(Vec::new());

    let whole = selection(&dataset, Origin::All, |slices| {
        told.borrow_mut().push(slices);
        Ok(())
    });
    let ended = selection(&dataset, Origin::All, |slices| {
        told.borrow_mut().push(slices);
        ensure!(slices < 2, "stopped");
        Ok(())
    });

    assert!(whole.is_ok());
    assert_eq!(ended.unwrap_err().to_string(), "stopped");
    let all: Vec<u64> = (1..=slices(&dataset, Origin::All)).chain(1..=2).collect();
    assert!(all.len() > 4, "the file is one slice");
    assert_eq!(told.into_inner(), all);
}

#[test]
fn warming_up_computes_one_flight() {
    assert_eq!(number(&warm_up(&dataset()).unwrap().summary, 0, "flights"), 1.0);
}
