//! What the tests of all pages do in a browser's window.

use super::app::App;
use super::browser::Browser;
use super::redis::Redis;

/// Tries a claim with each store: the disk, and a Redis.
pub(crate) fn with_each_store(settings: &[(&str, &str)], claim: impl Fn(&App)) {
    claim(&App::spawn(settings));

    let redis = Redis::spawn();
    let url = redis.url();
    claim(&App::spawn(&[settings, &[("REDIS_URL", &url)]].concat()));
}

/// Waits until the focus is on something with these words.
pub(crate) fn eventually_focused(browser: &Browser, words: &str) {
    let focused = || browser.text("document.activeElement.innerText.trim().slice(0, 300)");
    browser.wait(&format!("the focus on {words}"), || {
        Some(focused()).filter(|it| it.starts_with(words)).ok_or_else(focused)
    });
}

/// A window on a desk.
pub(crate) fn desktop() -> Browser {
    Browser::open(1280, 900)
}

/// Chooses an airport of the list with the mouse.
pub(crate) fn choose(browser: &Browser, code: &str) {
    browser.click(&format!("select[name=origin] option[value={code}]"));
}

/// Fails when the console has a message, or the policy has forbidden something.
pub(crate) fn assert_silent(browser: &Browser) {
    assert_eq!(browser.complaints(), [""; 0]);
}
