//! A connection of its own, which repeats nothing: a test sees what the server does to it.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::PATIENCE;
use super::answer::Answer;
use super::waiting::until_computed;

/// A connection that is kept between requests.
pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        Ok(Self(BufReader::new(TcpStream::connect(address).await?)))
    }

    /// Asks for a path and reads the whole answer; anything else is an error.
    pub(crate) async fn get(&mut self, path: &str) -> io::Result<Answer> {
        let answer = timeout(PATIENCE, self.exchange(path)).await;
        answer.unwrap_or_else(|_| panic!("no answer to {path} within {PATIENCE:?}"))
    }

    async fn exchange(&mut self, path: &str) -> io::Result<Answer> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: quadrant.test\r\n\r\n");
        self.0.write_all(request.as_bytes()).await?;
        let status = self.line().await?;
        let status = status.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
        let mut headers = HeaderMap::new();
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(": ") else { break };
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        let length = headers.get("content-length").expect("our answers say their length");
        let mut body = vec![0; length.to_str().unwrap().parse().unwrap()];
        self.0.read_exact(&mut body).await?;
        Ok(Answer { status, headers, bytes: Bytes::from(body) })
    }

    /// Asks until the computation is over, always on this connection.
    pub(crate) async fn signal(&mut self, query: &str) -> io::Result<Answer> {
        until_computed(async || self.get(&format!("/signal?{query}")).await).await
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line).await? == 0 {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "closed without an answer"));
        }
        Ok(line.trim_end().to_owned())
    }
}
