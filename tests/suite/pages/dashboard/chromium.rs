//! What a user of the dashboard sees, in a real Chromium.

mod first_load;
mod choosing;
mod waiting;
mod progress;
mod cancelling;
mod renewing;
mod failing;
mod looks;
mod reading;
mod base_path;

use serde_json::{Value, json};

use crate::helpers::GRAPHS;
use crate::helpers::app::App;
use crate::helpers::browser::{Browser, key};
use crate::helpers::place::Place;
use crate::helpers::waiting::wait_for;
use crate::helpers::window::{assert_silent, choose, desktop, eventually_focused, with_each_store};

/// What the page says at this moment, and what plotly.js has drawn there.
const VIEW: &str = r#"
const marks = {
    daily: ".bars path, .scatterlayer path.js-line",
    distribution: ".bars path",
    rhythm: ".heatmaplayer image[*|href^='data:image/png']",
    destinations: ".scatterlayer path.point",
};
const visible = (mark) => mark.getBoundingClientRect().height > 0;
const panel = (graph) => {
    const panel = document.getElementById(`graph-${graph}`);
    const plot = panel.querySelector(".js-plotly-plot");
    return {
        says: panel.querySelector(".source a")?.search.slice(1).split("&v=")[0],
        v: panel.querySelector("figure")?.dataset.v,
        title: panel.querySelector("h2")?.textContent,
        caption: panel.querySelector(".caption")?.textContent,
        marks: [...panel.querySelectorAll(marks[graph])].filter(visible).length,
        values: JSON.stringify(plot?.data?.map(({ y, z }) => z ?? y)),
    };
};
const form = document.getElementById("choice");
const { origin, metric } = form.elements;
return {
    // Below the path that the page lives at.
    address: location.pathname.slice(form.getAttribute("action").length - 1) + location.search,
    origin: origin.value,
    metric: metric.value,
    status: document.getElementById("signal").innerText,
    isBusy: document.querySelector(".htmx-request, .computing") !== null,
    panels: Object.keys(marks).map(panel),
};
"#;

/// What the server would have drawn, as `values` above.
const FIGURE: &str = r#"
const [graph, query] = arguments;
const html = await (await fetch(`graphs/${graph}?${query}`)).text();
const figure = new DOMParser().parseFromString(html, "text/html").querySelector("script.figure");
return JSON.stringify(JSON.parse(figure.textContent).data.map(({ y, z }) => z ?? y));
"#;

/// What the whole page shows: one choice, in all its parts.
#[derive(Debug, PartialEq)]
struct View {
    status: String,
    v: [String; 4],
    titles: [String; 4],
    captions: [String; 4],
    values: [String; 4],
}

/// Tries a claim with three workers whose computations take this long, and each store.
fn with_each_slow_store(cost: &str, claim: impl Fn(&App, &Place)) {
    with_each_prepared_store(&[("WEB_CONCURRENCY", "3"), ("SIMULATED_COST", cost)], claim);
}

/// Tries a claim with each store: all airports are in it already, so that a page opens at once.
fn with_each_prepared_store(settings: &[(&str, &str)], claim: impl Fn(&App, &Place)) {
    for place in Place::both() {
        prepare(&App::at(&place, &[]));
        claim(&App::at(&place, settings), &place);
    }
}

/// Has the answer for all airports computed and stored.
fn prepare(app: &App) {
    assert_eq!(wait_for(app.signal("origin=ALL")).status, 200);
}

/// How much the bar shows, in thousandths; less than nothing while there is none.
const BAR: &str = "document.querySelector('#signal progress')?.value ?? -1";

/// Waits until the bar shows at least this much.
fn eventually_reaches(browser: &Browser, permille: u16) {
    browser.eventually(&format!("a bar at {permille}"), &format!("({BAR}) >= {permille}"));
}

/// Waits until the words of the status hold a text.
fn eventually_says(browser: &Browser, words: &str) {
    let status = || browser.text("document.getElementById('signal').innerText");
    browser.wait(words, || Some(status()).filter(|it| it.contains(words)).ok_or_else(status));
}

/// Fails unless the page shows the graphs of another view; its status may say anything.
fn assert_graphs_of(browser: &Browser, view: &View) {
    let seen = browser.script(VIEW, json!([]));
    for (panel, values) in seen["panels"].as_array().unwrap().iter().zip(&view.values) {
        assert_eq!(panel["values"], *values);
    }
}

/// Skips the site's header by keyboard, from the top of a page, and goes to its first control.
fn skip_to_content(browser: &Browser) {
    browser.press(&[key::TAB, key::ENTER, key::TAB].concat());
}

/// Presses "Compute anew" and waits until the old answer is said to be updating.
fn compute_anew(browser: &Browser) {
    browser.click("#anew");
    eventually_says(browser, "updating");
}

/// The page of an app, with its four graphs drawn.
fn open(browser: &Browser, app: &App) -> View {
    browser.goto(&app.url);
    eventually_shows(browser, "ALL", "mean")
}

/// Waits until every part of the page shows a choice, and no request is open.
fn eventually_shows(browser: &Browser, code: &str, metric: &str) -> View {
    browser.wait(&format!("{code} and {metric}"), || shown(browser, code, metric))
}

/// The view of a choice if all of the page shows it, or else what it shows.
fn shown(browser: &Browser, code: &str, metric: &str) -> Result<View, String> {
    let seen = browser.script(VIEW, json!([]));
    let query = format!("origin={code}&metric={metric}");
    // The bare address shows the default.
    let is_here =
        seen["address"] == format!("/?{query}") || seen["address"] == "/" && code == "ALL";
    let place = if code == "ALL" { "All airports" } else { &format!("({code})") };
    let is_chosen = seen["origin"] == code && seen["metric"] == metric;
    let is_said = seen["status"].as_str().unwrap().contains(place);
    let panels = seen["panels"].as_array().unwrap();
    let is_drawn = |panel: &Value| panel["says"] == query && panel["marks"] != 0;
    let is_idle = seen["isBusy"] == false;
    if !(is_here && is_chosen && is_said && is_idle && panels.iter().all(is_drawn)) {
        return Err(summary(seen));
    }
    let each = |what: &str| {
        [0, 1, 2, 3].map(|panel| panels[panel][what].as_str().unwrap_or_default().to_owned())
    };
    let status = seen["status"].as_str().unwrap().to_owned();
    let (v, titles) = (each("v"), each("title"));
    Ok(View { status, v, titles, captions: each("caption"), values: each("values") })
}

/// What was seen, without the many numbers.
fn summary(mut seen: Value) -> String {
    for panel in seen["panels"].as_array_mut().unwrap() {
        panel.as_object_mut().unwrap().remove("values");
    }
    format!("{seen:#}")
}

/// Whether the drawn values are those that the server has for a choice.
fn assert_drawn_from(browser: &Browser, view: &View, code: &str, metric: &str) {
    for (graph, values) in GRAPHS.iter().zip(&view.values) {
        let arguments = json!([graph, format!("origin={code}&metric={metric}")]);
        assert_eq!(browser.script(FIGURE, arguments), *values, "{graph} of {code}");
    }
}
