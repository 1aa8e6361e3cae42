//! chromedriver, and the W3C's protocol for browsers: JSON over HTTP.
//!
//! It is made by hand: the libraries for this protocol change features of crates below polars, which
//! would then be compiled a second time, for ten minutes. And it blocks: a test does one thing after
//! the other, and [`Drop`] has to end the browser without an event loop.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::PATIENCE;
use super::command::{end_of, lines_of};

/// A running chromedriver; it and every Chromium below it are killed when the test ends.
pub(crate) struct WebDriver {
    port: u16,
    child: Child,
    /// Profiles, sockets, and what else they leave behind.
    pub(crate) folder: TempDir,
}

impl WebDriver {
    /// Starts it on a free port and waits until it says which.
    ///
    /// It takes a free port of IPv4, then the same one of IPv6, and ends if that one is taken. Only
    /// chromedriver can choose the port, so it is started again.
    pub(crate) fn spawn() -> Self {
        let starts = std::iter::repeat_with(Self::start).take(5);
        starts.flatten().next().expect("chromedriver starts and says its port")
    }

    fn start() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").env("TMPDIR", folder.path());
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        // A group of its own, so that its Chromium can be killed with it.
        command.process_group(0);
        let mut child = command.spawn().expect("bin/test installs chromedriver");
        let lines = lines_of(child.stdout.take().unwrap());
        let lines = std::iter::from_fn(|| lines.recv_timeout(PATIENCE).ok());
        let Some(port) = lines.into_iter().find_map(|line| port(&line)) else {
            end_of(&mut child, PATIENCE);
            return None;
        };
        Some(Self { port, child, folder })
    }

    /// Asks a command that has to succeed, and returns its value.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.try_ask(method, path, body).unwrap();
        let mut answer: Value = serde_json::from_slice(&answer).unwrap();
        let value = answer["value"].take();
        let message = value["message"].as_str().filter(|_| value["error"].is_string());
        assert!(message.is_none(), "{method} {path}: {}", message.unwrap());
        value
    }

    /// Asks a command and reads the body of the answer, which may be an error.
    pub(crate) fn try_ask(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let body = body.to_string();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(format!("{head}{body}").as_bytes())?;
        read_body(&mut BufReader::new(stream))
    }
}

impl Drop for WebDriver {
    fn drop(&mut self) {
        // The whole group; it may have ended already.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}

/// The port in `ChromeDriver was started successfully on port 42671.`
fn port(line: &str) -> Option<u16> {
    line.split_once("successfully on port ")?.1.trim_end_matches('.').parse().ok()
}

/// Reads past the head, then as many bytes as it has announced.
fn read_body(answer: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        answer.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        let line = line.to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    answer.read_exact(&mut body)?;
    Ok(body)
}
