//! `/patterns/background`: a computation of any length, run once for all callers, while they wait.

mod stores;
mod chromium;

use std::path::Path;
use std::time::Duration;

use polars::prelude::*;
use quadrant::dataset::{Dataset, Origin};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::helpers::answer::Answer;
use crate::helpers::app::App;
use crate::helpers::flights::unreadable;
use crate::helpers::place::Place;
use crate::helpers::waiting::until_computed;

const PAGE: &str = "/patterns/background";
/// Minutes of work: no test waits for its end.
const LONG: &str = "origin=ATL&resamples=1000000";

/// A connection of its own each time, so that any worker may answer.
const ANYBODY: [(&str, &str); 2] = [("HX-Request", "true"), ("Connection", "close")];

/// Starts a run, as its button does.
async fn press(app: &App, query: &str) -> Answer {
    app.send("POST", &format!("{PAGE}/run?{query}"), &ANYBODY).await
}

/// Asks what has become of a run.
async fn ask(app: &App, query: &str) -> Answer {
    app.get_with(&format!("{PAGE}/result?{query}"), &ANYBODY).await
}

/// Starts a run and asks until it is over, as the page does.
async fn run(app: &App, query: &str) -> Answer {
    match press(app, query).await {
        running if running.status == 202 => {
            until_computed(async || ask(app, &format!("{query}&seen=0")).await).await
        }
        done => done,
    }
}

async fn cancel(app: &App, query: &str) -> Answer {
    app.send("POST", &format!("{PAGE}/cancel?{query}"), &ANYBODY).await
}

/// How far the fragment says that the computation is, in thousandths.
fn permille(answer: &Answer) -> Option<u16> {
    let bar = answer.text().split("<progress").nth(1)?;
    bar.split(" value=\"").nth(1)?.split('"').next()?.parse().ok()
}

/// Which buttons cannot be pressed: Run, Cancel.
fn disabled(answer: &Answer) -> [bool; 2] {
    ["start", "cancel"].map(|id| {
        let start = format!("<button id=\"{id}\"");
        let button = answer.text().split(&start).nth(1).expect("there is such a button");
        button.split('>').next().unwrap().ends_with(" disabled")
    })
}

/// Flights, mean and standard error by the code of each destination, as polars has them.
fn directly(code: &'static str) -> Vec<(String, u32, f64, f64)> {
    // polars waits in a way that an event loop does not allow.
    std::thread::spawn(move || grouped(code)).join().unwrap()
}

fn grouped(code: &str) -> Vec<(String, u32, f64, f64)> {
    let dataset = Dataset::open(Path::new("data/flights.parquet")).unwrap();
    let origin = Origin::parse(code, dataset.contents()).unwrap();
    let flights = dataset.scan(dataset.rows(origin), &["destination", "delay"]).unwrap();
    let delay = || col("delay").cast(DataType::Float64);
    let by = [len().alias("n"), delay().mean().alias("mean"), delay().std(1).alias("std")];
    let by = flights.lazy().group_by([col("destination")]).agg(by).collect().unwrap();
    let number = |row: usize, column: &str| -> f64 {
        by.column(column).unwrap().get(row).unwrap().try_extract().unwrap_or(0.0)
    };
    let airport = |row: usize| {
        let at = number(row, "destination") as usize;
        dataset.contents().airports[at].code.clone()
    };
    let rows = (0..by.height()).map(|row| {
        let n = number(row, "n");
        (airport(row), n as u32, number(row, "mean"), number(row, "std") / n.sqrt())
    });
    rows.collect()
}

/// What the graph shows of a destination: mean, low, high.
fn drawn(figure: &Value, code: &str) -> [f64; 3] {
    let trace = &figure["data"][0];
    let at = trace["x"].as_array().unwrap().iter().position(|it| it == code).unwrap();
    let number = |list: &Value| list[at].as_f64().unwrap();
    let (mean, bars) = (number(&trace["y"]), &trace["error_y"]);
    [mean, mean - number(&bars["arrayminus"]), mean + number(&bars["array"])]
}

#[tokio::test]
async fn means_are_exact_and_intervals_of_many_flights_are_those_of_the_normal_distribution() {
    let app = App::spawn(&[]);

    let figure = run(&app, "origin=ATL&resamples=10000").await.figure();

    let expected = directly("ATL");
    assert_eq!(figure["data"][0]["x"].as_array().unwrap().len(), expected.len());
    let mut large = 0;
    for (code, flights, expected, error) in expected {
        let [mean, low, high] = drawn(&figure, &code);
        assert!((mean - expected).abs() < 1e-9, "{code}: {mean} ≠ {expected}");
        if flights >= 1000 {
            large += 1;
            let off = [low - (mean - 1.96 * error), high - (mean + 1.96 * error)];
            // Delays are skewed, and so are the means of a thousand of them, a little.
            assert!(off.iter().all(|off| off.abs() < 0.25 * error), "{code}: {off:?} of {error}");
        }
    }
    assert!(large > 20, "{large}");
}

