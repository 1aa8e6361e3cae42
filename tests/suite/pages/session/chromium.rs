//! What a visitor sees of a sample, and what another visitor sees of it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::helpers::app::App;
use crate::helpers::browser::{Browser, key};
use crate::helpers::place::Place;
use crate::helpers::window::{assert_silent, choose, desktop};

/// What the page shows of a sample, in one look.
const SEEN: &str = "
const plots = [...document.querySelectorAll('.graphs .js-plotly-plot')];
return {
    says: document.getElementById('signal').innerText,
    at: document.querySelector('#signal time')?.dateTime,
    graphs: [...document.querySelectorAll('figure.graph')].map(({ dataset }) => dataset.computedAt),
    flights: [...document.querySelectorAll('#flights tbody tr')].map((row) => row.innerText),
    drawn: document.querySelector('#flights time')?.dateTime,
    values: JSON.stringify(plots.map(({ data }) => data.map(({ y, z }) => z ?? y))),
    plots: plots.length,
    isBusy: document.querySelector('.htmx-request, .computing') !== null,
};";

fn go(browser: &Browser, app: &App) {
    browser.goto(&format!("{}/session", app.url));
}

/// Waits until all of the page shows one sample, and nothing is under way.
fn eventually_has(browser: &Browser, flights: &str) -> Value {
    browser.wait(&format!("a sample of {flights}"), || {
        let seen = browser.script(SEEN, json!([]));
        let is_said = seen["says"].as_str().unwrap().contains(flights);
        let all = seen["graphs"].as_array().unwrap();
        let is_one = all.len() == 4 && all.iter().all(|at| *at == seen["at"]);
        let is_idle = seen["isBusy"] == false && seen["plots"] == 4 && seen["drawn"] == seen["at"];
        if is_said && is_one && is_idle { Ok(seen) } else { Err(format!("{seen:#}")) }
    })
}

/// Waits until the page says that there is no sample, and shows none.
fn eventually_has_none(browser: &Browser, words: &str) {
    browser.wait(words, || {
        let seen = browser.script(SEEN, json!([]));
        let is_said = seen["says"].as_str().unwrap().contains(words);
        let is_empty = seen["graphs"] == json!([]) && seen["flights"] == json!([]);
        if is_said && is_empty { Ok(()) } else { Err(format!("{seen:#}")) }
    });
}

fn draw(browser: &Browser, code: &str) {
    choose(browser, code);
    browser.click("#draw button");
}

/// The cookies of the page, as the browser keeps them.
fn cookies(browser: &Browser) -> Vec<Value> {
    let cookies = browser.cdp("Network.getCookies", json!({}));
    cookies["cookies"].as_array().unwrap().clone()
}

/// The three observations that the original suggests: times that do not change, a first question that
/// is slow and later ones that are not, and a second session with other data.
#[test]
fn two_browsers_have_a_sample_each_which_stays_and_is_drawn_once() {
    for place in Place::both() {
        let cost = Duration::from_secs(2);
        let app = App::at(&place, &[("WEB_CONCURRENCY", "3"), ("SIMULATED_COST", "2s")]);
        let (one, other) = (desktop(), desktop());
        go(&one, &app);
        go(&other, &app);
        eventually_has_none(&other, "You have no sample yet");

        let asked = Instant::now();
        draw(&one, "ATL");
        let first = eventually_has(&one, "1,000 of 124,711 flights");
        assert!(asked.elapsed() >= cost, "{:?}", asked.elapsed());

        one.reload();
        let again = eventually_has(&one, "1,000 of 124,711 flights");
        one.click("input[value=p90]");
        one.eventually("the address", "location.search === '?metric=p90'");
        let by_p90 = eventually_has(&one, "1,000 of 124,711 flights");
        assert_eq!(app.computations(), 1, "a reload and a metric take no draw");
        for seen in [&again, &by_p90] {
            assert_eq!((&seen["at"], &seen["flights"]), (&first["at"], &first["flights"]));
        }
        assert_eq!(again["values"], first["values"]);
        assert_ne!(by_p90["values"], first["values"], "another metric has other graphs");

        other.reload();
        eventually_has_none(&other, "You have no sample yet");
        let asked = Instant::now();
        draw(&other, "ATL");
        let foreign = eventually_has(&other, "1,000 of 124,711 flights");
        assert!(asked.elapsed() >= cost, "{:?}", asked.elapsed());
        assert_ne!(foreign["at"], first["at"]);
        assert_ne!(foreign["flights"], first["flights"]);
        assert_ne!(foreign["values"], first["values"]);

        one.reload();
        assert_eq!(eventually_has(&one, "1,000 of")["at"], first["at"]);
        assert_eq!(app.computations(), 2);
        assert_silent(&one);
        assert_silent(&other);
    }
}

