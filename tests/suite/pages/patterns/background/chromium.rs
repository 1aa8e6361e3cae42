//! What a user sees of a computation in the background: the buttons, its progress, its result.

use serde_json::{Value, json};

use crate::helpers::app::App;
use crate::helpers::browser::{Browser, key};
use crate::helpers::window::{assert_silent, desktop, eventually_focused, with_each_store};

/// The state of the page, in one look.
const SEEN: &str = "
const button = (id) => document.getElementById(id).disabled;
const plot = document.querySelector('#graph-intervals .js-plotly-plot');
const bar = document.querySelector('#run progress');
return {
    state: document.querySelector('#run .run')?.dataset.state,
    disabled: [button('start'), button('cancel')],
    clicks: document.querySelector('.clicks').textContent,
    says: document.querySelector('.says')?.innerText,
    progress: bar && bar.position,
    marks: document.querySelectorAll('#graph-intervals path.point').length,
    bars: document.querySelectorAll('#graph-intervals path.yerror').length,
    values: plot && JSON.stringify([plot.data[0].x, plot.data[0].y, plot.data[0].error_y]),
    caption: document.querySelector('#graph-intervals .caption').textContent,
    told: document.getElementById('told').textContent,
    isHeld: window.button === document.getElementById('cancel'),
    address: location.pathname + location.search,
};";

const IDLE: [bool; 2] = [false, true];
const RUNNING: [bool; 2] = [true, false];

fn go(browser: &Browser, app: &App, query: &str) {
    browser.goto(&format!("{}/patterns/background?{query}", app.url));
}

fn seen(browser: &Browser) -> Value {
    browser.script(SEEN, json!([]))
}

/// Puts a number of resamples into its field, as by typing.
fn type_resamples(browser: &Browser, resamples: u32) {
    browser.script("document.querySelector('[name=resamples]').select()", json!([]));
    browser.script("document.querySelector('[name=resamples]').focus()", json!([]));
    browser.press(&resamples.to_string());
}

/// Waits for a state, and for the graph of a result.
fn eventually_is(browser: &Browser, state: &str, words: &str) -> Value {
    browser.wait(&format!("{state} with {words}"), || {
        let seen = seen(browser);
        let says = seen["says"].as_str().unwrap_or_default();
        let is_drawn = state != "done"
            || seen["marks"] != 0 && seen["caption"].as_str().unwrap().contains(words);
        let is_here = seen["state"] == state && says.contains(words) && is_drawn;
        if is_here { Ok(seen) } else { Err(format!("{seen:#}").chars().take(1500).collect()) }
    })
}

#[test]
fn running_shows_progress_and_then_the_result() {
    with_each_store(&[("SIMULATED_COST", "2s")], |app| {
        let browser = desktop();
        go(&browser, app, "origin=ATL&resamples=100");
        let idle = eventually_is(&browser, "idle", "100 resamples");
        assert_eq!((&idle["disabled"], &idle["clicks"]), (&json!(IDLE), &json!("0 times")));

        browser.click("#start");
        let first = eventually_is(&browser, "running", "of 100 resamples");
        assert_eq!((&first["disabled"], &first["clicks"]), (&json!(RUNNING), &json!("1 time")));
        eventually_focused(&browser, "Cancel");
        // A press on a button that is replaced at that moment would be lost.
        browser.script("window.button = document.getElementById('cancel')", json!([]));
        let mut progress = Vec::new();
        browser.wait("the result", || {
            let seen = seen(&browser);
            assert_eq!(
                seen["disabled"],
                json!(if seen["state"] == "done" { IDLE } else { RUNNING })
            );
            assert!(seen["state"] != "running" || seen["isHeld"] == true, "{seen:#}");
            progress.extend(seen["progress"].as_f64().filter(|it| *it >= 0.0));
            if seen["state"] == "done" { Ok(()) } else { Err(seen["says"].to_string()) }
        });
        let done = eventually_is(&browser, "done", "100 resamples");

        assert!(progress.is_sorted(), "{progress:?}");
        progress.dedup();
        assert!(progress.len() >= 5, "{progress:?}");
        assert!(done["says"].as_str().unwrap().contains("stored: computed for you"), "{done}");
        assert_eq!(done["told"], "Atlanta (ATL) with 100 resamples is there.");
        assert_eq!(done["marks"], done["bars"]);
        // Not on a button that does something else than the one that was there.
        eventually_focused(&browser, "Atlanta (ATL) · 100 resamples");
        assert_eq!(app.computations(), 1);
        assert_silent(&browser);
    });
}

