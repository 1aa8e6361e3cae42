//! The page when it is loaded.

use super::*;
use crate::helpers::round_trips::RoundTrips;
use crate::helpers::waiting::until;

/// Adds up how far everything moves that the user has not moved, in the unit of layout shift scores.
const SHIFTS: &str = "window.shift = 0;
new PerformanceObserver((list) => list.getEntries().forEach(({ value }) => { shift += value; }))
    .observe({ type: 'layout-shift', buffered: true });";

/// The least number of marks that shows something, in the order of the page.
const MARKS: [f64; 4] = [100.0, 30.0, 1.0, 100.0];

#[test]
fn the_first_load_draws_four_graphs_without_a_message() {
    with_each_store(&[], |app| {
        let browser = desktop();

        let view = open(&browser, app);

        let seen = browser.script(VIEW, json!([]));
        for (panel, least) in seen["panels"].as_array().unwrap().iter().zip(MARKS) {
            assert!(panel["marks"].as_f64().unwrap() >= least, "{}", panel["marks"]);
        }
        assert_drawn_from(&browser, &view, "ALL", "mean");
        assert!(view.v.iter().all(|v| *v == view.v[0] && v.len() == 16), "{:?}", view.v);
        assert_silent(&browser);
    });
}

#[test]
fn the_status_tells_the_choice_the_time_the_duration_the_worker_and_the_outcome() {
    with_each_store(&[], |app| {
        let browser = desktop();

        let first = open(&browser, app).status;
        browser.reload();
        let second = eventually_shows(&browser, "ALL", "mean").status;

        for status in [&first, &second] {
            assert!(status.contains("All airports · 3,000,000 flights"), "{status}");
            assert!(status.contains(" UTC in ") && status.contains("s by worker 1"), "{status}");
        }
        assert!(first.contains("stored: computed for you"), "{first}");
        assert!(second.contains("hit: it was in the cache"), "{second}");
        let until_outcome = |status: &str| status.rsplit_once(" · ").unwrap().0.to_owned();
        assert_eq!(until_outcome(&first), until_outcome(&second));
        assert_eq!(app.computations(), 1);
    });
}

#[test]
fn the_graphs_of_a_warm_airport_come_compressed() {
    let app = App::spawn(&[]);
    let browser = desktop();
    open(&browser, &app);
    choose(&browser, "ATL");
    eventually_shows(&browser, "ATL", "mean");

    let graphs = browser.script(
        "const all = performance.getEntriesByType('resource');
         const graphs = all.filter(({ name }) => name.includes('/graphs/') && name.includes('ATL'));
         return graphs.map(({ contentEncoding, encodedBodySize, decodedBodySize }) =>
             [contentEncoding, encodedBodySize, decodedBodySize]);",
        json!([]),
    );

    let graphs = graphs.as_array().unwrap();
    assert_eq!(graphs.len(), 4);
    for graph in graphs {
        assert!(graph[0] == "br" || graph[0] == "gzip", "{graph}");
        let [sent, whole] = [1, 2].map(|size| graph[size].as_u64().unwrap());
        assert!(sent * 2 < whole, "{graph}");
    }
}

#[test]
fn the_page_of_an_answer_that_is_there_has_the_signal_and_its_graphs_come_with_the_scripts() {
    with_each_store(&[], |app| {
        let browser = desktop();
        open(&browser, app);
        let warm = wait_until_inside(app);
        browser.cdp("Network.clearBrowserCache", json!({}));
        let round_trips = RoundTrips::before(app.address());

        browser.goto(&round_trips.url());

        let view = eventually_shows(&browser, "ALL", "mean");
        // The page, then all that it names, six at a time. One more where the browser is slow to ask.
        let passed = round_trips.passed();
        assert!(passed <= 1 + 3, "{passed} round trips");
        assert!(view.status.contains("hit: it was in the cache"), "{}", view.status);
        assert!(warm.contains("data-v=") && !warm.contains("Asking…"), "{warm}");
        let asked = "performance.getEntriesByType('resource').filter(({ name }) => \
            name.includes('/signal') || name.includes('/graphs/')).length";
        assert_eq!(browser.number(asked), 4.0, "each graph once, and no signal");
        assert_silent(&browser);
    });
}

#[test]
fn the_page_that_back_shows_again_has_the_newest_answer() {
    let app = App::spawn(&[]);
    let browser = desktop();
    open(&browser, &app);
    wait_until_inside(&app);
    browser.reload();
    eventually_shows(&browser, "ALL", "mean");
    browser.goto(&format!("{}/patterns", app.url));
    let newer = wait_for(async {
        let older = app.signal("origin=ALL&metric=mean").await;
        app.recomputed("origin=ALL&metric=mean", &older).await
    });

    browser.back();

    let newer = newer.attribute("data-computed-at");
    let drawn = format!(
        "document.querySelectorAll('figure[data-computed-at=\"{newer}\"] .main-svg').length >= 4"
    );
    browser.eventually("four graphs of the newer answer", &drawn);
    assert_silent(&browser);
}

#[test]
fn nothing_moves_while_the_graphs_arrive() {
    let app = App::spawn(&[("SIMULATED_COST", "1s")]);
    for (width, height) in [(1280, 900), (390, 844)] {
        let browser = Browser::open(width, height);
        browser.begin_with(SHIFTS);

        open(&browser, &app);
        let cold = browser.number("shift");
        browser.reload();
        eventually_shows(&browser, "ALL", "mean");

        assert_eq!([cold, browser.number("shift")], [0.0, 0.0], "{width} pixels");
    }
}

/// The page, as soon as it has the signal inside.
fn wait_until_inside(app: &App) -> String {
    wait_for(until("the signal in the page", async || {
        let page = app.get("/").await.text().to_owned();
        page.contains("data-computed-at=").then_some(page)
    }))
}
