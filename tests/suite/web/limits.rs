//! Bounds on requests: how long a body may take, and what is too much of it.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::helpers::PATIENCE;
use crate::helpers::app::App;

/// A request that is answered from memory if it has no body.
const WARM: &str = "GET /signal?origin=ATL&metric=mean HTTP/1.1";

async fn warm() -> App {
    let app = App::spawn(&[]);
    app.signal("origin=ATL&metric=mean").await;
    app.signal("origin=ATL&metric=mean").await;
    app
}

/// Sends a head and part of a body, and reads until the server closes the connection.
async fn stalled(app: &App, head: &str, part: &str) -> String {
    let mut connection = TcpStream::connect(app.address()).await.unwrap();
    let request = format!("{head}\r\nHost: quadrant.test\r\n{part}");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, connection.read_to_end(&mut answer)).await;
    read.unwrap_or_else(|_| panic!("the connection of {head} is still open")).unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_body_that_does_not_come_ends_its_connection_with_a_reason() {
    let app = warm().await;
    let sized = "Content-Length: 100\r\n\r\norigin=";
    let chunked = "Transfer-Encoding: chunked\r\n\r\n7\r\norigin=\r\n";

    let answers = tokio::join!(
        stalled(&app, "POST /signal/cancel?origin=ATL HTTP/1.1", sized),
        stalled(&app, "POST /session HTTP/1.1", chunked),
        stalled(&app, "GET /signal?origin=ATL HTTP/1.1", sized),
        stalled(&app, WARM, sized),
        stalled(&app, WARM, chunked),
    );

    for answer in [answers.0, answers.1, answers.2, answers.3, answers.4] {
        assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
        assert!(answer.contains("not complete within ten seconds"), "{answer}");
        assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
    }
    assert_eq!(app.get("/livez").await.status, 200);
}

#[tokio::test]
async fn a_body_that_nobody_reads_holds_no_connection() {
    let app = App::spawn(&[]);

    for part in ["Content-Length: 100\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"] {
        for (head, status) in [
            ("GET /livez HTTP/1.1", 200),
            ("GET /nothing HTTP/1.1", 404),
            ("POST /livez HTTP/1.1", 405),
        ] {
            let answer = stalled(&app, head, part).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_form_may_come_in_pieces() {
    let app = App::spawn(&[]);
    let mut connection = TcpStream::connect(app.address()).await.unwrap();
    let head = "POST /signal/cancel HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";

    for piece in [head, "Content-Length: 10\r\n\r\nori", "gin=", "ATL"] {
        connection.write_all(piece.as_bytes()).await.unwrap();
        connection.flush().await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();

    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("(ATL)"), "{answer}");
}

#[tokio::test]
async fn a_form_of_megabytes_is_refused() {
    let app = App::spawn(&[]);

    let answer = app.post_form("/signal/cancel", &format!("origin={}", "A".repeat(1 << 20))).await;

    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("too long"), "{}", answer.text());
}
