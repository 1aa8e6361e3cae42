//! The first computation of a new worker, beside a later one.

use tempfile::TempDir;

use super::loads::{client, load};
use super::server::quadrant_with;
use super::table;

/// Two large airports; each is the first of a new worker in every other round.
const AIRPORTS: [&str; 2] = ["ATL", "DFW"];
/// New workers.
const ROUNDS: usize = 8;

/// Prints both, and their ratio, as rows of a table with two columns.
pub(super) async fn computation() {
    let (mut first, mut later) = ([const { Vec::new() }; 2], [const { Vec::new() }; 2]);
    for round in 0..ROUNDS {
        let folder = TempDir::new().expect("there is room for files");
        // Nothing is computed but what is asked for.
        let server = quadrant_with(folder.path(), 1, &[("WARM", "0")]);
        let (one, other) = (round % 2, 1 - round % 2);
        first[one].push(load(&client(), &server.url, AIRPORTS[one]).await);
        later[other].push(load(&client(), &server.url, AIRPORTS[other]).await);
    }
    for (at, airport) in AIRPORTS.into_iter().enumerate() {
        let what = |which| format!("computation of {airport}, {which} of a new worker");
        table::row(&[what("the first"), format!("{} ms", table::spread(first[at].clone(), 1))]);
        table::row(&[what("the second"), format!("{} ms", table::spread(later[at].clone(), 1))]);
    }
}
