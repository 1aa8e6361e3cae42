//! What a user sees of data that the browser keeps: a graph and a table, with the network off too.

use super::*;
use crate::helpers::answer::Answer;
use crate::helpers::browser::key;
use crate::helpers::exposition::Exposition;
use crate::helpers::flights::{MONDAY, dataset};
use crate::patterns_browser::{Destination, directly};

const PAGE: &str = "/patterns/browser";

/// What the page shows, in one look.
const SEEN: &str = "
const plot = document.querySelector('#graph-stored .js-plotly-plot');
const trace = plot?.data?.[0];
const visible = (mark) => mark.getBoundingClientRect().height > 0;
const sorted = document.querySelector('#numbers th[aria-sort]');
return {
    says: document.getElementById('says').innerText,
    trouble: document.getElementById('trouble').innerText,
    alert: document.querySelector('#run [role=alert]')?.innerText ?? '',
    isBusy: document.querySelector('main').ariaBusy === 'true',
    isShown: !document.getElementById('held').hidden,
    title: document.querySelector('#graph-stored h2').innerText,
    caption: document.querySelector('#graph-stored .caption').innerText,
    marks: [...document.querySelectorAll('#graph-stored path.point')].filter(visible).length,
    x: trace?.x, y: trace?.y, flights: trace?.marker.size,
    rows: [...document.querySelectorAll('#numbers tbody tr')].map((row) => [...row.cells].map((cell) => cell.innerText)),
    sort: `${sorted.innerText.trim()} ${sorted.ariaSort}`,
    canForget: !document.getElementById('forget').disabled,
    asked: performance.getEntriesByType('resource').filter(({ name }) => name.includes('/browser/summary')).length,
    address: location.pathname + location.search,
};";

fn go(browser: &Browser, app: &App, query: &str) {
    browser.goto(&format!("{}{PAGE}?{query}", app.url));
}

fn seen(browser: &Browser) -> Value {
    browser.script(SEEN, json!([]))
}

fn text<'a>(seen: &'a Value, name: &str) -> &'a str {
    seen[name].as_str().unwrap()
}

/// Waits until an airport is shown, and its status has come to rest.
fn eventually_holds(browser: &Browser, code: &str) -> Value {
    let place = format!("({code})");
    browser.wait(code, || {
        let seen = seen(browser);
        let is_said = ["says", "title"].iter().all(|part| text(&seen, part).contains(&place));
        let is_here = seen["isBusy"] == false && seen["alert"] == "" && is_said;
        if is_here && seen["marks"] != 0 { Ok(seen) } else { Err(brief(seen)) }
    })
}

/// Waits until something is shown as an error.
fn eventually_alerts(browser: &Browser, words: &str) {
    browser.wait(words, || {
        let seen = seen(browser);
        if text(&seen, "alert").contains(words) { Ok(()) } else { Err(brief(seen)) }
    });
}

/// What was seen, without the many numbers.
fn brief(mut seen: Value) -> String {
    for name in ["x", "y", "flights", "rows"] {
        seen.as_object_mut().unwrap().remove(name);
    }
    format!("{seen:#}")
}

/// Something that a test's own HTTP client does.
fn wait_for<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work)
}

/// What another client gets, in the form in which Chromium wants it.
fn sent(app: &App, path: &str) -> [usize; 2] {
    let length = |answer: Answer| answer.bytes.len();
    let with = |headers: &'static [(&str, &str)]| wait_for(app.get_with(path, headers));
    [with(&[("Accept-Encoding", "br")]), with(&[])].map(length)
}

/// How often the server was asked for a summary with success.
fn answers(app: &App) -> f64 {
    let labels = [("route", "/patterns/browser/summary"), ("status", "200")];
    wait_for(Exposition::of(app)).find("quadrant_requests_total", &labels).unwrap_or(0.0)
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|it| it.as_f64().unwrap()).collect()
}

fn codes(seen: &Value) -> Vec<&str> {
    seen["rows"].as_array().unwrap().iter().map(|row| row[0].as_str().unwrap()).collect()
}

/// Fails unless the table has these destinations in this order, and the graph their numbers: the one
/// at this place of them.
fn assert_shows(seen: &Value, expected: &[Destination], metric: usize) {
    let expected_codes: Vec<&str> = expected.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(codes(seen), expected_codes);
    assert_eq!(seen["marks"], expected.len());
    for (name, at) in [("x", 0), ("y", metric), ("flights", 1)] {
        for (found, (code, numbers)) in numbers(&seen[name]).iter().zip(expected) {
            assert!((found - numbers[at]).abs() < 1e-9, "{name} of {code}: {found}");
        }
    }
}