#[tokio::test]
async fn an_airport_with_one_flight_has_an_interval_without_width() {
    let app = App::spawn(&[]);

    let answer = run(&app, "origin=ACY&resamples=500").await;

    let (expected, figure) = (directly("ACY"), answer.figure());
    let [(code, 1, mean, _)] = &expected[..] else { panic!("{expected:?}") };
    assert_eq!((*mean, drawn(&figure, code)), (98.0, [98.0; 3]));
    let cells: Vec<_> = answer.text().split("<td>").skip(1).collect();
    let cells: Vec<_> = cells.iter().map(|cell| cell.split('<').next().unwrap()).collect();
    assert_eq!([cells[0], cells[2], cells[3], cells[4], cells[5]], [code, "1", "98", "98", "98"]);
}

#[tokio::test]
async fn a_result_tells_its_time_its_worker_its_duration_and_its_outcome() {
    let app = App::spawn(&[("SIMULATED_COST", "100ms")]);

    let first = run(&app, "origin=ATL&resamples=100").await;
    let second = run(&app, "origin=ATL&resamples=100").await;

    assert_eq!(first.header("cache-status"), "quadrant; fwd=miss; stored");
    assert_eq!(second.header("cache-status"), "quadrant; hit");
    assert_eq!((first.header("cache-control"), second.worker()), ("no-store", 1));
    assert!(first.header("server-timing").contains("compute;dur="));
    assert_eq!(first.attribute("data-computed-at"), second.attribute("data-computed-at"));
    assert_eq!(second.attribute("data-computed-by"), "1");
    assert!(second.text().contains(" ms by worker 1 ·"), "{}", second.text());
    assert_eq!([disabled(&first), disabled(&second)], [[false, true]; 2]);
}

#[tokio::test]
async fn cancelling_does_not_stop_a_run_that_another_caller_waits_for() {
    let app = App::spawn(&[("SIMULATED_COST", "4500ms")]);
    let query = "origin=ATL&resamples=100";

    assert_eq!(press(&app, query).await.status, 202);
    let (stays, ()) = tokio::join!(run(&app, query), async {
        sleep(Duration::from_millis(300)).await;
        cancel(&app, query).await;
    });

    assert_eq!((stays.status, app.computations()), (200, 1));
}

#[tokio::test]
async fn choosing_an_airport_does_not_wait_for_a_long_computation() {
    let app = App::spawn(&[]);
    assert_eq!(press(&app, LONG).await.status, 202);

    let signal = app.get("/signal?origin=ABE").await;

    let still = ask(&app, &format!("{LONG}&seen=0")).await;
    assert_eq!((signal.status, signal.outcome()), (200, "stored"));
    assert!(still.status == 202 && permille(&still).is_some_and(|it| it < 1000));
}

#[tokio::test]
async fn a_program_that_ends_does_not_wait_for_a_long_computation() {
    let mut app = App::spawn(&[]);
    assert_eq!(press(&app, LONG).await.status, 202);

    app.kill("TERM");

    // Much less than the computation takes.
    assert!(app.wait(Duration::from_secs(20)).success());
    assert_eq!(app.computations(), 0);
}

#[tokio::test]
async fn wrong_questions_are_explained_above_buttons_that_can_be_pressed() {
    let app = App::spawn(&[]);

    for (query, status, says) in [
        ("origin=XXX", 422, "“XXX”"),
        ("origin=atl", 422, "Did you mean ATL?"),
        ("origin=ALL", 422, "One airport at a time"),
        ("origin=", 422, "No flights leave"),
        ("resamples=0", 422, "from 1 to 1,000,000"),
        ("resamples=1000001", 422, "“1000001”"),
        ("resamples=-1", 422, "“-1”"),
        ("resamples=1e3", 422, "“1e3”"),
        ("resamples=", 422, "whole number"),
        ("resamples=99999999999999999999", 422, "whole number"),
        ("resamples=<script>alert(1)</script>", 422, "whole number"),
        ("clicks=many", 400, "clicks"),
        ("clicks=-1", 400, "clicks"),
        ("seen=soon", 400, "seen"),
        ("resamples=10&resamples=20", 400, "more than once"),
        ("origin=%ff", 400, "UTF-8"),
    ] {
        for (method, part) in [("GET", ""), ("GET", "/result"), ("POST", "/run")] {
            let path = format!("{PAGE}{part}");
            let answer = app.send(method, &format!("{path}?{query}"), &ANYBODY).await;

            assert_eq!(answer.status, status, "{path}?{query}");
            assert!(answer.text().contains("role=\"alert\""), "{path}?{query}");
            assert!(answer.text().contains(says), "{path}?{query}: {}", answer.text());
            assert!(!answer.text().contains("<script>alert"), "{path}?{query}");
            assert_eq!(disabled(&answer), [false, true], "{path}?{query}");
        }
        assert_eq!(cancel(&app, query).await.status, status, "{query}");
    }

    let counted = press(&app, "origin=XXX&clicks=4").await;
    assert!(counted.text().contains(">4 times<"), "a wrong question is a click too");
    assert_eq!(app.computations(), 0);
}

