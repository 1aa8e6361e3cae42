//! The numbers behind the marks: under the mouse, in a table, for a screen reader.

use super::*;
use crate::helpers::browser::key;

#[test]
fn hovering_shows_the_numbers() {
    let app = App::spawn(&[]);
    let browser = desktop();
    open(&browser, &app);

    for graph in GRAPHS {
        let [x, y] = largest_mark(&browser, graph);
        browser.hover(x, y);
        let label = format!("document.querySelector('#graph-{graph} .hoverlayer')?.textContent");
        let said = browser.wait(&format!("a label on {graph}"), || match browser.text(&label) {
            text if text.contains(" flights") => Ok(text),
            other => Err(other),
        });
        assert!(said.chars().any(|letter| letter.is_ascii_digit()), "{said}");
    }

    assert_silent(&browser);
}

#[test]
fn the_numbers_open_by_keyboard() {
    let app = App::spawn(&[]);
    let browser = desktop();
    open(&browser, &app);

    for (graph, rows) in GRAPHS.iter().zip([181.0, 40.0, 168.0, 100.0]) {
        let summary = format!("document.querySelector('#graph-{graph} summary')");
        browser.script(&format!("{summary}.focus()"), json!([]));
        browser.press(key::ENTER);
        let row = format!("document.querySelectorAll('#graph-{graph} tbody tr').length");
        browser.eventually(&format!("the table of {graph}"), &format!("{row} >= {rows}"));
        browser.press(key::TAB);
        assert_eq!(browser.text("document.activeElement.className"), "table");
    }

    assert_silent(&browser);
}

#[test]
fn the_first_link_leads_past_the_header() {
    let app = App::spawn(&[]);
    let browser = desktop();
    open(&browser, &app);
    let focused = "document.activeElement.innerText";

    browser.press(key::TAB);
    assert_eq!(browser.text(focused), "Skip to the content");
    assert!(browser.holds("document.activeElement.getBoundingClientRect().top >= 0"), "it shows");
    browser.press(&[key::ENTER, key::TAB].concat());

    assert_eq!(browser.text("document.activeElement.name"), "origin");
    assert_silent(&browser);
}

#[test]
fn every_control_and_graph_has_a_role_and_a_name() {
    let app = App::spawn(&[]);
    let browser = desktop();
    open(&browser, &app);
    let named = |selector: &str| browser.role_and_name(selector);

    let (role, name) = named("select[name=origin]");
    assert_eq!((role.as_str(), name.as_str()), ("combobox", "Departures from"));
    for (metric, label) in [("mean", "Mean"), ("median", "Median"), ("p90", "90th percentile")] {
        let (role, name) = named(&format!("input[value={metric}]"));
        assert_eq!((role.as_str(), name.as_str()), ("radio", label));
    }
    let (role, name) = named("fieldset");
    assert_eq!((role.as_str(), name.as_str()), ("group", "Delay as"));
    for graph in GRAPHS {
        let (role, name) = named(&format!("#graph-{graph} .plot"));
        assert!(role == "img" || role == "image", "{role}");
        assert!(name.len() > 40 && name.contains(". "), "{name}");
    }
    assert_eq!(browser.text("document.getElementById('signal').ariaLive"), "polite");
    assert_eq!(browser.text("document.documentElement.lang"), "en");
}

/// The middle of the largest mark of a graph, in the window.
fn largest_mark(browser: &Browser, graph: &str) -> [f64; 2] {
    let middle = browser.script(
        "const panel = document.getElementById(`graph-${arguments[0]}`);
         panel.scrollIntoView({ behavior: 'instant', block: 'center' });
         const marks = panel.querySelectorAll('.bars path, .heatmaplayer image, path.point');
         const boxes = [...marks].map((mark) => mark.getBoundingClientRect());
         const size = ({ width, height }) => width * height;
         const { left, top, width, height } = boxes.sort((a, b) => size(b) - size(a))[0];
         return [left + width / 2, top + height / 2];",
        json!([graph]),
    );
    [0, 1].map(|axis| middle[axis].as_f64().unwrap())
}