#[test]
fn a_new_sample_replaces_the_one_before_and_forgetting_removes_it() {
    let app = App::spawn(&[]);
    let browser = desktop();
    go(&browser, &app);
    assert_eq!(cookies(&browser), [json!(null); 0], "looking sets no cookie");

    draw(&browser, "ATL");
    let first = eventually_has(&browser, "1,000 of 124,711 flights");
    let [cookie] = &cookies(&browser)[..] else { panic!("one cookie") };
    assert_eq!((&cookie["httpOnly"], &cookie["sameSite"]), (&json!(true), &json!("Lax")));
    assert_eq!(browser.text("document.cookie"), "", "scripts cannot read it");

    browser.click("#draw button");
    let second = browser.wait("another sample", || {
        let seen = eventually_has(&browser, "1,000 of 124,711 flights");
        if seen["at"] == first["at"] { Err(format!("{seen:#}")) } else { Ok(seen) }
    });
    assert_ne!(second["values"], first["values"]);
    assert_ne!(cookies(&browser)[0]["value"], cookie["value"], "and another session");

    browser.click("#forget");
    eventually_has_none(&browser, "Your data have been deleted");
    assert_eq!(cookies(&browser), [json!(null); 0]);
    browser.reload();
    eventually_has_none(&browser, "You have no sample yet");
    assert_silent(&browser);
}

#[test]
fn a_page_whose_sample_has_made_room_says_so_and_can_draw_again() {
    let app = App::spawn(&[("SESSION_MAX", "1")]);
    let (one, other) = (desktop(), desktop());
    go(&one, &app);
    draw(&one, "YAK");
    eventually_has(&one, "all 353 flights");

    go(&other, &app);
    draw(&other, "YAK");
    eventually_has(&other, "all 353 flights");
    one.click("input[value=median]");

    eventually_has_none(&one, "Your earlier sample has been cleared to make room");
    one.click("#draw button");
    eventually_has(&one, "all 353 flights");
    assert_silent(&one);
}

#[test]
fn a_wrong_size_is_not_sent_and_the_sample_stays() {
    let app = App::spawn(&[]);
    let browser = desktop();
    go(&browser, &app);
    draw(&browser, "ATL");
    let first = eventually_has(&browser, "1,000 of 124,711 flights");

    for size in ["0", "100001", "-1", "1.5", ""] {
        browser.script("document.querySelector('[name=size]').value = arguments[0]", json!([size]));
        browser.click("#draw button");
        assert!(browser.holds("document.querySelector('[name=size]:invalid')"), "{size}");
    }

    let seen = eventually_has(&browser, "1,000 of 124,711 flights");
    assert_eq!(seen["at"], first["at"]);
    assert_eq!(app.computations(), 1);
}

#[test]
fn a_sample_can_be_drawn_and_forgotten_by_keyboard_and_no_focus_is_lost() {
    let app = App::spawn(&[]);
    let browser = desktop();
    go(&browser, &app);
    browser.script("document.querySelector('[name=size]').focus()", json!([]));
    let focus = || browser.text("document.activeElement.innerText");

    browser.press(key::ENTER);
    eventually_has(&browser, "1,000 of 3,000,000 flights");
    browser.script("document.querySelector('#draw button').focus()", json!([]));
    for _ in 0..20 {
        if focus() == "Forget my data" {
            break;
        }
        browser.press(key::TAB);
    }
    assert_eq!(focus(), "Forget my data");
    browser.press(key::ENTER);

    eventually_has_none(&browser, "Your data have been deleted");
    assert!(focus().starts_with("Your data have been deleted"), "{}", focus());
    assert_silent(&browser);
}

#[test]
fn on_a_phone_a_sample_fits_the_page() {
    let app = App::spawn(&[]);
    let browser = desktop();
    browser.become_phone();
    go(&browser, &app);
    assert!(browser.number("document.documentElement.scrollWidth") <= 390.0);

    draw(&browser, "ATL");
    eventually_has(&browser, "1,000 of 124,711 flights");

    assert!(browser.number("document.documentElement.scrollWidth") <= 390.0);
    for control in ["#draw select", "#draw button", "#forget", ".metric label:nth-of-type(1)"] {
        let height = format!("document.querySelector('{control}').getBoundingClientRect().height");
        assert!(browser.number(&height) >= 40.0, "{control}");
    }
    assert_silent(&browser);
}
