//! The built binary, on a port of its own.

use std::io::Read;
use std::net::SocketAddr;
use std::ops::Range;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant, UNIX_EPOCH};

use serde_json::Value;
use tempfile::{NamedTempFile, TempDir};

use super::answer::Answer;
use super::command::{end_of, kill};
use super::place::Place;
use super::waiting::{Computing, until, until_computed};
use super::{PATIENCE, client, eventually};

/// The program that is tested.
pub(crate) const QUADRANT: &str = env!("CARGO_BIN_EXE_quadrant");

/// A running Quadrant; it is killed when the test ends.
pub(crate) struct App {
    pub(crate) url: String,
    child: Child,
    logs: NamedTempFile,
    client: reqwest::Client,
    _cache: TempDir,
}

/// The program with these settings, no others, and a cache of its own unless they name one.
pub(crate) fn quadrant(settings: &[(&str, &str)]) -> Command {
    with_settings(Command::new(QUADRANT), settings)
}

/// A command that becomes the program, with these settings and no others.
pub(crate) fn with_settings(mut command: Command, settings: &[(&str, &str)]) -> Command {
    // Nothing is prepared unless a test is about that: its answers would be there too early.
    command.env_clear().env("PORT", "0").env("LOG_FORMAT", "json").env("WARM", "0");
    command.envs(settings.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl App {
    /// Starts the program and waits until it says where it is.
    pub(crate) fn spawn(settings: &[(&str, &str)]) -> Self {
        Self::run(quadrant(settings))
    }

    /// The same, with a command that becomes the program.
    pub(crate) fn run(mut command: Command) -> Self {
        let cache = TempDir::new().unwrap();
        if !command.get_envs().any(|(name, _)| name == "CACHE_DIR") {
            command.env("CACHE_DIR", cache.path());
        }
        // A file, not a pipe: what was logged before an answer is there when the answer is.
        let logs = NamedTempFile::new().unwrap();
        let mut child = command.stdout(logs.reopen().unwrap()).spawn().unwrap();
        let until = Instant::now() + PATIENCE;
        let url = loop {
            if let Some(url) = lines(&logs).iter().find_map(address) {
                break url;
            }
            if child.try_wait().unwrap().is_some() || Instant::now() > until {
                let mut said = String::new();
                child.kill().unwrap();
                child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
                panic!("it did not start: {said}");
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let client = client().build().unwrap();
        Self { url, child, logs, client, _cache: cache }
    }

    /// The same, with its cache at a place that others may share.
    pub(crate) fn at(place: &Place, more: &[(&str, &str)]) -> Self {
        let shared = place.settings();
        let settings = shared.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Self::spawn(&settings.chain(more.iter().copied()).collect::<Vec<_>>())
    }

    /// Asks for a path, as htmx would.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[("HX-Request", "true")]).await
    }

    /// Asks with headers.
    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, headers).await
    }

    /// Asks for a path, and follows no redirect.
    pub(crate) async fn get_unfollowed(&self, path: &str) -> Answer {
        let client = client().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Answer::read(client.get(format!("{}{path}", self.url)).send().await.unwrap()).await
    }

    /// Sends any request.
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let method = method.parse().unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::read(request.send().await.unwrap()).await
    }

    /// Sends a form.
    pub(crate) async fn post_form(&self, path: &str, form: &str) -> Answer {
        let request = self.client.post(format!("{}{path}", self.url));
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        Answer::read(request.body(form.to_owned()).send().await.unwrap()).await
    }

    /// Asks until the computation is over, as the computing fragment does.
    pub(crate) async fn signal(&self, query: &str) -> Answer {
        until_computed(async || self.get(&format!("/signal?{query}")).await).await
    }

    /// Asks as a fragment says, until the computation is over.
    pub(crate) async fn follow(&self, fragment: &Answer) -> Answer {
        let mut ask = fragment.asks().remove(0);
        until_computed(async || {
            let answer = self.get(&ask).await;
            if answer.is_computing() {
                ask = answer.asks().remove(0);
            }
            answer
        })
        .await
    }

    /// Has an answer computed that is newer than this one, and waits for it.
    pub(crate) async fn recomputed(&self, query: &str, old: &Answer) -> Answer {
        let at = old.asks()[0].rsplit("at=").next().unwrap().to_owned();
        let answer = self.post_form("/signal/refresh", &format!("{query}&at={at}")).await;
        if answer.is_computing() { self.follow(&answer).await } else { answer }
    }

    /// Asks until there is an answer that is not being renewed.
    pub(crate) async fn renewed(&self, query: &str) -> Answer {
        until("an answer that is not being renewed", async || {
            let answer = self.signal(query).await;
            let is_old = answer.status == 200 && answer.text().contains("data-updating");
            (!is_old).then_some(answer)
        })
        .await
    }

    /// The codes of all airports, in the page's order.
    pub(crate) async fn origins(&self) -> Vec<String> {
        let page = self.get("/").await;
        let codes = page.text().split("<option value=\"").skip(1);
        let codes = codes.map(|rest| rest.split('"').next().unwrap().to_owned());
        codes.filter(|code| code != "ALL").collect()
    }

    /// The lines logged so far whose message starts with these words.
    pub(crate) fn logged(&self, start: &str) -> Vec<Value> {
        let starts = |line: &&Value| line["message"].as_str().unwrap_or("").starts_with(start);
        lines(&self.logs).iter().filter(starts).cloned().collect()
    }

    /// All lines logged so far.
    pub(crate) fn lines(&self) -> Vec<Value> {
        lines(&self.logs)
    }

    /// The airports of the computations that have been logged, in their order.
    pub(crate) fn computed(&self) -> Vec<String> {
        let key = |line: &Value| line["key"].as_str().unwrap().to_owned();
        let airport = |line: &Value| key(line).rsplit(':').next().unwrap().to_owned();
        self.logged("computed").iter().map(airport).collect()
    }

    /// From when to when each computation of an airport has run, since 1970, as the log tells.
    pub(crate) fn spans(&self, origin: &str) -> Vec<Range<Duration>> {
        let lines = self.logged("computed").into_iter();
        let key = |line: &Value| line["key"].as_str().unwrap().to_owned();
        let of_origin = lines.filter(|line| key(line).ends_with(&format!(":{origin}")));
        let span = |line: Value| {
            let logged = humantime::parse_rfc3339(line["timestamp"].as_str().unwrap()).unwrap();
            let end = logged.duration_since(UNIX_EPOCH).unwrap();
            end - Duration::from_millis(line["compute_ms"].as_u64().unwrap())..end
        };
        of_origin.map(span).collect()
    }

    /// How many computations this program has logged.
    pub(crate) fn computations(&self) -> usize {
        self.logged("computed").len()
    }

    /// Sends a signal such as `TERM` or `HUP` to the supervisor.
    pub(crate) fn kill(&self, signal: &str) {
        kill(self.child.id(), signal);
    }

    /// Sends a signal such as `KILL` or `STOP` to the process that is a worker now.
    pub(crate) fn kill_worker(&self, worker: u64, signal: &str) {
        let process = self.process(worker);
        kill(process, signal);
        if signal == "STOP" {
            eventually("all its threads to stop", || has_stopped(process));
        }
    }

    /// The process that is a worker now, as the log tells.
    pub(crate) fn process(&self, worker: u64) -> u32 {
        let serves = self.logged(&format!("worker {worker} serves"));
        serves.last().expect("it serves")["pid"].as_u64().unwrap() as u32
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.url.trim_start_matches("http://").parse().unwrap()
    }

    /// What it has said on standard error, after its end.
    pub(crate) fn errors(&mut self) -> String {
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        said
    }

    /// The processes of all workers.
    pub(crate) fn workers(&self) -> Vec<u32> {
        let id = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        children.split_whitespace().map(|id| id.parse().unwrap()).collect()
    }

    /// Waits for the end of the process, which must come within this time.
    pub(crate) fn wait(&mut self, patience: Duration) -> ExitStatus {
        end_of(&mut self.child, patience)
            .unwrap_or_else(|| panic!("it still ran after {patience:?}"))
    }
}

fn has_stopped(process: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    threads.into_iter().all(|thread| {
        let stat = std::fs::read_to_string(thread.unwrap().path().join("stat")).unwrap();
        // The name before the state is in parentheses, and may hold anything.
        stat.rsplit(") ").next().unwrap().starts_with('T')
    })
}

/// The whole lines of a log; each is one JSON object.
fn lines(logs: &NamedTempFile) -> Vec<Value> {
    let text = std::fs::read_to_string(logs.path()).unwrap();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// Where the program says it is, in the line that does.
fn address(line: &Value) -> Option<String> {
    let address = line["message"].as_str()?.strip_prefix("Quadrant is at ")?;
    Some(address.split(',').next().unwrap().to_owned())
}

impl Drop for App {
    fn drop(&mut self) {
        if self.child.try_wait().unwrap().is_some() {
            return;
        }
        // Workers that a test has stopped would never notice that they are orphans.
        let workers = self.workers();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        for worker in workers {
            let words = ["-KILL".to_owned(), worker.to_string()];
            let _ = Command::new("kill").args(words).stderr(Stdio::null()).status();
        }
    }
}
