//! From the start of the program to its first answers, and how large the program is.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::Client;
use tempfile::TempDir;

use super::loads::{client, load};
use super::peers::gunicorn;
use super::server::{Server, command, free_port};
use super::table;
use super::tools::{has, peer};

/// Starts of each, in turns.
const ROUNDS: usize = 3;
/// How long the client waits before it tries again to connect.
const AGAIN: Duration = Duration::from_millis(1);

/// Prints the times for one worker and for this many, and the size.
pub(super) async fn times(workers: u16) {
    let (client, has_dash) = (client(), has("Dash", &[&peer("gunicorn")]));
    table::begin(
        "Start",
        "From the start of the program, with an empty cache, to the end of its first answer, a \
        page, and to the end of the first load, that of all airports.",
        &["server", "first answer (ms)", "first load (ms)"],
    );
    let (mut one, mut many, mut dash) = ([vec![], vec![]], [vec![], vec![]], vec![]);
    for _ in 0..ROUNDS {
        for (workers, times) in [(1, &mut one), (workers, &mut many)] {
            let [answer, load] = quadrant(&client, workers).await;
            times[0].push(answer);
            times[1].push(load);
        }
        if has_dash {
            dash.push(first_of_dash(&client, workers).await);
        }
    }
    let row = |name: &str, [answer, load]: [Vec<f64>; 2]| {
        table::row(&[name.to_owned(), table::spread(answer, 0), table::spread(load, 0)]);
    };
    row("Quadrant, 1 worker", one);
    row(&format!("Quadrant, {workers} workers"), many);
    if has_dash {
        let name = format!("Dash, {workers} gunicorn workers");
        table::row(&[name, table::spread(dash, 0), String::new()]);
    }
    size();
}

async fn quadrant(client: &Client, workers: u16) -> [f64; 2] {
    let (folder, port) = (TempDir::new().expect("there is room for files"), free_port());
    let mut command = command(folder.path(), workers);
    command.env("PORT", port.to_string()).stdout(Stdio::null());
    let started = Instant::now();
    let child = command.spawn().expect("it has been built");
    let url = format!("http://127.0.0.1:{port}");
    let server = answered(client, child, &url, "/").await;
    let answer = ms(started);
    load(client, &server.url, "ALL").await;
    [answer, ms(started)]
}

async fn first_of_dash(client: &Client, workers: u16) -> f64 {
    let (folder, port) = (TempDir::new().expect("there is room for files"), free_port());
    let started = Instant::now();
    let child = gunicorn(folder.path(), workers, port).spawn().expect("it is installed");
    let url = format!("http://127.0.0.1:{port}");
    let server = answered(client, child, &url, "/").await;
    let time = ms(started);
    drop(server);
    time
}

/// Waits for the first answer.
async fn answered(client: &Client, child: Child, url: &str, path: &str) -> Server {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        if let Ok(answer) = client.get(format!("{url}{path}")).send().await {
            assert_eq!(answer.status(), 200);
            answer.bytes().await.expect("it answers in full");
            return Server::started(child, url.to_owned());
        }
        assert!(Instant::now() < until, "nothing answers at {url}");
        tokio::time::sleep(AGAIN).await;
    }
}

fn ms(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1000.0
}

/// Prints the bytes of the program without symbols.
fn size() {
    let folder = TempDir::new().expect("there is room for files");
    let (program, stripped) = (env!("CARGO_BIN_EXE_quadrant"), folder.path().join("stripped"));
    if !has("size of the program", &["strip"]) {
        return;
    }
    let done = Command::new("strip").arg("-o").arg(&stripped).arg(program).status();
    assert!(done.expect("it is installed").success());
    let mib = |path: &Path| {
        std::fs::metadata(path).expect("it is there").len() as f64 / f64::from(1 << 20)
    };
    println!(
        "\nThe program has {:.1} MiB, and {:.1} MiB as it is built, with the names of its functions.",
        mib(&stripped),
        mib(Path::new(program))
    );
}