#[test]
fn running_by_keyboard_keeps_the_focus_in_the_field() {
    let app = App::spawn(&[("SIMULATED_COST", "1s")]);
    let browser = desktop();
    go(&browser, &app, "origin=ATL&resamples=100");
    let focused = || browser.text("document.activeElement.name");

    type_resamples(&browser, 200);
    browser.press(key::ENTER);
    eventually_is(&browser, "running", "200 resamples");
    assert_eq!(focused(), "resamples");
    eventually_is(&browser, "done", "200 resamples");
    assert_eq!(focused(), "resamples");

    // It is there already, so Run can be pressed again as soon as it has been.
    browser.click("#start");
    browser.wait("the second click", || {
        let seen = seen(&browser);
        if seen["clicks"] == "2 times" { Ok(()) } else { Err(seen["clicks"].to_string()) }
    });
    eventually_focused(&browser, "Run");
    assert_silent(&browser);
}

#[test]
fn cancelling_keeps_the_old_result_and_another_run_works() {
    let app = App::spawn(&[]);
    let browser = desktop();
    go(&browser, &app, "origin=ATL&resamples=100");
    browser.click("#start");
    let old = eventually_is(&browser, "done", "100 resamples");

    type_resamples(&browser, 1_000_000);
    browser.click("#start");
    let running = eventually_is(&browser, "running", "of 1,000,000 resamples");
    assert_eq!((&running["values"], &running["disabled"]), (&old["values"], &json!(RUNNING)));
    browser.click("#cancel");
    let cancelled = eventually_is(&browser, "cancelled", "1,000,000 resamples");
    eventually_focused(&browser, "Run");

    assert_eq!((&cancelled["values"], &cancelled["disabled"]), (&old["values"], &json!(IDLE)));
    assert_eq!(cancelled["told"], "Cancelled.");
    type_resamples(&browser, 200);
    browser.click("#start");
    let new = eventually_is(&browser, "done", "200 resamples");
    assert_ne!(new["values"], old["values"]);
    assert_eq!((new["disabled"].clone(), app.computations()), (json!(IDLE), 2));
    assert_eq!(new["clicks"], "3 times");
    assert_silent(&browser);
}

#[test]
fn pressing_twice_computes_once() {
    let app = App::spawn(&[("SIMULATED_COST", "2s")]);
    let browser = desktop();
    go(&browser, &app, "origin=ATL&resamples=100");

    browser.script(
        "const run = document.getElementById('start'); run.click(); run.click()",
        json!([]),
    );
    eventually_is(&browser, "running", "100 resamples");
    browser.script("document.getElementById('start').click()", json!([]));
    browser.click("#start");
    let done = eventually_is(&browser, "done", "100 resamples");

    assert_eq!((done["clicks"].as_str(), app.computations()), (Some("1 time"), 1));
    assert_silent(&browser);
}

#[test]
fn a_second_browser_shares_the_run_and_its_result() {
    with_each_store(&[("SIMULATED_COST", "3s")], |app| {
        let (first, second) = (desktop(), desktop());
        for browser in [&first, &second] {
            go(browser, app, "origin=ATL&resamples=100");
        }

        first.click("#start");
        eventually_is(&first, "running", "100 resamples");
        second.click("#start");
        eventually_is(&second, "running", "100 resamples");
        first.click("#cancel");
        eventually_is(&first, "cancelled", "100 resamples");
        let theirs = eventually_is(&second, "done", "100 resamples");
        first.click("#start");
        let ours = eventually_is(&first, "done", "100 resamples");

        assert!(ours["says"].as_str().unwrap().contains("hit: it was in the cache"), "{ours}");
        assert_eq!((&ours["values"], app.computations()), (&theirs["values"], 1));
        assert_silent(&first);
        assert_silent(&second);
    });
}

