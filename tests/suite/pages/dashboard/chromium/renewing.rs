//! An answer that is there, and a newer one that is being computed.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::helpers::browser::key;
use crate::helpers::flights::{FLIGHTS, HOUR, MONDAY, damaged, dataset};

/// When the graphs of the page were computed, without repetition.
const TIMES: &str =
    "[...new Set([...document.querySelectorAll('.source time')].map((it) => it.dateTime))].join()";

#[test]
fn compute_anew_keeps_the_old_graphs_until_the_new_ones_are_there() {
    with_each_slow_store("4s", |app, _| {
        let browser = desktop();
        let old = open(&browser, app);
        let before = browser.text(TIMES);

        compute_anew(&browser);
        eventually_reaches(&browser, 500);
        assert_graphs_of(&browser, &old);
        assert_eq!(browser.text(TIMES), before);
        assert!(
            browser.holds("getComputedStyle(document.querySelector('.panel')).opacity === '1'")
        );
        eventually_says(&browser, "computed at");
        let new = eventually_shows(&browser, "ALL", "mean");

        assert_eq!(new.values, old.values);
        let after = browser.text(TIMES);
        assert!(after > before && !after.contains(','), "{before} then {after}");
        assert_eq!(app.computations(), 1);
        assert_silent(&browser);
    });
}

#[test]
fn pressing_it_twice_in_two_browsers_computes_once() {
    with_each_slow_store("4s", |app, _| {
        let (first, second) = (desktop(), desktop());
        open(&first, app);
        open(&second, app);

        first.click("#anew");
        first.click("#anew");
        eventually_says(&first, "updating");
        compute_anew(&second);
        // While it runs the button is there and does nothing, so that the focus stays.
        first.click("#anew");
        first.press(key::ENTER);
        assert_eq!(first.text("document.activeElement.id"), "anew");
        eventually_reaches(&first, 500);
        eventually_reaches(&second, 500);
        for browser in [&first, &second] {
            eventually_says(browser, "computed at");
            eventually_shows(browser, "ALL", "mean");
        }

        assert_eq!(app.computations(), 1);
        assert_eq!(first.text(TIMES), second.text(TIMES));
        assert_silent(&first);
        assert_silent(&second);
    });
}

#[test]
fn after_a_change_of_the_data_the_old_answer_is_shown_and_then_the_new_one() {
    for place in Place::both() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("flights.parquet");
        dataset(&FLIGHTS, &path);
        let data = ("DATASET", path.to_str().unwrap());
        let workers = ("WEB_CONCURRENCY", "3");
        let app = App::at(&place, &[data, workers, ("SIMULATED_COST", "3s")]);
        let browser = desktop();
        browser.goto(&format!("{}/?origin=ATL&metric=mean", app.url));
        let old = eventually_shows(&browser, "ATL", "mean");
        assert!(old.status.contains("· 5 flights ·"), "{}", old.status);

        let second = (MONDAY + 9 * HOUR, 60, 200, "ATL", "BBB");
        dataset(&[(MONDAY, 12, 100, "ATL", "ZZZ"), second, (MONDAY, 2, 9, "ZZZ", "ATL")], &path);
        browser.reload();
        eventually_says(&browser, "updating");
        assert!(browser.holds("document.querySelector('#signal [data-updating]')"));
        browser.wait("the old graphs", || {
            let seen = browser.script(VIEW, json!([]));
            let is_old = |panel: usize| seen["panels"][panel]["values"] == old.values[panel];
            if (0..4).all(is_old) { Ok(()) } else { Err(summary(seen)) }
        });
        assert!(browser.holds("document.querySelector('#signal [data-updating]')"), "still");
        eventually_says(&browser, "· 2 flights ·");
        let new = eventually_shows(&browser, "ATL", "mean");

        assert_ne!(new.values, old.values);
        assert_drawn_from(&browser, &new, "ATL", "mean");
        assert_eq!(app.computations(), 2);
        assert_silent(&browser);
    }
}

#[test]
fn a_failure_is_shown_and_trying_again_works_once_the_file_is_whole() {
    let folder = TempDir::new().unwrap();
    let path = damaged(folder.path());
    let data = ("DATASET", path.to_str().unwrap());
    let app = App::spawn(&[data, ("SIMULATED_COST", "2s"), ("WEB_CONCURRENCY", "3")]);
    let browser = desktop();

    browser.goto(&format!("{}/?origin=ATL&metric=mean", app.url));
    eventually_reaches(&browser, 500);
    eventually_says(&browser, "Something went wrong. It is in the log under ");
    assert!(!browser.holds("document.querySelector('#signal progress, .computing')"));
    let whole = folder.path().join("whole");
    fs::copy("data/flights.parquet", &whole).unwrap();
    fs::rename(whole, &path).unwrap();
    browser.click("#signal [role=alert] button");
    // It begins at the beginning, not where the one before has ended.
    browser.eventually("a bar", &format!("({BAR}) >= 0"));
    assert!(browser.number(BAR) < 800.0, "{}", browser.number(BAR));
    let atlanta = eventually_shows(&browser, "ATL", "mean");

    assert_drawn_from(&browser, &atlanta, "ATL", "mean");
    assert_eq!(app.computations(), 1);
}
