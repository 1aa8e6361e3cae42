//! What a user sees when one graph, or all of them, are not available.

use std::fs;
use std::os::unix::fs::FileExt;

use tempfile::TempDir;

use super::*;
use crate::helpers::browser::key;

/// Asks for a graph in its panel, as the signal's elements do.
const ASK: &str = "const [graph, query] = arguments;
    htmx.ajax('GET', `/graphs/${graph}?${query}`, { target: `#graph-${graph}` });";

#[test]
fn an_error_is_shown_in_its_panel_and_the_other_three_stay() {
    let app = App::spawn(&[]);
    let browser = desktop();
    let before = open(&browser, &app);

    browser.script(ASK, json!(["rhythm", "origin=ALL&metric=mean&v=0123456789abcdef"]));
    browser.eventually("an alert", "document.querySelector('#graph-rhythm [role=alert]')");

    let words = browser.text("document.querySelector('#graph-rhythm').innerText");
    assert!(words.contains("The data has been replaced since"), "{words}");
    let seen = browser.script(VIEW, json!([]));
    for graph in [0, 1, 3] {
        assert_eq!(seen["panels"][graph]["values"], before.values[graph]);
        assert_ne!(seen["panels"][graph]["marks"], 0);
    }
    assert_eq!(seen["panels"][2]["marks"], 0);
    assert_only_complaint(&browser, "410");
    browser.click("input[value=p90]");
    eventually_shows(&browser, "ALL", "p90");
}

#[test]
fn pressing_try_again_draws_the_graph() {
    let cache = TempDir::new().unwrap();
    let browser = desktop();
    let app = slow(&browser, &cache);

    browser.script(ASK, json!(["daily", "origin=ABE&metric=mean"]));
    browser.eventually("a button", "document.querySelector('#graph-daily [role=alert] button')");
    let words = browser.text("document.querySelector('#graph-daily').innerText");
    assert!(words.contains("This takes longer than usual."), "{words}");
    assert_only_complaint(&browser, "503");
    browser.click("#graph-daily [role=alert] button");
    browser.eventually("the graph", "document.querySelector('#graph-daily .bars path')");

    assert_eq!(browser.text("document.activeElement.id"), "graph-daily");
    assert!(!browser.holds("document.querySelector('[role=alert]')"));
    let seen = browser.script(VIEW, json!([]));
    assert_eq!(seen["panels"][0]["says"], "origin=ABE&metric=mean");
    assert_eq!(browser.script(FIGURE, json!(["daily", "origin=ABE"])), seen["panels"][0]["values"]);
    assert_eq!(app.computations(), 1);
    assert_silent(&browser);
}

#[test]
fn pressing_try_again_under_numbers_brings_the_table_and_leaves_the_graph() {
    let cache = TempDir::new().unwrap();
    let browser = desktop();
    let _app = slow(&browser, &cache);
    let before = browser.script(VIEW, json!([]));

    browser.script(
        "const numbers = document.querySelector('#graph-daily .numbers [data-hx-get]');
         numbers.dataset.hxGet = '/graphs/daily/table?origin=ABE';",
        json!([]),
    );
    browser.click("#graph-daily summary");
    browser.eventually("a button", "document.querySelector('#graph-daily [role=alert] button')");
    browser.click("#graph-daily [role=alert] button");
    browser.eventually("the table", "document.querySelector('#graph-daily .numbers tbody tr')");

    eventually_focused(&browser, "date");
    let seen = browser.script(VIEW, json!([]));
    assert_eq!(seen["panels"], before["panels"]);
}

#[test]
fn a_server_that_is_away_is_reported_and_asked_again() {
    let app = App::spawn(&[]);
    let port = app.url.rsplit(':').next().unwrap().to_owned();
    let browser = desktop();
    let before = open(&browser, &app);

    drop(app);
    choose(&browser, "ATL");
    browser.eventually("an alert", "document.querySelector('#signal [role=alert] button')");
    let words = browser.text("document.getElementById('signal').innerText");
    assert!(words.contains("cannot be reached"), "{words}");
    let seen = browser.script(VIEW, json!([]));
    assert!((0..4).all(|graph| seen["panels"][graph]["values"] == before.values[graph]));

    let _again = App::spawn(&[("PORT", &port)]);
    browser.click("#signal button");
    let atlanta = eventually_shows(&browser, "ATL", "mean");
    assert_drawn_from(&browser, &atlanta, "ATL", "mean");
}

