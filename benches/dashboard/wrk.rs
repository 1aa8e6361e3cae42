//! Load from `wrk`, which asks for more than a client of ours could.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Connections at once.
pub(super) const CONNECTIONS: usize = 24;

/// Has the paths asked for in turn for so many seconds: how many answers came, in which time.
pub(super) fn run(folder: &Path, url: &str, paths: &[String], seconds: u64) -> (u64, Duration) {
    let file = folder.join("load.lua");
    std::fs::write(&file, script(paths)).expect("there is room for files");
    let mut wrk = Command::new("wrk");
    wrk.args(["--threads", "1", "--connections", &CONNECTIONS.to_string()]);
    wrk.args(["--duration", &format!("{seconds}s"), "--script"]).arg(file).arg(url);
    let done = wrk.output().expect("wrk is installed, see CONTRIBUTING.md");
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let line = said.lines().find_map(|line| line.strip_prefix("done "));
    let numbers = line.unwrap_or_else(|| panic!("wrk failed: {said}")).split(' ');
    let numbers: Vec<u64> = numbers.map(|word| word.parse().expect("it is a number")).collect();
    let &[answers, micros, errors] = &numbers[..] else { panic!("three numbers: {numbers:?}") };
    assert_eq!(errors, 0, "every request is answered: {said}");
    (answers, Duration::from_micros(micros))
}

/// The requests are made before the run, so that each costs only a look into a list.
fn script(paths: &[String]) -> String {
    let paths = paths.iter().map(|path| format!("{path:?}, ")).collect::<String>();
    format!(
        r#"local paths, requests, at = {{ {paths} }}, {{}}, 0
function init()
    for number, path in ipairs(paths) do
        requests[number] = wrk.format("GET", path, {{ ["Accept-Encoding"] = "br" }})
    end
end
function request()
    at = at % #requests + 1
    return requests[at]
end
function done(summary)
    local no = summary.errors
    local errors = no.connect + no.read + no.write + no.status + no.timeout
    print(string.format("done %d %d %d", summary.requests, summary.duration, errors))
end
"#
    )
}