#[tokio::test]
async fn only_our_own_pages_run_and_cancel_and_only_by_posting() {
    let app = App::spawn(&[]);

    for part in ["run", "cancel"] {
        let path = format!("{PAGE}/{part}?origin=ATL");
        let foreign = app.send("POST", &path, &[("Sec-Fetch-Site", "cross-site")]).await;
        let read = app.get(&path).await;

        assert_eq!(foreign.status, 403);
        assert_eq!((read.status, read.header("allow")), (405, "POST"));
        for fragment in [&foreign, &read] {
            assert!(fragment.text().starts_with("<div"), "{}", fragment.text());
        }
    }
    let written = app.send("POST", &format!("{PAGE}/result"), &[]).await;
    assert_eq!((written.status, written.header("allow")), (405, "GET, HEAD"));
    assert_eq!(app.computations(), 0);
}

#[tokio::test]
async fn reading_starts_no_computation() {
    let app = App::spawn(&[]);
    let query = "origin=ABE&resamples=100";

    let page = app.get_with(&format!("{PAGE}?{query}"), &[]).await;
    let asked = ask(&app, query).await;
    let again = ask(&app, &format!("{query}&seen=0")).await;

    assert_eq!((page.status, asked.status, again.status), (200, 200, 200));
    assert_eq!(asked.attribute("data-state"), "idle");
    assert_eq!(again.attribute("data-state"), "failed");
    assert!(again.text().contains("has ended without a result"), "{}", again.text());
    assert_eq!((disabled(&asked), app.computations()), ([false, true], 0));
}

#[tokio::test]
async fn a_hundred_results_are_kept_and_the_latest_ones() {
    let place = Place::disk();
    let app = App::at(&place, &[]);

    for resamples in 1..=103 {
        let done = run(&app, &format!("origin=ACY&resamples={resamples}")).await;
        assert_eq!(done.status, 200);
    }

    assert_eq!(place.entries(), 100);
    assert_eq!(run(&app, "origin=ACY&resamples=103").await.outcome(), "hit");
    assert_eq!(run(&app, "origin=ACY&resamples=1").await.outcome(), "stored");
}

#[tokio::test]
async fn a_failure_keeps_the_buttons_and_is_not_stored() {
    let folder = TempDir::new().unwrap();
    let path = unreadable(folder.path());
    let place = Place::disk();
    let app = App::at(&place, &[("DATASET", path.to_str().unwrap())]);

    let failed = run(&app, "origin=ATL&resamples=100&clicks=2").await;

    assert_eq!((failed.status, disabled(&failed)), (500, [false, true]));
    assert!(failed.text().contains("role=\"alert\">Something went wrong."), "{}", failed.text());
    assert!(failed.text().contains(">2 times<") && !failed.text().contains("parquet"));
    assert_eq!((place.entries(), app.logged("a request failed").len()), (0, 1));
}

#[tokio::test]
async fn the_page_and_its_parts_live_below_the_base_path_and_follow_the_strict_policy() {
    let app = App::spawn(&[("BASE_PATH", "/flights"), ("SIMULATED_COST", "600ms")]);
    let below = format!("/flights{PAGE}");

    let page = app.get_with(&below, &[]).await;
    let path = format!("{below}/run?origin=ATL&resamples=100");
    let running = app.send("POST", &path, &[("HX-Request", "true")]).await;
    let done = app.follow(&running).await;
    let main = app.get_with("/flights/", &[]).await;

    assert_eq!((page.status, running.status, done.status), (200, 202, 200));
    for answer in [&page, &running, &done] {
        let text = answer.text();
        for start in [" href=\"/", " src=\"/", " action=\"/", "data-hx-get=\"/", "data-hx-post=\"/"]
        {
            for rest in text.split(start).skip(1) {
                assert!(rest.starts_with("flights/"), "{start}{}", &rest[..40]);
            }
        }
        assert!(!text.contains(" style=") && !text.contains("<style"));
        assert!(!text.contains(" onclick=") && !text.contains("javascript:"));
        assert!(answer.header("content-security-policy").contains("script-src 'self'"));
    }
    assert!(main.text().contains(&format!("href=\"{below}\"")), "the dashboard leads here");
    assert!(page.text().contains("href=\"/flights/\""), "and back");
}

#[tokio::test]
async fn the_browsers_address_follows_the_question_and_not_the_clicks() {
    let app = App::spawn(&[]);
    let pushed = async |shown: &str| {
        let shown = format!("{}{shown}", app.url);
        let headers = [("HX-Request", "true"), ("HX-Current-URL", shown.as_str())];
        let path = format!("{PAGE}/run?origin=ATL&resamples=100&clicks=3");
        app.send("POST", &path, &headers).await.header("hx-push-url").to_owned()
    };

    let page = "/patterns/background?origin=ATL&resamples=100";
    assert_eq!(pushed(PAGE).await, page);
    assert_eq!(pushed(&format!("{PAGE}?origin=ATL&resamples=99")).await, page);
    assert_eq!(pushed(page).await, "");
}
