//! The page when it is loaded.

use super::*;

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
