//! Another airport, another metric, back and forward.

use std::time::Duration;

use super::*;
use crate::helpers::browser::key;

#[test]
fn an_airport_is_chosen_by_typing_its_code() {
    with_each_store(&[], |app| {
        let browser = desktop();
        let all = open(&browser, app);

        skip_to_content(&browser);
        assert_eq!(browser.text("document.activeElement.name"), "origin");
        browser.press("atl");
        let atlanta = eventually_shows(&browser, "ATL", "mean");

        assert_eq!(browser.text("location.pathname + location.search"), "/?origin=ATL&metric=mean");
        assert_drawn_from(&browser, &atlanta, "ATL", "mean");
        for graph in 0..4 {
            assert_ne!(atlanta.captions[graph], all.captions[graph]);
            assert_ne!(atlanta.values[graph], all.values[graph]);
        }
        assert_silent(&browser);
    });
}

#[test]
fn back_and_forward_and_reload_and_a_copied_link_show_the_same() {
    with_each_store(&[], |app| {
        let (browser, other) = (desktop(), desktop());
        let all = open(&browser, app);
        choose(&browser, "ATL");
        let atlanta = eventually_shows(&browser, "ATL", "mean");
        browser.click("input[value=p90]");
        let late = eventually_shows(&browser, "ATL", "p90");

        browser.back();
        assert_same(&eventually_shows(&browser, "ATL", "mean"), &atlanta);
        browser.back();
        assert_same(&eventually_shows(&browser, "ALL", "mean"), &all);
        browser.forward();
        assert_same(&eventually_shows(&browser, "ATL", "mean"), &atlanta);
        browser.forward();
        assert_same(&eventually_shows(&browser, "ATL", "p90"), &late);
        browser.reload();
        assert_same(&eventually_shows(&browser, "ATL", "p90"), &late);
        other.goto(&browser.text("location.href"));
        assert_same(&eventually_shows(&other, "ATL", "p90"), &late);

        assert_silent(&browser);
        assert_silent(&other);
    });
}

#[test]
fn a_choice_after_going_back_is_answered() {
    let app = App::spawn(&[]);
    let browser = desktop();
    open(&browser, &app);
    choose(&browser, "ATL");
    eventually_shows(&browser, "ATL", "mean");
    browser.back();
    eventually_shows(&browser, "ALL", "mean");

    choose(&browser, "LAX");
    let los_angeles = eventually_shows(&browser, "LAX", "mean");

    assert_drawn_from(&browser, &los_angeles, "LAX", "mean");
    assert_silent(&browser);
}

/// Three for each round, so that no round finds the answers of another.
const AIRPORTS: [[&str; 3]; 10] = [
    ["ABE", "ATL", "LAX"],
    ["ABQ", "BOS", "SFO"],
    ["ALB", "BWI", "SEA"],
    ["AUS", "CLT", "ORD"],
    ["BDL", "DCA", "PHX"],
    ["BNA", "DEN", "PHL"],
    ["BUF", "DFW", "MSP"],
    ["BUR", "DTW", "MIA"],
    ["CLE", "EWR", "LAS"],
    ["CMH", "IAH", "JFK"],
];

#[test]
fn quick_choices_end_with_the_last() {
    with_each_store(&[("SIMULATED_COST", "300ms")], |app| {
        let browser = desktop();
        open(&browser, app);
        // From choices that meet no answer to ones that each meet the answer before.
        for (round, [first, second, last]) in (0..).zip(AIRPORTS) {
            for code in [first, second, first, last] {
                choose(&browser, code);
                std::thread::sleep(Duration::from_millis(round * 50));
            }

            let settled = eventually_shows(&browser, last, "mean");
            assert_drawn_from(&browser, &settled, last, "mean");
            // The earlier choices are computed all the same, and must not show any more.
            let expected = 1 + 3 * (round as usize + 1);
            browser.wait("the computations to end", || match app.computations() {
                found if found == expected => Ok(()),
                fewer => Err(fewer.to_string()),
            });
            for _ in 0..10 {
                std::thread::sleep(Duration::from_millis(30));
                assert_eq!(shown(&browser, last, "mean").as_ref(), Ok(&settled));
            }
        }
        assert_silent(&browser);
    });
}

#[test]
fn the_metric_is_drawn_anew_from_the_same_computation() {
    with_each_store(&[], |app| {
        let browser = desktop();
        let mean = open(&browser, app);
        let computed = app.computations();

        browser.click("input[value=median]");
        let median = eventually_shows(&browser, "ALL", "median");
        browser.press(key::RIGHT);
        let p90 = eventually_shows(&browser, "ALL", "p90");

        assert_eq!(app.computations(), computed);
        for [one, other] in [[&mean, &median], [&median, &p90], [&mean, &p90]] {
            // The distribution has all flights, for each metric.
            for graph in [0, 2, 3] {
                assert_ne!(one.titles[graph], other.titles[graph]);
                assert_ne!(one.values[graph], other.values[graph]);
            }
            assert_eq!(one.values[1], other.values[1]);
        }
        assert_drawn_from(&browser, &p90, "ALL", "p90");
        assert_silent(&browser);
    });
}

/// Compares all but the outcome.
fn assert_same(one: &View, other: &View) {
    assert_eq!((&one.titles, &one.captions), (&other.titles, &other.captions));
    assert_eq!((&one.v, &one.values), (&other.v, &other.values));
}