#[test]
fn what_came_once_is_shown_and_counted_and_a_reload_asks_for_nothing() {
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
    // Those that DuckDB finds, as people read them.
    assert_eq!(*boston, json!(["BOS", "Gen Edw L Logan Intl", "946", "2,392", "13.2", "5", "49"]));
    assert_eq!(app.computations(), 1);
    assert_silent(&browser);
}

/// A number as people read it.
fn thousands(number: usize) -> String {
    assert!((1000..1_000_000).contains(&number), "{number}");
    format!("{},{:03}", number / 1000, number % 1000)
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
fn names() -> std::collections::HashMap<String, String> {
    let dataset = quadrant::dataset::Dataset::open(std::path::Path::new("data/flights.parquet"));
    let dataset = dataset.unwrap();
    let airports = dataset.contents().airports.iter();
    airports.map(|airport| (airport.code.clone(), airport.name.clone())).collect()
}

#[test]
fn with_the_network_off_what_is_held_is_shown_and_what_is_not_is_said() {
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

/// Fills the storage of this tab to its last character.
const FILL: &str = "for (let size = 2 ** 22, at = 0; size >= 1; at++) {
    try { sessionStorage.setItem(`filling ${at}`, 'x'.repeat(size)); } catch { size = Math.floor(size / 2); }
}";

#[test]
fn a_full_storage_is_told_and_everything_works_from_the_answer() {
    let app = App::spawn(&[]);
    let browser = desktop();
    browser.goto(&format!("{}/livez", app.url));
    browser.script(FILL, json!([]));
    // That this address has no icon.
    browser.complaints();

    go(&browser, &app, "origin=ATL");
    let full = eventually_holds(&browser, "ATL");
    drop(app);
    browser.click("#filter input[value=median]");

    assert!(text(&full, "trouble").contains("storage is full, so this airport is not held"));
    let says = text(&full, "says");
    assert!(says.contains("came over the network") && says.contains("Nothing of it is held."));
    assert_eq!(full["canForget"], false);
    assert_shows(&full, &directly("ATL"), 2);
    assert_shows(&seen(&browser), &directly("ATL"), 3);
    assert_silent(&browser);
}

#[test]
fn a_storage_that_is_refused_is_told_and_everything_works_from_the_answer() {
    let app = App::spawn(&[]);
    let browser = desktop();
    browser.begin_with(
        "Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('no', 'SecurityError'); } });",
    );

    go(&browser, &app, "origin=ATL");
    let first = eventually_holds(&browser, "ATL");
    browser.reload();
    let second = eventually_holds(&browser, "ATL");

    for seen in [&first, &second] {
        assert!(text(seen, "trouble").contains("This browser refuses its storage"), "{seen}");
        assert_eq!((&seen["asked"], &seen["canForget"]), (&json!(1), &json!(false)));
    }
    assert_shows(&second, &directly("ATL"), 2);
    assert_silent(&browser);
}

#[test]
fn what_is_damaged_or_of_other_data_is_asked_for_again() {
    let app = App::spawn(&[]);
    let browser = desktop();
    go(&browser, &app, "origin=ATL");
    let before = eventually_holds(&browser, "ATL");
    let name = browser.text("Object.keys(sessionStorage).join()");
    let sound = browser.text(&format!("sessionStorage['{name}']"));
    let mut other: Value = serde_json::from_str(&sound).unwrap();
    other["v"] = json!("0123456789abcdef");
    let mut short: Value = serde_json::from_str(&sound).unwrap();
    short["destinations"]["p90"].as_array_mut().unwrap().pop();

    let damaged = ["", "null", "{}", "[]", "{\"v\":\"", &sound[..sound.len() / 2]];
    let damaged =
        damaged.map(str::to_owned).into_iter().chain([other, short].map(|it| it.to_string()));
    for held in damaged {
        browser.script("sessionStorage[arguments[0]] = arguments[1]", json!([name, held]));
        browser.reload();
        let seen = eventually_holds(&browser, "ATL");

        assert_eq!((&seen["asked"], &seen["y"]), (&json!(1), &before["y"]), "{held:.40}");
        assert_eq!(browser.text(&format!("sessionStorage['{name}']")), sound);
    }
    assert!(name.ends_with("ATL"), "{name}");
    assert_silent(&browser);
}

#[test]
fn what_is_forgotten_is_still_shown_and_asked_for_the_next_time() {
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

#[test]
fn a_slow_computation_shows_how_far_it_is_and_is_shared() {
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
fn who_chooses_another_airport_meanwhile_gets_that_one() {
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
fn a_link_to_an_airport_that_there_is_not_says_so_and_lets_another_be_chosen() {
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

#[test]
fn the_keyboard_and_a_screen_reader_have_all_of_it() {
    let app = App::spawn(&[]);
    let browser = desktop();
    go(&browser, &app, "origin=ATL");
    eventually_holds(&browser, "ATL");

    browser.script("document.querySelector('#numbers button[value=mean]').focus()", json!([]));
    browser.press(key::ENTER);
    let sorted = seen(&browser);
    browser.press(key::ENTER);
    let turned = seen(&browser);

    assert_eq!(
        (&sorted["sort"], &turned["sort"]),
        (&json!("mean descending"), &json!("mean ascending"))
    );
    assert!(numbers(&sorted["y"]).is_sorted_by(|one, next| one >= next));
    assert!(numbers(&turned["y"]).is_sorted());
    assert_eq!(browser.text("document.activeElement.value"), "mean", "the focus stays");
    for (selector, role, name) in [
        ("select[name=origin]", "combobox", "Departures from"),
        ("input[name=text]", "searchbox", "Code or name has"),
        ("input[name=least]", "spinbutton", "Flights, at least"),
        ("#filter input[value=p90]", "radio", "90th percentile"),
        ("#numbers th:nth-child(4)", "columnheader", "flights"),
        ("#forget", "button", "Forget it"),
    ] {
        let (found, says) = browser.role_and_name(selector);
        assert!(found == role && says.contains(name), "{selector}: {found} {says}");
    }
    for live in ["#says", "#graph-stored .caption", "#trouble"] {
        assert_eq!(browser.text(&format!("document.querySelector('{live}').role")), "status");
    }
    let (role, name) = browser.role_and_name("#graph-stored .plot");
    assert!(
        (role == "img" || role == "image") && name.contains("destinations, with"),
        "{role} {name}"
    );
    assert_silent(&browser);
}

#[test]
fn codes_that_look_like_html_or_addresses_stay_text() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("flights.parquet");
    dataset(&[(MONDAY, 7, 100, "A&B", "<b>"), (MONDAY, 9, 200, "A&B", "C&#60;")], &path);
    let app = App::spawn(&[("DATASET", path.to_str().unwrap())]);
    let browser = desktop();

    go(&browser, &app, "");
    let seen = browser.wait("two bubbles", || {
        let seen = seen(&browser);
        if seen["marks"] == 2 && seen["isBusy"] == false { Ok(seen) } else { Err(brief(seen)) }
    });
    let middle = browser.script(
        "const { left, top, width, height } = document.querySelector('#graph-stored .point').getBoundingClientRect();
         return [left + width / 2, top + height / 2];",
        json!([]),
    );
    browser.hover(middle[0].as_f64().unwrap(), middle[1].as_f64().unwrap());
    let label = "document.querySelector('#graph-stored .hoverlayer')?.textContent ?? ''";
    let said = browser.wait("a label", || match browser.text(label) {
        text if text.contains("1 flight") => Ok(text),
        other => Err(other),
    });

    assert_eq!(codes(&seen), ["<b>", "C&#60;"]);
    assert!(said.starts_with("<b> · <b>") || said.starts_with("C&#60; · C&#60;"), "{said}");
    assert!(text(&seen, "says").starts_with("A&B · "), "{seen}");
    browser.reload();
    browser.eventually(
        "what is held",
        "document.getElementById('says').innerText.includes(' 0 bytes')",
    );
    assert_silent(&browser);
}

#[test]
fn it_fits_a_phone_and_turns_dark_and_lives_below_a_base_path() {
    let app = App::spawn(&[("BASE_PATH", "/flights")]);
    let browser = desktop();
    browser.become_phone();
    browser.prefer("light");
    browser.goto(&format!("{}/flights{PAGE}?origin=ATL", app.url));
    eventually_holds(&browser, "ATL");
    let color =
        || browser.text("getComputedStyle(document.querySelector('#graph-stored .point')).fill");
    let light = color();

    for width in [390, 360] {
        browser.resize(width, 740);
        let fits =
            format!("innerWidth === {width} && document.documentElement.scrollWidth <= {width}");
        browser.eventually("a page that fits", &fits);
    }
    for control in ["select", "[name=text]", "[name=least]", "#forget", ".metric label"] {
        let height = format!("document.querySelector('{control}').getBoundingClientRect().height");
        assert!(browser.number(&height) >= 40.0, "{control}");
    }
    assert_eq!(light, "rgb(47, 111, 222)", "flights are blue");
    browser.prefer("dark");
    browser.wait("other colors", || {
        if color() == "rgb(110, 164, 255)" { Ok(()) } else { Err(color()) }
    });
    choose(&browser, "ABE");
    assert_eq!(eventually_holds(&browser, "ABE")["address"], format!("/flights{PAGE}?origin=ABE"));
    assert_silent(&browser);
}
