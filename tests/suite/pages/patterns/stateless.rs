//! `/patterns/stateless`: what a choice in a variable of a worker does.

use std::collections::{BTreeMap, BTreeSet};

use super::between;
use crate::helpers::answer::Answer;
use crate::helpers::app::App;
use crate::helpers::connection::Connection;

/// Enough connections to reach each of three workers: the odds of missing one are 1 in 10 to the 34th.
const MANY: usize = 200;

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
async fn the_address_is_right_on_every_worker_and_a_variable_has_the_last_choice_made_there() {
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
            assert!(asked < 8, "it asks for more: {next}");
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
