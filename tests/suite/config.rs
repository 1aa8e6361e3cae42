//! The command line and the environment: what is wrong is said in one line, before anything runs.

use std::net::TcpListener;
use std::os::unix::fs::symlink;

use tempfile::TempDir;

use crate::helpers::PATIENCE;
use crate::helpers::app::quadrant;
use crate::helpers::command::{lines_of, output};

/// Every variable of `.env.example`, set or not.
pub(crate) fn documented() -> Vec<String> {
    let example = std::fs::read_to_string(".env.example").unwrap();
    let settings = example.lines().filter_map(|line| line.trim_start_matches("# ").split_once('='));
    let names = settings.map(|(name, _)| name.to_owned());
    names.filter(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_')).collect()
}

#[test]
fn a_wrong_variable_stops_the_start_with_one_line_that_names_it() {
    for (name, value) in [
        ("HOST", "nowhere"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("WEB_CONCURRENCY", "0"),
        ("WEB_CONCURRENCY", "257"),
        ("WEB_CONCURRENCY", "two"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "http://localhost"),
        ("REDIS_URL", "redis://"),
        ("REDIS_TLS_VERIFY", "no"),
        ("CACHE_EXPIRE", "0s"),
        ("CACHE_EXPIRE", "tomorrow"),
        ("CACHE_EXPIRE", "99999999999d"),
        ("CACHE_MAX_BYTES", "-1"),
        ("CACHE_MAX_BYTES", "many"),
        ("SIMULATED_COST", "3"),
        ("SIMULATED_COST", "-3s"),
        ("BASE_PATH", "flights"),
        ("BASE_PATH", "/a/../b"),
        ("BASE_PATH", "/a//b"),
        ("BASE_PATH", "/a b"),
        ("BASE_PATH", "/{graph}"),
        ("TRUSTED_PROXIES", "localhost"),
        ("TRUSTED_PROXIES", "10.0.0.0/33"),
        ("TRUSTED_PROXIES", "127.0.0.1;10.0.0.0/8"),
        ("SESSION_MAX", "0"),
        ("SESSION_MAX", "many"),
        ("LOG_FORMAT", "xml"),
        ("RUST_LOG", "quadrant=loud"),
    ] {
        let done = output(&mut quadrant(&[(name, value)]));

        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(2), "{name}={value}: {said}");
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
        assert!(said.contains(name) && said.contains(value), "{name}={value}: {said}");
        assert!(done.stdout.is_empty());
    }
}

#[test]
fn the_name_of_a_machine_is_told_from_an_address() {
    let done = output(&mut quadrant(&[("HOST", "db.example.org")]));

    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.contains("HOST (--host): \"db.example.org\""), "{said}");
    assert!(said.contains("the name of a machine; an IP address such as 127.0.0.1"), "{said}");
}

#[test]
fn a_key_that_is_too_short_stops_the_start_and_is_not_repeated() {
    for name in ["SESSION_KEY", "SESSION_KEY_PREVIOUS"] {
        let key = "correct horse battery staple";
        let done = output(&mut quadrant(&[(name, key)]));

        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!((done.status.code(), said.trim_end().lines().count()), (Some(2), 1), "{said}");
        assert!(said.contains(&format!("{name} (--")) && said.contains("28 bytes"), "{said}");
        assert!(said.contains("64") && !said.contains("horse"), "{said}");
    }
}

#[test]
fn a_wrong_option_stops_the_start_with_one_line_that_names_it() {
    for (words, names) in [
        (&["--prot", "1"][..], "--prot"),
        (&["serve", "--prot"], "--prot"),
        (&["sevre"], "sevre"),
        (&["--port", "1", "serve"], "--port"),
        (&["serve", "--port"], "--port"),
        (&["import", "source.parquet"], "--output <FILE>"),
        (&["import", "--output", "flights.parquet"], "<SOURCE>"),
    ] {
        let done = output(quadrant(&[]).args(words));

        let said = String::from_utf8(done.stderr).unwrap();
        assert!(said.contains(names), "{said}");
        assert_eq!(done.status.code(), Some(2), "{said}");
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    }
}

#[test]
fn a_password_in_a_wrong_address_is_not_repeated() {
    let done = output(&mut quadrant(&[("REDIS_URL", "redis:user:hunter2@:x")]));

    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.contains("REDIS_URL") && !said.contains("hunter2"), "{said}");
}

#[test]
fn help_lists_every_option_with_its_variable_and_default() {
    let done = output(quadrant(&[]).arg("--help"));

    let said = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success());
    for name in documented() {
        assert!(said.contains(&format!("[env: {name}")), "{name}: {said}");
    }
    for default in ["127.0.0.1", "8080", ".cache/quadrant", "24h", "256MiB", "data/flights.parquet"]
    {
        assert!(said.contains(&format!("[default: {default}]")), "{default}: {said}");
    }
    assert!(said.contains("import"));
}

#[test]
fn a_taken_port_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();

    let done = output(&mut quadrant(&[("PORT", &port)]));

    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    assert!(said.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{said}");
}

#[test]
fn an_empty_option_is_an_error() {
    for option in
        ["--dataset", "--cache-dir", "--port", "--workers", "--cache-expire", "--rust-log"]
    {
        let done = output(quadrant(&[]).args([option, ""]));

        let said = String::from_utf8(done.stderr).unwrap();
        assert!(said.contains(option) && said.ends_with(": a value is needed\n"), "{said}");
        assert_eq!(done.status.code(), Some(2), "{option}");
    }
}

#[test]
fn an_empty_variable_means_the_default() {
    let names = documented();
    let mut settings: Vec<_> = names.iter().map(|name| (name.as_str(), "")).collect();
    settings.push(("PORT", "0"));
    // The defaults are paths within the repository.
    let folder = TempDir::new().unwrap();
    symlink(std::env::current_dir().unwrap().join("data"), folder.path().join("data")).unwrap();

    let mut child = quadrant(&settings).current_dir(&folder).spawn().unwrap();
    let lines = lines_of(child.stdout.take().unwrap());
    let said: Vec<String> = (0..3).map(|_| lines.recv_timeout(PATIENCE).unwrap()).collect();
    child.kill().unwrap();
    child.wait().unwrap();

    let first = &said[0];
    assert!(first.contains("Quadrant is at http://127.0.0.1:"), "{said:?}");
    assert!(first.ends_with("with 1 worker, its cache on disk in .cache/quadrant"), "{said:?}");
    assert!(said[1].contains("SESSION_KEY is not set"), "{said:?}");
    assert!(said[2].contains("worker 1 serves"), "{said:?}");
}

#[test]
fn an_empty_port_is_the_default_one() {
    // An address that no machine has: it belongs to documentation.
    let done = output(&mut quadrant(&[("PORT", ""), ("HOST", "192.0.2.1")]));

    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.contains("cannot listen on 192.0.2.1:8080"), "{said}");
}

#[test]
fn help_lists_an_empty_variable_too() {
    let done = output(quadrant(&[("PORT", ""), ("BASE_PATH", "")]).args(["serve", "--help"]));

    let said = String::from_utf8(done.stdout).unwrap();
    assert!(said.contains("[env: PORT=]") && said.contains("[default: 8080]"), "{said}");
    assert!(said.contains("[env: BASE_PATH=]"), "{said}");
}

#[test]
fn an_import_ignores_the_variables_of_the_server() {
    let done = output(quadrant(&[("PORT", "http")]).args(["import", "nowhere", "--output", "x"]));

    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.contains("nowhere cannot be imported"), "{said}");
}
