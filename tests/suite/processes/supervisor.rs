//! The supervisor and its workers: the dead are replaced, and those asked to end do so in order.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{ChildStdout, Command};
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::helpers::app::{App, QUADRANT, quadrant, with_settings};
use crate::helpers::command::{end_of, kill, output};
use crate::helpers::connection::Connection;
use crate::helpers::exposition::Exposition;
use crate::helpers::place::Place;
use crate::helpers::waiting::until;
use crate::helpers::{PATIENCE, eventually};

fn six() -> App {
    App::spawn(&[("WEB_CONCURRENCY", "6")])
}

fn is_running(process: u32) -> bool {
    Path::new(&format!("/proc/{process}")).exists()
}

/// The numbers of workers that answer a hundred requests, each on its own connection.
async fn answering_workers(app: &App) -> BTreeSet<u64> {
    let mut workers = BTreeSet::new();
    for _ in 0..100 {
        let close = [("Connection", "close")];
        let answer = app.get_with("/signal?origin=YAK", &close).await;
        assert_eq!(answer.status, 200);
        workers.insert(answer.worker());
    }
    workers
}

#[tokio::test]
async fn six_workers_share_one_port() {
    let app = six();

    let workers = answering_workers(&app).await;

    assert_eq!(app.workers().len(), 6);
    assert!(workers.into_iter().eq(1..=6));
}

#[tokio::test]
async fn a_dead_worker_has_a_successor_of_the_same_number() {
    for workers in ["1", "3"] {
        let app = App::spawn(&[("WEB_CONCURRENCY", workers)]);
        let before = app.process(1);

        app.kill_worker(1, "KILL");
        let answers = answering_workers(&app).await;

        assert_eq!(answers.len(), workers.parse::<usize>().unwrap());
        assert_ne!(app.process(1), before);
        let said = &app.logged("worker 1 is gone")[0];
        assert_eq!(said["reason"], "signal: 9 (SIGKILL)");
        assert_eq!(said["worker"], 1);
    }
}

#[tokio::test]
async fn a_request_that_a_dead_worker_has_not_accepted_waits_for_its_successor() {
    let app = App::spawn(&[]);
    let before = app.process(1);
    app.kill_worker(1, "STOP");

    let asked = app.get("/livez");
    let death = async {
        // The kernel has the connection by then, and no worker has accepted it.
        tokio::time::sleep(Duration::from_millis(300)).await;
        app.kill_worker(1, "KILL");
    };
    let (answer, ()) = tokio::join!(asked, death);

    assert_eq!(answer.status, 200);
    eventually("a word of the successor", || app.process(1) != before);
}

#[tokio::test]
async fn a_worker_that_is_asked_to_end_has_a_successor_at_once() {
    let app = App::spawn(&[]);
    let before = app.process(1);
    // It drains for a second, because of this one.
    let mut idle = Connection::open(app.address()).await.unwrap();
    assert_eq!(idle.get("/livez").await.unwrap().status, 200);

    app.kill_worker(1, "TERM");
    eventually("its successor", || app.process(1) != before);
    let answer = app.get("/livez").await;

    assert_eq!(answer.status, 200);
    assert!(is_running(before), "it still drains");
    eventually("its end", || !is_running(before));
}

#[tokio::test]
async fn metrics_may_be_asked_of_a_worker_that_drains() {
    let app = App::spawn(&[("WEB_CONCURRENCY", "3")]);
    let mut kept = Connection::open(app.address()).await.unwrap();
    let worker = kept.get("/signal?origin=YAK").await.unwrap().worker();
    let before = app.process(worker);
    app.kill_worker(worker, "TERM");
    eventually("its successor", || app.process(worker) != before);

    let told = Exposition::parse(kept.get("/metrics").await.unwrap().text());

    for worker in ["1", "2", "3"] {
        assert!(told.find("quadrant_process_id", &[("worker", worker)]).is_some(), "{worker}");
    }
}

