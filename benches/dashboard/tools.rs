//! The programs that the benchmark compares with or measures by.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What a program prints first when it is asked for its version; none if it is not installed.
pub(super) fn version(program: &str, option: &str) -> Option<String> {
    let told = Command::new(program).arg(option).output().ok()?;
    let told = [told.stdout, told.stderr].concat();
    String::from_utf8_lossy(&told).lines().next().map(|line| line.trim().to_owned())
}

/// Whether all of these programs are there. If one is missing, says that the part is left out.
pub(super) fn has(part: &str, programs: &[&str]) -> bool {
    let missing = programs.iter().find(|program| version(program, "--version").is_none());
    if let Some(program) = missing {
        let name = Path::new(program).file_name().unwrap_or_default().display();
        println!("\n{part}: left out, because {name} is not installed.");
    }
    missing.is_none()
}

/// A program of the Python environment that `bin/bench` installs beside the build products.
pub(super) fn peer(program: &str) -> String {
    let products: PathBuf =
        Path::new(env!("CARGO_BIN_EXE_quadrant")).ancestors().skip(2).take(1).collect();
    products.join("peers/bin").join(program).display().to_string()
}

/// How many processes can run at once.
pub(super) fn cores() -> u16 {
    let cores = std::thread::available_parallelism().expect("Linux tells it").get();
    cores.try_into().unwrap_or(u16::MAX)
}
