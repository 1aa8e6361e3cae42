//! The habits of this code base, held by a test.

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::documented;

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn mentions(path: &Path, word: &str) -> bool {
    let is_comment = |line: &&str| !line.trim_start().starts_with("//");
    fs::read_to_string(path).unwrap().lines().filter(is_comment).any(|line| line.contains(word))
}

/// Where each foreign crate may be used: beginnings of paths, or a folder and the name of a file
/// anywhere below it.
const HOMES: [(&str, &[&str]); 18] = [
    ("deadpool_redis", &["crates/oneflight/src/store/redis"]),
    ("rustls", &["crates/oneflight/src/store/redis"]),
    ("plotly::", &["src/figure", "src/pages/**/figure.rs"]),
    ("askama", &["src/web/", "src/pages/"]),
    ("actix_web", &["src/web/", "src/pages.rs", "src/pages/", "src/worker"]),
    ("use ring", &["src/web/cookie"]),
    (
        "polars::",
        &[
            "src/dataset",
            "src/import",
            "src/query",
            "src/frame.rs",
            "src/figure",
            "src/pages/**/figure.rs",
            "src/pages/**/rows.rs",
            "src/pages/**/bootstrap.rs",
            "src/pages/**/draw.rs",
        ],
    ),
    ("std::env", &["src/config/environment.rs"]),
    ("clap", &["src/config.rs", "src/config/"]),
    ("moka", &["src/web/fragment_cache.rs", "crates/oneflight/src/store/"]),
    ("ipnet", &["src/web/client.rs"]),
    ("prometheus", &["src/metrics.rs", "src/metrics/"]),
    ("tempfile", &["crates/oneflight/src/store/disk", "src/import.rs"]),
    ("spawn_blocking", &["src/blocking.rs", "crates/oneflight/src/store/disk.rs"]),
    ("signal_hook", &["src/supervisor.rs"]),
    ("socket2", &["src/supervisor/listeners.rs", "crates/oneflight/src/store/redis/url.rs"]),
    (
        "rustix",
        &["src/dataset/current.rs", "src/supervisor/process.rs", "src/worker/control_socket.rs"],
    ),
    ("unsafe {", &["src/worker/control_socket.rs"]),
];

#[test]
fn each_foreign_crate_has_its_home() {
    for (word, homes) in HOMES {
        for path in sources() {
            let at_home = homes.iter().any(|home| is_below(&path, home));
            assert!(at_home || !mentions(&path, word), "{} uses {word}", path.display());
        }
    }
}

fn is_below(path: &Path, home: &str) -> bool {
    match home.split_once("**/") {
        Some((folder, name)) => path.starts_with(folder) && path.ends_with(name),
        None => path.to_str().unwrap().starts_with(home),
    }
}

/// The sources of the program and of its memoizing core.
fn sources() -> Vec<PathBuf> {
    [files("src", "rs"), files("crates/oneflight/src", "rs")].concat()
}

/// Their tests.
fn tests() -> Vec<PathBuf> {
    [files("tests", "rs"), files("crates/oneflight/tests", "rs")].concat()
}

#[test]
fn the_memoizing_core_knows_bytes_only() {
    for path in files("crates/oneflight/src", "rs") {
        let text = fs::read_to_string(&path).unwrap().to_lowercase();
        for word in ["quadrant", "polars", "actix", "plotly", "askama", "flights.parquet"] {
            assert!(!text.contains(word), "{} mentions {word}", path.display());
        }
    }
}

#[test]
fn the_supervisor_decides_without_processes_sockets_or_clocks() {
    let core = [vec!["src/supervisor/core.rs".into()], files("src/supervisor/core", "rs")].concat();
    for path in core {
        for word in ["std::process", "std::net", "std::os", "std::io", "std::thread", "crate::"] {
            assert!(!mentions(&path, word), "{} uses {word}", path.display());
        }
        for word in ["Instant", "SystemTime", "tracing", "serde", "anyhow"] {
            assert!(!mentions(&path, word), "{} uses {word}", path.display());
        }
    }
}

#[test]
fn files_stay_small() {
    let length = |path: &PathBuf| fs::read_to_string(path).unwrap().lines().count();
    let lengths: Vec<usize> = sources().iter().map(length).collect();
    for path in sources().iter().chain(&tests()) {
        assert!(length(path) <= 500, "{} has {} lines", path.display(), length(path));
    }
    let long = lengths.iter().filter(|length| **length > 200).count();
    assert!(long * 4 < lengths.len(), "{long} of {} files have over 200 lines", lengths.len());
}

