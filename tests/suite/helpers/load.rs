//! Many clients at once, each with a connection of its own, for a bounded time.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::connection::Connection;

/// Clients that ask.
const CLIENTS: usize = 12;
/// Between two questions of one of them: the load has to last, not to exhaust the machine.
const PAUSE: Duration = Duration::from_millis(5);
/// The airports they choose, in turn.
const ORIGINS: [&str; 8] = ["ALL", "ATL", "ORD", "DFW", "LAX", "YAK", "JFK", "SEA"];

/// What came of a load.
#[derive(Default)]
pub(crate) struct Load {
    pub(crate) answers: usize,
    /// Requests that were not answered with 200 or 202, with the time since the start.
    pub(crate) failures: Vec<String>,
}

/// Asks for dashboards until the time is over.
pub(crate) async fn load(address: SocketAddr, lasting: Duration) -> Load {
    let until = Instant::now() + lasting;
    let clients = (0..CLIENTS).map(|number| tokio::spawn(client(address, number, until)));
    let mut all = Load::default();
    for done in futures_util::future::join_all(clients).await {
        let one = done.unwrap();
        all.answers += one.answers;
        all.failures.extend(one.failures);
    }
    all
}

async fn client(address: SocketAddr, number: usize, until: Instant) -> Load {
    let (mut load, mut connection, started) = (Load::default(), None, Instant::now());
    for origin in ORIGINS.iter().cycle().skip(number) {
        let signal = format!("/signal?origin={origin}");
        let graphs = ["daily", "distribution", "rhythm", "destinations"];
        let graphs = graphs.map(|graph| format!("/graphs/{graph}?origin={origin}&metric=p90"));
        for path in [signal].iter().chain(&graphs) {
            if Instant::now() > until {
                return load;
            }
            if let Err(failure) = ask(address, &mut connection, path).await {
                let at = started.elapsed();
                load.failures.push(format!("{path} after {at:?}: {failure}"));
                connection = None;
            }
            load.answers += 1;
            // Every other client connects anew each time, so that workers accept all the while.
            if number.is_multiple_of(2) {
                connection = None;
            }
            sleep(PAUSE).await;
        }
    }
    unreachable!("the origins never end")
}

/// Asks on the kept connection, or on a new one if the server has said that it closes the former.
async fn ask(address: SocketAddr, kept: &mut Option<Connection>, path: &str) -> Result<(), String> {
    let is_new = kept.is_none();
    let mut connection = match kept.take() {
        Some(connection) => connection,
        None => Connection::open(address).await.map_err(|error| format!("new: {error}"))?,
    };
    let answer = connection.get(path).await.map_err(|error| match is_new {
        true => format!("new: {error}"),
        false => format!("kept: {error}"),
    })?;
    if answer.header("connection") != "close" {
        *kept = Some(connection);
    }
    match answer.status {
        200 | 202 => Ok(()),
        status => Err(format!("{status}: {}", answer.text())),
    }
}
