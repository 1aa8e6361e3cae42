//! Forgetting a visitor leaves nothing behind.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::super::{THREE, has_sample};
use crate::helpers::answer::Answer;
use crate::helpers::app::App;
use crate::helpers::client;
use crate::helpers::guest::Guest;
use crate::helpers::place::in_each_store;

#[tokio::test]
async fn forgetting_leaves_nothing_anywhere() {
    in_each_store(async |place| {
        let (app, mut guest) = (App::at(&place, &[THREE]), Guest::default());
        guest.draw(&app, "ATL", 500).await;
        let mut replayed = guest.clone();

        let forgotten = guest.forget(&app).await;

        assert!(forgotten.text().contains("deleted"), "{}", forgotten.text());
        assert_eq!(guest.cookie, None);
        assert_eq!(place.names(), [""; 0]);
        for answer in from_each_worker_without_timing(&mut replayed, &app).await {
            assert!(!has_sample(&answer));
        }
        assert_eq!(replayed.get(&app, "/session/flights.csv").await.status, 404);
        assert_eq!(app.computations(), 1, "the old cookie draws nothing");
    })
    .await;
}

/// Many answers, each on its own connection: enough that each of three workers has given some.
async fn from_each_worker_without_timing(guest: &mut Guest, app: &App) -> Vec<Answer> {
    let mut answers = Vec::new();
    for _ in 0..40 {
        answers.push(guest.get(app, "/session/signal").await);
    }
    answers
}

#[tokio::test]
async fn a_sample_forgotten_while_it_is_drawn_is_never_stored() {
    in_each_store(async |place| {
        let app = App::at(&place, &[THREE, ("SIMULATED_COST", "2s")]);
        let mut guest = Guest::default();
        guest.order(&app, "ATL", "500").await;
        let held = tokio::spawn({
            // Another tab of the same browser, which goes on asking.
            let (url, cookie) = (app.url.clone(), guest.cookie.clone().unwrap());
            async move { tab(&url, &cookie, Duration::from_secs(6)).await }
        });
        let asked = guest.get(&app, "/session/signal").await;
        assert_eq!(asked.status, 202);
        assert!(place.is_leased(), "it is being drawn");

        guest.forget(&app).await;

        assert_eq!(held.await.unwrap(), 0, "no tab is shown a sample");
        assert_eq!(place.entries(), 0);
        assert!(
            !place.names().iter().any(|name| name.contains("annotation")),
            "{:?}",
            place.names()
        );
        let computed = app.logged("computed");
        assert!(!computed.is_empty(), "the draw went on, and ended");
        for line in computed {
            let message = line["message"].as_str().unwrap();
            assert!(message.ends_with("and was too late: its lease had ended"), "{message}");
        }
    })
    .await;
}

/// Asks what a session has, on a new connection each time; returns how often it was a sample.
async fn tab(url: &str, cookie: &str, lasting: Duration) -> usize {
    let client = client().build().unwrap();
    let (until, mut samples) = (Instant::now() + lasting, 0);
    while Instant::now() < until {
        let request = client.get(format!("{url}/session/signal")).header("Cookie", cookie);
        let answer =
            Answer::read(request.header("Connection", "close").send().await.unwrap()).await;
        assert!(answer.status < 500, "{}", answer.text());
        samples += usize::from(has_sample(&answer));
        sleep(Duration::from_millis(20)).await;
    }
    samples
}
