//! `/patterns/background`: a computation of any length, run once for all who ask, while they ask.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use oneflight::Key;
use oneflight::entry::Seen;
use oneflight::store::{Attempt, Lease, Store};
use polars::prelude::*;
use quadrant::dataset::{Dataset, Origin};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::helpers::answer::Answer;
use crate::helpers::app::App;
use crate::helpers::flights::unreadable;
use crate::helpers::place::Place;

const PAGE: &str = "/patterns/background";
/// Minutes of work: nobody waits for its end.
const LONG: &str = "origin=ATL&resamples=1000000";

/// A connection of its own each time, so that any worker may answer.
const ANYBODY: [(&str, &str); 2] = [("HX-Request", "true"), ("Connection", "close")];

async fn ask(app: &App, query: &str) -> Answer {
    app.get_with(&format!("{PAGE}/result?{query}"), &ANYBODY).await
}

/// Asks until the computation is over, as the fragment does.
async fn run(app: &App, query: &str) -> Answer {
    loop {
        let answer = ask(app, &format!("{query}&seen=0")).await;
        if answer.status != 202 {
            return answer;
        }
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
async fn an_airport_whose_only_flight_says_all_has_an_interval_without_width() {
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
async fn clicks_are_shown_and_ignored_and_everything_else_counts() {
    for place in Place::both() {
        let app = App::at(&place, &[]);

        let first = run(&app, "origin=ATL&resamples=100&clicks=1").await;
        let clicked = run(&app, "origin=ATL&resamples=100&clicks=7").await;
        let computed = app.computations();
        let more = run(&app, "origin=ATL&resamples=101&clicks=7").await;
        let elsewhere = run(&app, "origin=ABE&resamples=100&clicks=7").await;

        assert_eq!((first.outcome(), clicked.outcome(), computed), ("stored", "hit", 1));
        assert_eq!((more.outcome(), elsewhere.outcome()), ("stored", "stored"));
        assert!(first.text().contains(">1 time<") && clicked.text().contains(">7 times<"));
        assert!(clicked.text().contains("name=\"clicks\" form=\"choice\" value=\"8\""));
        assert_eq!(first.figure(), clicked.figure());
        let key = format!("quadrant:{}", key(first.attribute("data-v"), "ATL", 100));
        assert_eq!(app.logged("computed")[0]["key"], key);
    }
}

fn key(v: &str, origin: &str, resamples: u32) -> Key {
    Key::new("bootstrap").arg(v).arg(env!("CARGO_PKG_VERSION")).arg(origin).arg(resamples)
}

#[tokio::test]
async fn a_result_says_when_by_whom_in_how_long_and_how_it_was_come_by() {
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
async fn workers_share_one_computation_and_all_see_its_progress_grow() {
    for place in Place::both() {
        let app = App::at(&place, &[("WEB_CONCURRENCY", "2"), ("SIMULATED_COST", "4s")]);
        let person = async || {
            let (mut seen, mut workers, mut longest) = (vec![], BTreeSet::new(), Duration::ZERO);
            loop {
                let last = seen.last().copied().unwrap_or(0);
                let sent = Instant::now();
                let answer = ask(&app, &format!("origin=ATL&resamples=100&seen={last}")).await;
                longest = longest.max(sent.elapsed());
                if answer.status == 200 {
                    return (answer, seen, workers, longest);
                }
                assert_eq!(answer.status, 202);
                assert!(!answer.text().contains("<button"), "buttons stay while it runs");
                assert_eq!(answer.asks().len(), 1, "it asks again by itself");
                seen.extend(permille(&answer));
                workers.insert(answer.worker());
            }
        };

        let people = join_all((0..8).map(|_| person())).await;

        let mut all = BTreeSet::new();
        assert_eq!(app.computations(), 1);
        for (answer, seen, workers, longest) in &people {
            assert!(seen.is_sorted(), "{seen:?}");
            // Two a second from another process, of which a busy machine may hide every other one.
            assert!(BTreeSet::from_iter(seen).len() >= 4, "{seen:?}");
            assert!(*longest < Duration::from_millis(1500), "{longest:?}");
            assert_eq!(answer.figure(), people[0].0.figure());
            all.extend(workers.iter().copied());
        }
        assert_eq!(all.len(), 2, "both workers have answered");
        // Nobody, if those who caused it have come to the other worker with their last question.
        let stored = people.iter().filter(|(answer, ..)| answer.outcome() == "stored").count();
        assert!(stored <= 1, "{stored}");
    }
}

/// Processor time that a worker has used so far.
fn used(app: &App) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", app.process(1))).unwrap();
    let numbers: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    // utime and stime, the 14th and 15th field, in hundredths of a second.
    let ticks: u64 = numbers[11].parse::<u64>().unwrap() + numbers[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// The lease of a key without an entry, unless it is held.
async fn try_lease(store: &dyn Store, key: &Key) -> Option<Box<dyn Lease>> {
    match store.try_lease(key, &Seen::default()).await.unwrap() {
        Attempt::Granted(lease) => Some(lease),
        Attempt::Held => None,
        Attempt::Changed => panic!("there is no entry"),
    }
}

#[tokio::test]
async fn what_everybody_has_cancelled_ends_and_leaves_nothing() {
    for place in Place::both() {
        let app = App::at(&place, &[]);
        let v = run(&app, "origin=ACY&resamples=1").await.attribute("data-v").to_owned();
        let (store, key) = (place.open(), key(&v, "ATL", 1_000_000));

        let running = ask(&app, LONG).await;
        assert_eq!((running.status, disabled(&running)), (202, [true, false]));
        let cancelled = cancel(&app, LONG).await;
        let last = Instant::now();
        assert_eq!((cancelled.status, disabled(&cancelled)), (200, [false, true]));
        assert_eq!(cancelled.asks(), [""; 0], "it asks no more");
        let mut lease = try_lease(&*store, &key).await;
        assert!(lease.is_none(), "the computation goes on for a moment");
        while lease.is_none() {
            sleep(Duration::from_millis(20)).await;
            lease = try_lease(&*store, &key).await;
        }
        let freed = last.elapsed();
        sleep(Duration::from_millis(500)).await;
        let before = used(&app);
        sleep(Duration::from_secs(1)).await;
        let worked = used(&app) - before;

        assert!((2500..4000).contains(&freed.as_millis()), "{freed:?}");
        assert!(worked < Duration::from_millis(300), "it still works: {worked:?} in a second");
        assert_eq!((app.computations(), place.entries()), (1, 1));
        lease.unwrap().release().await.unwrap();
        assert_eq!(run(&app, "origin=ATL&resamples=100").await.outcome(), "stored");
    }
}

#[tokio::test]
async fn who_cancels_takes_nothing_from_who_still_asks() {
    let app = App::spawn(&[("SIMULATED_COST", "4500ms")]);
    let query = "origin=ATL&resamples=100";

    assert_eq!(ask(&app, query).await.status, 202);
    let (stays, ()) = tokio::join!(run(&app, query), async {
        sleep(Duration::from_millis(300)).await;
        cancel(&app, query).await;
    });

    assert_eq!((stays.status, app.computations()), (200, 1));
}

#[tokio::test]
async fn nobody_who_chooses_an_airport_waits_for_a_long_computation() {
    let app = App::spawn(&[]);
    assert_eq!(ask(&app, LONG).await.status, 202);

    let signal = app.get("/signal?origin=ABE").await;

    let still = ask(&app, &format!("{LONG}&seen=0")).await;
    assert_eq!((signal.status, signal.outcome()), (200, "stored"));
    assert!(still.status == 202 && permille(&still).is_some_and(|it| it < 1000));
}

#[tokio::test]
async fn a_program_that_ends_does_not_wait_for_a_long_computation() {
    let mut app = App::spawn(&[]);
    assert_eq!(ask(&app, LONG).await.status, 202);

    let asked = Instant::now();
    app.kill("TERM");

    assert!(app.wait(Duration::from_secs(10)).success());
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_restart_keeps_the_result_and_the_page_shows_it_at_once() {
    for place in Place::both() {
        let mut first = App::at(&place, &[]);
        let computed = run(&first, "origin=ATL&resamples=200").await;
        first.kill("TERM");
        assert!(first.wait(Duration::from_secs(10)).success());

        let second = App::at(&place, &[]);
        let page = second.get_with(&format!("{PAGE}?origin=ATL&resamples=200"), &[]).await;
        let answer = run(&second, "origin=ATL&resamples=200").await;
        let other = second.get_with(&format!("{PAGE}?origin=ATL&resamples=201"), &[]).await;

        assert_eq!((answer.outcome(), second.computations()), ("hit", 0));
        assert_eq!(page.figure(), computed.figure());
        assert_eq!(answer.attribute("data-computed-at"), computed.attribute("data-computed-at"));
        assert_eq!(page.attribute("data-state"), "done");
        assert_eq!((other.attribute("data-state"), disabled(&other)), ("idle", [false, true]));
        assert!(!other.text().contains("class=\"figure\""), "the page computes nothing");
    }
}

#[tokio::test]
async fn wrong_questions_are_told_above_buttons_that_can_be_pressed() {
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
        for path in [PAGE.to_owned(), format!("{PAGE}/result")] {
            let answer = app.get(&format!("{path}?{query}")).await;

            assert_eq!(answer.status, status, "{path}?{query}");
            assert!(answer.text().contains("role=\"alert\""), "{path}?{query}");
            assert!(answer.text().contains(says), "{path}?{query}: {}", answer.text());
            assert!(!answer.text().contains("<script>alert"), "{path}?{query}");
            assert_eq!(disabled(&answer), [false, true], "{path}?{query}");
        }
        assert_eq!(cancel(&app, query).await.status, status, "{query}");
    }

    let counted = app.get(&format!("{PAGE}/result?origin=XXX&clicks=4")).await;
    assert!(counted.text().contains(">4 times<"), "a wrong question is a click too");
    assert_eq!(app.computations(), 0);
}

#[tokio::test]
async fn only_our_own_pages_cancel_and_only_by_posting() {
    let app = App::spawn(&[]);
    let path = format!("{PAGE}/cancel?origin=ATL");

    let foreign = app.send("POST", &path, &[("Sec-Fetch-Site", "cross-site")]).await;
    let read = app.get(&path).await;
    let written = app.send("POST", &format!("{PAGE}/result"), &[]).await;

    assert_eq!(foreign.status, 403);
    assert_eq!((read.status, read.header("allow")), (405, "POST"));
    assert_eq!((written.status, written.header("allow")), (405, "GET, HEAD"));
    for fragment in [&foreign, &read, &written] {
        assert!(fragment.text().starts_with("<div"), "{}", fragment.text());
    }
}

#[tokio::test]
async fn a_failure_keeps_the_buttons_and_is_kept_by_nobody() {
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
    let running = app.get(&format!("{below}/result?origin=ATL&resamples=100")).await;
    let mut done = app.get(&running.asks()[0]).await;
    while done.status == 202 {
        done = app.get(&done.asks()[0]).await;
    }
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
        let path = format!("{PAGE}/result?origin=ATL&resamples=100&clicks=3");
        app.get_with(&path, &headers).await.header("hx-push-url").to_owned()
    };

    let page = "/patterns/background?origin=ATL&resamples=100";
    assert_eq!(pushed(PAGE).await, page);
    assert_eq!(pushed(&format!("{PAGE}?origin=ATL&resamples=99")).await, page);
    assert_eq!(pushed(page).await, "");
}
