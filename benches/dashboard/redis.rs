//! Warm loads through a Redis, whose processor time is counted in, and how often it is asked.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use deadpool_redis::redis::{Client, cmd};
use tempfile::TempDir;

use super::capacity::READING;
use super::contest::{self, Target};
use super::loads::{airports, client, get, signal};
use super::server::{Server, free_port, quadrant_with};
use super::table;
use super::tools::has;
use super::warm::{counts, ours, theirs};

/// Airports that are loaded cold.
const AIRPORTS: usize = 20;
/// How long warm loads are made while commands are counted.
const SECONDS: u64 = 3;

/// Prints what warm loads cost beside nginx, and what is asked of Redis.
pub(super) async fn loads(workers: u16) {
    if !has("loads through Redis", &["redis-server", "nginx", "wrk"]) {
        return;
    }
    let client = client();
    let folders = [(); 3].map(|()| TempDir::new().expect("there is room for files"));
    let mut targets = Vec::new();
    for (workers, folder) in counts(workers).into_iter().zip(&folders) {
        let redis = redis(folder.path());
        let server = quadrant_with(folder.path(), workers, &[("REDIS_URL", &redis.url)]);
        let name = format!("Quadrant, {workers} workers, Redis");
        targets.push(ours(name, vec![server, redis], folder.path(), &client).await);
    }
    let folder = folders[2].path();
    targets.push(theirs(&targets[0], folder, &client).await);
    table::begin(
        "Warm loads, cache in Redis",
        "As above; the CPU of Quadrant includes that of its Redis, which nobody else uses.",
        &contest::COLUMNS,
    );
    contest::many(folder, &targets);
    targets.pop();
    let names = targets.iter().map(|target| target.name.as_str());
    println!();
    table::head(&["what"].into_iter().chain(names).collect::<Vec<_>>());
    let (mut warm, mut cold) = (Vec::new(), Vec::new());
    for target in &targets {
        warm.push(cost(target, async || target.many(folder, SECONDS).loads).await);
        cold.push(cost(target, async || signals(target).await).await);
    }
    row("commands in 100 warm loads", &warm, |cost| cost.commands * 100.0);
    row("bytes from Redis in 100 warm loads", &warm, |cost| cost.bytes * 100.0);
    row("CPU of Redis in a warm load (µs)", &warm, |cost| cost.redis);
    row("commands in a cold signal", &cold, |cost| cost.commands);
    row("CPU of Redis in a cold signal (µs)", &cold, |cost| cost.redis);
    row("CPU of Quadrant in a cold signal (µs)", &cold, |cost| cost.quadrant);
    println!(
        "\nOne Redis, which has one core, is full at {} users, each with a warm load every {READING:.0} s, \
        while workers keep {:.0} cores busy; or at {} cold signals a second, while they keep {:.0} busy.",
        table::count(1e6 / warm[0].redis * READING),
        warm[0].quadrant / warm[0].redis,
        table::count(1e6 / cold[0].redis),
        cold[0].quadrant / cold[0].redis
    );
}

fn row(what: &str, costs: &[Cost], of: fn(&Cost) -> f64) {
    let cells = costs.iter().map(of);
    // Small numbers with two digits, large ones whole.
    let told = |it: f64| if it < 100.0 { format!("{it:.2}") } else { table::count(it) };
    table::row(&[what.to_owned()].into_iter().chain(cells.map(told)).collect::<Vec<_>>());
}

/// What one load costs Redis and Quadrant; CPU in microseconds.
struct Cost {
    commands: f64,
    bytes: f64,
    redis: f64,
    quadrant: f64,
}

/// What the loads cost on average whose number is returned.
async fn cost(target: &Target, loads: impl AsyncFnOnce() -> f64) -> Cost {
    let [quadrant, redis] = [0, 1].map(|at| &target.servers[at].processes);
    let before = (Use::of(&target.servers[1]), quadrant.cpu(), redis.cpu());
    let loads = loads().await;
    let [quadrant, redis] = [quadrant.cpu().since(&before.1), redis.cpu().since(&before.2)];
    let used = Use::of(&target.servers[1]);
    let each = |of: fn(&Use) -> u64| (of(&used) - of(&before.0)) as f64 / loads;
    let [redis, quadrant] = [redis, quadrant].map(|cpu| cpu.as_secs_f64() * 1e6 / loads);
    Cost { commands: each(|it| it.commands), bytes: each(|it| it.bytes), redis, quadrant }
}

/// Asks for signals of airports that nobody has asked for; how many.
async fn signals(target: &Target) -> f64 {
    let (client, airports) = (client(), airports(AIRPORTS));
    for origin in &airports {
        get(&client, &format!("{}{}", target.url(), signal(origin, "mean"))).await;
    }
    airports.len() as f64
}

/// A Redis that keeps nothing on disk.
pub(super) fn redis(folder: &Path) -> Server {
    let port = free_port();
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
    command.arg("--dir").arg(folder).stdout(Stdio::null());
    let child = command.spawn().expect("it is installed");
    let server = Server::new(child, format!("redis://127.0.0.1:{port}"), 1);
    let until = Instant::now() + Duration::from_secs(10);
    while Use::ask(&server).is_none() {
        assert!(Instant::now() < until, "the Redis at {} does not answer", server.url);
    }
    server
}

/// What a Redis has done so far.
struct Use {
    /// Those of this question's connection (`INFO`, `CLIENT`) are left out.
    commands: u64,
    /// What it has sent.
    bytes: u64,
}

impl Use {
    fn of(redis: &Server) -> Self {
        Self::ask(redis).expect("it answers")
    }

    fn ask(redis: &Server) -> Option<Self> {
        let mut connection = Client::open(redis.url.as_str()).ok()?.get_connection().ok()?;
        let mut info = |section| cmd("INFO").arg(section).query::<String>(&mut connection).ok();
        let (commands, traffic) = (info("commandstats")?, info("stats")?);
        let calls = commands.lines().filter(|line| {
            line.starts_with("cmdstat_")
                && !["cmdstat_info", "cmdstat_client"].iter().any(|own| line.starts_with(own))
        });
        let calls = calls.filter_map(|line| line.split("calls=").nth(1)?.split(',').next());
        let commands = calls.map(|calls| calls.parse::<u64>().expect("it is a number")).sum();
        let bytes = traffic.lines().find_map(|line| line.strip_prefix("total_net_output_bytes:"));
        Some(Self { commands, bytes: bytes?.trim().parse().ok()? })
    }
}
