//! The keyboard, a screen reader, a phone, the dark, and codes that look like HTML.

use super::*;
use crate::helpers::browser::key;
use crate::helpers::flights::{MONDAY, dataset};

#[test]
fn the_keyboard_and_a_screen_reader_reach_everything() {
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
