//! A summary that several workers share.

use futures_util::future::join_all;
use serde_json::Value;

use super::{ANYBODY, PAGE};
use crate::helpers::app::App;
use crate::helpers::place::in_each_store;
use crate::helpers::waiting::{Computing, until_computed};

#[tokio::test]
async fn all_callers_share_one_computation_and_are_told_its_progress() {
    in_each_store(async |place| {
        let app = App::at(&place, &[("WEB_CONCURRENCY", "2"), ("SIMULATED_COST", "2500ms")]);
        let caller = async || {
            let (mut answers, mut seen) = (0, Vec::new());
            let answer = until_computed(async || {
                let answer = app.get_with(&format!("{PAGE}/summary?origin=ATL"), &ANYBODY).await;
                if answer.is_computing() {
                    assert_eq!(answer.header("cache-control"), "no-store");
                    let said: Value = serde_json::from_slice(&answer.bytes).unwrap();
                    seen.extend(said["permille"].as_u64());
                    answers += 1;
                }
                answer
            });
            let answer = answer.await;
            (answer, answers, seen)
        };

        let callers = join_all((0..6).map(|_| caller())).await;

        assert_eq!(app.computations(), 1);
        for (answer, answers, seen) in &callers {
            assert_eq!((answer.status, &answer.bytes), (200, &callers[0].0.bytes));
            assert!(*answers >= 2, "{answers} answers until the result");
            assert!(seen.is_sorted() && seen.last().is_some_and(|it| *it < 1000), "{seen:?}");
        }
    })
    .await;
}
