//! Nothing of one visitor reaches another, a log or an address.

use futures_util::StreamExt;

use super::super::KEY;
use crate::helpers::GRAPHS;
use crate::helpers::answer::Answer;
use crate::helpers::app::App;
use crate::helpers::guest::Guest;
use crate::helpers::place::in_each_store;

#[tokio::test]
async fn looking_at_pages_starts_no_session() {
    in_each_store(async |place| {
        let app = App::at(&place, &[]);

        for path in ["/session", "/session/signal", "/session?metric=p90", "/session/flights", "/"]
        {
            let mut guest = Guest::default();
            guest.get(&app, path).await;
            assert_eq!(guest.cookie, None, "{path}");
        }

        assert_eq!(place.names(), [""; 0]);
    })
    .await;
}

/// A body without the number of the worker that drew it, by which equal graphs differ.
fn content(answer: &Answer) -> String {
    let text = answer.text();
    let drawn_by = ["data-drawn-by=\"", "drawn by worker "];
    drawn_by.iter().fold(text.to_owned(), |text, start| match text.split_once(start) {
        Some((before, after)) => {
            before.to_owned() + after.trim_start_matches(|it: char| it.is_ascii_digit())
        }
        None => text,
    })
}

#[tokio::test]
async fn a_thousand_requests_of_two_visitors_at_once_never_mix() {
    in_each_store(async |place| {
        let app = App::at(&place, &[("WEB_CONCURRENCY", "6")]);
        let mut own: Vec<(Guest, Vec<(String, String)>)> = Vec::new();
        for code in ["ATL", "ORD"] {
            let mut guest = Guest::default();
            let mut paths = guest.draw(&app, code, 400).await.asks();
            // From here on it is a hit, and says so each time.
            paths
                .extend(["/session/signal", "/session/flights.csv", "/session"].map(str::to_owned));
            paths.extend(GRAPHS.map(|graph| format!("/session/graphs/{graph}.csv")));
            let mut answers = Vec::new();
            for path in paths {
                let answer = guest.get(&app, &path).await;
                assert_eq!(answer.status, 200, "{path}");
                answers.push((path, content(&answer)));
            }
            own.push((guest, answers));
        }
        for ((path, one), (_, other)) in own[0].1.iter().zip(&own[1].1) {
            assert_ne!(one, other, "{path} tells the two apart");
        }

        let asks = (0..1000_usize).map(async |at| {
            let (guest, answers) = &own[at % 2];
            let (path, own_content) = &answers[at / 2 % answers.len()];
            let answer = guest.clone().get(&app, path).await;
            assert!(content(&answer) == *own_content, "{path}: {}", answer.text());
        });
        let done = futures_util::stream::iter(asks).buffer_unordered(24);
        done.collect::<Vec<()>>().await;

        for (one, other) in [(0, 1), (1, 0)] {
            for (path, _) in own[other].1.iter().filter(|(path, _)| path.contains("at=")) {
                let status = own[one].0.clone().get(&app, path).await.status;
                assert_eq!(status, 410, "{path} is the other visitor's");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn nothing_of_a_session_is_in_a_log_or_an_address() {
    in_each_store(async |place| {
        let app = App::at(
            &place,
            &[("SESSION_KEY", KEY), ("RUST_LOG", "trace"), ("SIMULATED_COST", "300ms")],
        );
        let mut guest = Guest::default();
        let mut addresses = Vec::new();
        let signal = guest.draw(&app, "ATL", 10).await;
        let names = place.names();
        addresses.extend(signal.asks());
        for path in
            signal.asks().iter().map(String::as_str).chain(["/session", "/session/flights.csv"])
        {
            let answer = guest.get(&app, path).await;
            assert!(!answer.text().contains(id_of(&guest)), "{path}");
            if path != "/session/flights.csv" {
                addresses.extend(answer.asks());
            }
        }
        let id = id_of(&guest).to_owned();
        guest.forget(&app).await;

        let name = names.iter().find_map(|name| name.split('~').nth(1)).unwrap();
        let secrets = [id.as_str(), &name[..32], KEY];
        assert_eq!(secrets.map(str::len), [32, 32, 64]);
        assert!(addresses.len() > 5);
        for text in app.lines().iter().map(ToString::to_string).chain(addresses) {
            assert!(secrets.iter().all(|secret| !text.contains(secret)), "{text}");
        }
        assert_eq!(app.logged("computed")[0]["key"], "quadrant:sample:~:frames-1");
    })
    .await;
}

/// The random number in a visitor's cookie.
fn id_of(guest: &Guest) -> &str {
    guest.cookie.as_ref().unwrap().split_once('=').unwrap().1.split('.').next().unwrap()
}
