//! The first computation of a new worker, beside a later one.

use std::time::Duration;

use tempfile::TempDir;

use super::loads::{client, load};
use super::server::quadrant_with;
use super::table;

/// Two large airports; each is the first of a new worker in every other round.
const AIRPORTS: [&str; 2] = ["ATL", "DFW"];
/// How long a worker has been up when it is first asked.
const UP: Duration = Duration::from_secs(1);
/// New workers.
const ROUNDS: usize = 8;

/// Prints both, and their ratio, as rows of a table with two columns.
pub(super) async fn computation() {
    let (mut first, mut later) = ([const { Vec::new() }; 2], [const { Vec::new() }; 2]);
    for round in 0..ROUNDS {
        let folder = TempDir::new().expect("there is room for files");
        // Nothing is computed but what is asked for.
        let server = quadrant_with(folder.path(), 1, &[("WARM", "0")]);
        // A new worker warms up a moment after its start.
        tokio::time::sleep(UP).await;
        let (one, other) = (round % 2, 1 - round % 2);
        first[one].push(load(&client(), &server.url, AIRPORTS[one]).await);
        later[other].push(load(&client(), &server.url, AIRPORTS[other]).await);
    }
    for (at, airport) in AIRPORTS.into_iter().enumerate() {
        let what =
            |which| format!("computation of {airport}, {which} of a worker that is up for 1 s");
        table::row(&[what("the first"), format!("{} ms", table::spread(first[at].clone(), 1))]);
        table::row(&[what("the second"), format!("{} ms", table::spread(later[at].clone(), 1))]);
    }
}