#[tokio::test]
async fn a_program_whose_output_is_not_read_still_answers() {
    let mut command = quadrant(&[("PORT", "0"), ("WARM", "0")]);
    let cache = tempfile::TempDir::new().unwrap();
    let mut child = command.env("CACHE_DIR", cache.path()).spawn().unwrap();
    let (stdout, line) = first_line(child.stdout.take().unwrap());
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    let said = line["message"].as_str().unwrap();
    let address = said.split("http://").nth(1).unwrap().split(',').next().unwrap();
    let mut connection = Connection::open(address.parse().unwrap()).await.unwrap();
    drop((stdout, child.stderr.take()));

    let answer = connection.signal("origin=ATL").await.unwrap();
    kill(child.id(), "TERM");

    assert_eq!(answer.status, 200);
    assert_eq!(end_of(&mut child, PATIENCE).unwrap().code(), Some(0));
}

/// The first line that a program writes, and the pipe.
fn first_line(pipe: ChildStdout) -> (BufReader<ChildStdout>, String) {
    let (sender, first) = channel();
    std::thread::spawn(move || {
        let (mut pipe, mut line) = (BufReader::new(pipe), String::new());
        pipe.read_line(&mut line).unwrap();
        sender.send((pipe, line))
    });
    first.recv_timeout(PATIENCE).unwrap()
}

#[tokio::test]
async fn a_worker_that_hangs_is_replaced() {
    let app = App::spawn(&[("WEB_CONCURRENCY", "2")]);
    let before = app.process(2);

    app.kill_worker(2, "STOP");
    eventually("its successor", || app.process(2) != before);

    assert_eq!(app.logged("worker 2 is gone")[0]["reason"], "it hangs");
    assert!(!is_running(before));
    assert_eq!(answering_workers(&app).await.len(), 2);
}

#[tokio::test]
async fn a_worker_that_does_not_read_for_two_seconds_is_not_killed() {
    let app = App::spawn(&[("WEB_CONCURRENCY", "2")]);
    let before = app.process(2);
    let mut connections = Vec::new();
    while connections.len() < 100 {
        let mut connection = Connection::open(app.address()).await.unwrap();
        if connection.get("/signal?origin=YAK").await.unwrap().worker() == 1 {
            connections.push(connection);
        }
    }

    app.kill_worker(2, "STOP");
    // Each question makes the supervisor write to worker 2; its socket holds fewer than 300.
    for _ in 0..4 {
        let asked = connections.iter_mut().map(|connection| connection.get("/metrics"));
        let answers = futures_util::future::join_all(asked).await;
        assert!(answers.into_iter().all(|answer| answer.unwrap().status == 200));
    }
    app.kill_worker(2, "CONT");
    let process = until("worker 2 to tell its numbers", async || {
        let told = Exposition::parse(connections[0].get("/metrics").await.unwrap().text());
        told.find("quadrant_process_id", &[("worker", "2")])
    });
    assert_eq!(process.await, f64::from(before));

    assert!(app.logged("worker 2 is gone").is_empty());
}

#[tokio::test]
async fn a_parent_that_ignores_the_ends_of_children_changes_nothing() {
    // Not every `sh` hands this on, but bash does.
    let mut shell = Command::new("/bin/bash");
    shell.args(["-c", "trap '' CHLD; exec \"$0\"", QUADRANT]);
    let mut app = App::run(with_settings(shell, &[("WEB_CONCURRENCY", "2")]));
    let before = app.process(1);

    app.kill_worker(1, "KILL");
    eventually("its successor", || app.process(1) != before);
    app.kill("TERM");

    assert_eq!(app.wait(Duration::from_secs(10)).code(), Some(0));
    assert_eq!(app.logged("worker 1 is gone")[0]["reason"], "signal: 9 (SIGKILL)");
}

#[test]
fn no_secret_is_in_the_command_line_of_a_worker() {
    let (key, previous) = ("k".repeat(64), "p".repeat(64));
    let mut command = quadrant(&[]);
    // No Redis listens there, so the disk stands in.
    command.args(["serve", "--redis-url", "redis://:hunter2@127.0.0.1:1", "--session-key", &key]);
    command.args([&format!("--session-key-previous={previous}"), "--workers", "1"]);

    let app = App::run(command);

    let read = |file| std::fs::read(format!("/proc/{}/{file}", app.process(1))).unwrap();
    let list = |bytes: Vec<u8>| -> Vec<String> {
        let items = bytes.split(|byte| *byte == 0).filter(|item| !item.is_empty());
        items.map(|item| String::from_utf8_lossy(item).into_owned()).collect()
    };
    let words = list(read("cmdline"));
    assert_eq!(words[1..], ["serve", "--workers", "1", "--worker"]);
    let variables = list(read("environ"));
    for (name, value) in [
        ("REDIS_URL", "redis://:hunter2@127.0.0.1:1"),
        ("SESSION_KEY", key.as_str()),
        ("SESSION_KEY_PREVIOUS", previous.as_str()),
    ] {
        assert!(variables.contains(&format!("{name}={value}")), "{name} is missing");
    }
}

