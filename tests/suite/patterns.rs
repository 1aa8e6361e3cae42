//! `/patterns`: the seven patterns in one table, their files, and what a variable of a worker does.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::helpers::answer::Answer;
use crate::helpers::app::App;
use crate::helpers::connection::Connection;

const PATTERNS: [&str; 7] = [
    "Caching and signaling",
    "Data of one visitor",
    "Data stored in the browser",
    "Aggregates instead of data",
    "One computation, several outputs",
    "Stateless workers",
    "Computation in the background",
];

/// So many connections meet each of three workers: that one is missed is once in 10 to the 34th.
const MANY: usize = 200;

/// What stands between two texts, at each place.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    text.split(start).skip(1).map(|rest| rest.split(end).next().unwrap()).collect()
}

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
async fn every_pattern_has_a_row_with_its_page_and_the_very_bytes_of_its_file() {
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
async fn a_page_that_has_not_changed_is_not_sent_again() {
    let app = App::spawn(&[]);

    let page = app.get_with("/patterns", &[]).await;
    let again = app.get_with("/patterns", &[("If-None-Match", page.header("etag"))]).await;

    assert_eq!((page.header("cache-control"), again.status), ("no-cache", 304));
}

/// What one worker says: its number, the airport of the address, and that of its variable.
fn said(answer: &Answer) -> (u64, &str, &str) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let words = between(answer.text(), "says <b>", "</b>");
    (answer.attribute("data-worker").parse().unwrap(), words[0], words[1])
}

/// One question, on a connection of its own.
async fn ask(app: &App, code: &str) -> Answer {
    let mut connection = Connection::open(app.address()).await.unwrap();
    let answer = connection.get(&format!("/patterns/stateless?origin={code}")).await.unwrap();
    let more = connection.get("/livez").await;
    assert!(more.is_err(), "the next question has to come on another connection");
    answer
}

/// Chooses an airport, and tells which worker has put it into its variable.
async fn choose(app: &App, code: &str) -> u64 {
    let path = format!("/patterns/stateless/choose?origin={code}");
    let answer = app.send("POST", &path, &[]).await;
    let told = between(answer.text(), "Worker ", " ")[0].parse().unwrap();
    assert!(answer.text().contains(&format!("has put {code} into its variable")));
    told
}

#[tokio::test]
async fn the_address_is_right_on_every_worker_and_a_variable_is_what_was_last_chosen_there() {
    let app = App::spawn(&[("WEB_CONCURRENCY", "3")]);
    // What each worker was told last.
    let mut variables = BTreeMap::from([(1, "nothing"), (2, "nothing"), (3, "nothing")]);

    for _ in 0..MANY {
        for code in ["ATL", "ABE"] {
            variables.insert(choose(&app, code).await, code);
        }
        if ["ATL", "ABE"].iter().all(|code| variables.values().any(|it| it == code)) {
            break;
        }
    }

    for visitor in ["ATL", "ABE"] {
        let (mut met, mut wrong) = (BTreeSet::new(), 0);
        for _ in 0..MANY {
            let answer = ask(&app, visitor).await;
            let (worker, address, variable) = said(&answer);
            assert_eq!((address, variable), (visitor, variables[&worker]), "worker {worker}");
            let is_wrong = variable != visitor;
            assert_eq!(answer.text().contains("wrong: "), is_wrong, "{}", answer.text());
            assert_eq!(answer.text().contains("wrong: no choice"), variable == "nothing");
            wrong += usize::from(is_wrong);
            met.insert(worker);
            if met.len() == 3 {
                break;
            }
        }
        assert_eq!(met.len(), 3, "every worker has answered");
        assert!(wrong > 0, "the other visitor’s choice is on some worker");
    }
}

#[tokio::test]
async fn a_press_asks_eight_times_and_counts_in_its_addresses() {
    for workers in ["1", "3"] {
        let app = App::spawn(&[("WEB_CONCURRENCY", workers)]);
        let mut answer = app.send("POST", "/patterns/stateless/choose?origin=ATL", &[]).await;
        assert_eq!(answer.header("cache-control"), "no-store");
        let (mut asked, mut wrong) = (0, 0);

        while let [next] = &answer.asks()[..] {
            answer = app.get(next).await;
            let (_, address, variable) = said(&answer);
            assert_eq!(address, "ATL");
            asked += 1;
            wrong += usize::from(variable != "ATL");
        }

        assert_eq!(asked, 8);
        let verdict = match wrong {
            0 => "By the variable they were too".to_owned(),
            wrong => format!("By the variable, {wrong} of 8 were wrong."),
        };
        assert!(answer.text().contains("By the address, all 8 answers were right."));
        assert!(answer.text().contains(&verdict), "{wrong}: {}", answer.text());
        assert!(workers == "3" || wrong == 0, "one worker and one visitor");
    }
}

#[tokio::test]
async fn wrong_questions_are_refused_in_words_and_choose_nothing() {
    let app = App::spawn(&[]);

    for (query, status, says) in [
        ("origin=XXX", 422, "“XXX”"),
        ("origin=atl", 422, "Did you mean ATL?"),
        ("origin=ATL&asked=8", 422, "asked 8 times"),
        ("origin=ATL&asked=2&differed=3", 422, "asked 8 times"),
        ("origin=ATL&asked=many", 400, "asked"),
        ("origin=ATL&asked=-1", 400, "asked"),
        ("origin=ATL&differed=256", 400, "differed"),
        ("origin=ATL&origin=ABE", 400, "more than once"),
    ] {
        let answer = app.get(&format!("/patterns/stateless?{query}")).await;

        assert_eq!(answer.status, status, "{query}");
        assert!(answer.text().contains("role=\"alert\""), "{query}");
        assert!(answer.text().contains(says), "{query}: {}", answer.text());
    }
    let path = "/patterns/stateless/choose";
    let foreign = [("Sec-Fetch-Site", "cross-site")];
    let foreign = app.send("POST", &format!("{path}?origin=ATL"), &foreign).await;
    let unknown = app.post_form(path, "origin=XXX").await;
    let read = app.get(&format!("{path}?origin=ATL")).await;
    assert_eq!((foreign.status, unknown.status), (403, 422));
    assert_eq!((read.status, read.header("allow")), (405, "POST"));
    assert_eq!(said(&ask(&app, "ATL").await), (1, "ATL", "nothing"));
}

#[tokio::test]
async fn the_page_and_its_parts_live_below_the_base_path_and_follow_the_strict_policy() {
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
