//! What one core and a network of one gigabit serve, by what a warm load costs.
//!
//! Graphs never change, so a cache in front of Quadrant takes them away; signals it must pass on.

use std::path::Path;

use super::contest::{ANSWERS, Round, Target};
use super::table;
use super::tools::cores;
use super::wrk::Asked;

/// Rounds with and without graphs, in turns.
const ROUNDS: usize = 3;
/// How long a round takes.
const SECONDS: u64 = 2;
/// Bytes a second of a gigabit.
const GIGABIT: f64 = 1e9 / 8.0;
/// Seconds from a load of a user to the next.
pub(super) const READING: f64 = 10.0;

/// Prints a row for loads as they are, and one for loads whose graphs come from elsewhere.
pub(super) fn of(folder: &Path, target: &Target) {
    let Asked::Paths(paths) = &target.asked else { return };
    let signal = Asked::Paths(paths[..1].to_vec());
    let (mut full, mut signals) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        full.push(target.round(folder, &target.asked, ANSWERS, SECONDS));
        signals.push(target.round(folder, &signal, 1.0, SECONDS));
    }
    println!(
        "\nWhat that means for {}. A core serves a second divided by the CPU of a load; 1 Gbit/s \
        carries 125,000,000 bytes a second divided by the bytes of a load. A user makes a load \
        every {READING:.0} s.\n",
        target.name
    );
    table::head(&[
        "a load is",
        "CPU (µs)",
        "bytes",
        "loads/s of a core",
        "users of a core",
        "loads/s of 1 Gbit/s",
        "users of 1 Gbit/s",
        "cores busy when it is full",
    ]);
    let full = row("the signal and four graphs", &full);
    let signals = row("the signal, graphs from a CDN", &signals);
    println!("\n{} {}", first_end("Without a CDN", full), first_end("With a CDN", signals));
}

/// Which of the cores of this machine and a gigabit is full first.
fn first_end(when: &str, [core, gigabit]: [f64; 2]) -> String {
    let cores = f64::from(cores());
    let [all, gigabit] = [core * cores, gigabit].map(|loads| loads * READING);
    format!(
        "{when}, {cores} cores are full at {} users and 1 Gbit/s at {}: the {} first.",
        table::count(all),
        table::count(gigabit),
        if all < gigabit { "workers end" } else { "network ends" }
    )
}

/// Prints a row; how many loads a second fill a core, and a gigabit.
fn row(what: &str, rounds: &[Round]) -> [f64; 2] {
    let median = |of: fn(&Round) -> f64| super::spread(rounds.iter().map(of).collect())[1];
    let (cpu, bytes) = (median(Round::cpu_each), median(|round| round.bytes));
    let (core, gigabit) = (1e6 / cpu, GIGABIT / bytes);
    let numbers = [cpu, bytes, core, core * READING, gigabit, gigabit * READING];
    let busy = format!("{:.1}", gigabit / core);
    table::row(&[&[what.to_owned()], &numbers.map(table::count)[..], &[busy]].concat());
    [core, gigabit]
}
