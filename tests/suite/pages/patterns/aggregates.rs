//! `/patterns/aggregates`: three small aggregates in one answer, and every flight in another.

mod chromium;

use futures_util::future::join_all;
use polars::prelude::*;
use serde_json::{Value, json};

use super::browser::{flights, said, summary};
use crate::helpers::app::App;

const PAGE: &str = "/patterns/aggregates";

fn numbers(values: &Value) -> Vec<i64> {
    values.as_array().unwrap().iter().map(|value| value.as_i64().unwrap()).collect()
}

/// Flights by each value of an expression, the smallest value first: as polars has them.
fn counted(code: &'static str, by: fn() -> Expr) -> Vec<(i64, i64)> {
    // polars waits in a way that an event loop does not allow.
    std::thread::spawn(move || {
        let flights = flights(code, &["day", "hour", "delay"]).lazy();
        let by = flights.group_by([by().cast(DataType::Int64).alias("by")]).agg([len().alias("n")]);
        let by = by.sort(["by"], SortMultipleOptions::default()).collect().unwrap();
        let column = |name: &str| by.column(name).unwrap().cast(&DataType::Int64).unwrap();
        let (values, n) = (column("by"), column("n"));
        let pairs = values.i64().unwrap().iter().zip(n.i64().unwrap().iter());
        pairs.map(|(value, n)| (value.unwrap(), n.unwrap())).collect()
    })
    .join()
    .unwrap()
}

/// Those rows of an aggregate that have flights.
fn present(values: &[i64], flights: &Value) -> Vec<(i64, i64)> {
    let pairs = values.iter().copied().zip(numbers(flights));
    pairs.filter(|(_, flights)| *flights > 0).collect()
}

#[tokio::test]
async fn aggregates_are_those_that_polars_counts_in_the_file() {
    let app = App::spawn(&[]);

    for code in ["ATL", "YAK", "ACY"] {
        let aggregates = said(&summary(&app, PAGE, code).await);

        let [days, hours, delays] = ["days", "hours", "delays"].map(|name| &aggregates[name]);
        let dates = days["date"].as_array().unwrap();
        // Four flights of Atlanta left after the last midnight.
        assert_eq!((&dates[0], &dates[181]), (&json!("2001-01-01"), &json!("2001-07-01")));
        let day_numbers: Vec<i64> = (0..dates.len() as i64).collect();
        assert_eq!(present(&day_numbers, &days["flights"]), counted(code, || col("day")), "{code}");
        assert_eq!(numbers(&hours["hour"]), (0..24).collect::<Vec<i64>>());
        let by_hour = counted(code, || col("hour").cast(DataType::Int64) % lit(24_i64));
        assert_eq!(present(&numbers(&hours["hour"]), &hours["flights"]), by_hour, "{code}");
        let edges: Vec<i64> = (-60..240).step_by(5).collect();
        let ends: Vec<i64> = edges.iter().map(|edge| edge + 5).collect();
        assert_eq!((numbers(&delays["from"]), numbers(&delays["to"])), (edges.clone(), ends));
        // Whole fives below, counted from -60 so that nothing is negative; the tails in the end bins.
        let by_delay = counted(code, || {
            let delay = || col("delay").cast(DataType::Int64);
            let least = when(delay().lt(lit(-60))).then(lit(-60)).otherwise(delay());
            let most = when(delay().gt(lit(239))).then(lit(239)).otherwise(least);
            let above = most + lit(60);
            above.clone() - above % lit(5) - lit(60)
        });
        assert_eq!(present(&edges, &delays["flights"]), by_delay, "{code}");
    }
    assert_eq!(app.computations(), 3);
}

#[tokio::test]
async fn the_rows_are_every_flight_of_the_file() {
    let app = App::spawn(&[]);

    for code in ["ATL", "YAK", "ACY"] {
        let sent = said(&app.get(&format!("{PAGE}/rows?origin={code}")).await);
        let aggregates = said(&summary(&app, PAGE, code).await);

        assert_eq!(sent["v"], aggregates["v"]);
        let names = ["day", "hour", "delay"];
        let slices = sent["slices"].as_array().unwrap();
        let column = |name| slices.iter().flat_map(|slice| numbers(&slice[name])).collect();
        let found: [Vec<i64>; 3] = names.map(column);
        let directly = move || {
            let flights = flights(code, &names);
            names.map(|name| {
                let column = flights.column(name).unwrap().cast(&DataType::Int64).unwrap();
                // The file has hours of the week.
                let most = if name == "hour" { 24 } else { i64::MAX };
                column.i64().unwrap().iter().flatten().map(|it| it % most).collect::<Vec<i64>>()
            })
        };
        assert_eq!(found, std::thread::spawn(directly).join().unwrap(), "{code}");
    }
}

#[tokio::test]
async fn one_computation_serves_both_patterns_and_the_rows_need_none() {
    let app = App::spawn(&[]);

    let rows = app.get(&format!("{PAGE}/rows?origin=ATL")).await;
    assert_eq!((rows.status, app.computations()), (200, 0));
    let stored = summary(&app, PAGE, "ATL").await;
    let hit = summary(&app, "/patterns/browser", "ATL").await;

    assert_eq!((stored.outcome(), hit.outcome(), app.computations()), ("stored", "hit", 1));
}

/// The most memory that the first worker has had, in MiB.
fn peak(app: &App) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", app.process(1))).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[tokio::test]
async fn many_requests_for_every_flight_are_answered_in_turn_or_told_to_come_again() {
    let app = App::spawn(&[]);
    let headers = [("Accept-Encoding", "br"), ("Connection", "close")];
    let path = format!("{PAGE}/rows?origin=ORD");
    let first = app.get_with(&path, &headers).await;
    let before = peak(&app);

    let all = join_all((0..40).map(|_| app.get_with(&path, &headers))).await;

    // On a busy machine the turn of the last ones may not come in time.
    let (answered, refused): (Vec<_>, Vec<_>) = all.iter().partition(|it| it.status == 200);
    assert!(answered.iter().all(|answer| answer.bytes == first.bytes));
    assert!(refused.iter().all(|it| (it.status, it.header("retry-after")) == (503, "1")));
    assert!(answered.len() > 5, "{} of {}", answered.len(), all.len());
    let grown = peak(&app) - before;
    assert!(grown < 40, "{grown} MiB more than {before}");
}
