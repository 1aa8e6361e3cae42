//! What is deployed: a container, a slug, and the settings that a platform makes.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::helpers::app::{App, QUADRANT};
use crate::helpers::command::output;

/// The lines of a file that start with a word, without it.
fn lines(file: &str, word: &str) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let rest = text.lines().filter_map(|line| line.strip_prefix(word));
    rest.map(|rest| rest.trim().to_owned()).collect()
}

/// What the Dockerfile copies from the repository.
fn copied() -> BTreeSet<String> {
    let lines = lines("Dockerfile", "COPY ");
    let ours = lines.iter().filter(|line| !line.starts_with("--from"));
    let sources = ours.flat_map(|line| line.rsplit_once(' ').unwrap().0.split_whitespace());
    sources.map(str::to_owned).collect()
}

#[test]
fn the_build_of_the_container_gets_what_it_copies_and_no_more() {
    let let_through: BTreeSet<String> = lines(".dockerignore", "!").into_iter().collect();

    assert_eq!(lines(".dockerignore", "*"), [""]);
    assert_eq!(copied(), let_through);
    for path in copied() {
        assert!(Path::new(&path).exists(), "{path}");
    }
}

/// A tree with these files and folders of the repository. It is among the build products, where no
/// other manifest is in a folder above.
fn tree(paths: impl IntoIterator<Item = String>) -> TempDir {
    let tree = TempDir::new_in(Path::new(QUADRANT).parent().unwrap()).unwrap();
    for path in paths {
        let to = tree.path().join(&path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        symlink(fs::canonicalize(path).unwrap(), to).unwrap();
    }
    tree
}

/// Whether cargo accepts the manifest there, and a build finds what it reads.
fn assert_complete(tree: &TempDir) {
    let mut command = Command::new(env!("CARGO"));
    // cargo reads the whole manifest before it looks for what it is to build, and then builds nothing.
    command.args(["build", "--release", "--locked", "--offline", "--bin", "none"]);
    command.env("CARGO_TARGET_DIR", tree.path().join("target"));
    let done = output(command.current_dir(tree.path()));
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(said.contains("no bin target named `none`"), "{said}");
    for path in ["src/main.rs", "build.rs", "build", "static", "templates", "data/flights.parquet"]
    {
        assert!(tree.path().join(path).exists(), "{path}");
    }
}

#[test]
fn a_container_and_a_slug_have_what_a_build_needs() {
    let left_out = lines(".slugignore", "/");
    let tracked = output(Command::new("git").args(["ls-files"]));
    let tracked = String::from_utf8(tracked.stdout).unwrap();
    let is_left_out = |path: &&str| left_out.iter().any(|it| Path::new(path).starts_with(it));
    let slug = tracked.lines().filter(|path| !is_left_out(path)).map(str::to_owned);

    assert_complete(&tree(copied()));
    assert_complete(&tree(slug));
    for path in left_out {
        assert!(Path::new(&path).exists(), "{path} is gone, and may go from .slugignore");
    }
}

#[test]
fn the_binary_needs_no_library_that_the_runtime_image_lacks() {
    let done = output(Command::new("ldd").arg(QUADRANT));

    let libraries = String::from_utf8(done.stdout).unwrap();
    // libc6 and libgcc-s1 are in debian:bookworm-slim, since apt needs them.
    let there = ["libc.so", "libm.so", "libgcc_s.so", "linux-vdso.so", "ld-linux"];
    assert!(libraries.contains("libc.so"), "{libraries}");
    for library in libraries.lines() {
        assert!(there.iter().any(|it| library.contains(it)), "{library}");
    }
}

#[test]
fn all_files_name_the_same_compiler() {
    let toolchain = lines("rust-toolchain.toml", "channel = ")[0].replace('"', "");
    let minor = toolchain.rsplit_once('.').unwrap().0;

    assert_eq!(lines("RustConfig", "VERSION=").concat(), toolchain);
    assert_eq!(lines("Dockerfile", "FROM rust:"), [format!("{minor}-slim-bookworm AS build")]);
    assert_eq!(lines("Cargo.toml", "rust-version = "), [format!("\"{minor}\"")]);
}

#[tokio::test]
async fn the_settings_of_app_json_are_accepted() {
    let app: Value = serde_json::from_str(&fs::read_to_string("app.json").unwrap()).unwrap();
    let settings = app["env"].as_object().unwrap().iter();
    // What Heroku makes for `"generator": "secret"`, by its documentation: 64 hexadecimal digits.
    let secret = "0123456789abcdef".repeat(4);
    let value = |setting: &Value| match setting["generator"].as_str() {
        Some(generator) => {
            assert_eq!(generator, "secret");
            secret.clone()
        }
        None => setting["value"].as_str().unwrap().to_owned(),
    };
    let settings: Vec<(&str, String)> =
        settings.map(|(name, setting)| (name.as_str(), value(setting))).collect();
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();

    let started = App::spawn(&settings);

    assert!(settings.contains(&("REDIS_TLS_VERIFY", "false")));
    assert_eq!(started.signal("origin=YAK").await.status, 200);
    assert_eq!(started.logged("SESSION_KEY is not set").len(), 0);
}
