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
        ("deadpool_redis", &["src/cache/redis.rs", "src/cache/redis/"][..]),
        ("rustls", &["src/cache/redis.rs"]),
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
        ("moka", &["src/routes/fragments.rs", "src/cache/disk/memory.rs"]),
        ("ipnet", &["src/routes/client.rs"]),
        ("prometheus", &["src/metrics.rs", "src/metrics/"]),
        ("tempfile", &["src/cache/disk.rs", "src/cache/disk/", "src/import.rs"]),
        ("spawn_blocking", &["src/blocking.rs"]),
        ("signal_hook", &["src/supervisor.rs"]),
        ("socket2", &["src/supervisor/listeners.rs"]),
        ("rustix", &["src/supervisor/process.rs", "src/worker/line.rs"]),
        ("unsafe {", &["src/worker/line.rs"]),
    ] {
        for path in files("src", "rs") {
            let at_home = homes.iter().any(|home| path.to_str().unwrap().starts_with(home));
            assert!(at_home || !mentions(&path, word), "{} uses {word}", path.display());
        }
    }
}

#[test]
fn the_cache_knows_bytes_only() {
    for path in files("src/cache", "rs").iter().chain([&PathBuf::from("src/cache.rs")]) {
        for word in
            ["crate::frame", "crate::figure", "crate::query", "crate::dataset", "crate::routes"]
        {
            assert!(!mentions(path, word), "{} uses {word}", path.display());
        }
    }
}

#[test]
fn files_stay_small() {
    let mut lengths = Vec::new();
    for path in files("src", "rs") {
        let length = fs::read_to_string(&path).unwrap().lines().count();
        assert!(length <= 250, "{} has {length} lines", path.display());
        lengths.push(length);
    }
    lengths.sort_unstable();
    assert!(lengths[lengths.len() / 2] <= 130, "the median is {}", lengths[lengths.len() / 2]);
}

#[test]
fn every_file_says_what_it_is_for() {
    for path in
        files("src", "rs").iter().chain(&files("tests", "rs")).chain(&files("benches", "rs"))
    {
        assert!(fs::read_to_string(path).unwrap().starts_with("//! "), "{}", path.display());
    }
}

#[test]
fn every_template_has_its_handler() {
    for path in files("templates", "html") {
        let name = format!("\"{}\"", path.file_name().unwrap().to_str().unwrap());
        let sources = files("src/routes", "rs").into_iter().chain(files("templates", "html"));
        let is_used =
            sources.into_iter().any(|source| fs::read_to_string(source).unwrap().contains(&name));
        assert!(is_used, "{name} is used nowhere");
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
