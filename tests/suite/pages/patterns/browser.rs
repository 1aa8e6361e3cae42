//! `/patterns/browser`: one airport's numbers as JSON, computed once and kept by each caller.

mod stores;
mod chromium;

use std::path::Path;

use polars::prelude::*;
use quadrant::dataset::{Dataset, Origin};
use serde_json::Value;
use tempfile::TempDir;

use crate::helpers::answer::Answer;
use crate::helpers::app::App;
use crate::helpers::flights::unreadable;
use crate::helpers::place::Place;
use crate::helpers::waiting::until_computed;

const PAGE: &str = "/patterns/browser";

/// A connection of its own each time, so that any worker may answer.
const ANYBODY: [(&str, &str); 1] = [("Connection", "close")];

/// Asks until the computation is over, as the script does.
pub(crate) async fn summary(app: &App, page: &str, origin: &str) -> Answer {
    let path = format!("{page}/summary?origin={origin}");
    until_computed(async || app.get_with(&path, &ANYBODY).await).await
}

/// The JSON of an answer.
pub(crate) fn said(answer: &Answer) -> Value {
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    serde_json::from_slice(&answer.bytes).unwrap()
}

/// The flights of an airport, as polars reads them from the file.
pub(crate) fn flights(code: &str, columns: &[&str]) -> DataFrame {
    let dataset = Dataset::open(Path::new("data/flights.parquet")).unwrap();
    let origin = Origin::parse(code, dataset.contents()).unwrap();
    dataset.scan(dataset.rows(origin), columns).unwrap()
}

/// A destination of an airport, as polars has it: code, then distance, flights, mean, median, p90.
pub(crate) type Destination = (String, [f64; 5]);

/// All of them, the one with the most flights first, then by code.
pub(crate) fn directly(code: &'static str) -> Vec<Destination> {
    // polars waits in a way that an event loop does not allow.
    std::thread::spawn(move || grouped(code)).join().unwrap()
}

fn grouped(code: &str) -> Vec<Destination> {
    let dataset = Dataset::open(Path::new("data/flights.parquet")).unwrap();
    let flights = flights(code, &["destination", "distance", "delay"]).lazy();
    let number = |name: &str| col(name).cast(DataType::Float64);
    let by = [
        number("distance").mean().alias("miles"),
        len().alias("flights"),
        number("delay").mean().alias("mean"),
        number("delay").median().alias("median"),
        number("delay").quantile(lit(0.9), QuantileMethod::Linear).alias("p90"),
    ];
    let by = flights.group_by([col("destination")]).agg(by).collect().unwrap();
    let cell = |row: usize, column: &str| -> f64 {
        by.column(column).unwrap().get(row).unwrap().try_extract().unwrap()
    };
    let destination = |row| {
        let airport = &dataset.contents().airports[cell(row, "destination") as usize];
        let numbers = ["miles", "flights", "mean", "median", "p90"].map(|name| cell(row, name));
        (airport.code.clone(), numbers)
    };
    let mut all: Vec<Destination> = (0..by.height()).map(destination).collect();
    all.sort_by(|(a, one), (b, other)| other[1].total_cmp(&one[1]).then(a.cmp(b)));
    all
}

#[tokio::test]
async fn the_summary_holds_what_polars_computes_from_the_file() {
    let app = App::spawn(&[]);

    for (code, place) in [("ATL", "Atlanta (ATL)"), ("ACY", "Atlantic City (ACY)")] {
        let summary = said(&summary(&app, PAGE, code).await);

        let expected = directly(code);
        let columns = &summary["destinations"];
        let codes = columns["destination"].as_array().unwrap();
        assert_eq!((summary["place"].as_str(), codes.len()), (Some(place), expected.len()));
        for (code, numbers) in expected {
            let at = codes.iter().position(|it| *it == code).unwrap();
            let names = ["distance", "flights", "mean", "median", "p90"];
            for (name, expected) in names.into_iter().zip(numbers) {
                let found = columns[name][at].as_f64().unwrap();
                assert!((found - expected).abs() < 1e-9, "{code} {name}: {found} ≠ {expected}");
            }
        }
    }
}

#[tokio::test]
async fn the_summary_names_its_data_its_time_and_its_worker() {
    let app = App::spawn(&[]);

    let first = summary(&app, PAGE, "ATL").await;
    let signal = app.signal("origin=ATL").await;

    let said = said(&first);
    assert_eq!((first.outcome(), signal.outcome()), ("stored", "hit"));
    let graph = app.get(&signal.asks()[0]).await;
    assert_eq!(said["v"], graph.attribute("data-v"));
    assert_eq!(said["computed_at"], graph.attribute("data-computed-at"));
    assert_eq!(said["computed_by"].to_string(), graph.attribute("data-computed-by"));
    assert!(first.header("server-timing").contains("compute;dur="));
    assert_eq!(app.computations(), 1, "the dashboard shares it");
    let names = said["destinations"]["name"].as_array().unwrap();
    assert!(names.iter().any(|name| *name == "Gen Edw L Logan Intl"), "{names:?}");
}

