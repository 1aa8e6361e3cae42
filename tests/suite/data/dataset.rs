//! The data file: checked at the start, and followed when it is replaced.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::helpers::app::{App, quadrant};
use crate::helpers::command::output;
use crate::helpers::connection::Connection;
use crate::helpers::flights::{FLIGHTS, HOUR, MONDAY, dataset, frame, source};
use crate::helpers::waiting::until;

fn app(folder: &TempDir, path: &Path) -> App {
    let cache = folder.path().join("cache");
    App::spawn(&[("DATASET", path.to_str().unwrap()), ("CACHE_DIR", cache.to_str().unwrap())])
}

#[tokio::test]
async fn a_replaced_file_gives_new_answers_without_a_restart() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("flights.parquet");
    dataset(&FLIGHTS, &path);
    let app = app(&folder, &path);
    let before = app.signal("origin=ATL").await;
    assert!(before.text().contains("· 5 flights"));

    dataset(&[(MONDAY, 12, 100, "ATL", "ZZZ"), (MONDAY + HOUR, 2, 9, "NEW", "ATL")], &path);
    let at_once = app.signal("origin=ATL").await;
    let after = app.renewed("origin=ATL").await;

    assert_eq!(
        at_once.attribute("data-v"),
        before.attribute("data-v"),
        "the old answer comes at once"
    );
    assert!(at_once.text().contains("updating"), "{}", at_once.text());
    assert!(after.text().contains("· 1 flight ·"), "{}", after.text());
    assert_ne!(before.attribute("data-v"), after.attribute("data-v"));
    assert_eq!(app.signal("origin=NEW").await.status, 200);
    assert_eq!(app.signal("origin=ZZZ").await.status, 422, "no flight leaves from there any more");
    assert!(app.get_with("/", &[]).await.text().contains("value=\"NEW\""));
}

#[tokio::test]
async fn a_signal_of_the_file_before_still_has_its_four_graphs() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("flights.parquet");
    dataset(&FLIGHTS, &path);
    let app = app(&folder, &path);
    let before = app.signal("origin=ATL").await;

    dataset(&FLIGHTS[1..3], &path);
    app.signal("origin=ATL").await;

    for ask in before.asks() {
        let graph = app.get(&ask).await;
        assert_eq!(graph.status, 200);
        assert_eq!(graph.attribute("data-v"), before.attribute("data-v"));
    }
    let bins = app.get(&before.asks()[1]).await.figure()["data"][0]["y"].clone();
    let flights: f64 = bins.as_array().unwrap().iter().filter_map(|bin| bin.as_f64()).sum();
    assert_eq!(flights, 5.0, "the numbers are those of the signal");
}

#[tokio::test]
async fn the_same_bytes_are_the_same_generation() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("flights.parquet");
    dataset(&FLIGHTS, &path);
    let app = app(&folder, &path);
    let before = app.signal("origin=ATL").await;

    let copy = folder.path().join("copy");
    fs::copy(&path, &copy).unwrap();
    fs::rename(copy, &path).unwrap();
    let after = app.signal("origin=ATL").await;

    assert_eq!(after.outcome(), "hit");
    assert_eq!(before.attribute("data-v"), after.attribute("data-v"));
}

#[tokio::test]
async fn a_broken_replacement_is_not_ready_and_stored_answers_stay() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("flights.parquet");
    dataset(&FLIGHTS, &path);
    let app = app(&folder, &path);
    app.signal("origin=ATL").await;

    let broken = folder.path().join("broken");
    fs::write(&broken, "PAR1 and nothing more").unwrap();
    fs::rename(&broken, &path).unwrap();

    assert_eq!(app.get("/readyz").await.status, 503);
    assert_eq!(app.signal("origin=ATL").await.outcome(), "hit");
    assert!(!app.logged("the data file").is_empty(), "the log says why");
    dataset(&FLIGHTS, &path);
    assert_eq!(app.get("/readyz").await.status, 200);
}

#[test]
fn a_wrong_file_stops_the_start_with_one_line() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("flights.parquet");
    dataset(&FLIGHTS, &path);
    let whole = fs::read(&path).unwrap();
    let published = fs::read(source(folder.path(), frame(&FLIGHTS))).unwrap();
    for (bytes, says) in [
        (None, "No such file"),
        (Some(Vec::new()), "it is empty"),
        (Some(whole[..whole.len() - 100].to_vec()), "it is no Parquet file, or is cut off"),
        (Some(b"flights".to_vec()), "it is no Parquet file, or is cut off"),
        (Some(published), "`quadrant import` has not made it"),
    ] {
        match bytes {
            None => fs::remove_file(&path).unwrap(),
            Some(bytes) => fs::write(&path, bytes).unwrap(),
        }

        let done = output(&mut quadrant(&[("DATASET", path.to_str().unwrap())]));

        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(1));
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
        assert!(said.contains(path.to_str().unwrap()) && said.contains(says), "{said}");
    }
}

