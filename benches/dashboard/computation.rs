//! The computation of an airport, beside polars from Python, which computes the same numbers.
//!
//! Each round is a process of its own, so that its peak memory is its own.

use std::path::Path;
use std::process::Command;

use super::table;
use super::tools::peer;

/// The most, many and the fewest flights.
const ORIGINS: [&str; 3] = ["ALL", "ATL", "YAK"];
/// Processes of each, in turns.
const ROUNDS: usize = 3;
/// What polars from Python is measured by.
const SCRIPT: &str = "benches/peers/polars_selection.py";

/// Prints the medians of both, and their ratio.
pub(super) fn beside_polars() {
    let python = peer("python");
    let is_there = Path::new(&python).exists() && Path::new(SCRIPT).exists();
    table::begin(
        "Computation",
        "Milliseconds from the data file to the frames of four graphs, the median of a process; \
        three processes each, in turns with polars from Python. Peak memory is that of the process.",
        &["origin", "Quadrant", "peak", "polars from Python", "ratio (least to greatest)"],
    );
    for origin in ORIGINS {
        let (mut ours, mut theirs, mut peak) = (Vec::new(), Vec::new(), 0.0_f64);
        for _ in 0..ROUNDS {
            let itself = std::env::current_exe().expect("it runs already");
            let told = run(Command::new(itself).args(["compute", origin]));
            ours.push(number(&told, "median "));
            peak = peak.max(number(&told, "peak "));
            if is_there {
                let runs = super::RUNS.to_string();
                let file = "data/flights.parquet";
                let told = run(Command::new(&python).args([SCRIPT, file, &runs, origin]));
                theirs.push(number(&told, "median "));
            }
        }
        let [polars, ratio] = if is_there {
            [table::spread(theirs.clone(), 1), table::ratio(&ours, &theirs)]
        } else {
            ["left out, not installed".to_owned(), String::new()]
        };
        let (ours, peak) = (table::spread(ours, 1), format!("{peak:.0} MiB"));
        table::row(&[origin.to_owned(), ours, peak, polars, ratio]);
    }
}

fn run(command: &mut Command) -> String {
    let told = command.output().expect("it is there");
    let said = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.status.success(), "{said}{}", String::from_utf8_lossy(&told.stderr));
    said
}

/// The number after a word.
fn number(told: &str, word: &str) -> f64 {
    let rest = told.split(word).nth(1).and_then(|rest| rest.split([' ', ',']).next());
    rest.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no {word}in {told}"))
}