#[test]
fn every_file_says_what_it_is_for() {
    for path in sources().iter().chain(&tests()).chain(&files("benches", "rs")) {
        let text = fs::read_to_string(path).unwrap();
        let is_said = text.starts_with("//! ") || text.starts_with("#![doc = include_str!");
        assert!(is_said, "{}", path.display());
    }
}

#[test]
fn every_template_has_its_handler() {
    let sources = [files("src/web", "rs"), files("src/pages", "rs"), files("templates", "html")];
    let sources: Vec<String> =
        sources.concat().iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    for path in files("templates", "html") {
        let name = format!("\"{}\"", path.strip_prefix("templates").unwrap().display());
        assert!(sources.iter().any(|text| text.contains(&name)), "{name} is used nowhere");
    }
}

#[test]
fn the_map_of_the_architecture_is_short_and_its_paths_exist() {
    let text = fs::read_to_string("ARCHITECTURE.md").unwrap();
    let map = text.split("\n## ").find(|section| section.starts_with("Code map")).unwrap();
    let rows: Vec<&str> = map.lines().filter(|line| line.starts_with("| `")).collect();

    assert!((1..=15).contains(&rows.len()), "the map has {} rows", rows.len());
    for row in rows {
        let cell = row.split('|').nth(1).unwrap();
        // A later path of a row may leave out the folder of the one before.
        let mut folder = PathBuf::new();
        for path in cell.split('`').skip(1).step_by(2).flat_map(expanded) {
            let found = [PathBuf::from(&path), folder.join(&path)];
            let found = found.into_iter().find(|path| path.exists());
            let found = found.unwrap_or_else(|| panic!("{path} does not exist: {cell}"));
            if found.starts_with(&path) {
                folder = found.parent().unwrap().to_owned();
            }
        }
    }
}

/// The paths that `a/{b,c}.rs` means.
fn expanded(path: &str) -> Vec<String> {
    let Some((start, rest)) = path.split_once('{') else { return vec![path.to_owned()] };
    let (names, end) = rest.split_once('}').unwrap();
    names.split(',').map(|name| format!("{start}{name}{end}")).collect()
}

/// `bin/test fast` leaves out tests by where they stand.
#[test]
fn quick_tests_need_nothing_but_the_program() {
    let needs = ["Place::redis", "Place::both", "in_each_store", "helpers::redis"];
    let needs = [&needs[..], &["helpers::nginx", "helpers::browser", "helpers::window"]].concat();
    for folder in ["config", "data", "deploy", "pages", "web"] {
        for path in files("tests/suite", "rs") {
            let below = path.strip_prefix("tests/suite").unwrap().with_extension("");
            let is_slow =
                ["stores", "chromium"].iter().any(|slow| below.iter().any(|it| it == *slow));
            if below.starts_with(folder) && !is_slow {
                let needed = needs.iter().find(|word| mentions(&path, word));
                assert!(needed.is_none(), "{} uses {}", path.display(), needed.unwrap());
            }
        }
    }
}

#[test]
fn every_page_extends_the_layout_and_changes_nothing_of_it_by_hand() {
    let pages = files("templates", "html").into_iter().filter(|path| {
        path.file_name().unwrap() == "page.html" || path.ends_with("web/error_page.html")
    });
    let mut found = 0;
    for path in pages {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("{% extends \"web/layout.html\" %}"), "{}", path.display());
        for tag in ["<html", "<head>", "<body", "<main", "<h1", "<script src"] {
            assert!(!text.contains(tag), "{} has its own {tag}", path.display());
        }
        found += 1;
    }
    assert!(found >= 7, "{found}");
}

#[test]
fn every_rule_of_ours_is_in_a_layer() {
    for path in files("static", "css").iter().filter(|path| !path.starts_with("static/vendor")) {
        let text = fs::read_to_string(path).unwrap();
        let rules = text.strip_prefix("/* ").and_then(|text| text.split_once(" */\n")).unwrap().1;
        let (opening, closing) = (rules.starts_with("@layer "), rules.ends_with("\n}\n"));
        // The file is one block: nothing else stands at the start of a line.
        let outside = rules.lines().filter(|line| !line.is_empty() && !line.starts_with(' '));
        assert!(opening && closing && outside.count() == 2, "{}", path.display());
    }
}

#[test]
fn the_example_environment_lists_every_variable() {
    let config = fs::read_to_string("src/config.rs").unwrap();
    let variables: Vec<&str> =
        config.split("env = \"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();

    assert_eq!(documented(), variables);
    let readme = fs::read_to_string("README.md").unwrap();
    for variable in variables {
        assert!(readme.contains(&format!("`{variable}`")), "README does not explain {variable}");
    }
}
