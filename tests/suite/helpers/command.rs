//! Other programs, each run to an end that is waited for.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::PATIENCE;

/// Runs a program to its end and returns what it has said; one that still runs after [`PATIENCE`] is
/// killed, and fails the test.
pub(crate) fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (stdout, stderr) = (read_aside(stdout), read_aside(stderr));
    let status = end_of(&mut child, PATIENCE);
    let status = status.unwrap_or_else(|| panic!("{command:?} still ran after {PATIENCE:?}"));
    Output { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

/// Reads on a thread of its own, so that a full pipe does not stop the program.
fn read_aside(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// The lines that a program writes, as they come. They are read even if no test wants them, so that
/// the program never waits for a reader.
pub(crate) fn lines_of(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            // The test may want no more.
            let _ = sender.send(line);
        }
    });
    lines
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

/// Sends a signal such as `TERM` to a process that is there.
pub(crate) fn kill(process: u32, signal: &str) {
    let words = [format!("-{signal}"), process.to_string()];
    assert!(Command::new("kill").args(words).status().unwrap().success());
}
