//! A draw that takes seconds.

use super::super::{THREE, has_sample};
use crate::helpers::app::App;
use crate::helpers::guest::Guest;
use crate::helpers::place::in_each_store;
use crate::helpers::waiting::{Computing, until_computed};

#[tokio::test]
async fn a_slow_draw_shows_its_progress_and_no_request_is_held_for_long() {
    in_each_store(async |place| {
        let app = App::at(&place, &[THREE, ("SIMULATED_COST", "3s")]);
        let mut guest = Guest::default();
        let ordered = guest.order(&app, "ATL", "100").await;

        let mut seen: Vec<u16> = Vec::new();
        let drawn = until_computed(async || {
            let last = seen.last().copied().unwrap_or(0);
            let answer = guest.get(&app, &format!("/session/signal?seen={last}")).await;
            if answer.is_computing() {
                seen.push(answer.attribute("value").parse().unwrap());
            }
            answer
        })
        .await;

        assert_eq!((ordered.status, has_sample(&drawn)), (202, true));
        assert!(seen.len() > 5 && seen.is_sorted() && *seen.last().unwrap() > 500, "{seen:?}");
        let again = guest.signal(&app).await;
        assert_eq!((again.outcome(), app.computations()), ("hit", 1));
    })
    .await;
}
