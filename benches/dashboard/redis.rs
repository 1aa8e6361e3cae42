//! Warm loads through a Redis, whose processor time is counted in, and how often it is asked.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use deadpool_redis::redis::{Client, cmd};
use tempfile::TempDir;

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
    println!("\n| what | {} |", names(&targets));
    println!("|---|{}", "---|".repeat(targets.len()));
    let each = |of: &dyn Fn(&Target) -> [String; 3]| targets.iter().map(of).collect::<Vec<_>>();
    let warm = each(&|target| warm(target, folder));
    let what = [
        "commands in 100 warm loads",
        "bytes from Redis in 100 warm loads",
        "CPU of Redis in a warm load (µs)",
    ];
    for (at, what) in what.into_iter().enumerate() {
        let cells = warm.iter().map(|cells| cells[at].clone());
        table::row(&[what.to_owned()].into_iter().chain(cells).collect::<Vec<_>>());
    }
    let mut cells = vec![format!("commands in a cold signal, {AIRPORTS} airports")];
    for target in &targets {
        cells.push(cold(target).await);
    }
    table::row(&cells);
}

fn names(targets: &[Target]) -> String {
    targets.iter().map(|target| target.name.clone()).collect::<Vec<_>>().join(" | ")
}

/// What warm loads ask of Redis.
fn warm(target: &Target, folder: &Path) -> [String; 3] {
    let redis = &target.servers[1];
    let (cpu, before) = (redis.processes.cpu(), Use::of(redis));
    let loads = target.many(folder, SECONDS).loads;
    let (cpu, after) = (redis.processes.cpu().since(&cpu), Use::of(redis));
    let each = |before, after| (after - before) as f64 / loads * 100.0;
    [
        format!("{:.2}", each(before.commands, after.commands)),
        table::count(each(before.bytes, after.bytes)),
        format!("{:.2}", cpu.as_secs_f64() * 1e6 / loads),
    ]
}

/// How many commands a cold signal takes.
async fn cold(target: &Target) -> String {
    let (client, before) = (client(), Use::of(&target.servers[1]));
    for origin in airports(AIRPORTS) {
        get(&client, &format!("{}{}", target.url(), signal(&origin, "mean"))).await;
    }
    let commands = Use::of(&target.servers[1]).commands - before.commands;
    format!("{:.1}", commands as f64 / AIRPORTS as f64)
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
    /// Ours for this question left out.
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