#[test]
fn a_folder_is_no_data_file() {
    let folder = TempDir::new().unwrap();

    let done = output(&mut quadrant(&[("DATASET", folder.path().to_str().unwrap())]));

    assert_eq!(done.status.code(), Some(1));
    assert!(String::from_utf8(done.stderr).unwrap().contains("it is not a file"));
}

/// A data file should not be written in place; if it is, the cache must not keep the result.
#[tokio::test]
async fn an_answer_from_a_file_that_was_written_to_is_not_stored() {
    let folder = TempDir::new().unwrap();
    let [path, other] = ["flights.parquet", "other.parquet"].map(|name| folder.path().join(name));
    dataset(&FLIGHTS, &path);
    dataset(&[(MONDAY, 900, 100, "ATL", "ZZZ"), (MONDAY, 1, 9, "ZZZ", "ATL")], &other);
    let (before, after) = (fs::read(&path).unwrap(), fs::read(&other).unwrap());
    let cache = folder.path().join("cache");
    let app = App::spawn(&[
        ("DATASET", path.to_str().unwrap()),
        ("CACHE_DIR", cache.to_str().unwrap()),
        ("SIMULATED_COST", "500ms"),
    ]);
    let asked = async { app.signal("origin=ATL").await };
    let written = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        fs::write(&path, &after).unwrap();
    };

    let (answer, ()) = tokio::join!(asked, written);

    assert_eq!((answer.status, app.computations()), (500, 0));
    assert!(app.logged("a request failed")[0]["message"].to_string().contains("was written to"));
    assert!(app.signal("origin=ATL").await.text().contains("· 1 flight ·"));
    fs::write(&path, &before).unwrap();
    let answer = app.renewed("origin=ATL").await;
    assert!(answer.text().contains("· 5 flights ·"));
}

#[tokio::test]
async fn codes_are_text_wherever_they_are_shown() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("flights.parquet");
    dataset(&[(MONDAY, 1, 100, "\"Q\"", "A&B<i>")], &path);
    let app = app(&folder, &path);

    let graph = app.get("/graphs/destinations?origin=%22Q%22").await;
    let csv = app.get("/graphs/destinations.csv?origin=%22Q%22").await;
    let page = app.get_with("/?origin=%22Q%22", &[]).await;

    let shown = "A&#38;B&#60;i&#62;";
    assert!(graph.text().contains(&format!("go to {shown} ({shown})")), "{}", graph.text());
    let hover = graph.figure()["data"][0]["hovertext"][0].clone();
    assert!(hover.as_str().unwrap().starts_with("A&amp;B&lt;i&gt; · "), "{hover}");
    let disposition = csv.header("content-disposition");
    assert_eq!(disposition, "attachment; filename=\"destinations-_Q_-mean.csv\"");
    assert!(page.status == 200 && !page.text().contains("<i>"));
}

/// Bounds the numbers of a process's open files.
fn limit_descriptors(process: u32, below: usize) {
    let limit = format!("--nofile={below}:");
    let done = Command::new("prlimit").args(["--pid", &process.to_string(), &limit]).status();
    assert!(done.unwrap().success());
}

/// The lowest number that no open file of a process has: the next one to be given.
fn next_descriptor(process: u32) -> usize {
    let open = fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    let open = open.map(|file| file.unwrap().file_name().to_str().unwrap().parse().unwrap());
    let open: BTreeSet<usize> = open.collect();
    (0..).find(|number| !open.contains(number)).unwrap()
}

#[tokio::test]
async fn a_file_that_could_not_be_opened_for_lack_of_descriptors_is_opened_a_moment_later() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("flights.parquet");
    dataset(&FLIGHTS, &path);
    let app = app(&folder, &path);
    let mut connection = Connection::open(app.address()).await.unwrap();
    let before = connection.get("/signal?origin=ATL").await.unwrap();
    let worker = app.process(1);

    limit_descriptors(worker, next_descriptor(worker));
    dataset(&[(MONDAY, 900, 100, "ATL", "ZZZ")], &path);
    let during = connection.get("/readyz").await.unwrap();
    let said = app.logged("the data file");
    limit_descriptors(worker, 1024);

    assert_eq!(during.status, 503);
    assert!(said[0]["message"].as_str().unwrap().contains("Too many open files"), "{said:?}");
    until("the file to be opened", async || {
        (connection.get("/readyz").await.unwrap().status == 200).then_some(())
    })
    .await;
    let after = app.renewed("origin=ATL").await;
    assert_ne!(after.attribute("data-v"), before.attribute("data-v"));
    assert!(after.text().contains("· 1 flight ·"), "{}", after.text());
}
