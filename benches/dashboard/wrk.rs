//! Load from `wrk`, which asks for more than a client of ours could.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::tools::cores;

/// Connections at once, unless a part says otherwise.
pub(super) const CONNECTIONS: usize = 24;

/// What is asked of a server again and again.
pub(super) enum Asked {
    /// These addresses in turn.
    Paths(Vec<String>),
    /// Posts of these bodies of JSON to one address, in turn.
    Posts(&'static str, Vec<String>),
    /// Addresses that begin so and end with a number, counted up from this one.
    Numbered(String, u64),
}

/// What came of it.
pub(super) struct Run {
    pub(super) answers: u64,
    pub(super) time: Duration,
    /// Heads and bodies of all answers.
    pub(super) bytes: u64,
    /// The time of one answer.
    pub(super) median: Duration,
    pub(super) p99: Duration,
    /// Answers that came from the cache, as their headers say; only counted by [`run_and_count`].
    pub(super) hits: u64,
}

/// Asks a server on `connections` connections for `seconds` seconds.
pub(super) fn run(
    folder: &Path,
    url: &str,
    asked: &Asked,
    connections: usize,
    seconds: u64,
) -> Run {
    // Half of the processors ask, half of them answer.
    let threads = usize::from(cores() / 2).clamp(1, connections);
    load(folder, url, &script(asked), [threads, connections, seconds as usize])
}

/// The same, and looks at each answer whether it came from the cache.
pub(super) fn run_and_count(folder: &Path, url: &str, asked: &Asked, seconds: u64) -> Run {
    // One thread, so that no number is used twice.
    load(folder, url, &(script(asked) + COUNT), [1, CONNECTIONS, seconds as usize])
}

fn load(folder: &Path, url: &str, script: &str, numbers: [usize; 3]) -> Run {
    let file = folder.join("load.lua");
    std::fs::write(&file, format!("{script}{DONE}")).expect("there is room for files");
    let [threads, connections, seconds] = numbers.map(|number| number.to_string());
    let mut wrk = Command::new("wrk");
    wrk.args(["--threads", &threads, "--connections", &connections, "--timeout", "10s"]);
    wrk.args(["--duration", &format!("{seconds}s"), "--script"]).arg(file).arg(url);
    let done = wrk.output().expect("it is installed");
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let line = said.lines().find_map(|line| line.strip_prefix("done "));
    let numbers = line.unwrap_or_else(|| panic!("wrk failed: {said}")).split(' ');
    let numbers: Vec<u64> = numbers.map(|word| word.parse().expect("it is a number")).collect();
    let &[answers, time, bytes, median, p99, hits, errors] = &numbers[..] else {
        panic!("seven numbers: {numbers:?}")
    };
    assert_eq!(errors, 0, "every request is answered: {said}");
    let [time, median, p99] = [time, median, p99].map(Duration::from_micros);
    Run { answers, time, bytes, median, p99, hits }
}

/// Lists of requests are made before the run, so that each costs only a look.
fn script(asked: &Asked) -> String {
    let (one, list) = match asked {
        Asked::Paths(paths) => (r#"wrk.format("GET", it, accept)"#.to_owned(), paths),
        Asked::Posts(path, bodies) => (format!("wrk.format(\"POST\", {path:?}, json, it)"), bodies),
        Asked::Numbered(start, from) => {
            return format!(
                r#"local at, accept = {from} - 1, {{ ["Accept-Encoding"] = "br" }}
function request()
    at = at + 1
    return wrk.format("GET", {start:?} .. at, accept)
end
"#
            );
        }
    };
    let list = list.iter().map(|it| format!("{it:?}, ")).collect::<String>();
    format!(
        r#"local list, requests, at = {{ {list} }}, {{}}, 0
local accept = {{ ["Accept-Encoding"] = "br" }}
local json = {{ ["Content-Type"] = "application/json" }}
function init()
    for number, it in ipairs(list) do
        requests[number] = {one}
    end
end
function request()
    at = at % #requests + 1
    return requests[at]
end
"#
    )
}

const COUNT: &str = r#"
hits = 0
function response(status, headers)
    if string.find(headers["cache-status"] or "", "hit", 1, true) then hits = hits + 1 end
end
"#;

const DONE: &str = r#"
local threads = {}
function setup(thread) table.insert(threads, thread) end
function done(summary, latency)
    local no, hits = summary.errors, 0
    for _, thread in ipairs(threads) do hits = hits + (thread:get("hits") or 0) end
    local errors = no.connect + no.read + no.write + no.status + no.timeout
    local median, p99 = latency:percentile(50), latency:percentile(99)
    print(string.format("done %d %d %d %d %d %d %d", summary.requests, summary.duration,
        summary.bytes, median, p99, hits, errors))
end
"#;
