//! Servers that answer the same load in turns, and the ratios of what it costs them.

use std::path::Path;
use std::time::Duration;

use super::processes::Cpu;
use super::server::Server;
use super::table;
use super::wrk::{self, Asked, CONNECTIONS};

/// Rounds of each server, in turns.
const ROUNDS: usize = 5;
/// How long a round takes.
const SECONDS: u64 = 2;
/// Answers of one load: the signal and four graphs.
pub(super) const ANSWERS: f64 = 5.0;

/// A server, what is behind it, and what a load asks of it.
pub(super) struct Target {
    pub(super) name: String,
    /// The first one answers; all of them cost.
    pub(super) servers: Vec<Server>,
    pub(super) asked: Asked,
}

impl Target {
    pub(super) fn url(&self) -> &str {
        &self.servers[0].url
    }

    pub(super) fn cpu(&self) -> Cpu {
        let all = self.servers.iter().map(|server| server.processes.cpu());
        all.fold(Cpu::default(), Cpu::and)
    }

    /// A round of loads on many connections, as many loads as the server can answer.
    pub(super) fn many(&self, folder: &Path, seconds: u64) -> Round {
        self.round(folder, &self.asked, ANSWERS, seconds)
    }

    /// The same for a load of another number of answers.
    pub(super) fn round(&self, folder: &Path, asked: &Asked, answers: f64, seconds: u64) -> Round {
        let cpu = self.cpu();
        let run = wrk::run(folder, self.url(), asked, CONNECTIONS, seconds);
        let (cpu, loads) = (self.cpu().since(&cpu), run.answers as f64 / answers);
        Round { loads, cpu, time: run.time, bytes: run.bytes as f64 / loads }
    }
}

/// What one round has cost.
pub(super) struct Round {
    pub(super) loads: f64,
    pub(super) cpu: Duration,
    pub(super) time: Duration,
    pub(super) bytes: f64,
}

impl Round {
    /// Microseconds of the server's processors for one load.
    pub(super) fn cpu_each(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.loads
    }

    pub(super) fn a_second(&self) -> f64 {
        self.loads / self.time.as_secs_f64()
    }

    pub(super) fn time_each(&self) -> f64 {
        1e6 / self.a_second()
    }
}

/// The columns of [`many`]; the last of the servers is the one that ratios refer to.
pub(super) const COLUMNS: [&str; 6] =
    ["24 connections", "loads/s", "ratio", "CPU of a load (µs)", "ratio", "bytes of a load"];

/// Has the servers answer loads on many connections, and prints a row for each.
pub(super) fn many(folder: &Path, targets: &[Target]) {
    let rounds: Vec<Vec<Round>> = (0..ROUNDS)
        .map(|_| targets.iter().map(|target| target.many(folder, SECONDS)).collect())
        .collect();
    for (at, target) in targets.iter().enumerate() {
        let mut cells = vec![target.name.clone()];
        cells.extend(compared(&rounds, at, Round::a_second));
        cells.extend(compared(&rounds, at, Round::cpu_each));
        cells.push(table::count(rounds[0][at].bytes));
        table::row(&cells);
    }
}

/// The median of a figure over all rounds, and the ratios of the rounds to the last server.
pub(super) fn compared(
    rounds: &[Vec<Round>],
    at: usize,
    of: impl Fn(&Round) -> f64,
) -> [String; 2] {
    let column = |at: usize| rounds.iter().map(|round| of(&round[at])).collect::<Vec<f64>>();
    let (own, last) = (column(at), column(rounds[0].len() - 1));
    let ratio = if at + 1 == rounds[0].len() { "1".to_owned() } else { table::ratio(&own, &last) };
    let [_, median, _] = super::spread(own);
    [table::count(median), ratio]
}