#[test]
fn the_results_of_former_inputs_are_stored_and_back_shows_them() {
    let app = App::spawn(&[("SIMULATED_COST", "1s")]);
    let browser = desktop();
    go(&browser, &app, "origin=ATL&resamples=100");
    browser.click("#start");
    let atlanta = eventually_is(&browser, "done", "100 resamples");
    browser.click("select[name=origin] option[value=ABE]");
    browser.click("#start");
    browser.eventually(
        "the other airport",
        "document.querySelector('#graph-intervals h2').textContent.includes('(ABE)')",
    );
    let allentown = eventually_is(&browser, "done", "100 resamples");
    assert_ne!(allentown["values"], atlanta["values"]);

    browser.click("select[name=origin] option[value=ATL]");
    browser.click("#start");
    browser.wait("the former result", || {
        let seen = seen(&browser);
        if seen["values"] == atlanta["values"] { Ok(()) } else { Err(seen["says"].to_string()) }
    });

    let again = seen(&browser);
    assert!(again["says"].as_str().unwrap().contains("hit"), "{again}");
    assert_eq!(again["address"], "/patterns/background?origin=ATL&resamples=100");
    assert_eq!(app.computations(), 2);
    browser.back();
    browser.wait("the way back", || {
        let seen = seen(&browser);
        let is_back = seen["values"] == allentown["values"] && seen["state"] == "done";
        if is_back { Ok(()) } else { Err(seen["says"].to_string()) }
    });
    let chosen = browser.text("document.querySelector('select[name=origin]').value");
    assert_eq!((chosen.as_str(), app.computations()), ("ABE", 2));
    assert_silent(&browser);
}

#[test]
fn a_page_that_is_left_lets_its_run_end() {
    let app = App::spawn(&[]);
    let browser = desktop();
    go(&browser, &app, "origin=ATL&resamples=1000000");
    browser.click("#start");
    eventually_is(&browser, "running", "1,000,000 resamples");

    browser.goto("about:blank");

    // Its turn is free again for another run.
    let other = desktop();
    go(&other, &app, "origin=ABE&resamples=100");
    other.click("#start");
    let done = eventually_is(&other, "done", "100 resamples");
    assert_eq!((done["disabled"].clone(), app.computations()), (json!(IDLE), 1));
}

#[test]
fn the_keyboard_runs_and_a_number_that_is_too_large_is_not_sent() {
    let app = App::spawn(&[]);
    let browser = desktop();
    go(&browser, &app, "origin=ATL&resamples=100");

    type_resamples(&browser, 1_000_001);
    browser.press(key::ENTER);
    assert!(browser.holds("document.querySelector('[name=resamples]').matches(':invalid')"));
    assert_eq!(seen(&browser)["clicks"], "0 times");
    type_resamples(&browser, 300);
    browser.press(key::ENTER);
    eventually_is(&browser, "done", "300 resamples");

    for (selector, expected) in [
        ("#start", ("button", "Run")),
        ("#cancel", ("button", "Cancel")),
        ("select[name=origin]", ("combobox", "Departures from")),
    ] {
        let (role, name) = browser.role_and_name(selector);
        assert_eq!((role.as_str(), name.as_str()), expected);
    }
    let (role, name) = browser.role_and_name("#graph-intervals .plot");
    assert!((role == "img" || role == "image") && name.contains("95 %"), "{role} {name}");
    assert_eq!(browser.role_and_name("#told").0, "status");
    assert_eq!(app.computations(), 1);
    assert_silent(&browser);
}

#[test]
fn it_fits_a_phone_and_turns_dark() {
    let app = App::spawn(&[]);
    let browser = desktop();
    browser.become_phone();
    browser.prefer("light");
    go(&browser, &app, "origin=ATL&resamples=100");
    browser.click("#start");
    eventually_is(&browser, "done", "100 resamples");
    let colors = || {
        browser.text(
            "[getComputedStyle(document.querySelector('#graph-intervals .point')).fill,
              getComputedStyle(document.querySelector('#graph-intervals .yerror')).stroke]",
        )
    };
    let light = colors();

    assert!(browser.number("document.documentElement.scrollWidth") <= 390.0);
    for control in ["select", "[name=resamples]", "#start", "#cancel"] {
        let height = format!("document.querySelector('{control}').getBoundingClientRect().height");
        assert!(browser.number(&height) >= 40.0, "{control}");
    }
    assert_eq!(light, "rgb(47, 111, 222),rgb(207, 90, 28)", "flights are blue, delays are orange");
    browser.prefer("dark");
    browser.wait("other colors", || {
        let dark = colors();
        if dark == "rgb(110, 164, 255),rgb(255, 148, 87)" { Ok(()) } else { Err(dark) }
    });
    assert_silent(&browser);
}
