//! Requests that change something come from pages of this site.

use crate::helpers::app::App;

const CANCEL: &str = "/signal/cancel?origin=ATL";

/// What a browser sends over plain http for a page of `origin`, and what its proxy makes of it.
fn headers<'a>(origin: &'a str, host: &'a str, forwarded: &'a str) -> Vec<(&'a str, &'a str)> {
    let headers = [("Origin", origin), ("Host", host), ("X-Forwarded-Host", forwarded)];
    headers.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

#[tokio::test]
async fn a_trusted_proxy_that_forwards_the_host_with_its_port_is_believed() {
    let app = App::spawn(&[("TRUSTED_PROXIES", "127.0.0.1")]);

    let forwarded = headers("http://site.test:8000", "site.test", "site.test:8000");
    let missing = headers("http://site.test:8000", "site.test", "");
    let foreign = headers("http://other.test", "site.test", "site.test:8000");
    let [forwarded, missing, foreign] = [
        app.send("POST", CANCEL, &forwarded).await,
        app.send("POST", CANCEL, &missing).await,
        app.send("POST", CANCEL, &foreign).await,
    ];

    assert_eq!((forwarded.status, missing.status, foreign.status), (200, 403, 403));
    assert!(missing.text().contains("X-Forwarded-Host with the port"), "{}", missing.text());
    assert!(foreign.text().contains("neither Host nor X-Forwarded-Host"), "{}", foreign.text());
}

#[tokio::test]
async fn the_header_of_an_untrusted_peer_is_ignored() {
    let app = App::spawn(&[]);

    let lie = headers("http://other.test", "site.test", "other.test");
    let lie = app.send("POST", CANCEL, &lie).await;

    assert_eq!(lie.status, 403);
    assert!(lie.text().contains("TRUSTED_PROXIES"), "{}", lie.text());
}
