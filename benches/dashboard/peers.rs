//! The same four graphs in Dash with Flask-Caching, as `benches/peers/app.py` has them.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use tempfile::TempDir;

use super::cold::computed;
use super::contest::{self, Target};
use super::loads::{airports, ask, client, signal};
use super::server::{Server, free_port, quadrant};
use super::table;
use super::tools::{has, peer};
use super::warm::ours;
use super::wrk::{Asked, CONNECTIONS};

/// Where Dash takes callbacks.
const CALLBACK: &str = "/_dash-update-component";
/// Airports that many callers ask for at once.
const AIRPORTS: usize = 10;

/// Prints what warm loads, cold callers and memory cost both.
pub(super) async fn loads(workers: u16) {
    if !has("Dash", &[&peer("gunicorn"), "wrk"]) {
        return;
    }
    let client = client();
    let folders = [(); 2].map(|()| TempDir::new().expect("there is room for files"));
    let [our, their] = [folders[0].path(), folders[1].path()];
    let name = format!("Quadrant, {workers} workers, disk");
    let ours = ours(name, vec![quadrant(our, workers)], our, &client).await;
    let name = format!("Dash with Flask-Caching, {workers} gunicorn workers, disk");
    let asked = Asked::Posts(CALLBACK, callbacks("ATL"));
    let theirs = Target { name, servers: vec![dash(their, workers, &client).await], asked };
    theirs.many(their, 1);
    table::begin(
        "Dash with Flask-Caching",
        "The same load in Dash: the callback of the signal and those of four graphs, their value \
        memoized on disk, in turns with Quadrant; ratios to Dash.",
        &contest::COLUMNS,
    );
    let targets = [ours, theirs];
    contest::many(our, &targets);
    println!();
    table::head(&["what", "Quadrant", "Dash"]);
    let made = crowd(&targets, their, &client).await;
    let what = format!("computations of {AIRPORTS} airports, {CONNECTIONS} callers each");
    table::row(&[what, made[0].to_string(), made[1].to_string()]);
    let pss = targets.map(|target| target.servers[0].processes.pss() / 1024);
    let what = "memory of all processes after that, PSS".to_owned();
    table::row(&[what, format!("{} MiB", pss[0]), format!("{} MiB", pss[1])]);
}

/// How many computations both make when many callers ask at once for what is not there.
async fn crowd(targets: &[Target; 2], folder: &Path, client: &Client) -> [u64; 2] {
    let [ours, theirs] = targets.each_ref().map(Target::url);
    let before = [computed(ours).await, lines(folder)];
    for origin in airports(AIRPORTS) {
        let url = format!("{ours}{}", signal(&origin, "mean"));
        join_all((0..CONNECTIONS).map(|_| ask(client, &url))).await;
        let body = callbacks(&origin).swap_remove(0);
        join_all((0..CONNECTIONS).map(|_| post(client, theirs, &body))).await;
    }
    [computed(ours).await - before[0], lines(folder) - before[1]]
}

async fn post(client: &Client, url: &str, body: &str) {
    let request = client.post(format!("{url}{CALLBACK}")).header(CONTENT_TYPE, "application/json");
    let answer = request.body(body.to_owned()).send().await.expect("it answers");
    assert_eq!(answer.status(), 200, "{body}");
    answer.bytes().await.expect("it answers in full");
}

/// How many computations the app has noted.
fn lines(folder: &Path) -> u64 {
    std::fs::read_to_string(folder.join("computed")).unwrap_or_default().lines().count() as u64
}

/// What a browser posts for a load: the signal's callback, then those of the four graphs.
fn callbacks(origin: &str) -> Vec<String> {
    let input = |id, value| format!(r#"{{"id":"{id}","property":"data","value":"{value}"}}"#);
    let callback = |id, property, inputs: &[String], changed| {
        format!(
            r#"{{"output":"{id}.{property}","outputs":{{"id":"{id}","property":"{property}"}},"inputs":[{}],"changedPropIds":["{changed}.data"]}}"#,
            inputs.join(",")
        )
    };
    let (signal, metric) = (input("signal", origin), input("metric", "mean"));
    let graph = |id, inputs: &[String]| callback(id, "figure", inputs, "signal");
    vec![
        callback("signal", "data", &[input("origin", origin)], "origin"),
        graph("daily", &[signal.clone(), metric.clone()]),
        graph("distribution", std::slice::from_ref(&signal)),
        graph("rhythm", &[signal.clone(), metric.clone()]),
        graph("destinations", &[signal, metric]),
    ]
}

/// The app, when it answers.
async fn dash(folder: &Path, workers: u16, client: &Client) -> Server {
    let port = free_port();
    let child = gunicorn(folder, workers, port).spawn().expect("it is installed");
    let url = format!("http://127.0.0.1:{port}");
    let server = Server::new(child, url, 1 + usize::from(workers));
    for _ in 0..1000 {
        if client.get(format!("{}/_dash-layout", server.url)).send().await.is_ok() {
            return server;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the Dash application does not answer");
}

/// The command that starts the app.
pub(super) fn gunicorn(folder: &Path, workers: u16, port: u16) -> Command {
    let here = std::env::current_dir().expect("the benchmark has a folder");
    let mut command = Command::new(peer("gunicorn"));
    command.args(["--pythonpath", "benches/peers", "--no-control-socket", "--log-level", "error"]);
    command.args(["--workers", &workers.to_string(), "--bind", &format!("127.0.0.1:{port}")]);
    command.arg("app:server").stdout(Stdio::null()).env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("DATASET", here.join("data/flights.parquet"));
    command.env("CACHE_DIR", folder.join("dash")).env("COMPUTED", folder.join("computed"));
    command
}
