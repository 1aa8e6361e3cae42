//! `/session`: one visitor's sample, the same from each worker and at each time, and never shown to
//! another visitor.

mod sample;
mod cookie;
mod stores;
mod chromium;

use std::collections::BTreeSet;

use crate::helpers::answer::Answer;
use crate::helpers::app::App;
use crate::helpers::guest::Guest;

const THREE: (&str, &str) = ("WEB_CONCURRENCY", "3");
/// 64 bytes that sign.
const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// What an answer says of when the sample was drawn.
fn drawn_at(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.attribute("data-computed-at").to_owned()
}

fn has_sample(answer: &Answer) -> bool {
    answer.text().contains("data-computed-at")
}

/// Asks until each of this many workers has answered, and returns every answer.
async fn from_each_worker(guest: &mut Guest, app: &App, path: &str, workers: usize) -> Vec<Answer> {
    let (mut answers, mut seen) = (Vec::new(), BTreeSet::new());
    while seen.len() < workers {
        let answer = guest.get(app, path).await;
        seen.insert(answer.worker());
        answers.push(answer);
        assert!(answers.len() < 500, "only {seen:?} of {workers} workers have answered");
    }
    answers
}
