//! What the tests need to run the real thing.

pub(crate) mod waiting;
pub(crate) mod command;
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
pub(crate) mod round_trips;
pub(crate) mod redis;
pub(crate) mod nginx;
pub(crate) mod browser;
pub(crate) mod webdriver;
pub(crate) mod window;
pub(crate) mod place;
pub(crate) mod flights;

pub(crate) use servers::{PATIENCE, eventually, free_port};

/// The four graphs, in the order of the page.
pub(crate) const GRAPHS: [&str; 4] = ["daily", "distribution", "rhythm", "destinations"];

/// A client that uses no proxy and gives up after [`PATIENCE`].
pub(crate) fn client() -> reqwest::ClientBuilder {
    reqwest::Client::builder().no_proxy().timeout(PATIENCE)
}
