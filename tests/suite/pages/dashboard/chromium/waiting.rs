//! What a user sees of a computation that takes three seconds.

use super::*;

/// The graphs are still there, and show that they are old.
const DIMMED: &str = "[...document.querySelectorAll('.panel')].every((panel) =>
    getComputedStyle(panel).opacity < 1 && panel.querySelector('.js-plotly-plot .plot-container'))";

/// Something turns beside the status.
const TURNING: &str = "(({ opacity, width }) => opacity > 0.9 && width !== 'auto')(
    getComputedStyle(document.getElementById('signal'), '::after'))";

#[test]
fn old_graphs_stay_dimmed_until_the_new_ones_come() {
    with_each_prepared_store(&[("SIMULATED_COST", "3s")], |app, _| {
        let browser = desktop();
        let old = open(&browser, app);

        choose(&browser, "ATL");
        browser.eventually("dimmed graphs", DIMMED);
        browser.eventually("an indicator", TURNING);
        browser.eventually("words", "document.querySelector('#signal progress')");
        // Between the requests of the long poll nothing flickers.
        let waiting =
            format!("return document.querySelector('#signal progress') && [{DIMMED}, {TURNING}]");
        let mut looks = 0;
        browser.wait("the end of the computation", || {
            let seen = browser.script(VIEW, json!([]));
            let is_waiting = browser.script(&waiting, json!([]));
            if is_waiting.is_null() {
                return Ok(());
            }
            assert_eq!(is_waiting, json!([true, true]), "dimmed, and turning");
            for (panel, values) in seen["panels"].as_array().unwrap().iter().zip(&old.values) {
                assert_eq!(panel["values"], *values);
            }
            looks += 1;
            Err(format!("{looks} looks"))
        });
        assert!(looks >= 3, "{looks} looks");
        let new = eventually_shows(&browser, "ATL", "mean");

        assert_drawn_from(&browser, &new, "ATL", "mean");
        browser.eventually("full opacity", &format!("!({DIMMED}) && !({TURNING})"));
        assert_silent(&browser);
    });
}

#[test]
fn a_second_browser_shares_the_computation_of_the_first() {
    with_each_prepared_store(&[("SIMULATED_COST", "3s")], |app, _| {
        let (first, second) = (desktop(), desktop());
        open(&first, app);
        open(&second, app);

        choose(&first, "ATL");
        choose(&second, "ATL");
        let one = eventually_shows(&first, "ATL", "mean");
        let other = eventually_shows(&second, "ATL", "mean");

        assert_eq!(app.computations(), 1);
        assert_eq!(one.values, other.values);
        let mut outcomes = [&one, &other].map(|view| view.status.rsplit(" · ").next().unwrap());
        outcomes.sort_unstable();
        // A page that asks again just after the end finds the answer in the cache.
        let shared = ["collapsed: you shared another’s", "hit: it was in the cache"];
        assert!(shared.iter().any(|words| outcomes[0].starts_with(words)), "{outcomes:?}");
        assert!(outcomes[1].starts_with("stored: computed for you"), "{outcomes:?}");
        assert_silent(&first);
        assert_silent(&second);
    });
}

#[test]
fn an_answer_that_another_browser_has_waited_for_is_a_hit() {
    with_each_prepared_store(&[("SIMULATED_COST", "1s")], |app, _| {
        let (first, second) = (desktop(), desktop());
        open(&first, app);
        open(&second, app);
        choose(&first, "ATL");
        eventually_shows(&first, "ATL", "mean");

        choose(&second, "ATL");
        let view = eventually_shows(&second, "ATL", "mean");

        assert!(view.status.contains("hit"), "{}", view.status);
        assert_eq!(app.computations(), 1);
    });
}
