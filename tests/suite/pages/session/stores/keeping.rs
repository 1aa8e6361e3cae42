//! How long a sample is kept, where, and how many of them.

use std::time::Duration;

use tokio::time::sleep;

use super::super::sample::rows;
use super::super::{KEY, THREE, drawn_at, from_each_worker, has_sample};
use crate::helpers::app::App;
use crate::helpers::guest::Guest;
use crate::helpers::place::in_each_store;

#[tokio::test]
async fn asking_again_computes_nothing_and_all_workers_have_the_same_sample() {
    in_each_store(async |place| {
        let (app, mut guest) = (App::at(&place, &[THREE]), Guest::default());

        let first = guest.draw(&app, "ATL", 1000).await;
        let graphs = first.asks();
        assert_eq!(graphs.len(), 5, "four graphs and a table");
        let csv = guest.get(&app, "/session/flights.csv").await;

        for again in from_each_worker(&mut guest, &app, "/session/signal", 3).await {
            assert_eq!(drawn_at(&again), drawn_at(&first));
            assert_eq!((again.asks(), again.outcome()), (graphs.clone(), "hit"));
        }
        for again in from_each_worker(&mut guest, &app, "/session/flights.csv", 3).await {
            assert_eq!(again.bytes, csv.bytes);
        }
        for graph in &graphs[..4] {
            for again in from_each_worker(&mut guest, &app, graph, 3).await {
                assert_eq!(drawn_at(&again), drawn_at(&first), "{graph}");
            }
        }
        assert!(guest.get(&app, "/session").await.text().contains(&drawn_at(&first)));
        assert_eq!(app.computations(), 1);
    })
    .await;
}

#[tokio::test]
async fn drawing_anew_replaces_the_sample_and_the_session() {
    in_each_store(async |place| {
        let (app, mut guest) = (App::at(&place, &[THREE]), Guest::default());
        let first = guest.draw(&app, "ATL", 500).await;
        let flights = guest.get(&app, "/session/flights.csv").await;
        let mut before = guest.clone();

        let second = guest.draw(&app, "ATL", 500).await;

        assert_ne!(guest.cookie, before.cookie);
        assert_ne!(drawn_at(&second), drawn_at(&first));
        assert_ne!(guest.get(&app, "/session/flights.csv").await.bytes, flights.bytes);
        assert!(!has_sample(&before.signal(&app).await), "the former session has nothing");
        assert_eq!(place.entries(), 1);
        for graph in &first.asks() {
            assert_eq!(guest.get(&app, graph).await.status, 410, "{graph} was of the former one");
        }
    })
    .await;
}

#[tokio::test]
async fn a_session_expires_after_its_last_use() {
    in_each_store(async |place| {
        let app = App::at(&place, &[("CACHE_EXPIRE", "2s")]);
        let mut guest = Guest::default();
        let first = guest.draw(&app, "ATL", 100).await;

        for _ in 0..3 {
            sleep(Duration::from_millis(900)).await;
            assert_eq!(drawn_at(&guest.signal(&app).await), drawn_at(&first));
        }
        sleep(Duration::from_millis(2300)).await;

        let expired = guest.signal(&app).await;
        assert!(!has_sample(&expired));
        assert!(expired.text().contains("no longer kept"), "{}", expired.text());
        assert_eq!(app.computations(), 1);
        assert!(has_sample(&guest.draw(&app, "ATL", 100).await), "drawing again works");
    })
    .await;
}

#[tokio::test]
async fn the_least_recently_used_session_makes_room_and_its_visitor_learns_so() {
    in_each_store(async |place| {
        let app = App::at(&place, &[THREE, ("SESSION_MAX", "3")]);
        let mut guests = [(); 4].map(|()| Guest::default());
        for guest in &mut guests[..3] {
            guest.draw(&app, "YAK", 5).await;
            // Stores tell times of use apart by milliseconds.
            sleep(Duration::from_millis(5)).await;
        }
        assert!(has_sample(&guests[0].signal(&app).await), "it is used, and the second is not");
        sleep(Duration::from_millis(5)).await;

        guests[3].draw(&app, "YAK", 5).await;

        assert_eq!(place.entries(), 3);
        let told = guests[1].signal(&app).await;
        let words = "Your earlier sample has been cleared to make room";
        assert!(told.text().contains(words), "{}", told.text());
        for at in [0, 2, 3] {
            assert!(has_sample(&guests[at].signal(&app).await), "{at}");
        }
        assert_eq!(app.computations(), 4, "asking for what is gone draws nothing");
        assert!(has_sample(&guests[1].draw(&app, "YAK", 5).await), "drawing again works");
        assert_eq!(place.entries(), 3);
    })
    .await;
}

#[tokio::test]
async fn many_visitors_who_draw_at_once_stay_within_the_bound() {
    in_each_store(async |place| {
        let app = App::at(&place, &[("WEB_CONCURRENCY", "6"), ("SESSION_MAX", "3")]);
        let draws = (0..24).map(async |_| {
            let mut guest = Guest::default();
            guest.draw(&app, "YAK", 5).await;
        });

        futures_util::future::join_all(draws).await;

        assert_eq!(place.entries(), 3);
    })
    .await;
}

#[tokio::test]
async fn one_flight_and_a_hundred_thousand_can_be_drawn_within_two_megabytes_each() {
    in_each_store(async |place| {
        let app = App::at(&place, &[]);
        for (origin, size, says) in [
            ("ATL", 1, "1 of 124,711 flights"),
            ("ATL", 100_000, "100,000 of 124,711 flights"),
            ("ALL", 100_000, "100,000 of 3,000,000 flights"),
        ] {
            let mut guest = Guest::default();
            let drawn = guest.draw(&app, origin, size).await;

            assert!(drawn.text().contains(says), "{}", drawn.text());
            let csv = guest.get(&app, "/session/flights.csv").await;
            assert_eq!(rows(&csv).len() as u32, size);
            let largest = place.largest();
            assert!(largest < 2 << 20, "{size} flights of {origin} take {largest} bytes");
        }
    })
    .await;
}

#[tokio::test]
async fn a_sample_survives_a_restart_with_the_same_key_and_not_with_another() {
    in_each_store(async |place| {
        let mut guest = Guest::default();
        let app = App::at(&place, &[("SESSION_KEY", KEY)]);
        let first = guest.draw(&app, "ATL", 100).await;
        let flights = guest.get(&app, "/session/flights.csv").await;
        drop(app);

        let same = App::at(&place, &[("SESSION_KEY", KEY)]);
        assert_eq!(drawn_at(&guest.signal(&same).await), drawn_at(&first));
        assert_eq!(guest.get(&same, "/session/flights.csv").await.bytes, flights.bytes);
        drop(same);

        let new = KEY.replace('0', "f");
        let rotated = [("SESSION_KEY", new.as_str()), ("SESSION_KEY_PREVIOUS", KEY)];
        let rotating = App::at(&place, &rotated);
        assert_eq!(drawn_at(&guest.signal(&rotating).await), drawn_at(&first), "the old key");
        let mut renewed = guest.clone();
        renewed.draw(&rotating, "ATL", 100).await;
        drop(rotating);

        let rotated = App::at(&place, &[("SESSION_KEY", &new)]);
        assert!(has_sample(&renewed.signal(&rotated).await), "it was signed by the new key");
        assert!(!has_sample(&guest.signal(&rotated).await), "the old key is no longer known");
    })
    .await;
}
