//! Answers that are prepared do not delay those that users wait for.

use std::time::Duration;

use crate::helpers::app::App;
use crate::helpers::eventually;
use crate::helpers::place::Place;

#[tokio::test]
async fn a_question_does_not_wait_for_what_is_being_prepared() {
    let place = Place::disk();
    let app = App::at(&place, &[("WARM", "10"), ("SIMULATED_COST", "1500ms")]);
    eventually("the preparation to begin", || place.is_leased());

    let answer = app.signal("origin=YAK").await;

    assert_eq!((answer.status, answer.outcome()), (200, "stored"));
    eventually("the answers", || app.logged("prepared").len() == 1);
    let (prepared, asked) = (app.spans("ALL").remove(0), app.spans("YAK").remove(0));
    assert!(asked.start < prepared.end && prepared.start < asked.end, "{prepared:?} {asked:?}");
    assert_eq!(app.computations(), 2);
}

#[tokio::test]
async fn nothing_is_prepared_where_that_is_turned_off() {
    let app = App::spawn(&[("WARM", "0")]);

    tokio::time::sleep(Duration::from_millis(4500)).await;

    assert_eq!(app.computations(), 0);
    assert_eq!(app.signal("origin=ALL").await.outcome(), "stored");
}
