//! `deploy/nginx.conf`, run by a real nginx before the program.

mod upstream;

use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::helpers::answer::Answer;
use crate::helpers::app::App;
use crate::helpers::command::output;
use crate::helpers::nginx::Nginx;
use crate::helpers::waiting::{Computing, computed_within};
use crate::helpers::{GRAPHS, client};

fn before(app: &App) -> Nginx {
    Nginx::before(app.address().port())
}

async fn get(nginx: &Nginx, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(nginx, "GET", path, headers).await
}

async fn send(nginx: &Nginx, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let client = client().build().unwrap();
    let mut request = client.request(method.parse().unwrap(), format!("{}{path}", nginx.url()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::read(request.send().await.unwrap()).await
}

/// The head of an answer over TLS, with the certificate verified.
fn curl(nginx: &Nginx, words: &[&str]) -> String {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--dump-header", "-", "--output", "/dev/null"]);
    let done = output(command.arg("--cacert").arg(nginx.authority()).args(words));
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// The address of a graph that names its data.
async fn named(nginx: &Nginx, graph: &str) -> String {
    let signal = get(nginx, "/signal?origin=ATL", &[]).await;
    format!("/graphs/{graph}?origin=ATL&v={}", signal.attribute("data-v"))
}

#[tokio::test]
async fn https_speaks_http_2_and_1_1_by_tls_1_2_at_least() {
    let app = App::spawn(&[]);
    let nginx = before(&app);
    let page = nginx.https_url();

    let two = curl(&nginx, &["--http2", &page]);
    let one = curl(&nginx, &["--http1.1", &page]);
    let modern = curl(&nginx, &["--tls-max", "1.2", &page]);
    // Level 0 lets curl try what its own library advises against.
    let mut old = Command::new("curl");
    old.args(["--silent", "--insecure", "--tls-max", "1.1", "--ciphers", "ALL:@SECLEVEL=0", &page]);
    let old = output(&mut old);

    assert!(two.starts_with("HTTP/2 200"), "{two}");
    assert!(one.starts_with("HTTP/1.1 200"), "{one}");
    assert!(two.contains("content-security-policy: default-src 'none'"), "{two}");
    assert!(modern.starts_with("HTTP/2 200"), "{modern}");
    assert_eq!(old.status.code(), Some(35), "the handshake of TLS 1.1 fails");
    assert_eq!(nginx.errors(), "");
}

#[tokio::test]
async fn port_80_redirects_to_https_and_keeps_path_and_query() {
    let app = App::spawn(&[]);
    let nginx = before(&app);

    let head = curl(&nginx, &[&format!("{}/?origin=ATL&metric=p90", nginx.redirecting_url())]);

    assert!(head.starts_with("HTTP/1.1 308"), "{head}");
    assert!(head.contains("Location: https://127.0.0.1/?origin=ATL&metric=p90\r\n"), "{head}");
}

#[tokio::test]
async fn the_page_the_signal_and_four_graphs_come_through_with_their_headers() {
    let app = App::spawn(&[]);
    let nginx = before(&app);

    let page = get(&nginx, "/?origin=ATL", &[]).await;
    let signal = get(&nginx, "/signal?origin=ATL", &[("HX-Request", "true")]).await;
    let asks = signal.asks();

    assert_eq!((page.status, page.header("cache-control")), (200, "no-cache"));
    assert_eq!((signal.status, signal.outcome()), (200, "stored"));
    assert!(signal.header("server-timing").contains("compute"));
    assert_eq!(asks.len(), 4);
    for ask in asks {
        let graph = get(&nginx, &ask, &[("HX-Request", "true")]).await;
        assert_eq!((graph.status, graph.outcome()), (200, "hit"), "{ask}");
        assert_eq!(graph.header("cache-control"), "public, max-age=31536000, immutable");
        assert!(graph.header("server-timing").contains("worker;desc=\"1\""), "{ask}");
        assert!(!graph.figure()["data"].as_array().unwrap().is_empty());
    }
    assert_eq!(get(&nginx, "/nowhere", &[]).await.status, 404);
}

#[tokio::test]
async fn graphs_and_assets_are_answered_again_without_the_program() {
    let mut app = App::spawn(&[]);
    let nginx = before(&app);
    let page = get(&nginx, "/", &[]).await;
    let style = page.text().split('"').find(|word| word.starts_with("/static/")).unwrap();
    let mut paths = vec![style.to_owned()];
    for graph in GRAPHS {
        paths.push(named(&nginx, graph).await);
    }
    let mut first = Vec::new();
    for path in &paths {
        first.push(get(&nginx, path, &[]).await);
    }

    app.kill("TERM");
    app.wait(Duration::from_secs(10));

    for (path, first) in paths.iter().zip(&first) {
        let again = get(&nginx, path, &[]).await;
        assert_eq!((first.header("x-cache-status"), first.status), ("MISS", 200), "{path}");
        assert_eq!((again.header("x-cache-status"), again.status), ("HIT", 200), "{path}");
        assert_eq!(again.bytes, first.bytes);
        assert_eq!(again.header("etag"), first.header("etag"));
        let known = get(&nginx, path, &[("If-None-Match", first.header("etag"))]).await;
        assert_eq!((known.status, known.bytes.len()), (304, 0));
    }
    assert_eq!(get(&nginx, "/signal?origin=ATL", &[]).await.status, 502);
    assert_eq!(get(&nginx, "/", &[]).await.status, 502);
}

#[tokio::test]
async fn signals_errors_and_graphs_without_v_are_not_kept() {
    let app = App::spawn(&[]);
    let nginx = before(&app);
    let gone = "/graphs/daily?origin=ATL&v=0000000000000000";

    for (path, status) in [
        ("/signal?origin=ATL", 200),
        ("/", 200),
        ("/graphs/daily?origin=ATL", 200),
        ("/graphs/daily?origin=nowhere", 422),
        (gone, 410),
        ("/static/nothing.js", 404),
    ] {
        get(&nginx, path, &[]).await;
        let again = get(&nginx, path, &[]).await;

        assert_eq!(again.status, status, "{path}");
        assert_ne!(again.header("x-cache-status"), "HIT", "{path}");
    }
    assert_eq!(get(&nginx, "/signal?origin=ATL", &[]).await.outcome(), "hit");
}

#[tokio::test]
async fn no_browser_gets_an_encoding_from_the_cache_that_it_does_not_accept() {
    let app = App::spawn(&[]);
    let nginx = before(&app);
    let path = named(&nginx, "daily").await;
    let encoded = async |accepted: &str| {
        let answer = get(&nginx, &path, &[("Accept-Encoding", accepted)]).await;
        let said =
            ["content-encoding", "x-cache-status"].map(|name| answer.header(name).to_owned());
        assert_eq!(answer.header("vary"), "Accept-Encoding");
        (answer.status, said)
    };

    for (accepted, encoding, cached) in [
        ("gzip, deflate, br, zstd", "br", "MISS"),
        ("gzip", "gzip", "MISS"),
        ("", "", "MISS"),
        ("br", "br", "HIT"),
        ("BR;q=1.0, gzip;q=0.5", "br", "HIT"),
        ("deflate,gzip;q=0.8", "gzip", "HIT"),
        ("br;q=0, gzip", "gzip", "HIT"),
        ("gzip, br ; q=0.000", "gzip", "HIT"),
        ("gzip;q=0, br; q=0", "", "HIT"),
        ("br;q=0.01", "br", "HIT"),
        ("brotli, xgzip", "", "HIT"),
        ("identity", "", "HIT"),
    ] {
        let answer = encoded(accepted).await;

        let expected = (200, [encoding.to_owned(), cached.to_owned()]);
        assert_eq!(answer, expected, "for Accept-Encoding: {accepted}");
    }
}

/// Hosts give up on a request after 30 s without an answer, and the site file after 15 s.
#[tokio::test]
async fn a_computation_of_two_minutes_comes_through() {
    let app = App::spawn(&[("SIMULATED_COST", "120s"), ("WEB_CONCURRENCY", "2")]);
    let nginx = before(&app);
    let (mut ask, mut seen) = ("/signal?origin=ATL".to_owned(), Vec::new());
    let (asked, patience) = (Instant::now(), Duration::from_secs(180));
    let signal = computed_within(patience, async || {
        let answer = get(&nginx, &ask, &[("HX-Request", "true")]).await;
        if answer.is_computing() {
            ask = answer.asks().remove(0);
            seen.push(answer.attribute("value").parse::<u16>().unwrap());
        }
        answer
    })
    .await;

    assert_eq!((signal.status, signal.asks().len()), (200, 4), "{}", signal.text());
    assert!(asked.elapsed() >= Duration::from_secs(120), "{:?}", asked.elapsed());
    assert!(seen.is_sorted() && seen.len() >= 240, "{} answers: {seen:?}", seen.len());
    assert_eq!(get(&nginx, &signal.asks()[0], &[]).await.status, 200);
    assert_eq!((app.computations(), nginx.errors().as_str()), (1, ""));
}

#[tokio::test]
async fn the_cookie_of_a_visitor_is_guarded_by_https_and_a_sample_is_in_no_cache() {
    let app = App::spawn(&[("WEB_CONCURRENCY", "3"), ("TRUSTED_PROXIES", "127.0.0.1")]);
    let (nginx, folder) = (before(&app), tempfile::TempDir::new().unwrap());
    let jar = folder.path().join("cookies");
    let (jar, address) = (jar.to_str().unwrap(), format!("{}/session", nginx.https_url()));

    // curl, like a browser, takes a cookie of such a name only with all that the name demands.
    let drawn = curl(&nginx, &["--cookie-jar", jar, "--data", "origin=ATL&size=50", &address]);
    assert!(drawn.starts_with("HTTP/2 303"), "{drawn}");
    assert!(drawn.contains("set-cookie: __Host-quadrant-session="), "{drawn}");
    assert!(drawn.contains("; HttpOnly; SameSite=Lax; Secure; Path=/"), "{drawn}");
    assert!(std::fs::read_to_string(jar).unwrap().contains("__Host-quadrant-session"));
    let cookie = drawn.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap();

    for path in ["graphs/daily?metric=mean&v=0123456789abcdef", "flights.csv", "signal"] {
        let address = format!("{address}/{path}");
        for _ in 0..2 {
            let own = curl(&nginx, &["--cookie", jar, &address]);
            assert!(own.starts_with("HTTP/2 200"), "{path}: {own}");
            assert!(own.contains("cache-control: private, no-store"), "{own}");
            assert!(!own.contains("x-cache-status: HIT"), "{own}");
        }
        let others = curl(&nginx, &[&address]);
        let status = if path == "signal" { "HTTP/2 200" } else { "HTTP/2 404" };
        assert!(others.starts_with(status), "{path}: {others}");
    }
    let plain = get(&nginx, "/session/signal", &[("Cookie", cookie)]).await;
    assert!(!plain.text().contains("data-computed-at"), "over http the cookie means nothing");
    assert_eq!(app.computations(), 1);
}

#[tokio::test]
async fn behind_a_real_nginx_a_client_cannot_claim_to_be_another() {
    let app = App::spawn(&[("TRUSTED_PROXIES", "127.0.0.1"), ("RUST_LOG", "quadrant=debug")]);
    let nginx = Nginx::before(app.address().port());
    // The whole of 127.0.0.0/8 is this host, so that a client and a proxy can have two addresses.
    let address = IpAddr::from(Ipv4Addr::new(127, 0, 0, 2));
    let client = client().local_address(address).build().unwrap();

    let request = client.get(format!("{}/signal?origin=ATL", nginx.url()));
    let request = request.header("X-Forwarded-For", "203.0.113.9");
    let answer = request.header("X-Forwarded-Proto", "https").send().await.unwrap();

    assert_eq!(answer.status(), 200);
    let answered = app.logged("answered");
    assert_eq!((answered.len(), &answered[0]["span"]["client"]), (1, &"127.0.0.2".into()));
    let is_https_only = answer.headers().contains_key("strict-transport-security");
    assert!(!is_https_only, "nginx was asked by http");
}
