//! A warm load, beside nginx with the same bytes as files.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::Client;
use reqwest::header::ACCEPT_ENCODING;
use tempfile::TempDir;

/// Loads of a round; five answers each.
const LOADS: usize = 1500;
/// Rounds of each server, in turns.
const ROUNDS: usize = 5;

/// A server under test, ended with its process id when it is dropped.
struct Server {
    child: Child,
    url: String,
    paths: Vec<String>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it has been killed");
    }
}

/// Prints the processor time and the wall time of a load, for both servers.
pub(super) fn load() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be made").block_on(async {
        let folder = TempDir::new().expect("there is room for files");
        let client = Client::builder().no_proxy().build().expect("a client can be made");
        let quadrant = quadrant(folder.path(), &client).await;
        let bytes = copy(&quadrant, folder.path(), &client).await;
        let nginx = nginx(folder.path());
        let (mut ours, mut theirs) = ([Duration::ZERO; 2], [Duration::ZERO; 2]);
        for _ in 0..ROUNDS {
            add(&mut ours, round(&quadrant, &client).await);
            add(&mut theirs, round(&nginx, &client).await);
        }
        let each = |sum: Duration| sum.as_secs_f64() * 1e6 / (ROUNDS * LOADS) as f64;
        for (name, [cpu, wall]) in [("quadrant", ours), ("nginx", theirs)] {
            println!(
                "warm load, {name}: {:.0} µs of server CPU, {:.0} µs on one connection, {bytes} bytes",
                each(cpu),
                each(wall)
            );
        }
        println!(
            "warm load, quadrant / nginx: CPU {:.2}, time {:.2}",
            ours[0].as_secs_f64() / theirs[0].as_secs_f64(),
            ours[1].as_secs_f64() / theirs[1].as_secs_f64()
        );
    });
}

fn add(sum: &mut [Duration; 2], round: [Duration; 2]) {
    sum[0] += round[0];
    sum[1] += round[1];
}

/// The processor time of the server, and the wall time, of one round.
async fn round(server: &Server, client: &Client) -> [Duration; 2] {
    let (cpu, started) = (cpu(server.child.id()), Instant::now());
    for _ in 0..LOADS {
        for path in &server.paths {
            get(client, &format!("{}{path}", server.url)).await;
        }
    }
    [self::cpu(server.child.id()) - cpu, started.elapsed()]
}

async fn get(client: &Client, url: &str) -> bytes::Bytes {
    let answer = client.get(url).header(ACCEPT_ENCODING, "br").send().await.expect("it answers");
    assert_eq!(answer.status(), 200, "{url}");
    answer.bytes().await.expect("it answers in full")
}

async fn quadrant(folder: &Path, client: &Client) -> Server {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quadrant"));
    command.env_clear().env("PORT", "0").env("CACHE_DIR", folder.join("cache"));
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it has been built");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let line = lines.next().expect("it says where it is").expect("in UTF-8");
    // What it logs later is read and forgotten, so that the pipe does not fill.
    std::thread::spawn(move || lines.for_each(drop));
    let url = line[line.find("http://").expect("it says where it is")..].split(',').next();
    let url = url.expect("split gives one part at least").to_owned();
    let signal = "/signal?origin=ATL&metric=mean";
    let fragment = get(client, &format!("{url}{signal}")).await;
    let fragment = String::from_utf8_lossy(&fragment).replace("&#38;", "&").replace("&amp;", "&");
    let graphs = fragment.split("data-hx-get=\"").skip(1);
    let graphs = graphs.filter_map(|rest| rest.split('"').next()).map(str::to_owned);
    let paths = [signal.to_owned()].into_iter().chain(graphs).collect();
    Server { child, url, paths }
}

/// Keeps the answers as files, as they come over the wire, and counts their bytes.
async fn copy(quadrant: &Server, folder: &Path, client: &Client) -> usize {
    let mut bytes = 0;
    for (at, path) in quadrant.paths.iter().enumerate() {
        let body = get(client, &format!("{}{path}", quadrant.url)).await;
        bytes += body.len();
        std::fs::write(folder.join(at.to_string()), body).expect("there is room for files");
    }
    bytes
}

fn nginx(folder: &Path) -> Server {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port = free.expect("there is a free port").port();
    let root = folder.display();
    let settings = format!(
        "daemon off; master_process off; pid {root}/pid; error_log {root}/error.log;
        events {{}}
        http {{
            access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
            open_file_cache max=100;
            client_body_temp_path {root}/b; proxy_temp_path {root}/p; fastcgi_temp_path {root}/f;
            uwsgi_temp_path {root}/u; scgi_temp_path {root}/s;
            server {{ listen 127.0.0.1:{port}; root {root}; default_type text/html; }}
        }}"
    );
    let file = folder.join("nginx.conf");
    std::fs::write(&file, settings).expect("there is room for files");
    let child = Command::new("nginx").arg("-c").arg(file).spawn();
    let child = child.expect("bin/test installs nginx");
    let until = Instant::now() + Duration::from_secs(10);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < until, "nginx does not listen");
    }
    let paths = (0..5).map(|at| format!("/{at}")).collect();
    Server { child, url: format!("http://127.0.0.1:{port}"), paths }
}

/// The processor time that a process has used, in its own code and in the kernel's.
fn cpu(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    // The second field is the name, in parentheses, and may hold anything.
    let fields: Vec<&str> =
        stat.rsplit(") ").next().expect("it has a name").split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<u64>().expect("it is a number");
    // Fields 14 and 15 of proc(5), in hundredths of a second.
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}
