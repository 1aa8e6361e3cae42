//! What the figures belong to: the command, the machine, and the versions of all programs.

use std::fs;

use super::tools::{cores, peer, version};

/// What `bin/bench` installs for the peers, with versions.
const PEERS: &str = include_str!("../peers/requirements.txt");

/// Prints it, with how busy the machine is before the run.
pub(super) fn print(parts: &[&str]) {
    let parts = if parts.len() == super::PARTS.len() { String::new() } else { parts.join(" ") };
    let command = format!("bin/bench {parts}");
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (info, memory, load) =
        (read("/proc/cpuinfo"), read("/proc/meminfo"), read("/proc/loadavg"));
    let kib: u64 = after(&memory, "MemTotal:").trim_end_matches(" kB").parse().unwrap_or_default();
    println!(
        "`{}` on {}: {} cores, {}, {} GiB, Linux {}. Load average before the run: {}.",
        command.trim_end(),
        run("date", "+%-d %B %Y"),
        cores(),
        after(&info, "model name\t:"),
        kib.div_ceil(1 << 20),
        read("/proc/sys/kernel/osrelease").trim(),
        load.split(' ').next().unwrap_or_default()
    );
    println!("{}.", versions().join(", "));
}

fn versions() -> Vec<String> {
    let commit =
        std::process::Command::new("git").args(["describe", "--always", "--dirty"]).output();
    let commit = commit.map(|told| String::from_utf8_lossy(&told.stdout).trim().to_owned());
    let mut versions =
        vec![format!("quadrant {} ({})", env!("CARGO_PKG_VERSION"), commit.unwrap_or_default())];
    let asked = [("rustc", "--version"), ("nginx", "-v"), ("redis-server", "--version")];
    for (program, option) in asked.into_iter().chain([("wrk", "--version")]) {
        let told = version(program, option).as_deref().map_or("not installed".to_owned(), number);
        versions.push(format!("{program} {told}"));
    }
    if let Some(python) = version(&peer("python"), "--version") {
        versions.push(python);
        let named = ["dash=", "Flask-Caching=", "gunicorn=", "polars="];
        let lines = PEERS.lines().filter(|line| named.iter().any(|name| line.starts_with(name)));
        versions.extend(lines.map(|line| line.replace("==", " ")));
    }
    versions
}

fn run(program: &str, option: &str) -> String {
    version(program, option).unwrap_or_default()
}

/// The first number of a text that has a dot, such as `1.22.1`.
fn number(text: &str) -> String {
    let mut numbers = text.split(|letter: char| !letter.is_ascii_digit() && letter != '.');
    numbers.find(|number| number.contains('.')).unwrap_or_default().to_owned()
}

/// The rest of the line that begins so.
fn after<'a>(text: &'a str, start: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(start)).unwrap_or_default().trim()
}
