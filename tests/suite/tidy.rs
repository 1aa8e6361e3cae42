//! The habits of this code base, held by a test.

use std::fs;
use std::path::{Path, PathBuf};

use crate::settings::documented;

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

#[test]
fn each_foreign_crate_has_its_home() {
    for (word, homes) in [
        (
            "deadpool_redis",
            &["crates/oneflight/src/store/redis.rs", "crates/oneflight/src/store/redis/"][..],
        ),
        ("rustls", &["crates/oneflight/src/store/redis.rs", "crates/oneflight/src/store/redis/"]),
        ("plotly::", &["src/figure.rs", "src/figure/"]),
        ("askama", &["src/routes/"]),
        (
            "actix_web",
            &["src/routes.rs", "src/routes/", "src/session.rs", "src/worker.rs", "src/worker/"],
        ),
        ("use ring", &["src/session.rs"]),
        (
            "polars::",
            &[
                "src/dataset.rs",
                "src/dataset/",
                "src/import.rs",
                "src/import/",
                "src/query.rs",
                "src/query/",
                "src/frame.rs",
                "src/figure.rs",
                "src/figure/",
            ],
        ),
        ("std::env", &["src/config/environment.rs"]),
        ("clap", &["src/config.rs", "src/config/"]),
        ("moka", &["src/routes/fragments.rs", "crates/oneflight/src/store/"]),
        ("ipnet", &["src/routes/client.rs"]),
        ("prometheus", &["src/metrics.rs", "src/metrics/"]),
        (
            "tempfile",
            &[
                "crates/oneflight/src/store/disk.rs",
                "crates/oneflight/src/store/disk/",
                "src/import.rs",
            ],
        ),
        ("spawn_blocking", &["src/blocking.rs", "crates/oneflight/src/store/disk.rs"]),
        ("signal_hook", &["src/supervisor.rs"]),
        ("socket2", &["src/supervisor/listeners.rs", "crates/oneflight/src/store/redis/url.rs"]),
        ("rustix", &["src/dataset/current.rs", "src/supervisor/process.rs", "src/worker/line.rs"]),
        ("unsafe {", &["src/worker/line.rs"]),
    ] {
        for path in sources() {
            let at_home = homes.iter().any(|home| path.to_str().unwrap().starts_with(home));
            assert!(at_home || !mentions(&path, word), "{} uses {word}", path.display());
        }
    }
}

/// The sources of the program and of its memoizing core.
fn sources() -> Vec<PathBuf> {
    [files("src", "rs"), files("crates/oneflight/src", "rs")].concat()
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
fn files_stay_small() {
    let mut lengths = Vec::new();
    for path in sources() {
        let length = fs::read_to_string(&path).unwrap().lines().count();
        assert!(length <= 500, "{} has {length} lines", path.display());
        lengths.push(length);
    }
    let long = lengths.iter().filter(|length| **length > 200).count();
    assert!(long * 4 < lengths.len(), "{long} of {} files have over 200 lines", lengths.len());
}

#[test]
fn every_file_says_what_it_is_for() {
    for path in sources().iter().chain(&files("tests", "rs")).chain(&files("benches", "rs")) {
        let text = fs::read_to_string(path).unwrap();
        let is_said = text.starts_with("//! ") || text.starts_with("#![doc = include_str!");
        assert!(is_said, "{}", path.display());
    }
}

#[test]
fn every_template_has_its_handler() {
    for path in files("templates", "html") {
        let name = format!("\"{}\"", path.strip_prefix("templates").unwrap().to_str().unwrap());
        let sources = files("src", "rs").into_iter().chain(files("templates", "html"));
        let is_used =
            sources.into_iter().any(|source| fs::read_to_string(source).unwrap().contains(&name));
        assert!(is_used, "{name} is used nowhere");
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
    assert_eq!(found, 7);
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
