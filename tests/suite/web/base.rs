//! With a base path, every address lives below it; platforms still ask the process itself.

use tempfile::TempDir;

use crate::helpers::answer::Answer;
use crate::helpers::app::App;
use crate::helpers::client;
use crate::helpers::flights::damaged;

/// The addresses of this host that a fragment or a page holds.
fn addresses(answer: &Answer) -> Vec<String> {
    let addresses = [" href=\"", " src=\"", " action=\"", "-hx-get=\""].map(|start| {
        let after = answer.text().split(start).skip(1);
        after.map(|rest| rest.split('"').next().unwrap().to_owned()).collect::<Vec<_>>()
    });
    // A place on the same page is no address of the host. The button on the page for a server that is
    // away gets its address when it is needed.
    let is_elsewhere = |address: &String| !address.is_empty() && !address.starts_with('#');
    addresses.concat().into_iter().filter(is_elsewhere).collect()
}

fn assert_below(answer: &Answer, least: usize) {
    let addresses = addresses(answer);
    assert!(addresses.len() >= least, "{addresses:?}");
    for address in addresses {
        assert!(address.starts_with("/flights/") && !address.contains("//"), "{address}");
    }
}

#[tokio::test]
async fn every_address_that_goes_out_carries_the_prefix() {
    // A slash at the end means the same.
    let app = App::spawn(&[("BASE_PATH", "/flights/"), ("SIMULATED_COST", "1200ms")]);

    let page = app.get("/flights/").await;
    let wrong = app.get("/flights/?origin=XXX").await;
    let unknown = app.get_with("/flights/nothing", &[]).await;
    let outside = app.get_with("/nothing", &[]).await;
    let computing = app.get("/flights/signal?origin=ATL").await;
    let signal = app.follow(&computing).await;

    assert_eq!((page.status, wrong.status), (200, 422));
    assert_eq!((unknown.status, outside.status), (404, 404));
    assert_eq!((computing.status, signal.status), (202, 200));
    for (answer, least) in
        [(&page, 12), (&wrong, 11), (&unknown, 5), (&outside, 5), (&computing, 1), (&signal, 4)]
    {
        assert_below(answer, least);
    }
    for ask in signal.asks() {
        let graph = app.get(&ask).await;
        assert_eq!((graph.status, graph.outcome()), (200, "hit"), "{ask}");
        assert_below(&graph, 2);
        for address in addresses(&graph) {
            let address = address.replace("&#38;", "&").replace("&amp;", "&");
            assert_eq!(app.get(&address).await.status, 200, "{address}");
        }
    }
    for address in addresses(&page).iter().filter(|address| address.contains("/static/")) {
        assert_eq!(app.get(address).await.status, 200, "{address}");
    }
}

#[tokio::test]
async fn an_error_is_a_fragment_below_the_prefix_too_and_asks_again_there() {
    let folder = TempDir::new().unwrap();
    let data = damaged(folder.path());
    let app = App::spawn(&[("BASE_PATH", "/flights"), ("DATASET", data.to_str().unwrap())]);

    let failed = app.get_with("/flights/signal?origin=ATL", &[]).await;

    assert_eq!(failed.status, 500);
    assert_eq!(failed.asks(), ["/flights/signal?origin=ATL"]);
    assert!(failed.text().starts_with("<div"), "{}", failed.text());
}

#[tokio::test]
async fn the_bare_prefix_redirects_to_the_page_and_keeps_the_query() {
    let app = App::spawn(&[("BASE_PATH", "/a/flights")]);
    let client = client();
    let client = client.redirect(reqwest::redirect::Policy::none()).build().unwrap();

    for (path, leads_to) in [
        ("/a/flights", "/a/flights/"),
        ("/a/flights?origin=ATL&metric=p90", "/a/flights/?origin=ATL&metric=p90"),
    ] {
        let answer = client.get(format!("{}{path}", app.url)).send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["location"]),
            (308, &leads_to.parse().unwrap())
        );
        assert!(answer.headers().contains_key("x-request-id"));
    }
    assert_eq!(app.get("/a/flights?origin=YAK").await.status, 200, "as a browser follows it");
}

#[tokio::test]
async fn outside_the_prefix_only_the_probes_answer() {
    let app = App::spawn(&[("BASE_PATH", "/flights")]);

    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(app.get(path).await.status, 200, "{path}");
        assert_eq!(app.get(&format!("/flights{path}")).await.status, 200, "/flights{path}");
    }
    for path in ["/", "/signal", "/graphs/daily", "/flightsignal", "/flight", "/flights/flights/"] {
        assert_eq!(app.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_browsers_address_follows_below_the_prefix() {
    let app = App::spawn(&[("BASE_PATH", "/flights")]);
    let shown = |url: &str| [("HX-Request", "true".to_owned()), ("HX-Current-URL", url.to_owned())];

    for (url, query, pushed) in [
        ("http://x/flights/", "origin=ATL", "/flights/?origin=ATL&metric=mean"),
        ("http://x/flights/", "origin=ALL", ""),
        ("http://x/flights/?origin=ATL&metric=mean", "origin=ATL", ""),
        (
            "http://x/flights/?origin=ATL&metric=mean",
            "origin=YAK",
            "/flights/?origin=YAK&metric=mean",
        ),
    ] {
        let headers = shown(url);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let signal = app.get_with(&format!("/flights/signal?{query}"), &headers).await;
        assert_eq!(signal.header("hx-push-url"), pushed, "{query} at {url}");
    }
}

#[tokio::test]
async fn without_a_base_path_addresses_begin_at_the_root() {
    for settings in [&[][..], &[("BASE_PATH", "")], &[("BASE_PATH", "/")]] {
        let app = App::spawn(settings);

        let page = app.get("/").await;

        assert_eq!((page.status, page.asks()[0].as_str()), (200, "/signal"));
        assert!(page.text().contains("action=\"/\""));
        assert!(page.text().contains("href=\"/static/"));
    }
}
