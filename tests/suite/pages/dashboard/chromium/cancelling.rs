//! A user presses "Cancel", or leaves the page.

use std::time::Duration;

use super::*;
use crate::helpers::browser::key;
use crate::helpers::eventually;

/// A computation that lasts until a test has clicked, even on a busy machine.
const SLOW: &str = "10s";

/// Waits until the computation ends, and fails if it ended with a value.
fn assert_stops(app: &App, place: &Place) {
    eventually("the end of the lease", || !place.is_leased());
    assert_eq!(app.computations(), 0);
}

#[test]
fn cancel_keeps_the_old_graphs_and_a_new_run_works() {
    with_each_slow_store(SLOW, |app, place| {
        let browser = desktop();
        let old = open(&browser, app);
        choose(&browser, "ATL");
        eventually_reaches(&browser, 100);
        assert!(place.is_leased());

        browser.click("#waiting");
        eventually_says(&browser, "Atlanta (ATL) · cancelled");
        assert_graphs_of(&browser, &old);
        assert_stops(app, place);
        assert_graphs_of(&browser, &old);
        browser.eventually(
            "full opacity",
            "getComputedStyle(document.querySelector('.panel')).opacity === '1'",
        );
        browser.click("#waiting");
        eventually_reaches(&browser, 100);
        let atlanta = eventually_shows(&browser, "ATL", "mean");

        assert!(atlanta.status.contains("stored: computed for you"), "{}", atlanta.status);
        assert_drawn_from(&browser, &atlanta, "ATL", "mean");
        assert_eq!(app.computations(), 1);
        assert_silent(&browser);
    });
}

#[test]
fn when_one_of_two_browsers_cancels_the_other_gets_the_answer() {
    with_each_slow_store(SLOW, |app, _| {
        let (first, second) = (desktop(), desktop());
        let old = open(&first, app);
        open(&second, app);
        choose(&first, "ATL");
        choose(&second, "ATL");
        eventually_reaches(&first, 50);
        eventually_reaches(&second, 50);

        first.click("#waiting");
        eventually_says(&first, "cancelled");
        let atlanta = eventually_shows(&second, "ATL", "mean");

        assert_drawn_from(&second, &atlanta, "ATL", "mean");
        assert_graphs_of(&first, &old);
        eventually_says(&first, "cancelled");
        assert_eq!(app.computations(), 1);
        assert_silent(&first);
        assert_silent(&second);
    });
}

#[test]
fn a_computation_that_all_browsers_have_left_stops() {
    with_each_slow_store(SLOW, |app, place| {
        let (first, second) = (desktop(), desktop());
        open(&first, app);
        open(&second, app);
        choose(&first, "ATL");
        choose(&second, "ATL");
        eventually_reaches(&first, 50);
        eventually_reaches(&second, 50);
        assert!(place.is_leased());

        first.goto("about:blank");
        drop(second);

        assert_stops(app, place);
    });
}

#[test]
fn cancel_can_be_pressed_by_keyboard_and_keeps_the_focus() {
    let app = App::spawn(&[("SIMULATED_COST", SLOW)]);
    let browser = desktop();
    browser.goto(&app.url);
    eventually_reaches(&browser, 50);
    let focused = "document.activeElement.textContent.trim()";

    // The airport, the metric, the button; then more than ten new answers.
    skip_to_content(&browser);
    browser.press(&key::TAB.repeat(2));
    assert_eq!(browser.text(focused), "Cancel");
    eventually_reaches(&browser, 450);
    assert_eq!(browser.text(focused), "Cancel");
    browser.press(key::ENTER);
    eventually_says(&browser, "cancelled");
    assert_eq!(browser.text(focused), "Compute");
    browser.press(key::ENTER);
    eventually_reaches(&browser, 100);
    assert_eq!(browser.text(focused), "Cancel");
    eventually_shows(&browser, "ALL", "mean");

    // Not on a button that would do something else than the one that was there.
    let rest = browser.text(focused);
    assert!(rest.starts_with("All airports"), "{rest}");
    assert_silent(&browser);
}

#[test]
fn a_button_that_is_held_down_while_answers_come_still_cancels() {
    let app = App::spawn(&[("SIMULATED_COST", SLOW)]);
    let browser = desktop();
    browser.goto(&app.url);
    eventually_reaches(&browser, 50);

    browser.hold("#waiting", Duration::from_secs(1));

    eventually_says(&browser, "cancelled");
    assert!(!browser.holds("document.querySelector('#signal progress')"));
    assert_silent(&browser);
}

#[test]
fn cancel_after_a_new_choice_cancels_the_new_one() {
    let app = App::spawn(&[("SIMULATED_COST", SLOW)]);
    let browser = desktop();
    browser.goto(&app.url);
    eventually_reaches(&browser, 50);

    // Its first answer comes a second later; until then the button is the one before.
    choose(&browser, "ATL");
    browser.click("#waiting");

    eventually_says(&browser, "Atlanta (ATL) · cancelled");
    assert_eq!(browser.text("location.search"), "?origin=ATL&metric=mean");
    assert_silent(&browser);
}
