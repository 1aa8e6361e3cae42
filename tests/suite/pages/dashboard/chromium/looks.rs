//! The page in the dark, on a phone, in another size, and on a picture.

use super::*;

/// The colors of the page, of the words in the graphs, and of the marks.
const COLORS: &str = "return [
    getComputedStyle(document.body).backgroundColor,
    getComputedStyle(document.querySelector('.panel')).backgroundColor,
    ...[...document.querySelectorAll('.xtick text, .bars path')].map((it) => getComputedStyle(it).fill),
].filter((color, place, all) => all.indexOf(color) === place)";

/// Whether every graph is as wide as its panel lets it be, and lies within it.
const FITS: &str = "[...document.querySelectorAll('.panel')].every((panel) => {
    const { left, right, width } = panel.getBoundingClientRect();
    const parts = [...panel.querySelectorAll('.main-svg, h2, .caption, .source')];
    const plot = panel.querySelector('.main-svg').getBoundingClientRect();
    return plot.width > width - 40 && parts.map((it) => it.getBoundingClientRect())
        .every((it) => it.left >= left && it.right <= right);
})";

#[test]
fn turning_dark_recolors_the_graphs() {
    let app = App::spawn(&[]);
    let browser = desktop();
    browser.prefer("light");
    let drawn = open(&browser, &app);
    let colors = || browser.script(COLORS, json!([])).as_array().unwrap().clone();
    let light = colors();

    browser.prefer("dark");
    browser.wait("other colors", || {
        let dark = colors();
        let is_new = dark.len() == light.len() && dark.iter().all(|color| !light.contains(color));
        if is_new { Ok(()) } else { Err(format!("{light:?} then {dark:?}")) }
    });

    assert_eq!(shown(&browser, "ALL", "mean").as_ref(), Ok(&drawn));
    browser.prefer("light");
    browser.wait("the light", || {
        if colors() == light { Ok(()) } else { Err(format!("{:?}", colors())) }
    });
    assert_silent(&browser);
}

#[test]
fn a_phone_has_one_column_and_nothing_beside_it() {
    let app = App::spawn(&[]);
    let browser = desktop();
    browser.become_phone();

    open(&browser, &app);

    assert_eq!(browser.number("innerWidth"), 390.0);
    assert!(browser.number("document.documentElement.scrollWidth") <= 390.0);
    assert!(browser.holds(FITS));
    let columns =
        "new Set([...document.querySelectorAll('.panel')].map((it) => it.offsetLeft)).size";
    assert_eq!(browser.number(columns), 1.0);
    for control in ["select", ".metric label:nth-of-type(1)", ".metric label:nth-of-type(3)"] {
        let height = format!("document.querySelector('{control}').getBoundingClientRect().height");
        assert!(browser.number(&height) >= 40.0, "{control}");
    }
    assert_silent(&browser);
}

#[test]
fn a_window_of_another_size_fits_the_graphs_to_it() {
    let app = App::spawn(&[]);
    let browser = desktop();
    open(&browser, &app);

    for (width, height) in [(1000, 700), (700, 900), (1500, 900)] {
        browser.resize(width, height);
        browser.eventually("graphs that fit", &format!("innerWidth === {width} && {FITS}"));
    }

    eventually_shows(&browser, "ALL", "mean");
    assert_silent(&browser);
}

#[test]
fn four_graphs_fit_a_common_window() {
    let app = App::spawn(&[]);
    let browser = desktop();
    browser.resize(1440, 900);

    open(&browser, &app);

    let bottom = "Math.max(...[...document.querySelectorAll('.panel')].map((it) => it.getBoundingClientRect().bottom))";
    assert!(browser.number(bottom) <= 900.0, "{}", browser.number(bottom));
}

#[test]
fn a_picture_of_the_page_shows_something() {
    let app = App::spawn(&[]);
    let browser = desktop();

    for (width, height) in [(1280, 900), (390, 844)] {
        browser.resize(width, height);
        open(&browser, &app);
        let picture = browser.screenshot();

        let number = |at: usize| u32::from_be_bytes(picture[at..at + 4].try_into().unwrap());
        assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"));
        assert_eq!([number(16), number(20)], [width, height]);
        // One color over all of it takes a few thousand bytes.
        assert!(picture.len() > 30_000, "{}", picture.len());
    }
}
