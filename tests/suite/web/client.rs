//! The client's address and protocol, as a trusted proxy says, and no other peer.

use crate::helpers::app::App;

const HTTPS_ONLY: &str = "strict-transport-security";

fn spawn(trusted: &str) -> App {
    App::spawn(&[("TRUSTED_PROXIES", trusted), ("RUST_LOG", "quadrant=debug")])
}

/// The clients of the requests so far, as the log has them.
fn clients(app: &App) -> Vec<String> {
    let client = |line: &serde_json::Value| line["span"]["client"].as_str().unwrap().to_owned();
    app.logged("answered").iter().map(client).collect()
}

#[tokio::test]
async fn headers_of_an_untrusted_peer_are_ignored() {
    for trusted in ["", "10.0.0.0/8,192.0.2.1"] {
        let app = spawn(trusted);
        let lies = [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "https")];

        let answer = app.get_with("/livez", &lies).await;

        assert_eq!(clients(&app), ["127.0.0.1"]);
        assert_eq!(answer.header(HTTPS_ONLY), "");
    }
}

#[tokio::test]
async fn a_trusted_proxy_tells_the_client_and_the_protocol() {
    let app = spawn("127.0.0.0/8, 10.0.0.0/8");

    let mut policies = Vec::new();
    for (forwarded, protocol) in [
        ("203.0.113.9", "https"),
        ("127.0.0.1, 203.0.113.9, 10.1.2.3", "https"),
        ("6.6.6.6,2001:db8::7", "http"),
        ("6.6.6.6, nonsense", "https, http"),
    ] {
        let headers = [("X-Forwarded-For", forwarded), ("X-Forwarded-Proto", protocol)];
        let answer = app.get_with("/nothing", &headers).await;
        policies.push(answer.header(HTTPS_ONLY).to_owned());
    }

    assert_eq!(clients(&app), ["203.0.113.9", "203.0.113.9", "2001:db8::7", "127.0.0.1"]);
    assert_eq!(policies, ["max-age=31536000", "max-age=31536000", "", ""]);
}

#[tokio::test]
async fn a_trusted_proxy_that_says_nothing_is_the_client() {
    let app = spawn("127.0.0.1");

    let answer = app.get("/livez").await;

    assert_eq!((clients(&app), answer.header(HTTPS_ONLY)), (vec!["127.0.0.1".to_owned()], ""));
}