#[test]
fn trying_again_by_keyboard_keeps_the_focus_in_the_status() {
    let app = App::spawn(&[]);
    let port = app.url.rsplit(':').next().unwrap().to_owned();
    let browser = desktop();
    open(&browser, &app);

    drop(app);
    choose(&browser, "ATL");
    browser.eventually("an alert", "document.querySelector('#signal [role=alert] button')");
    // From the airport over the metric.
    browser.press(&key::TAB.repeat(2));
    eventually_focused(&browser, "Try again");
    let mark = "document.querySelector('#signal [role=alert]').isOld = true";
    browser.script(mark, json!([]));
    browser.press(key::ENTER);
    browser.eventually("another alert", "!document.querySelector('#signal [role=alert]').isOld");
    eventually_focused(&browser, "Try again");

    let _again = App::spawn(&[("PORT", &port), ("SIMULATED_COST", "2s")]);
    browser.press(key::ENTER);
    eventually_focused(&browser, "Cancel");
    eventually_shows(&browser, "ATL", "mean");
    eventually_focused(&browser, "Atlanta (ATL) ·");
}

#[test]
fn trying_again_after_the_server_was_away_computes_anew() {
    let cache = TempDir::new().unwrap();
    let place = ("CACHE_DIR", cache.path().to_str().unwrap());
    let app = App::spawn(&[place]);
    let port = app.url.rsplit(':').next().unwrap().to_owned();
    let browser = desktop();
    browser.goto(&format!("{}/?origin=ABE&metric=p90", app.url));
    eventually_shows(&browser, "ABE", "p90");

    drop(app);
    browser.click("#anew");
    browser.eventually("an alert", "document.querySelector('#signal [role=alert] button')");
    let again = App::spawn(&[place, ("PORT", &port)]);
    browser.click("#signal [role=alert] button");
    browser.eventually("an answer", "document.querySelector('#signal .outcome')");
    let renewed = eventually_shows(&browser, "ABE", "p90");

    assert!(renewed.status.contains("stored: computed for you"), "{}", renewed.status);
    assert_eq!(again.computations(), 1);
}

#[test]
fn trying_again_after_a_failure_computes_anew() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("flights.parquet");
    fs::copy("data/flights.parquet", &path).unwrap();
    let app = App::spawn(&[("DATASET", path.to_str().unwrap())]);
    let browser = desktop();
    browser.goto(&format!("{}/?origin=ABE&metric=p90", app.url));
    eventually_shows(&browser, "ABE", "p90");

    // The same file still, so that the failure comes at once and not with a 202.
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    let sound = fs::read(&path).unwrap();
    file.write_all_at(&vec![0xff; sound.len() - 300_000], 100_000).unwrap();
    browser.click("#anew");
    browser.eventually("an alert", "document.querySelector('#signal [role=alert] button')");
    let whole = folder.path().join("whole");
    fs::write(&whole, sound).unwrap();
    fs::rename(whole, &path).unwrap();
    let asked = "document.querySelector('#signal [role=alert] button').attributes";
    assert!(browser.holds(&format!("{asked}['data-hx-post']")));
    browser.click("#signal [role=alert] button");
    browser.eventually("an answer", "document.querySelector('#signal .outcome')");

    eventually_shows(&browser, "ABE", "p90");
    assert_eq!(app.computations(), 2);
}

#[test]
fn a_link_to_an_unknown_airport_says_so_and_another_can_be_chosen() {
    let app = App::spawn(&[]);
    let browser = desktop();

    browser.goto(&format!("{}/?origin=XXX", app.url));

    let words = browser.text("document.querySelector('#signal [role=alert]').innerText");
    assert!(words.contains("No flights leave from an airport called “XXX”."), "{words}");
    assert_only_complaint(&browser, "422");
    choose(&browser, "ATL");
    eventually_shows(&browser, "ATL", "mean");
    assert_silent(&browser);
}

#[test]
fn the_page_of_an_unknown_path_has_no_other_errors() {
    let app = App::spawn(&[]);
    let browser = desktop();

    browser.goto(&format!("{}/nowhere", app.url));

    assert_only_complaint(&browser, "404");
}

/// A page whose four graphs come at once, of a program that takes seven seconds for other airports.
fn slow(browser: &Browser, cache: &TempDir) -> App {
    let place = ("CACHE_DIR", cache.path().to_str().unwrap());
    prepare(&App::spawn(&[place]));
    let app = App::spawn(&[place, ("SIMULATED_COST", "7s")]);
    open(browser, &app);
    app
}

/// Chromium notes each failed request in the console; nothing else may be there.
fn assert_only_complaint(browser: &Browser, status: &str) {
    let complaints = browser.complaints();
    let is_noted = |line: &String| line.contains("the server responded with a status of");
    assert!(complaints.len() == 1 && complaints.iter().all(is_noted), "{complaints:?}");
    assert!(complaints[0].contains(status), "{complaints:?}");
}
