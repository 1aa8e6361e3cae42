//! Requests that are answered from a worker's memory, without routing.

mod stores;

use std::collections::BTreeMap;

use crate::helpers::answer::Answer;
use crate::helpers::app::App;
use crate::helpers::exposition::Exposition;
use crate::helpers::waiting::until;

/// The same question in the spelling of our pages, and in another.
const SPELLINGS: [&str; 2] = ["origin=ATL&metric=p90", "metric=p90&origin=ATL"];

/// What differs between two responses to the same request.
const OWN: [&str; 3] = ["x-request-id", "server-timing", "date"];

fn headers(answer: &Answer) -> BTreeMap<String, String> {
    let all = answer.headers.keys().map(|name| name.to_string());
    all.filter(|name| !OWN.contains(&name.as_str()))
        .map(|name| (name.clone(), answer.header(&name).to_owned()))
        .collect()
}

/// The addresses of the four graphs, the signal and the page, each in either spelling.
async fn addresses(app: &App) -> Vec<[String; 2]> {
    app.signal(SPELLINGS[0]).await;
    let signal = app.signal(SPELLINGS[0]).await;
    let graphs = signal.asks();
    assert_eq!(graphs.len(), 4);
    let respelled = |address: &String| address.replace(SPELLINGS[0], SPELLINGS[1]);
    let both = graphs.iter().map(|address| [address.clone(), respelled(address)]);
    let others = ["/signal", "/"].map(|path| SPELLINGS.map(|query| format!("{path}?{query}")));
    both.chain(others).collect()
}

#[tokio::test]
async fn a_graph_that_the_client_has_is_not_sent_again() {
    let app = App::spawn(&[]);
    let graph = addresses(&app).await[0][0].clone();
    let whole = app.get_with(&graph, &[("Accept-Encoding", "br")]).await;
    let etag = whole.header("etag").to_owned();

    let weak = format!("W/{etag}");
    let among = format!("\"other\", {etag}");
    for known in [etag.as_str(), &weak, &among, "*"] {
        let sent = [("Accept-Encoding", "br"), ("If-None-Match", known)];
        let answer = app.get_with(&graph, &sent).await;

        assert_eq!((answer.status, answer.bytes.len()), (304, 0), "{known}");
        let mut expected = headers(&whole);
        for name in ["content-type", "content-encoding", "content-length"] {
            expected.remove(name);
        }
        assert_eq!(headers(&answer), expected, "{known}");
    }
    for unknown in ["\"other\"", "", "nonsense"] {
        let sent = [("Accept-Encoding", "br"), ("If-None-Match", unknown)];
        assert_eq!(app.get_with(&graph, &sent).await.status, 200, "{unknown}");
    }
}

#[tokio::test]
async fn each_request_has_its_own_id_and_is_counted_for_its_route() {
    let app = App::spawn(&[]);
    let addresses = addresses(&app).await;
    let counted = async || {
        let told = Exposition::of(&app).await;
        let of = |route| {
            let labels = [("route", route), ("status", "200")];
            told.find("quadrant_requests_total", &labels).unwrap_or(0.0)
        };
        [of("/graphs/{graph}"), of("/signal")]
    };
    for [address, _] in &addresses {
        app.get(address).await;
    }
    let before = counted().await;

    for _ in 0..10 {
        for [address, _] in &addresses {
            let given = app.get_with(address, &[("X-Request-Id", "mine-7")]).await;
            let [one, other] = [app.get(address).await, app.get(address).await];
            assert_eq!(given.header("x-request-id"), "mine-7");
            assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
            assert_eq!(one.header("x-request-id").len(), 16);
        }
    }

    assert_eq!(counted().await, [before[0] + 120.0, before[1] + 30.0]);
}

#[tokio::test]
async fn a_warm_signal_is_sent_without_asking_the_store() {
    let app = App::spawn(&[]);
    let [signal, _] = addresses(&app).await[4].clone();

    // Ten times a second, the entry is read from the disk again.
    let direct = until("a direct answer", async || {
        let answer = app.get(&signal).await;
        answer.header("server-timing").starts_with("store;dur=0.000,").then_some(answer)
    });

    assert_eq!(direct.await.outcome(), "hit");
}

#[tokio::test]
async fn what_one_request_says_that_it_has_seen_changes_the_page_of_no_other() {
    let app = App::spawn(&[]);
    app.signal(SPELLINGS[0]).await;
    app.signal(SPELLINGS[0]).await;
    let odd = format!("/?{}&after=99999999999999&seen=900&at=1&v=0123456789abcdef", SPELLINGS[0]);

    let odd = app.get_with(&odd, &[]).await;
    let page = app.get_with(&format!("/?{}", SPELLINGS[0]), &[]).await;

    for page in [&odd, &page] {
        assert_eq!(page.text().matches("data-hx-get=\"/graphs/").count(), 4, "{}", page.text());
        assert!(!page.text().contains("data-updating"), "{}", page.text());
    }
    let computed = app.computed();
    assert_eq!(computed.iter().filter(|origin| *origin == "ATL").count(), 1, "{computed:?}");
}

#[tokio::test]
async fn the_address_of_a_browser_follows_a_signal_that_was_in_memory() {
    let app = App::spawn(&[]);
    app.signal("origin=ALL&metric=mean").await;
    let signal = async |query: &str, page: &str| {
        let page = format!("http://quadrant.test{page}");
        let sent = [("HX-Request", "true"), ("HX-Current-URL", page.as_str())];
        let answer = app.get_with(&format!("/signal?{query}"), &sent).await;
        answer.header("hx-push-url").to_owned()
    };

    for (query, page, pushed) in [
        ("origin=ALL&metric=mean", "/", ""),
        ("origin=ALL&metric=mean", "/?origin=ALL&metric=mean", ""),
        ("origin=ALL&metric=mean", "/?origin=ATL&metric=mean", "/?origin=ALL&metric=mean"),
        ("origin=ALL&metric=p90", "/", "/?origin=ALL&metric=p90"),
    ] {
        for _ in 0..3 {
            assert_eq!(signal(query, page).await, pushed, "{query} at {page}");
        }
    }
}
