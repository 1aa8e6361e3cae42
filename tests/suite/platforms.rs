//! Where it is deployed: the Procfile under a Procfile runner, a read-only file system, containers.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::helpers::answer::Answer;
use crate::helpers::app::{App, QUADRANT};
use crate::helpers::redis::Redis;
use crate::helpers::{PATIENCE, client, end_of, eventually, free_port};

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
    loop {
        let answer = get(port, &format!("/signal?{query}")).await;
        if answer.status != 202 {
            return answer;
        }
    }
}

fn is_listening(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// A process of this test, which is asked to end with it.
struct Running(Child);

impl Running {
    fn term(&mut self) -> Option<std::process::ExitStatus> {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
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

/// Whether a process waits for something; only its main thread counts.
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
    let asked_to_end = Instant::now();
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
    assert!(asked_to_end.elapsed() < Duration::from_secs(5));
    assert!(!is_listening(port) && !is_listening(port + 1));
}

/// The program in a folder that nobody can write to, nor to anything else of the root's file system,
/// with two variables and no others.
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
async fn it_starts_within_two_seconds_on_a_read_only_file_system_with_a_port_and_a_redis() {
    let (folder, redis, port) = (deployed(), Redis::spawn(), free_port());
    let started = Instant::now();
    let _quadrant = read_only(folder.path(), port, &redis);
    eventually("the program", || is_listening(port));
    assert_eq!(get(port, "/readyz").await.status, 200);
    let until_ready = started.elapsed();

    let first = signal(port, "origin=ATL").await;
    let again = signal(port, "origin=ATL").await;

    assert!(until_ready < Duration::from_secs(2), "{until_ready:?}");
    assert_eq!((first.status, first.outcome(), again.outcome()), (200, "stored", "hit"));
    assert!(!first.text().contains("class=\"notice\""));
    let keys: Vec<String> = redis.ask(&["KEYS", "quadrant:selection:*:ATL"]);
    assert_eq!(keys.len(), 1);
    let mut there: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    there.sort();
    assert_eq!(there, ["data", "target"]);
}

/// The lines of a file that start with a word, without it.
fn lines(file: &str, word: &str) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let rest = text.lines().filter_map(|line| line.strip_prefix(word));
    rest.map(|rest| rest.trim().to_owned()).collect()
}

/// What the Dockerfile copies from the repository.
fn copied() -> BTreeSet<String> {
    let lines = lines("Dockerfile", "COPY ");
    let ours = lines.iter().filter(|line| !line.starts_with("--from"));
    let sources = ours.flat_map(|line| line.rsplit_once(' ').unwrap().0.split_whitespace());
    sources.map(str::to_owned).collect()
}

#[test]
fn the_container_gets_what_it_copies_and_its_build_gets_no_more() {
    let let_through: BTreeSet<String> = lines(".dockerignore", "!").into_iter().collect();

    assert_eq!(lines(".dockerignore", "*"), [""]);
    assert_eq!(copied(), let_through);
    for path in copied() {
        assert!(Path::new(&path).exists(), "{path}");
    }
}

/// A tree with these files and folders of the repository. It is among the build products, where no
/// other manifest is in a folder above.
fn tree(paths: impl IntoIterator<Item = String>) -> TempDir {
    let tree = TempDir::new_in(Path::new(QUADRANT).parent().unwrap()).unwrap();
    for path in paths {
        let to = tree.path().join(&path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        symlink(fs::canonicalize(path).unwrap(), to).unwrap();
    }
    tree
}

/// Whether cargo accepts the manifest there, and a build finds what it reads.
fn assert_complete(tree: &TempDir) {
    let mut command = Command::new(env!("CARGO"));
    // cargo reads the whole manifest before it looks for what it is to build, and then builds nothing.
    command.args(["build", "--release", "--locked", "--offline", "--bin", "none"]);
    command.env("CARGO_TARGET_DIR", tree.path().join("target"));
    let done = command.current_dir(tree.path()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(said.contains("no bin target named `none`"), "{said}");
    for path in ["src/main.rs", "build.rs", "build", "static", "templates", "data/flights.parquet"]
    {
        assert!(tree.path().join(path).exists(), "{path}");
    }
}

#[test]
fn a_container_and_a_slug_have_what_a_build_needs() {
    let left_out = lines(".slugignore", "/");
    let tracked = Command::new("git").args(["ls-files"]).output().unwrap();
    let tracked = String::from_utf8(tracked.stdout).unwrap();
    let is_left_out = |path: &&str| left_out.iter().any(|it| Path::new(path).starts_with(it));
    let slug = tracked.lines().filter(|path| !is_left_out(path)).map(str::to_owned);

    assert_complete(&tree(copied()));
    assert_complete(&tree(slug));
    for path in left_out {
        assert!(Path::new(&path).exists(), "{path} is gone, and may go from .slugignore");
    }
}

#[test]
fn the_binary_needs_no_library_that_the_runtime_image_lacks() {
    let done = Command::new("ldd").arg(QUADRANT).output().unwrap();

    let libraries = String::from_utf8(done.stdout).unwrap();
    // libc6 and libgcc-s1 are in debian:bookworm-slim, since apt needs them.
    let there = ["libc.so", "libm.so", "libgcc_s.so", "linux-vdso.so", "ld-linux"];
    assert!(libraries.contains("libc.so"), "{libraries}");
    for library in libraries.lines() {
        assert!(there.iter().any(|it| library.contains(it)), "{library}");
    }
}

#[test]
fn one_compiler_is_named_wherever_one_is_named() {
    let toolchain = lines("rust-toolchain.toml", "channel = ")[0].replace('"', "");
    let minor = toolchain.rsplit_once('.').unwrap().0;

    assert_eq!(lines("RustConfig", "VERSION=").concat(), toolchain);
    assert_eq!(lines("Dockerfile", "FROM rust:"), [format!("{minor}-slim-bookworm AS build")]);
    assert_eq!(lines("Cargo.toml", "rust-version = "), [format!("\"{minor}\"")]);
}

#[tokio::test]
async fn the_settings_of_app_json_are_accepted() {
    let app: Value = serde_json::from_str(&fs::read_to_string("app.json").unwrap()).unwrap();
    let settings = app["env"].as_object().unwrap().iter();
    // What Heroku makes for `"generator": "secret"`, by its documentation: 64 hexadecimal digits.
    let secret = "0123456789abcdef".repeat(4);
    let value = |setting: &Value| match setting["generator"].as_str() {
        Some(generator) => {
            assert_eq!(generator, "secret");
            secret.clone()
        }
        None => setting["value"].as_str().unwrap().to_owned(),
    };
    let settings: Vec<(&str, String)> =
        settings.map(|(name, setting)| (name.as_str(), value(setting))).collect();
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();

    let started = App::spawn(&settings);

    assert!(settings.contains(&("REDIS_TLS_VERIFY", "false")));
    assert_eq!(started.signal("origin=YAK").await.status, 200);
    assert_eq!(started.logged("SESSION_KEY is not set").len(), 0);
}
