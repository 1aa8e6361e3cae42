//! Where it is deployed: the Procfile under a Procfile runner, and a read-only file system.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::helpers::answer::Answer;
use crate::helpers::app::QUADRANT;
use crate::helpers::command::{end_of, kill};
use crate::helpers::redis::Redis;
use crate::helpers::waiting::until_computed;
use crate::helpers::{PATIENCE, client, eventually, free_port};

/// A folder as it is deployed: the binary where it was built, and the data.
fn deployed() -> TempDir {
    let folder = TempDir::new().unwrap();
    let built = folder.path().join("target/release");
    fs::create_dir_all(&built).unwrap();
    symlink(QUADRANT, built.join("quadrant")).unwrap();
    symlink(fs::canonicalize("data").unwrap(), folder.path().join("data")).unwrap();
    folder
}

async fn get(port: u16, path: &str) -> Answer {
    let client = client().build().unwrap();
    let response = client.get(format!("http://127.0.0.1:{port}{path}")).send().await;
    Answer::read(response.unwrap()).await
}

/// Asks until the computation is over.
async fn signal(port: u16, query: &str) -> Answer {
    until_computed(async || get(port, &format!("/signal?{query}")).await).await
}

fn is_listening(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// A process of this test, which is asked to end with it.
struct Running(Child);

impl Running {
    fn term(&mut self) -> Option<std::process::ExitStatus> {
        kill(self.0.id(), "TERM");
        end_of(&mut self.0, PATIENCE)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.term();
        }
    }
}

/// The first of two ports in a row that are free, below those that the system gives to clients.
fn two_free_ports() -> u16 {
    let is_free = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
    let ports = std::iter::repeat_with(|| 20_000 + (getrandom::u32().unwrap() % 12_000) as u16);
    ports.take(100).find(|port| is_free(*port) && is_free(port + 1)).unwrap()
}

/// The Procfile on two ports, which differs in its address only: tests listen on this host alone.
fn honcho(folder: &Path, port: u16, redis: &Redis) -> Running {
    let procfile = fs::read_to_string("Procfile").unwrap();
    assert_eq!(procfile, "web: ./target/release/quadrant serve --host 0.0.0.0\n");
    fs::write(folder.join("Procfile"), procfile.replace("0.0.0.0", "127.0.0.1")).unwrap();
    let mut command =
        Command::new(Path::new(QUADRANT).ancestors().nth(2).unwrap().join("honcho/bin/honcho"));
    command.args(["start", "--no-colour", "-c", "web=2"]).current_dir(folder);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("PORT", port.to_string());
    command.env("REDIS_URL", redis.url()).env("SIMULATED_COST", "500ms");
    let log = fs::File::create(folder.join("log")).unwrap();
    command.stdout(log.try_clone().unwrap()).stderr(log);
    Running(command.spawn().expect("bin/test installs honcho"))
}

/// Whether the main thread of a process waits.
fn is_waiting(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    stat.rsplit(") ").next().unwrap().starts_with('S')
}

#[tokio::test]
async fn a_procfile_runner_runs_two_web_processes_that_share_one_computation_and_end_cleanly() {
    let (folder, redis, port) = (deployed(), Redis::spawn(), two_free_ports());
    let mut honcho = honcho(folder.path(), port, &redis);
    eventually("both processes", || is_listening(port) && is_listening(port + 1));

    let asked = (signal(port, "origin=ATL"), signal(port + 1, "origin=ATL"));
    let (one, other) = tokio::join!(asked.0, asked.1);
    // Python's handler of the signal prints. Where the signal comes while honcho is printing, that
    // is an error ("reentrant call"), and honcho waits for ever for processes that it has not told.
    let log = || fs::read_to_string(folder.path().join("log")).unwrap();
    eventually("honcho to have printed all", || {
        log().contains(" computed quadrant:") && is_waiting(honcho.0.id())
    });
    let status = honcho.term();

    let log = log();
    assert_eq!((one.status, other.status), (200, 200), "{log}");
    assert_eq!(one.attribute("data-computed-at"), other.attribute("data-computed-at"));
    assert_eq!(log.matches(" computed quadrant:").count(), 1, "{log}");
    let entries: Vec<String> = redis.ask(&["KEYS", "quadrant:selection:*:ATL"]);
    assert_eq!(entries.len(), 1, "{log}");
    assert_eq!(
        status.and_then(|status| status.code()),
        Some(128 + 15),
        "honcho was asked to end: {log}"
    );
    // The code that honcho prints is that of the shell around each of them.
    for process in ["web.1", "web.2"] {
        let said =
            |words: &str| log.lines().any(|line| line.contains(process) && line.contains(words));
        assert!(said("has drained") && said("stopped"), "{log}");
    }
    assert!(!log.contains("SIGKILL"), "both end before honcho loses its patience: {log}");
    assert!(!is_listening(port) && !is_listening(port + 1));
}

/// The program in a read-only folder of a read-only root file system, with two variables and no
/// others.
fn read_only(folder: &Path, port: u16, redis: &Redis) -> Running {
    // The folder is entered anew, since the shell stands in what lies below the read-only one.
    let script = "mount --bind . . && mount -o remount,bind,ro . && mount -o remount,bind,ro / &&
        cd \"$PWD\" && ! touch here 2>/dev/null && exec ./target/release/quadrant";
    let mut command = Command::new("/usr/bin/unshare");
    command.args(["--map-root-user", "--mount", "/bin/sh", "-c", script]).current_dir(folder);
    command.env_clear().env("PORT", port.to_string()).env("REDIS_URL", redis.url());
    Running(command.stdout(Stdio::null()).spawn().unwrap())
}

#[tokio::test]
async fn on_a_read_only_file_system_a_port_and_a_redis_are_all_it_needs() {
    let (folder, redis, port) = (deployed(), Redis::spawn(), free_port());
    let _quadrant = read_only(folder.path(), port, &redis);
    eventually("the program", || is_listening(port));
    assert_eq!(get(port, "/readyz").await.status, 200);

    let first = signal(port, "origin=ATL").await;
    let again = signal(port, "origin=ATL").await;

    assert_eq!((first.status, first.outcome(), again.outcome()), (200, "stored", "hit"));
    assert!(!first.text().contains("class=\"notice\""));
    let keys: Vec<String> = redis.ask(&["KEYS", "quadrant:selection:*:ATL"]);
    assert_eq!(keys.len(), 1);
    let mut there: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    there.sort();
    assert_eq!(there, ["data", "target"]);
}
