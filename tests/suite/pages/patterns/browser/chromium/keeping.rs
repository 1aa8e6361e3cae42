//! What a tab holds is shown again without the server.

use std::collections::HashMap;
use std::path::Path;

use quadrant::dataset::Dataset;

use super::*;

#[test]
fn a_summary_is_shown_and_its_bytes_are_counted_and_a_reload_asks_for_nothing() {
    let app = App::spawn(&[]);
    let browser = desktop();

    go(&browser, &app, "origin=ATL");
    let first = eventually_holds(&browser, "ATL");
    browser.reload();
    let second = eventually_holds(&browser, "ATL");

    let asked = answers(&app);
    let [came, unpacked] = sent(&app, &format!("{PAGE}/summary?origin=ATL")).map(thousands);
    let held = format!("{unpacked} bytes are held in this tab’s storage.");
    let cost = format!("{came} bytes came over the network, {unpacked} bytes when unpacked.");
    let says = text(&first, "says");
    assert!(says.contains(&cost) && says.contains(&held), "{came} {unpacked}: {says}");
    let says = text(&second, "says");
    let cost = "It was in this tab’s storage: 0 bytes came over the network.";
    assert!(says.contains(cost) && says.contains(&held), "{says}");
    assert!(says.contains("UTC by worker 1."), "{says}");
    assert_eq!((&first["asked"], &second["asked"], asked), (&json!(1), &json!(0), 1.0));
    assert_shows(&first, &directly("ATL"), 2);
    assert_shows(&second, &directly("ATL"), 2);
    let boston = first["rows"].as_array().unwrap().iter().find(|row| row[0] == "BOS").unwrap();
    // The numbers that DuckDB finds, rounded.
    assert_eq!(*boston, json!(["BOS", "Gen Edw L Logan Intl", "946", "2,392", "13.2", "5", "49"]));
    assert_eq!(app.computations(), 1);
    assert_silent(&browser);
}

#[test]
fn filter_order_metric_and_airports_that_are_held_work_without_the_server() {
    let app = App::spawn(&[]);
    let port = app.url.rsplit(':').next().unwrap().to_owned();
    let browser = desktop();
    go(&browser, &app, "origin=ABE");
    eventually_holds(&browser, "ABE");
    choose(&browser, "ATL");
    eventually_holds(&browser, "ATL");
    let names = names();

    drop(app);
    browser.click("#filter input[value=p90]");
    browser.click("#numbers button[value=p90]");
    browser.click("#filter input[name=text]");
    browser.press("LA");
    browser.script("document.querySelector('[name=least]').select()", json!([]));
    browser.press("1000");

    let mut expected = directly("ATL");
    expected.retain(|(code, numbers)| {
        let text = format!("{code} {}", names[code]).to_lowercase();
        numbers[1] >= 1000.0 && text.contains("la")
    });
    // Equals stay in the order of their codes.
    expected.sort_by(|(a, one), (b, other)| other[4].total_cmp(&one[4]).then(a.cmp(b)));
    let filtered = seen(&browser);
    assert!(expected.len() > 3, "{expected:?}");
    assert_shows(&filtered, &expected, 4);
    assert_eq!(filtered["sort"], "p90 descending");
    let all = directly("ATL").len();
    let said = format!("{} of {all} destinations, with ", expected.len());
    assert!(text(&filtered, "caption").starts_with(&said), "{}", filtered["caption"]);
    assert!(text(&filtered, "title").contains("90th percentile of delay"));
    browser.click("#numbers button[value=p90]");
    let turned = seen(&browser);
    assert_eq!(turned["sort"], "p90 ascending");
    expected.sort_by(|(a, one), (b, other)| one[4].total_cmp(&other[4]).then(a.cmp(b)));
    assert_shows(&turned, &expected, 4);
    browser.click("#numbers button[value=name]");
    let by_name = seen(&browser);
    assert_eq!(by_name["sort"], "name ascending");
    expected.sort_by(|(a, _), (b, _)| names[a].cmp(&names[b]));
    assert_shows(&by_name, &expected, 4);

    browser.script("document.querySelector('[name=least]').select()", json!([]));
    browser.press("0");
    choose(&browser, "ABE");
    let held = eventually_holds(&browser, "ABE");
    assert!(text(&held, "says").contains("0 bytes came over the network"));
    choose(&browser, "BOS");
    eventually_alerts(&browser, "The server cannot be reached, and BOS is not held in this tab.");
    assert!(text(&seen(&browser), "title").contains("(ABE)"), "what was shown stays");
    browser.back();
    let back = eventually_holds(&browser, "ABE");
    assert_eq!(back["address"], format!("{PAGE}?origin=ABE"));
    choose(&browser, "BOS");
    eventually_alerts(&browser, "The server cannot be reached");

    let again = App::spawn(&[("PORT", &port)]);
    browser.click("#run [role=alert] button");
    let boston = eventually_holds(&browser, "BOS");
    assert_eq!(
        (boston["address"].as_str(), again.computations()),
        (Some("/patterns/browser?origin=BOS"), 1)
    );
}

/// The names of airports by their codes, from the published list.
fn names() -> HashMap<String, String> {
    let dataset = Dataset::open(Path::new("data/flights.parquet")).unwrap();
    let airports = dataset.contents().airports.iter();
    airports.map(|airport| (airport.code.clone(), airport.name.clone())).collect()
}

#[test]
fn with_the_network_off_held_airports_are_shown_and_others_are_reported() {
    let app = App::spawn(&[]);
    let browser = desktop();
    go(&browser, &app, "origin=ATL");
    let before = eventually_holds(&browser, "ATL");
    choose(&browser, "ABE");
    eventually_holds(&browser, "ABE");

    browser.go_offline(true);
    choose(&browser, "ATL");
    let held = eventually_holds(&browser, "ATL");
    choose(&browser, "BOS");
    eventually_alerts(&browser, "BOS is not held in this tab.");
    browser.go_offline(false);
    browser.click("#run [role=alert] button");
    eventually_holds(&browser, "BOS");

    assert_eq!(held["y"], before["y"]);
    assert_eq!(app.computations(), 3);
}

#[test]
fn another_tab_asks_again_and_nothing_is_computed_again() {
    let app = App::spawn(&[]);
    let browser = desktop();
    go(&browser, &app, "origin=ATL");
    let first = eventually_holds(&browser, "ATL");

    browser.new_tab();
    go(&browser, &app, "origin=ATL");
    let second = eventually_holds(&browser, "ATL");

    assert_eq!((&second["says"], &second["y"]), (&first["says"], &first["y"]));
    assert_eq!((&second["asked"], answers(&app), app.computations()), (&json!(1), 2.0, 1));
    assert_silent(&browser);
}

#[test]
fn a_forgotten_airport_is_still_shown_and_asked_for_the_next_time() {
    let app = App::spawn(&[]);
    let browser = desktop();
    go(&browser, &app, "origin=ATL");
    let before = eventually_holds(&browser, "ATL");

    browser.click("#forget");
    let forgotten = seen(&browser);
    browser.click("#filter input[value=p90]");
    let after = seen(&browser);
    browser.reload();
    let again = eventually_holds(&browser, "ATL");

    assert!(text(&forgotten, "says").contains("Atlanta (ATL) is forgotten"), "{forgotten}");
    assert_eq!((&before["canForget"], &forgotten["canForget"]), (&json!(true), &json!(false)));
    assert_shows(&after, &directly("ATL"), 4);
    assert_eq!((&again["asked"], answers(&app)), (&json!(1), 2.0));
    assert_silent(&browser);
}
