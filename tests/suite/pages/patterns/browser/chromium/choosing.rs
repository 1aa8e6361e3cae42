//! Computations that take seconds, another choice meanwhile, and airports that do not exist.

use super::*;

#[test]
fn a_slow_computation_shows_its_progress_and_is_shared() {
    let app = App::spawn(&[("SIMULATED_COST", "3s"), ("WEB_CONCURRENCY", "2")]);
    let (one, other) = (desktop(), desktop());

    for browser in [&one, &other] {
        go(browser, &app, "origin=ATL");
    }
    let bar = "document.querySelector('#says progress')?.value";
    one.eventually("a bar", &format!("{bar} > 0"));
    assert!(text(&seen(&one), "says").starts_with("Computing"));
    let [mine, theirs] = [&one, &other].map(|browser| eventually_holds(browser, "ATL"));

    assert_eq!((&mine["says"], &mine["y"]), (&theirs["says"], &theirs["y"]));
    let [came, _] = sent(&app, &format!("{PAGE}/summary?origin=ATL")).map(thousands);
    // Not those of the answers that said how far it was.
    assert!(text(&mine, "says").contains(&format!("{came} bytes came")), "{mine}");
    assert_eq!(app.computations(), 1);
    assert_silent(&one);
    assert_silent(&other);
}

#[test]
fn choosing_another_airport_during_a_computation_shows_that_one() {
    let app = App::spawn(&[("SIMULATED_COST", "2s")]);
    let browser = desktop();

    go(&browser, &app, "origin=ATL");
    browser.eventually("a bar", "document.querySelector('#says progress')");
    choose(&browser, "ABE");
    let seen = eventually_holds(&browser, "ABE");

    assert_shows(&seen, &directly("ABE"), 2);
    assert_eq!(browser.text("Object.keys(sessionStorage).filter((it) => it.includes('ATL'))"), "");
    assert_silent(&browser);
}

#[test]
fn a_link_to_an_unknown_airport_says_so_and_another_can_be_chosen() {
    let app = App::spawn(&[]);
    let browser = desktop();

    for (code, words) in [("XXX", "No flights leave from"), ("ALL", "One airport at a time")] {
        go(&browser, &app, &format!("origin={code}"));
        eventually_alerts(&browser, words);
        assert_eq!(seen(&browser)["isShown"], false);
    }
    browser.complaints();
    choose(&browser, "ATL");
    eventually_holds(&browser, "ATL");
    assert_silent(&browser);
}
