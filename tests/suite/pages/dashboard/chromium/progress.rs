//! What a user sees during a computation: a bar that grows, on whichever worker it runs.

use std::time::Duration;

use super::*;
use crate::helpers::browser::key;

/// Where the bar has been, and when, since it was first seen; and how high the status was.
const WATCH: &str = "window.course = [];
const look = () => {
    const bar = document.querySelector('#signal progress');
    const height = document.getElementById('signal').getBoundingClientRect().height;
    const last = course.at(-1);
    if (bar && bar.value !== last?.value) course.push({ value: bar.value, at: performance.now(), height });
    requestAnimationFrame(look);
};
look();";

/// The words that a screen reader would have said since.
const LISTEN: &str = "window.told = [];
const tell = (node, parent) => {
    const words = node.textContent.trim();
    if (words && parent.closest('[aria-live]').ariaLive === 'polite') told.push(words);
};
new MutationObserver((changes) => {
    for (const { type, target, addedNodes } of changes) {
        if (type === 'characterData') tell(target, target.parentElement);
        addedNodes.forEach((node) => tell(node, target));
    }
}).observe(document.getElementById('signal'), { childList: true, characterData: true, subtree: true });";

fn course(browser: &Browser, what: &str) -> Vec<f64> {
    let course = browser.script(&format!("return course.map(({{ {what} }}) => {what})"), json!([]));
    course.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

#[test]
fn progress_grows_several_times_a_second_and_the_page_stays_in_its_place() {
    with_each_slow_store("4s", |app, _| {
        let browser = desktop();
        // Where its words take more lines at some times than at others.
        browser.become_phone();
        open(&browser, app);
        let height = "document.getElementById('signal').getBoundingClientRect().height";
        let before = browser.number(height);
        browser.script(WATCH, json!([]));

        choose(&browser, "ATL");
        eventually_shows(&browser, "ATL", "mean");

        let (values, times) = (course(&browser, "value"), course(&browser, "at"));
        let seconds = (times.last().unwrap() - times[0]) / 1000.0;
        let pace = (values.len() - 1) as f64 / seconds;
        assert!(seconds > 2.0 && pace >= 3.0, "{pace} a second: {values:?}");
        assert!(values.is_sorted(), "{values:?}");
        assert!(values[0] > 100.0 && *values.last().unwrap() > 800.0, "{values:?}");
        assert_eq!(course(&browser, "height").iter().find(|it| **it != before), None);
        assert_eq!(browser.number(height), before);
        assert_silent(&browser);
    });
}

#[test]
fn a_screen_reader_says_the_beginning_and_the_end_and_can_read_the_bar() {
    let app = App::spawn(&[("SIMULATED_COST", "6s")]);
    let browser = desktop();
    browser.goto(&app.url);
    eventually_reaches(&browser, 100);

    browser.script(LISTEN, json!([]));
    eventually_reaches(&browser, 500);
    let between = browser.text("told.join()");
    let (role, name) = browser.role_and_name("#signal progress");
    eventually_shows(&browser, "ALL", "mean");
    let end = browser.text("told.join()");

    assert_eq!(between, "");
    assert!(end.contains("All airports") && end.contains("stored: computed for you"), "{end}");
    assert_eq!((role.as_str(), name.as_str()), ("progressbar", "Progress"));
}

/// How many requests of the page have been answered.
const ANSWERS: &str = "performance.getEntriesByType('resource').length";

#[test]
fn the_answer_comes_when_its_worker_dies_and_the_bar_never_goes_back() {
    with_each_slow_store("6s", |app, place| {
        let browser = desktop();
        open(&browser, app);
        browser.script(WATCH, json!([]));
        choose(&browser, "ATL");
        eventually_reaches(&browser, 200);

        // The page does not say which one computes, so each is killed once. Browsers repeat a request
        // that breaks with its connection, once; so the next death waits for another answer.
        for worker in 1..=3 {
            let answers = browser.number(ANSWERS);
            app.kill_worker(worker, "KILL");
            crate::helpers::eventually("three workers", || app.workers().len() == 3);
            browser.eventually("another answer", &format!("{ANSWERS} > {answers}"));
        }
        let atlanta = eventually_shows(&browser, "ATL", "mean");

        let values = course(&browser, "value");
        assert!(values.is_sorted(), "{values:?}");
        assert!(atlanta.status.contains("computed at"), "{}", atlanta.status);
        assert_eq!(app.computations(), 1);
        assert!(!place.is_leased());
    });
}

#[test]
fn quick_choices_settle_on_the_last_and_the_other_computations_stop() {
    with_each_slow_store("4s", |app, place| {
        let browser = desktop();
        open(&browser, app);
        let codes = browser.script(
            "return [...document.querySelectorAll('select[name=origin] option')].map((it) => it.value)",
            json!([]),
        );

        // Down through the list, more quickly than anything is computed.
        skip_to_content(&browser);
        browser.press(&key::DOWN.repeat(5));
        let last = codes[5].as_str().unwrap();
        let view = eventually_shows(&browser, last, "mean");

        assert_drawn_from(&browser, &view, last, "mean");
        // What still ran or waited for its turn would have ended by now, or hold its lease soon.
        std::thread::sleep(Duration::from_secs(1));
        let computed = app.logged("computed");
        let keys: Vec<_> = computed.iter().map(|line| line["key"].as_str().unwrap()).collect();
        assert!(keys.len() == 1 && keys[0].ends_with(&format!(":{last}")), "{keys:?}");
        assert!(!place.is_leased());
        assert_eq!(shown(&browser, last, "mean").as_ref(), Ok(&view));
        assert_silent(&browser);
    });
}