#[tokio::test]
async fn term_and_int_end_everything_in_order_even_twice() {
    for signal in ["TERM", "INT"] {
        let mut app = six();
        let workers = app.workers();
        assert_eq!(app.get("/livez").await.status, 200);

        app.kill(signal);
        app.kill(signal);
        let status = app.wait(Duration::from_secs(10));

        assert_eq!(status.code(), Some(0));
        assert!(workers.iter().all(|worker| !is_running(*worker)));
        assert_eq!(app.logged("Quadrant has drained").len(), 1);
        let lines = app.lines();
        let warned = lines.iter().filter(|line| line["level"] != "INFO");
        let warned: Vec<_> = warned.map(|line| line["message"].as_str().unwrap()).collect();
        assert!(warned.len() == 1 && warned[0].starts_with("SESSION_KEY"), "{warned:?}");
        assert!(app.logged("worker 1 is gone").is_empty());
    }
}

#[tokio::test]
async fn term_lets_open_requests_finish() {
    let mut app = App::spawn(&[("SIMULATED_COST", "600ms")]);
    let asked = async { app.get("/signal?origin=ATL").await };
    let term = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        app.kill("TERM");
    };

    let (answer, ()) = tokio::join!(asked, term);

    assert_eq!((answer.status, answer.outcome()), (200, "stored"));
    assert!(app.wait(Duration::from_secs(10)).success());
}

#[tokio::test]
async fn term_to_every_process_at_once_is_as_good() {
    // Some platforms send it to all processes, and once more to be sure.
    let mut app = App::spawn(&[("WEB_CONCURRENCY", "3"), ("SIMULATED_COST", "500ms")]);
    let workers = app.workers();
    let asked = async { app.get("/signal?origin=ATL").await };
    let term = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        for worker in 1..=3 {
            app.kill_worker(worker, "TERM");
        }
        app.kill("TERM");
        app.kill("TERM");
    };

    let (answer, ()) = tokio::join!(asked, term);
    let status = app.wait(Duration::from_secs(10));

    assert_eq!((answer.status, answer.outcome()), (200, "stored"));
    assert_eq!(status.code(), Some(0));
    assert!(workers.iter().all(|worker| !is_running(*worker)));
}

#[tokio::test]
async fn a_draining_program_refuses_new_connections_and_says_that_it_closes_the_old() {
    let mut app = App::spawn(&[("SIMULATED_COST", "500ms")]);
    let asked = async { app.get("/signal?origin=ATL").await };
    let term = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        app.kill("TERM");
        eventually("a refusal", || std::net::TcpStream::connect(app.address()).is_err());
    };

    let (answer, ()) = tokio::join!(asked, term);

    assert_eq!((answer.status, answer.header("connection")), (200, "close"));
    assert_eq!(app.wait(Duration::from_secs(10)).code(), Some(0));
}

#[tokio::test]
async fn workers_whose_supervisor_is_killed_finish_and_end() {
    let mut app = App::spawn(&[("WEB_CONCURRENCY", "3"), ("SIMULATED_COST", "500ms")]);
    let workers = app.workers();
    let asked = async { app.get("/signal?origin=ATL").await };
    let death = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        app.kill("KILL");
    };

    let (answer, ()) = tokio::join!(asked, death);

    assert_eq!((answer.status, answer.outcome()), (200, "stored"));
    assert!(!app.wait(Duration::from_secs(1)).success());
    eventually("the orphans' end", || workers.iter().all(|worker| !is_running(*worker)));
    TcpListener::bind(app.address()).expect("the port is free");
}

