//! A storage that is full, refused, or damaged.

use super::*;

/// Fills the storage of this tab to its last character.
const FILL: &str = "for (let size = 2 ** 22, at = 0; size >= 1; at++) {
    try { sessionStorage.setItem(`filling ${at}`, 'x'.repeat(size)); } catch { size = Math.floor(size / 2); }
}";

#[test]
fn a_full_storage_is_reported_and_everything_works_from_the_answer() {
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
fn a_refused_storage_is_reported_and_everything_works_from_the_answer() {
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
fn damaged_entries_and_those_of_other_data_are_asked_for_again() {
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
