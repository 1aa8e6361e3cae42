//! The first load of the page in a Chromium, beside a bare page with the same figures.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use reqwest::Client;
use serde_json::json;
use tempfile::TempDir;

use self::helpers::browser::Browser;
use super::loads::{ask, client, get, graphs};
use super::server::{Server, quadrant};
use super::{distance, nginx, table, tools};

/// The browser that the tests drive too.
#[expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    dead_code,
    reason = "these are the tests' own, which need more of it"
)]
#[path = "../../tests/suite/helpers"]
mod helpers {
    pub(super) mod browser;
    mod command;
    mod webdriver;

    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);
}

/// Loads of each page, in turns.
const ROUNDS: usize = 9;
const ROUND_TRIP: Duration = Duration::from_millis(100);

/// Notes when four graphs are drawn, in milliseconds since the page was asked for.
const WATCH: &str = "const look = () => {
    const plots = [...document.querySelectorAll('.js-plotly-plot')];
    const drawn = plots.filter((plot) => plot.querySelector('.main-svg .cartesianlayer *'));
    if (drawn.length < 4) requestAnimationFrame(look); else window.drawn = performance.now();
};
requestAnimationFrame(look);";

/// From the first byte of the page to four graphs; then the bytes and the number of answers.
const LOADED: &str = "const [page] = performance.getEntriesByType('navigation');
const all = [page, ...performance.getEntriesByType('resource')];
const bytes = all.reduce((sum, { transferSize }) => sum + transferSize, 0);
return [window.drawn - page.responseStart, bytes, all.length];";

/// Prints both pages' times, without latency and with it.
pub(super) async fn first_load() {
    if !tools::has("First load", &["nginx", "chromedriver", "chromium"]) {
        return;
    }
    let (folder, other) = (folder(), folder());
    let (server, client) = (quadrant(folder.path(), 2), client());
    let page = warm(&server.url, &client).await;
    let bare = bare(other.path(), &server.url, &client, &page).await;
    let about = format!(
        "All airports, computed before, in a Chromium with an empty cache, beside a page that holds \
        the same four figures and nothing else, from nginx: milliseconds from the first byte to four \
        graphs. A latency of {} ms a round trip is added by a proxy.",
        ROUND_TRIP.as_millis()
    );
    let columns = ["latency", "Quadrant", "bare page", "ratio", "bytes", "answers"];
    table::begin("First load", &about, &columns);
    let far = |url: &str| {
        let address = distance::before(url.trim_start_matches("http://"), ROUND_TRIP);
        format!("http://{address}")
    };
    let near = [format!("{}/", server.url), format!("{}/1", bare.url)];
    let distant = [format!("{}/", far(&server.url)), format!("{}/1", far(&bare.url))];
    for (latency, urls) in [("none", near), ("100 ms", distant)] {
        print(latency, &urls);
    }
}

fn folder() -> TempDir {
    TempDir::new().expect("there is room for files")
}

fn print(latency: &str, urls: &[String; 2]) {
    let (mut times, mut sizes) = ([const { Vec::new() }; 2], [[0.0; 2]; 2]);
    let browser = Browser::open(1280, 900);
    browser.begin_with(WATCH);
    // One round more than is counted: the first page of a browser starts processes of it.
    for round in 0..=ROUNDS {
        for (at, url) in urls.iter().enumerate() {
            browser.cdp("Network.clearBrowserCache", json!({}));
            browser.goto(url);
            browser.eventually("four graphs", "window.drawn");
            let loaded = browser.script(LOADED, json!([]));
            let number = |at: usize| loaded[at].as_f64().expect("it is a number");
            if round > 0 {
                times[at].push(number(0));
                sizes[at] = [number(1), number(2)];
            }
        }
    }
    let [ours, bare] = times;
    table::row(&[
        latency.to_owned(),
        table::spread(ours.clone(), 0),
        table::spread(bare.clone(), 0),
        table::ratio(&ours, &bare),
        sizes.map(|[bytes, _]| table::count(bytes)).join(" / "),
        sizes.map(|[_, answers]| table::count(answers)).join(" / "),
    ]);
}

/// The page once every worker has the signal inside.
async fn warm(url: &str, client: &Client) -> String {
    let mut page = String::new();
    let mut in_a_row = 0;
    while in_a_row < 20 {
        // A connection of its own each time, so that all workers are asked.
        let one = Client::builder().no_proxy().build().expect("a client can be made");
        let answer = one.get(format!("{url}/")).send().await.expect("it answers");
        page = answer.text().await.expect("it is text");
        in_a_row = if page.contains("data-computed-at=") { in_a_row + 1 } else { 0 };
    }
    for graph in graphs_of(&page) {
        get(client, &format!("{url}{graph}")).await;
    }
    page
}

fn graphs_of(page: &str) -> Vec<String> {
    let (_, signal) = page.split_once("class=\"answer\"").expect("the signal is inside");
    let signal = signal.split("</div>").next().expect("split gives one part at least");
    graphs(signal.as_bytes())
}

/// The bare page at `/1` and its script at `/0`.
async fn bare(folder: &Path, url: &str, client: &Client, page: &str) -> Server {
    let mut scripts = page.split("src=\"").filter_map(|rest| rest.split('"').next());
    let script = scripts.find(|address| address.contains("plotly")).expect("it draws");
    let script = ask(client, &format!("{url}{script}")).await;
    let locations = nginx::location(0, &script);
    let locations = format!(
        "{locations} location = /1 {{ default_type 'text/html; charset=utf-8'; \
        add_header content-encoding br; }}"
    );
    let mut html = String::from(
        "<!doctype html><html lang=en><title>Bare</title><style>div { width: 600px; height: 300px; \
        float: left }</style>",
    );
    html.push_str(&(0..4).map(|at| format!("<div id=g{at}></div>")).collect::<String>());
    html.push_str("<script src=/0></script><script>");
    for (at, graph) in graphs_of(page).iter().enumerate() {
        let answer = client.get(format!("{url}{graph}")).send().await.expect("it answers");
        let fragment = answer.text().await.expect("it is text");
        let figure = fragment.split("class=\"figure\">").nth(1).expect("it holds a figure");
        let figure = figure.split("</script>").next().expect("split gives one part at least");
        html.push_str(&format!(
            "{{ const f = {figure}; Plotly.newPlot('g{at}', f.data, f.layout, f.config); }}"
        ));
    }
    html.push_str("</script>");
    let script = script.bytes().await.expect("it answers in full");
    for (name, body) in [("0", script.to_vec()), ("1", brotli(html.as_bytes()))] {
        std::fs::write(folder.join(name), body).expect("there is room for files");
    }
    nginx::start(folder, &locations)
}

fn brotli(body: &[u8]) -> Vec<u8> {
    let mut compressed = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut compressed, 4096, 5, 22);
    writer.write_all(body).expect("memory takes every byte");
    drop(writer);
    compressed
}
