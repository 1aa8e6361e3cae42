//! What nginx asks of the program, and what it does when a worker dies.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{get, send};
use crate::helpers::nginx::Nginx;

#[tokio::test]
async fn a_request_whose_worker_dies_is_sent_again() {
    let upstream = Dying::once();
    let nginx = Nginx::before(upstream.port);

    let answer = get(&nginx, "/signal?origin=ATL", &[]).await;

    assert_eq!((answer.status, answer.text()), (200, "here"));
    assert_eq!(upstream.requests(), 2);
}

#[tokio::test]
async fn a_post_is_not_sent_twice() {
    let upstream = Dying::once();
    let nginx = Nginx::before(upstream.port);

    let answer = send(&nginx, "POST", "/signal/refresh", &[("Content-Length", "0")]).await;

    assert_eq!((answer.status, upstream.requests()), (502, 1));
}

#[tokio::test]
async fn the_program_is_told_where_a_request_came_from() {
    let upstream = Dying::never();
    let nginx = Nginx::before(upstream.port);

    let forged = ("X-Forwarded-For", "1.2.3.4");
    let answer = get(&nginx, "/", &[forged, ("X-Request-Id", "mine")]).await;

    let head = upstream.last().to_lowercase();
    let host = nginx.url().replace("http://", "");
    let id = answer.header("x-request-id");
    for line in [
        format!("host: {host}"),
        "x-forwarded-for: 127.0.0.1".to_owned(),
        "x-forwarded-proto: http".to_owned(),
        format!("x-forwarded-host: {host}"),
        format!("x-request-id: {id}"),
        "accept-encoding: identity".to_owned(),
    ] {
        assert!(head.lines().any(|it| it == line), "no {line} in {head}");
    }
    assert_eq!(id.len(), 32);
    assert!(!head.contains("connection: close"), "connections to the program are kept open");
}

/// A server that closes its first connections without an answer, as a worker that dies.
struct Dying {
    port: u16,
    requests: Arc<AtomicUsize>,
    last: Arc<std::sync::Mutex<String>>,
}

impl Dying {
    fn never() -> Self {
        Self::after(0)
    }

    fn once() -> Self {
        Self::after(1)
    }

    fn after(deaths: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (requests, last) =
            (Arc::<AtomicUsize>::default(), Arc::<std::sync::Mutex<_>>::default());
        let dying = Self { port, requests: requests.clone(), last: last.clone() };
        // It ends with the test binary.
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let Some(head) = head(&connection) else { continue };
                *last.lock().unwrap() = head;
                if requests.fetch_add(1, Ordering::SeqCst) >= deaths {
                    answer(connection);
                }
            }
        });
        dying
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    fn last(&self) -> String {
        self.last.lock().unwrap().clone()
    }
}

fn head(mut connection: &TcpStream) -> Option<String> {
    let (mut head, mut bytes) = (Vec::new(), [0; 1024]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match connection.read(&mut bytes) {
            Ok(count) if count > 0 => head.extend_from_slice(&bytes[..count]),
            _ => return None,
        }
    }
    Some(String::from_utf8(head).unwrap().replace("\r\n", "\n"))
}

fn answer(mut connection: TcpStream) {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nhere";
    // A test whose client does not read it fails by its own assertions.
    let _ = connection.write_all(answer);
}
