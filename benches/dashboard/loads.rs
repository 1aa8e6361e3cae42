//! A load as a browser makes it: the signal, then the four graphs that it names.

use std::io::Read;

use bytes::Bytes;
use futures_util::future::join_all;
use reqwest::header::ACCEPT_ENCODING;
use reqwest::{Client, Response};

/// A client without a proxy, which keeps its connections.
pub(super) fn client() -> Client {
    Client::builder().no_proxy().build().expect("a client can be made")
}

/// The address of a signal.
pub(super) fn signal(origin: &str, metric: &str) -> String {
    format!("/signal?origin={origin}&metric={metric}")
}

/// An answer whose body has not been read.
pub(super) async fn ask(client: &Client, url: &str) -> Response {
    let answer = client.get(url).header(ACCEPT_ENCODING, "br").send().await.expect("it answers");
    assert_eq!(answer.status(), 200, "{url}");
    answer
}

pub(super) async fn get(client: &Client, url: &str) -> Bytes {
    ask(client, url).await.bytes().await.expect("it answers in full")
}

/// The addresses of the graphs that a signal names, which may be compressed.
pub(super) fn graphs(signal: &[u8]) -> Vec<String> {
    let mut plain = Vec::new();
    let is_plain = signal.starts_with(b"<") || signal.starts_with(b" ");
    let signal = if is_plain {
        signal
    } else {
        let mut packed = brotli::Decompressor::new(signal, 4096);
        packed.read_to_end(&mut plain).expect("it is compressed as was asked");
        &plain
    };
    let signal = String::from_utf8_lossy(signal).replace("&#38;", "&").replace("&amp;", "&");
    let graphs = signal.split("data-hx-get=\"").skip(1);
    let graphs: Vec<String> =
        graphs.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect();
    assert_eq!(graphs.len(), 4, "{signal}");
    graphs
}

/// Loads a dashboard, its graphs in parallel; the milliseconds that were computation.
pub(super) async fn load(client: &Client, url: &str, origin: &str) -> f64 {
    let answer = ask(client, &format!("{url}{}", signal(origin, "mean"))).await;
    let timing = answer.headers()["server-timing"].to_str().expect("it is ASCII").to_owned();
    let graphs = graphs(&answer.bytes().await.expect("it answers in full"));
    let urls: Vec<String> = graphs.iter().map(|path| format!("{url}{path}")).collect();
    join_all(urls.iter().map(|url| get(client, url))).await;
    let compute = timing.split("compute;dur=").nth(1).and_then(|rest| rest.split(',').next());
    compute.and_then(|ms| ms.parse().ok()).expect("Server-Timing tells it")
}

/// Codes of this many airports, spread over those of the data file; never `ALL`.
pub(super) fn airports(count: usize) -> Vec<String> {
    let path = std::path::Path::new("data/flights.parquet");
    let dataset = quadrant::dataset::Dataset::open(path).expect("the data file is here");
    let codes: Vec<String> =
        dataset.contents().origins().map(|airport| airport.code.clone()).collect();
    let count = count.min(codes.len());
    (0..count).map(|at| codes[at * codes.len() / count].clone()).collect()
}
