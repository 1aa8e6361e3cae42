//! Every request has an id: in its answer, in its log lines, and in what users read of an error.

use std::io::{Read, Write};
use std::net::TcpStream;

use tempfile::TempDir;

use crate::helpers::PATIENCE;
use crate::helpers::app::App;
use crate::helpers::flights::damaged;

const ID: &str = "x-request-id";

fn is_made(id: &str) -> bool {
    id.len() == 16 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The id in the answer to a request whose own id is these bytes.
fn answered(app: &App, id: &[u8]) -> String {
    let mut stream = TcpStream::connect(app.url.strip_prefix("http://").unwrap()).unwrap();
    let request =
        [b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-Id: ", id, b"\r\n\r\n"];
    stream.write_all(&request.concat()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let line = answer.lines().find_map(|line| line.strip_prefix("x-request-id: "));
    line.unwrap_or_else(|| panic!("no id: {answer}")).to_owned()
}

#[tokio::test]
async fn a_request_without_an_id_gets_one_that_no_other_has() {
    let app = App::spawn(&[]);

    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(app.get("/livez").await.header(ID).to_owned());
    }

    assert!(ids.iter().all(|id| is_made(id) && id[..8] == ids[0][..8]), "{ids:?}");
    assert_ne!(&App::spawn(&[]).get("/livez").await.header(ID)[..8], &ids[0][..8]);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 20);
}

#[tokio::test]
async fn every_answer_has_the_id_of_its_request() {
    let app = App::spawn(&[("SIMULATED_COST", "1500ms")]);
    let etag = app.get("/").await.header("etag").to_owned();

    for (at, (method, path, status)) in [
        ("GET", "/", 304),
        ("GET", "/signal?origin=ATL", 202),
        ("GET", "/signal?origin=XXX", 422),
        ("GET", "/graphs/daily?origin=ATL&v=0123456789abcdef", 410),
        ("GET", "/graphs/daily?at=soon", 400),
        ("GET", "/static/none.js", 404),
        ("GET", "/nothing", 404),
        ("POST", "/signal", 405),
        ("HEAD", "/livez", 200),
        ("GET", "/readyz", 200),
        ("GET", "/metrics", 200),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("id-{at}");
        let headers = [("X-Request-Id", id.as_str()), ("If-None-Match", &etag)];
        let answer = app.send(method, path, &headers).await;
        assert_eq!((answer.status, answer.header(ID)), (status, id.as_str()), "{method} {path}");
    }
}

#[test]
fn an_id_is_taken_over_if_it_is_safe_in_logs_headers_and_pages() {
    let app = App::spawn(&[]);
    let long = "x".repeat(128);

    for id in ["a", "Az09._-", "4f9d1c2e-98ab-4c1d-8b63-0d2f5a7e6c10", &long] {
        assert_eq!(answered(&app, id.as_bytes()), id);
    }
    for id in [
        &[b'x'; 129][..],
        b"",
        b"a b",
        b"a\tb",
        b"a\"b",
        b"a'b",
        b"a%0d%0aSet-Cookie:x",
        b"<script>",
        b"{\"a\":1}",
        b"a,b",
        b"a;b",
        b"a/b",
        "ä".as_bytes(),
        b"a\xffb",
    ] {
        let answer = answered(&app, id);
        assert!(is_made(&answer), "{} became {answer}", String::from_utf8_lossy(id));
    }
}

#[tokio::test]
async fn every_log_line_of_a_request_has_its_id() {
    let app = App::spawn(&[("RUST_LOG", "quadrant=debug")]);

    app.get_with("/signal?origin=ATL&metric=p90", &[("X-Request-Id", "mine")]).await;

    let computed = &app.logged("computed")[0];
    assert_eq!(computed["span"]["request_id"], "mine");
    assert!(computed["key"].as_str().unwrap().ends_with(":ATL"), "its own fields stay at the top");
    let answered = app.logged("answered");
    assert_eq!(answered.len(), 1);
    let line = &answered[0];
    assert_eq!(line["span"]["request_id"], "mine");
    assert_eq!(line["span"]["client"], "127.0.0.1");
    assert_eq!((&line["method"], &line["status"]), (&"GET".into(), &200.into()));
    assert_eq!(line["path"], "/signal?origin=ATL&metric=p90");
    assert!((0.1..10_000.0).contains(&line["ms"].as_f64().unwrap()), "{line}");
    assert_eq!(line["level"], "DEBUG");
}

#[tokio::test]
async fn requests_are_logged_only_at_the_level_of_debugging() {
    let app = App::spawn(&[]);

    app.get("/signal?origin=ATL").await;

    assert!(app.logged("answered").is_empty());
    assert!(is_made(app.logged("computed")[0]["span"]["request_id"].as_str().unwrap()));
}

#[tokio::test]
async fn the_reference_of_an_error_is_the_id_of_its_request() {
    let folder = TempDir::new().unwrap();
    let data = damaged(folder.path());
    let settings =
        [("DATASET", data.to_str().unwrap()), ("RUST_LOG", "quadrant::supervisor=info,error")];
    let app = App::spawn(&settings);

    let failed = app.get_with("/signal?origin=ATL", &[("X-Request-Id", "the-one")]).await;

    assert_eq!((failed.status, failed.header(ID)), (500, "the-one"));
    assert!(failed.text().contains("in the log under the-one."), "{}", failed.text());
    let line = &app.logged("a request failed")[0];
    assert_eq!(line["span"]["request_id"], "the-one", "even if errors alone are logged");
}
