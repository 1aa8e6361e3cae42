//! `/patterns`: the seven patterns in one table, and their files.

use std::collections::BTreeSet;
use std::fs;

use super::between;
use crate::helpers::answer::Answer;
use crate::helpers::app::App;

const PATTERNS: [&str; 7] = [
    "Caching and signaling",
    "Data of one visitor",
    "Data stored in the browser",
    "Aggregates instead of data",
    "One computation, several outputs",
    "Stateless workers",
    "Computation in the background",
];

/// A row of the table.
struct Row<'a> {
    name: &'a str,
    /// Addresses, and what stands there.
    links: Vec<(&'a str, &'a str)>,
    answers: Vec<&'a str>,
}

fn rows(page: &Answer) -> Vec<Row<'_>> {
    let body = between(page.text(), "<tbody>", "</tbody>")[0];
    let row = |row| {
        let head = between(row, "<th scope=\"row\">", "</th>")[0];
        let links = between(head, "<a href=\"", "</a>");
        let links = links.iter().map(|link| link.split_once("\">").unwrap()).collect();
        let answers = between(row, "<td ", "</td>");
        let answers = answers.iter().map(|cell| cell.split_once('>').unwrap().1).collect();
        Row { name: head.split('<').next().unwrap().trim(), links, answers }
    };
    between(body, "<tr>", "</tr>").into_iter().map(row).collect()
}

#[tokio::test]
async fn every_pattern_has_a_row_with_its_page_and_the_bytes_of_its_file() {
    let app = App::spawn(&[]);

    let page = app.get_with("/patterns", &[]).await;

    let rows = rows(&page);
    assert_eq!(rows.iter().map(|row| row.name).collect::<Vec<_>>(), PATTERNS);
    assert_eq!(between(page.text(), "<th scope=\"col\">", "<").len(), 6);
    let mut names = BTreeSet::new();
    for Row { name, links, answers } in rows {
        assert_eq!(answers.len(), 5, "{name}");
        assert!(answers.iter().all(|answer| answer.ends_with('.')), "{answers:?}");
        let [(live, _), (source, path)] = links[..] else { panic!("{links:?}") };
        assert_eq!(app.get_with(live, &[]).await.status, 200, "{live}");
        assert!(names.insert(source.to_owned()), "{source} is two files");
        let file = app.get_with(source, &[]).await;
        assert_eq!(file.status, 200, "{source}");
        assert!(file.bytes == fs::read(path).unwrap(), "{source} is not {path}");
    }
}

#[tokio::test]
async fn a_file_is_plain_text_that_is_checked_each_time() {
    let app = App::spawn(&[]);
    let path = "/patterns/source/signal.rs";

    let first = app.get_with(path, &[]).await;
    let again = app.get_with(path, &[("If-None-Match", first.header("etag"))]).await;
    let small = app.get_with(path, &[("Accept-Encoding", "br")]).await;

    assert_eq!(first.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(first.header("cache-control"), "no-cache");
    assert_eq!((again.status, again.bytes.len()), (304, 0));
    assert!(small.header("content-encoding") == "br" && small.bytes.len() < first.bytes.len() / 2);
    for unknown in ["main.rs", "Cargo.toml", "..%2Fsignal.rs", "signal", ""] {
        let answer = app.get_with(&format!("/patterns/source/{unknown}"), &[]).await;
        assert_eq!(answer.status, 404, "{unknown}");
    }
    assert_eq!(app.send("POST", path, &[]).await.header("allow"), "GET, HEAD");
}

#[tokio::test]
async fn an_unchanged_page_is_not_sent_again() {
    let app = App::spawn(&[]);

    let page = app.get_with("/patterns", &[]).await;
    let again = app.get_with("/patterns", &[("If-None-Match", page.header("etag"))]).await;

    assert_eq!((page.header("cache-control"), again.status), ("no-cache", 304));
}

#[tokio::test]
async fn the_overview_and_its_parts_live_below_the_base_path_and_follow_the_strict_policy() {
    let app = App::spawn(&[("BASE_PATH", "/flights")]);

    let page = app.get_with("/flights/patterns", &[]).await;
    let chosen = app.send("POST", "/flights/patterns/stateless/choose?origin=ATL", &[]).await;
    let answer = app.get(&chosen.asks()[0]).await;

    for part in [&page, &chosen, &answer] {
        let text = part.text();
        assert_eq!(part.status, 200);
        for start in [" href=\"/", " src=\"/", "data-hx-get=\"/", "data-hx-post=\"/"] {
            let strays = between(text, start, "\"");
            assert!(strays.iter().all(|rest| rest.starts_with("flights/")), "{strays:?}");
        }
        assert!(!text.contains(" style=") && !text.contains("<style"));
        assert!(part.header("content-security-policy").contains("script-src 'self'"));
    }
    let links = rows(&page).remove(6).links;
    assert_eq!(app.get_with(links[0].0, &[]).await.status, 200);
    assert_eq!(app.get_with(links[1].0, &[]).await.status, 200);
    for there in ["/flights/", "/flights/patterns/background"] {
        let text = app.get_with(there, &[]).await.text().to_owned();
        assert!(text.contains("href=\"/flights/patterns\""), "{there} leads here");
    }
    assert!(page.text().contains("href=\"/flights/\""), "and back");
}