#[tokio::test]
async fn summaries_and_rows_are_compressed_and_in_no_browser_cache() {
    let app = App::spawn(&[]);
    let aggregates = "/patterns/aggregates";
    for page in [PAGE, aggregates] {
        summary(&app, page, "ATL").await;
    }

    for path in [
        format!("{PAGE}/summary?origin=ATL"),
        format!("{aggregates}/summary?origin=ATL"),
        format!("{aggregates}/rows?origin=ATL"),
    ] {
        let plain = app.get_with(&path, &[]).await;
        let brotli = app.get_with(&path, &[("Accept-Encoding", "gzip, br")]).await;
        let gzip = app.get_with(&path, &[("Accept-Encoding", "gzip")]).await;

        assert_eq!([brotli.unpacked(), gzip.unpacked()], [plain.unpacked(), plain.unpacked()]);
        for (answer, encoding) in [(plain, ""), (brotli, "br"), (gzip, "gzip")] {
            assert_eq!(answer.header("content-encoding"), encoding);
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            assert_eq!(answer.header("vary"), "Accept-Encoding");
        }
    }
}

/// The words of an error.
fn words(answer: &Answer) -> &str {
    let text = answer.text();
    assert!(text.contains("role=\"alert\"") && !text.contains("<script>alert"), "{text}");
    text.split("role=\"alert\">").nth(1).unwrap().split("</p>").next().unwrap()
}

#[tokio::test]
async fn wrong_questions_have_the_same_words_as_on_the_dashboard() {
    let app = App::spawn(&[]);
    let parts = ["browser/summary", "aggregates/summary", "aggregates/rows"];

    for (query, status, says) in [
        ("origin=XXX", 422, "“XXX”"),
        ("origin=atl", 422, "Did you mean ATL?"),
        ("origin=", 422, "No flights leave"),
        ("origin=<script>alert(1)</script>", 422, "No flights leave"),
        ("origin=ALL", 422, "One airport at a time"),
        ("origin=ATL&origin=ABE", 400, "more than once"),
        ("origin=%ff", 400, "UTF-8"),
    ] {
        for part in parts {
            let fragment = app.get_with(&format!("/patterns/{part}?{query}"), &[]).await;
            let page = part.split('/').next().unwrap();
            let page = app.get_with(&format!("/patterns/{page}?{query}"), &[]).await;

            assert_eq!((fragment.status, page.status), (status, status), "{part}?{query}");
            assert!(words(&fragment).contains(says), "{part}?{query}: {}", fragment.text());
            assert!(fragment.text().starts_with("<div") && page.text().contains("<select"));
            assert_eq!(words(&page), words(&fragment));
            assert_eq!(page.header("cache-control"), "no-store");
            if query != "origin=ALL" {
                let elsewhere = app.get(&format!("/signal?{query}")).await;
                assert_eq!(words(&fragment), words(&elsewhere), "{query}");
            }
        }
    }
    for part in parts {
        let written = app.send("POST", &format!("/patterns/{part}"), &[]).await;
        assert_eq!((written.status, written.header("allow")), (405, "GET, HEAD"));
    }
    assert_eq!(app.computations(), 0);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_an_error_that_is_not_stored() {
    let folder = TempDir::new().unwrap();
    let path = unreadable(folder.path());
    let place = Place::disk();
    let app = App::at(&place, &[("DATASET", path.to_str().unwrap())]);

    for (failed, path) in ["browser/summary", "aggregates/summary", "aggregates/rows"]
        .iter()
        .map(|part| format!("/patterns/{part}?origin=ATL"))
        .enumerate()
    {
        let answer = app.get_with(&path, &[]).await;

        assert_eq!((answer.status, answer.header("cache-control")), (500, "no-store"), "{path}");
        assert!(words(&answer).contains("Something went wrong."), "{path}");
        assert!(!answer.text().contains("parquet"), "{path}");
        assert_eq!((place.entries(), app.logged("a request failed").len()), (0, failed + 1));
    }
}

#[tokio::test]
async fn both_pages_live_below_the_base_path_and_link_to_numbers_without_scripts() {
    let app = App::spawn(&[("BASE_PATH", "/flights")]);

    for (page, links) in [(PAGE, 1), ("/patterns/aggregates", 3)] {
        let bare = app.get_with(&format!("/flights{page}"), &[]).await;
        let page = app.get_with(&format!("/flights{page}?origin=ATL"), &[]).await;

        let text = page.text();
        assert_eq!((bare.status, page.status), (200, 200));
        for start in [" href=\"/", " src=\"/", " action=\"/"] {
            for rest in text.split(start).skip(1) {
                assert!(rest.starts_with("flights/"), "{start}{}", &rest[..40]);
            }
        }
        assert!(!text.contains(" style=") && !text.contains("<style"));
        assert!(!text.contains(" onclick=") && !text.contains("javascript:"));
        assert_eq!(page.header("cache-control"), "no-cache");
        assert!(text.contains("<option value=\"ATL\" selected>"));
        assert!(bare.text().contains("<option value=\"ORD\" selected>"), "it has most flights");
        let without =
            text.split("<noscript><p").nth(1).unwrap().split("</noscript>").next().unwrap();
        let csv: Vec<&str> = without.split("href=\"").skip(1).collect();
        assert_eq!(csv.len(), links);
        for link in csv {
            let answer = app.get_with(link.split('"').next().unwrap(), &[]).await;
            assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
            assert!(answer.header("content-disposition").contains("-ATL-"));
        }
    }
    assert_eq!(app.computations(), 1);
}
