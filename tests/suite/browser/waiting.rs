//! What a user sees of a computation that takes three seconds.

use std::time::{Duration, Instant};

use super::*;

/// The graphs are still there, and show that they are old.
const DIMMED: &str = "[...document.querySelectorAll('.panel')].every((panel) =>
    getComputedStyle(panel).opacity < 1 && panel.querySelector('.js-plotly-plot .plot-container'))";

/// Something turns beside the status.
const TURNING: &str = "(({ opacity, width }) => opacity > 0.9 && width !== 'auto')(
    getComputedStyle(document.getElementById('signal'), '::after'))";

#[test]
fn old_graphs_stay_dimmed_until_the_new_ones_come() {
    with_each_store(&[("SIMULATED_COST", "3s")], |app| {
        let browser = desktop();
        let old = open(&browser, app);

        let chosen = Instant::now();
        choose(&browser, "ATL");
        browser.eventually("dimmed graphs", DIMMED);
        browser.eventually("an indicator", TURNING);
        assert!(chosen.elapsed() < Duration::from_secs(1), "{:?}", chosen.elapsed());
        browser.eventually("words", "document.querySelector('#signal progress')");
        // Between the requests of the long poll nothing flickers.
        while chosen.elapsed() < Duration::from_millis(2800) {
            assert!(browser.holds(DIMMED) && browser.holds(TURNING), "{:?}", chosen.elapsed());
            let seen = browser.script(VIEW, json!([]));
            for (panel, values) in seen["panels"].as_array().unwrap().iter().zip(&old.values) {
                assert_eq!(panel["values"], *values);
            }
        }
        let new = eventually_shows(&browser, "ATL", "mean");
        let waited = chosen.elapsed();

        assert!(waited > Duration::from_millis(2900), "{waited:?}");
        assert!(waited < Duration::from_secs(5), "{waited:?}");
        assert_drawn_from(&browser, &new, "ATL", "mean");
        browser.eventually("full opacity", &format!("!({DIMMED}) && !({TURNING})"));
        assert_silent(&browser);
    });
}

#[test]
fn a_second_browser_shares_the_computation_of_the_first() {
    with_each_store(&[("SIMULATED_COST", "3s")], |app| {
        let (first, second) = (desktop(), desktop());
        open(&first, app);
        open(&second, app);
        let computed = app.computations();

        choose(&first, "ATL");
        choose(&second, "ATL");
        let one = eventually_shows(&first, "ATL", "mean");
        let shown = Instant::now();
        let other = eventually_shows(&second, "ATL", "mean");

        assert!(shown.elapsed() < Duration::from_secs(1), "{:?}", shown.elapsed());
        assert_eq!(app.computations() - computed, 1);
        assert_eq!(one.values, other.values);
        let mut outcomes = [&one, &other].map(|view| view.status.rsplit(" · ").next().unwrap());
        outcomes.sort_unstable();
        // Who asks again just after the landing finds it in the cache.
        let shared = ["collapsed: you shared another’s", "hit: it was in the cache"];
        assert!(shared.iter().any(|words| outcomes[0].starts_with(words)), "{outcomes:?}");
        assert!(outcomes[1].starts_with("stored: computed for you"), "{outcomes:?}");
        assert_silent(&first);
        assert_silent(&second);
    });
}

#[test]
fn what_another_has_waited_for_comes_at_once() {
    with_each_store(&[("SIMULATED_COST", "3s")], |app| {
        let (first, second) = (desktop(), desktop());
        open(&first, app);
        open(&second, app);
        choose(&first, "ATL");
        eventually_shows(&first, "ATL", "mean");

        let chosen = Instant::now();
        choose(&second, "ATL");
        let view = eventually_shows(&second, "ATL", "mean");

        assert!(chosen.elapsed() < Duration::from_secs(1), "{:?}", chosen.elapsed());
        assert!(view.status.contains("hit"), "{}", view.status);
        assert_eq!(app.computations(), 2);
    });
}
