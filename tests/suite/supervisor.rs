//! The supervisor and its workers: who dies is replaced, who is asked to end does so in order.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::helpers::app::{App, QUADRANT, quadrant, with_settings};
use crate::helpers::connection::Connection;
use crate::helpers::exposition::Exposition;
use crate::helpers::place::Place;
use crate::helpers::{PATIENCE, end_of, eventually};

fn six() -> App {
    App::spawn(&[("WEB_CONCURRENCY", "6")])
}

fn is_running(process: u32) -> bool {
    Path::new(&format!("/proc/{process}")).exists()
}

/// The numbers of workers that answer a hundred requests, each on its own connection.
async fn who_answers(app: &App) -> BTreeSet<u64> {
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

    let workers = who_answers(&app).await;

    assert_eq!(app.workers().len(), 6);
    assert!(workers.into_iter().eq(1..=6));
}

#[tokio::test]
async fn a_dead_worker_has_a_successor_of_the_same_number() {
    for workers in ["1", "3"] {
        let app = App::spawn(&[("WEB_CONCURRENCY", workers)]);
        let before = app.process(1);

        app.kill_worker(1, "KILL");
        let answers = who_answers(&app).await;

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
        // The kernel has taken the connection by then, and nobody has accepted it.
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
    let asked = Instant::now();
    let answer = app.get("/livez").await;

    assert_eq!(answer.status, 200);
    assert!(asked.elapsed() < Duration::from_millis(700), "{:?}", asked.elapsed());
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

    let asked = Instant::now();
    let told = Exposition::parse(kept.get("/metrics").await.unwrap().text());

    assert!(asked.elapsed() < Duration::from_millis(700), "{:?}", asked.elapsed());
    for worker in ["1", "2", "3"] {
        assert!(told.find("quadrant_process_id", &[("worker", worker)]).is_some(), "{worker}");
    }
}

#[tokio::test]
async fn a_program_whose_output_nobody_reads_still_answers() {
    let mut command = quadrant(&[("PORT", "0"), ("WARM", "0")]);
    let cache = tempfile::TempDir::new().unwrap();
    let mut child = command.env("CACHE_DIR", cache.path()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    let said = line["message"].as_str().unwrap();
    let address = said.split("http://").nth(1).unwrap().split(',').next().unwrap();
    let mut connection = Connection::open(address.parse().unwrap()).await.unwrap();
    drop((lines, child.stderr.take()));

    let answer = connection.signal("origin=ATL").await.unwrap();
    let words = ["-TERM".to_owned(), child.id().to_string()];
    Command::new("kill").args(words).status().unwrap();

    assert_eq!(answer.status, 200);
    assert_eq!(end_of(&mut child, PATIENCE).unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_worker_that_hangs_is_replaced() {
    let app = App::spawn(&[("WEB_CONCURRENCY", "2")]);
    let before = app.process(2);

    app.kill_worker(2, "STOP");
    let until = Instant::now() + Duration::from_secs(20);
    while app.process(2) == before {
        assert!(Instant::now() < until, "it still hangs");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    assert_eq!(app.logged("worker 2 is gone")[0]["reason"], "it hangs");
    assert!(!is_running(before));
    assert_eq!(who_answers(&app).await.len(), 2);
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
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let told = Exposition::parse(connections[0].get("/metrics").await.unwrap().text());
        let process = told.find("quadrant_process_id", &[("worker", "2")]);
        if process.is_some() {
            assert_eq!(process, Some(f64::from(before)));
            break;
        }
        assert!(Instant::now() < until, "worker 2 does not answer any more");
    }

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
        assert_eq!(who_answers(&app).await.len(), before.len());
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
    assert_eq!(who_answers(&app).await.len(), 6);
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
    assert_eq!(who_answers(&app).await.len(), 2);
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
fn what_keeps_all_workers_from_starting_is_said_once() {
    let settings = [("WEB_CONCURRENCY", "6"), ("DATASET", "/nowhere.parquet")];
    let done = quadrant(&settings).output().unwrap();

    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    assert!(said.contains("the data file /nowhere.parquet cannot be used"), "{said}");
}

#[test]
fn a_port_that_another_quadrant_has_is_taken() {
    let first = App::spawn(&[("WEB_CONCURRENCY", "2")]);
    let port = first.address().port().to_string();

    let done = quadrant(&[("PORT", &port), ("WEB_CONCURRENCY", "2")]).output().unwrap();

    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    assert!(said.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{said}");
}

#[test]
fn a_worker_is_not_started_by_hand() {
    let done = quadrant(&[]).arg("--worker").stdin(std::process::Stdio::null()).output().unwrap();

    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert!(said.contains("not by hand"), "{said}");
}

#[tokio::test]
async fn a_drained_worker_hands_its_lease_back() {
    for place in Place::both() {
        let leader = app_at(&place, "60s");
        let waiter = app_at(&place, "0s");
        assert_eq!(leader.get("/signal?origin=ATL").await.status, 202);
        let asked = Instant::now();
        leader.kill("TERM");

        let answer = waiter.signal("origin=ATL").await;

        assert_eq!((answer.status, waiter.computations()), (200, 1));
        // The second in which idle connections linger, not the three of a lease that expires.
        assert!(asked.elapsed() < Duration::from_millis(2500), "{:?}", asked.elapsed());
        assert_eq!(leader.computations(), 0);
    }
}

fn app_at(place: &Place, cost: &str) -> App {
    App::at(place, &[("SIMULATED_COST", cost)])
}
