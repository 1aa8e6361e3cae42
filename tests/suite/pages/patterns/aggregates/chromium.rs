//! What a user sees of aggregates that travel instead of rows, and of the rows when they do.

use serde_json::{Value, json};

use super::super::browser::flights;
use crate::helpers::app::App;
use crate::helpers::browser::Browser;
use crate::helpers::waiting::wait_for;
use crate::helpers::window::{assert_silent, choose, desktop};

const PAGE: &str = "/patterns/aggregates";

/// What the page shows, in one look.
const SEEN: &str = "
const visible = (mark) => mark.getBoundingClientRect().height > 0;
const graph = (name) => {
    const figure = document.getElementById(`graph-${name}`);
    const trace = figure.querySelector('.js-plotly-plot')?.data?.[0];
    return {
        caption: figure.querySelector('.caption').innerText,
        x: trace?.x, y: trace?.y,
        marks: [...figure.querySelectorAll('.bars path')].filter(visible).length,
    };
};
const asked = performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname);
return {
    says: document.getElementById('says').innerText,
    alert: document.querySelector('#run [role=alert]')?.innerText ?? '',
    isBusy: document.querySelector('main').ariaBusy === 'true',
    graphs: ['days', 'hours', 'delays'].map(graph),
    ways: [...document.querySelectorAll('#ways tbody tr')].map((row) => [...row.cells].slice(1).map((cell) => cell.innerText)),
    verdict: document.getElementById('verdict').innerText,
    canSend: !document.getElementById('send').disabled,
    asked: asked.filter((path) => path.includes('/patterns/aggregates/')).map((path) => path.split('/').at(-1)),
    address: location.pathname + location.search,
};";

fn seen(browser: &Browser) -> Value {
    browser.script(SEEN, json!([]))
}

fn eventually(browser: &Browser, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    browser.wait(what, || {
        let seen = seen(browser);
        if holds(&seen) { Ok(seen) } else { Err(format!("{seen}").chars().take(3000).collect()) }
    })
}

/// Waits until the graphs of an airport are drawn.
fn eventually_shows_aggregates(browser: &Browser, code: &str) -> Value {
    let place = format!("({code})");
    eventually(browser, code, |seen| {
        let is_said = seen["says"].as_str().unwrap().contains(&place);
        let graphs = seen["graphs"].as_array().unwrap();
        seen["isBusy"] == false && is_said && graphs.iter().all(|graph| graph["marks"] != 0)
    })
}

/// Flights by a column of the file; its values are taken modulo this many, such as the hours of a day.
fn counted(code: &str, column: &str, values: usize) -> Vec<u64> {
    let flights = flights(code, &[column]);
    let column = flights.column(column).unwrap().cast(&polars::prelude::DataType::Int64).unwrap();
    let mut counts = vec![0; values];
    column.i64().unwrap().iter().flatten().for_each(|value| counts[value as usize % values] += 1);
    counts
}

fn number(text: &Value) -> u64 {
    text.as_str().unwrap().replace(',', "").parse().unwrap()
}

/// How many bytes another client gets, compressed as Chromium wants it and as they are.
fn sent(app: &App, part: &str) -> [u64; 2] {
    let path = format!("{PAGE}/{part}?origin=ATL");
    let with = |headers: &'static [(&str, &str)]| {
        wait_for(app.get_with(&path, headers)).bytes.len() as u64
    };
    [with(&[("Accept-Encoding", "br")]), with(&[])]
}

#[test]
fn three_graphs_come_from_one_answer_and_the_rows_give_the_same() {
    let app = App::spawn(&[]);
    let browser = desktop();

    browser.goto(&format!("{}{PAGE}?origin=ATL", app.url));
    let first = eventually_shows_aggregates(&browser, "ATL");
    assert_eq!((&first["asked"], &first["canSend"]), (&json!(["summary"]), &json!(true)));
    assert!(first["ways"].as_array().unwrap().iter().all(|row| row[0] != "" && row[1] == ""));
    browser.click("#send");
    let both = eventually(&browser, "a verdict", |seen| {
        seen["verdict"].as_str().unwrap().contains("times the bytes")
    });

    // Both ways find the browser equally warm.
    assert_eq!(both["asked"], json!(["summary", "summary", "rows"]));
    assert!(both["verdict"].as_str().unwrap().starts_with("All three aggregates are equal"));
    for seen in [&first, &both] {
        assert_eq!(seen["graphs"][0]["y"], json!(counted("ATL", "day", 182)));
        assert_eq!(seen["graphs"][1]["y"], json!(counted("ATL", "hour", 24)));
        let delays = seen["graphs"][2]["y"].as_array().unwrap();
        assert_eq!(delays.iter().map(|n| n.as_u64().unwrap()).sum::<u64>(), 124_711);
        // From 15 to 20 minutes, DuckDB says; the middle of that bin is 17.5.
        assert_eq!((&delays[15], &seen["graphs"][2]["x"][15]), (&json!(5999), &json!(17.5)));
    }
    for (way, part) in ["summary", "rows"].into_iter().enumerate() {
        let shown = [0, 1].map(|row| number(&both["ways"][row][way]));
        assert_eq!(shown, sent(&app, part), "{part}");
        assert!(number(&both["ways"][3][way]) > 0, "{both}");
    }
    // Day, hour and delay of each flight, and the fingerprint.
    assert_eq!(number(&both["ways"][2][1]), 3 * 124_711 + 1);
    assert_eq!(app.computations(), 1);
    assert_silent(&browser);
}