#[tokio::test]
async fn hup_replaces_every_worker() {
    for workers in ["1", "4"] {
        let app = App::spawn(&[("WEB_CONCURRENCY", workers)]);
        let before = app.workers();

        app.kill("HUP");
        eventually("the end of the roll", || app.logged("all workers have").len() == 1);

        assert!(before.iter().all(|worker| !is_running(*worker)));
        assert_eq!(app.workers().len(), before.len());
        assert_eq!(answering_workers(&app).await.len(), before.len());
    }
}

#[tokio::test]
async fn hup_while_the_workers_are_being_replaced_replaces_them_once_more() {
    let app = six();

    app.kill("HUP");
    app.kill("HUP");
    app.kill("HUP");

    eventually("the end of the roll", || app.logged("all workers have").len() == 1);
    let rolls = app.logged("the workers are replaced").len();
    // Signals of one kind that have not been handled yet are one signal.
    assert!((1..=2).contains(&rolls), "{rolls}");
    assert_eq!(answering_workers(&app).await.len(), 6);
}

#[tokio::test]
async fn a_worker_without_a_successor_stays() {
    let folder = tempfile::TempDir::new().unwrap();
    let data = folder.path().join("flights.parquet");
    std::fs::copy("data/flights.parquet", &data).unwrap();
    let app = App::spawn(&[("WEB_CONCURRENCY", "2"), ("DATASET", data.to_str().unwrap())]);
    let before = app.workers();
    replace(&data, "no flights");

    app.kill("HUP");
    eventually("a word", || app.logged("worker 1 has no successor").len() == 1);

    assert_eq!(app.workers(), before);
    assert_eq!(answering_workers(&app).await.len(), 2);
}

#[tokio::test]
async fn a_worker_that_cannot_start_again_and_again_ends_the_program_with_the_reason() {
    let folder = tempfile::TempDir::new().unwrap();
    let data = folder.path().join("flights.parquet");
    std::fs::copy("data/flights.parquet", &data).unwrap();
    let mut app = App::spawn(&[("WEB_CONCURRENCY", "2"), ("DATASET", data.to_str().unwrap())]);
    replace(&data, "no flights");

    app.kill_worker(1, "KILL");
    let status = app.wait(Duration::from_secs(20));

    assert_eq!(status.code(), Some(1));
    assert_eq!(app.logged("worker 1 did not start").len(), 4);
    let said = app.errors();
    assert!(said.starts_with("quadrant: ") && said.contains("flights.parquet"), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
}

/// Puts another file in the place of one, as deployments should.
fn replace(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(beside, path).unwrap();
}

#[test]
fn a_cause_that_stops_all_workers_is_reported_once() {
    let settings = [("WEB_CONCURRENCY", "6"), ("DATASET", "/nowhere.parquet")];
    let done = output(&mut quadrant(&settings));

    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    assert!(said.contains("the data file /nowhere.parquet cannot be used"), "{said}");
}

#[test]
fn a_port_that_another_quadrant_has_is_taken() {
    let first = App::spawn(&[("WEB_CONCURRENCY", "2")]);
    let port = first.address().port().to_string();

    let done = output(&mut quadrant(&[("PORT", &port), ("WEB_CONCURRENCY", "2")]));

    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    assert!(said.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{said}");
}

#[test]
fn a_worker_is_not_started_by_hand() {
    let done = output(quadrant(&[]).arg("--worker"));

    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert!(said.contains("not by hand"), "{said}");
}

#[tokio::test]
async fn a_drained_worker_hands_its_lease_back() {
    for place in Place::both() {
        let mut leader = app_at(&place, "60s");
        let successor = app_at(&place, "0s");
        assert_eq!(leader.get("/signal?origin=ATL").await.status, 202);
        assert!(place.is_leased());

        leader.kill("TERM");
        assert!(leader.wait(Duration::from_secs(10)).success());

        // A lease that was not handed back would be there for another two seconds in Redis.
        assert!(!place.is_leased());
        let answer = successor.signal("origin=ATL").await;
        assert_eq!((answer.status, successor.computations()), (200, 1));
        assert_eq!(leader.computations(), 0);
    }
}

fn app_at(place: &Place, cost: &str) -> App {
    App::at(place, &[("SIMULATED_COST", cost)])
}
