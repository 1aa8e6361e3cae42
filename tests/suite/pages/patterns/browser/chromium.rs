//! What a user sees of data that the browser keeps: a graph and a table, with the network off too.

mod keeping;
mod storage;
mod choosing;
mod looks;

use serde_json::{Value, json};

use super::{Destination, PAGE, directly};
use crate::helpers::answer::Answer;
use crate::helpers::app::App;
use crate::helpers::browser::Browser;
use crate::helpers::exposition::Exposition;
use crate::helpers::waiting::wait_for;
use crate::helpers::window::{assert_silent, choose, desktop};

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

/// A number with its thousands apart.
fn thousands(number: usize) -> String {
    assert!((1000..1_000_000).contains(&number), "{number}");
    format!("{},{:03}", number / 1000, number % 1000)
}