#[test]
fn rows_that_differ_are_reported() {
    let app = App::spawn(&[]);
    let browser = desktop();
    // One flight is in another hour than the server has sent.
    browser.begin_with(
        "const parse = JSON.parse;
         JSON.parse = (text) => {
             const json = parse(text);
             if (json?.slices) json.slices[0].hour[0] = (json.slices[0].hour[0] + 1) % 24;
             return json;
         };",
    );

    browser.goto(&format!("{}{PAGE}?origin=ATL", app.url));
    eventually_shows_aggregates(&browser, "ATL");
    browser.click("#send");

    eventually(&browser, "a verdict", |seen| {
        seen["verdict"].as_str().unwrap().starts_with("They differ by hours.")
    });
}

#[test]
fn another_airport_empties_the_column_and_back_shows_the_first_again() {
    let app = App::spawn(&[]);
    let browser = desktop();
    browser.goto(&format!("{}{PAGE}?origin=ATL", app.url));
    let atlanta = eventually_shows_aggregates(&browser, "ATL");
    browser.click("#send");
    eventually(&browser, "a verdict", |seen| seen["canSend"] == true && seen["verdict"] != "");

    choose(&browser, "ABE");
    let allentown = eventually_shows_aggregates(&browser, "ABE");
    browser.back();
    let back = eventually_shows_aggregates(&browser, "ATL");

    assert!(allentown["ways"].as_array().unwrap().iter().all(|row| row[1] == ""), "{allentown}");
    assert_eq!(
        (&allentown["verdict"], &allentown["address"]),
        (&json!(""), &json!(format!("{PAGE}?origin=ABE")))
    );
    assert_eq!(back["graphs"], atlanta["graphs"]);
    assert_eq!((&back["address"], app.computations()), (&atlanta["address"], 2));
    assert_silent(&browser);
}

#[test]
fn both_ways_report_a_server_that_is_away() {
    let app = App::spawn(&[]);
    let port = app.url.rsplit(':').next().unwrap().to_owned();
    let browser = desktop();
    browser.goto(&format!("{}{PAGE}?origin=ATL", app.url));
    let before = eventually_shows_aggregates(&browser, "ATL");

    drop(app);
    browser.click("#send");
    let failed = eventually(&browser, "a verdict", |seen| {
        seen["verdict"].as_str().unwrap().contains("cannot be reached")
    });
    choose(&browser, "ABE");
    eventually(&browser, "an alert", |seen| {
        seen["alert"].as_str().unwrap().contains("The server cannot be reached.")
    });
    let _again = App::spawn(&[("PORT", &port)]);
    browser.click("#run [role=alert] button");
    eventually_shows_aggregates(&browser, "ABE");

    assert_eq!((&failed["graphs"], &failed["canSend"]), (&before["graphs"], &json!(true)));
}

#[test]
fn choosing_another_airport_gives_up_the_rows_of_the_first() {
    let app = App::spawn(&[]);
    let browser = desktop();
    browser.goto(&format!("{}{PAGE}?origin=ORD", app.url));
    eventually_shows_aggregates(&browser, "ORD");

    browser.script(
        "document.getElementById('send').click();
         const { origin } = document.getElementById('choice').elements;
         origin.value = 'ABE';
         origin.dispatchEvent(new Event('change', { bubbles: true }));",
        json!([]),
    );
    let seen = eventually_shows_aggregates(&browser, "ABE");

    assert_eq!((&seen["verdict"], &seen["canSend"]), (&json!(""), &json!(true)));
    assert!(seen["ways"].as_array().unwrap().iter().all(|row| row[1] == ""), "{seen}");
    assert_silent(&browser);
}

#[test]
fn it_has_roles_and_names_fits_a_phone_and_turns_dark_below_a_base_path() {
    let app = App::spawn(&[("BASE_PATH", "/flights")]);
    let browser = desktop();
    browser.become_phone();
    browser.prefer("light");
    browser.goto(&format!("{}/flights{PAGE}?origin=ATL", app.url));
    eventually_shows_aggregates(&browser, "ATL");
    let color =
        || browser.text("getComputedStyle(document.querySelector('#graph-hours .bars path')).fill");

    assert_eq!(color(), "rgb(47, 111, 222)", "flights are blue");
    browser.prefer("dark");
    browser.wait("other colors", || {
        if color() == "rgb(110, 164, 255)" { Ok(()) } else { Err(color()) }
    });
    browser.click("#send");
    eventually(&browser, "a verdict", |seen| {
        seen["verdict"].as_str().unwrap().contains("times the bytes")
    });
    for width in [390, 360] {
        browser.resize(width, 740);
        let fits =
            format!("innerWidth === {width} && document.documentElement.scrollWidth <= {width}");
        browser.eventually("a page that fits", &fits);
    }
    assert_eq!(browser.role_and_name("#verdict").0, "status");
    assert_eq!(browser.role_and_name("#send"), ("button".into(), "Send the rows instead".into()));
    assert_eq!(browser.role_and_name("#ways").1, "Both ways, measured here");
    let (role, name) = browser.role_and_name("#graph-hours .plot");
    assert!(
        (role == "img" || role == "image") && name.contains("in the hour from"),
        "{role} {name}"
    );
    assert_silent(&browser);
}
