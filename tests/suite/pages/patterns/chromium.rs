//! What a user sees of `/patterns`: the table, and the same choice in two browsers.

use serde_json::{Value, json};

use crate::helpers::app::App;
use crate::helpers::browser::{Browser, key};
use crate::helpers::window::{assert_silent, desktop, eventually_focused};

/// What the last press has brought: each answer's airport by its address, and whether it is marked.
const SEEN: &str = "
const answers = [...document.querySelectorAll('#asks > li')];
return {
    addresses: answers.map((answer) => answer.querySelector('b')?.textContent),
    wrong: answers.filter((answer) => answer.querySelector('.wrong')).length,
    others: answers.filter((answer) => answer.innerText.includes('another choice')).length,
    tally: document.getElementById('tally').innerText,
};";

fn go(browser: &Browser, app: &App) {
    browser.goto(&format!("{}/patterns", app.url));
}

/// Waits for the end of a press, and fails unless all its answers are right by their addresses.
fn answered(browser: &Browser, code: &str) -> Value {
    let seen = browser.wait("the count", || {
        let seen = browser.script(SEEN, json!([]));
        if seen["tally"] == "" { Err(seen.to_string()) } else { Ok(seen) }
    });
    assert_eq!(seen["addresses"], json!(vec![code; 8]), "{seen}");
    let tally = seen["tally"].as_str().unwrap();
    match seen["wrong"].as_u64().unwrap() {
        0 => assert!(tally.contains("By the variable they were too"), "{seen}"),
        wrong => assert!(tally.contains(&format!("{wrong} of 8 were wrong")), "{seen}"),
    }
    seen
}

/// Presses the button and waits for all answers.
fn press(browser: &Browser, code: &str) -> Value {
    browser.script("document.getElementById('tally').textContent = ''", json!([]));
    browser.click(&format!("#stateless option[value={code}]"));
    browser.click("#stateless button");
    answered(browser, code)
}

#[test]
fn two_browsers_see_their_own_choice_by_the_address_and_each_others_by_a_variable() {
    let app = App::spawn(&[("WEB_CONCURRENCY", "3")]);
    let (first, second) = (desktop(), desktop());
    go(&first, &app);
    go(&second, &app);

    // The system deals connections to workers as it likes: one press may meet a single worker.
    let mut others = 0;
    for _ in 0..20 {
        press(&second, "ABE");
        others += press(&first, "ATL")["others"].as_u64().unwrap();
        if others > 0 {
            break;
        }
    }

    assert!(others > 0, "no answer had the other browser's choice");
    assert_silent(&first);
    assert_silent(&second);
}

#[test]
fn with_one_worker_and_one_visitor_a_variable_seems_right() {
    let app = App::spawn(&[]);
    let browser = desktop();
    go(&browser, &app);

    let seen = press(&browser, "ATL");

    assert_eq!(seen["wrong"], 0);
    assert_silent(&browser);
}

#[test]
fn the_keyboard_asks_and_stays_where_it_is() {
    let app = App::spawn(&[]);
    let browser = desktop();
    go(&browser, &app);

    browser.script("document.querySelector('#stateless select').focus()", json!([]));
    browser.press("ATL");
    browser.press(key::TAB);
    browser.press(key::ENTER);
    answered(&browser, "ATL");

    eventually_focused(&browser, "Choose, and ask 8 times");
    assert_eq!(browser.role_and_name("#tally").0, "status");
    let (role, name) = browser.role_and_name("#stateless select");
    assert_eq!((role.as_str(), name.as_str()), ("combobox", "Departures from"));
    assert_silent(&browser);
}

#[test]
fn a_press_without_an_answer_is_reported_and_can_be_repeated() {
    let app = App::spawn(&[]);
    let port = app.url.rsplit(':').next().unwrap().to_owned();
    let browser = desktop();
    go(&browser, &app);

    drop(app);
    browser.click("#stateless option[value=ATL]");
    browser.click("#stateless button");
    browser.eventually("an alert", "document.querySelector('#answers [role=alert] button')");
    let _again = App::spawn(&[("PORT", &port)]);
    browser.click("#answers [role=alert] button");

    answered(&browser, "ATL");
}

#[test]
fn the_table_is_a_table_to_a_screen_reader_on_a_phone_too() {
    let app = App::spawn(&[]);
    let browser = desktop();
    go(&browser, &app);
    let roles = || {
        ["#patterns table", "#patterns tbody th", "#patterns td", "#patterns thead th"]
            .map(|selector| browser.role_and_name(selector).0)
    };

    assert_eq!(roles(), ["table", "rowheader", "cell", "columnheader"]);
    browser.resize(360, 740);
    go(&browser, &app);
    assert_eq!(roles(), ["table", "rowheader", "cell", "columnheader"]);
    press(&browser, "ATL");
    let width = browser.number("document.documentElement.scrollWidth");
    assert!(width <= 360.0, "{width}");
    assert_silent(&browser);
}
