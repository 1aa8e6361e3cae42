//! The servers under test: Quadrant, and nginx with the same bytes as files.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::processes::Processes;

/// A running server; it is asked to end when it is dropped, and waited for.
pub(super) struct Server {
    child: Child,
    pub(super) url: String,
    /// All processes that it consists of.
    pub(super) processes: Processes,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both servers end their workers themselves, if they are asked and not killed.
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(asked.expect("every system has it").success());
        self.child.wait().expect("it was asked to end");
    }
}

/// Quadrant with this many workers, its cache in `folder`.
pub(super) fn quadrant(folder: &Path, workers: u16) -> Server {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quadrant"));
    command.env_clear().env("PORT", "0").env("WEB_CONCURRENCY", workers.to_string());
    command.env("CACHE_DIR", cache(folder)).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it has been built");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    // It says so when all workers answer.
    let line = lines.next().expect("it says where it is").expect("in UTF-8");
    // What it logs later is read and forgotten, so that the pipe does not fill.
    std::thread::spawn(move || lines.for_each(drop));
    let url = line[line.find("http://").expect("it says where it is")..].split(',').next();
    let url = url.expect("split gives one part at least").to_owned();
    let processes = processes(child.id(), 1 + usize::from(workers));
    Server { child, url, processes }
}

/// Where [`quadrant`] keeps its cache.
pub(super) fn cache(folder: &Path) -> std::path::PathBuf {
    folder.join("cache")
}

/// nginx with the files of `folder`, as many worker processes as there are cores.
pub(super) fn nginx(folder: &Path) -> Server {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port = free.expect("there is a free port").port();
    let root = folder.display();
    // `reuseport` gives each process its share of the connections, as Quadrant's have theirs.
    let settings = format!(
        "daemon off; worker_processes auto; user root; pid {root}/pid; error_log {root}/error.log;
        events {{}}
        http {{
            access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;
            open_file_cache max=100;
            client_body_temp_path {root}/b; proxy_temp_path {root}/p; fastcgi_temp_path {root}/f;
            uwsgi_temp_path {root}/u; scgi_temp_path {root}/s;
            server {{
                listen 127.0.0.1:{port} reuseport; root {root}; default_type text/html;
            }}
        }}"
    );
    let file = folder.join("nginx.conf");
    std::fs::write(&file, settings).expect("there is room for files");
    let child = Command::new("nginx").arg("-c").arg(file).spawn();
    let child = child.expect("bin/test installs nginx");
    let cores = std::thread::available_parallelism().expect("Linux tells it").get();
    let processes = processes(child.id(), 1 + cores);
    Server { child, url: format!("http://127.0.0.1:{port}"), processes }
}

/// The processes of a server that has started as many as it consists of, itself included.
fn processes(root: u32, count: usize) -> Processes {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let processes = Processes::of(root);
        if processes.count() == count {
            return processes;
        }
        assert!(Instant::now() < until, "it has {} processes, not {count}", processes.count());
    }
}
