//! What the tests need to run the real thing.

pub(crate) mod app;
pub(crate) mod answer;
pub(crate) mod guest;
pub(crate) mod connection;
pub(crate) mod load;
pub(crate) mod exposition;
pub(crate) mod certificate;
#[expect(dead_code, reason = "the tests of the Redis store need more of it")]
#[path = "../../crates/oneflight/tests/redis/servers.rs"]
pub(crate) mod servers;
#[path = "../../crates/oneflight/tests/redis/shapes.rs"]
pub(crate) mod shapes;
#[expect(dead_code, reason = "the tests of the Redis store need more of it")]
#[path = "../../crates/oneflight/tests/redis/proxy.rs"]
pub(crate) mod proxy;
pub(crate) mod redis;
pub(crate) mod nginx;
pub(crate) mod browser;
pub(crate) mod webdriver;
pub(crate) mod place;
pub(crate) mod flights;

use std::net::TcpListener;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// Waits until `holds`, and fails with `what` after ten seconds.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < until, "waited ten seconds for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A TCP port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// How long any one request or process may take before its test fails instead of waiting on.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A client that uses no proxy and gives up after [`PATIENCE`].
pub(crate) fn client() -> reqwest::ClientBuilder {
    reqwest::Client::builder().no_proxy().timeout(PATIENCE)
}

/// The status with which a process ends by itself; one that does not is killed and has none.
pub(crate) fn end_of(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let until = Instant::now() + patience;
    while Instant::now() < until {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}
