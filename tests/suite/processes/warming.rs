//! Answers that are prepared by one worker, once.

use std::time::Duration;

use crate::helpers::app::App;
use crate::helpers::place::in_each_store;
use crate::helpers::waiting::until_true;

#[tokio::test]
async fn all_airports_are_prepared_once_by_one_of_three_workers() {
    in_each_store(async |place| {
        let app = App::at(&place, &[("WARM", "10"), ("WEB_CONCURRENCY", "3")]);

        until_true("the answers", || app.logged("prepared").len() == 1).await;

        assert_eq!(app.computed(), ["ALL"]);
        let answer = app.get("/signal").await;
        assert_eq!((answer.status, answer.outcome()), (200, "hit"));
        // Another program with the same store finds it prepared.
        let other = App::at(&place, &[("WARM", "10")]);
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(other.computations(), 0);
        assert_eq!(app.computations(), 1);
    })
    .await;
}
