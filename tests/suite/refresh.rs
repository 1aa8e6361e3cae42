//! `/signal/refresh` and `/signal/cancel`: what changes something is asked for by our own pages,
//! twice does no more than once, and nobody loses an answer by it.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::helpers::app::App;
use crate::helpers::eventually;
use crate::helpers::place::Place;

const REFRESH: &str = "/signal/refresh?origin=ATL&metric=mean";
const CANCEL: &str = "/signal/cancel?origin=ATL&metric=mean";

#[tokio::test]
async fn twenty_refreshes_over_three_workers_compute_once() {
    for place in Place::both() {
        let app = App::at(&place, &[("WEB_CONCURRENCY", "3"), ("SIMULATED_COST", "700ms")]);
        let old = app.signal("origin=ATL").await.attribute("data-computed-at").to_owned();
        tokio::time::sleep(Duration::from_millis(1050)).await;

        let close = [("Connection", "close")];
        let pressed = (0..20).map(|_| app.send("POST", REFRESH, &close));
        let answers = join_all(pressed).await;

        assert_eq!(app.computations(), 2);
        for answer in answers {
            assert!(matches!(answer.status, 200 | 202), "{}", answer.text());
            if answer.status == 200 {
                assert_ne!(answer.attribute("data-computed-at"), old);
                assert_eq!(answer.asks().len(), 4, "{}", answer.text());
            }
        }
        assert_ne!(app.signal("origin=ATL").await.attribute("data-computed-at"), old);
    }
}

#[tokio::test]
async fn until_the_new_answer_is_there_everybody_has_the_old_one() {
    let app = App::spawn(&[("SIMULATED_COST", "2s")]);
    let old = app.signal("origin=ATL").await.attribute("data-computed-at").to_owned();
    tokio::time::sleep(Duration::from_millis(1050)).await;

    let mut shown = app.send("POST", REFRESH, &[]).await;
    let asked = Instant::now();
    let other = app.get("/signal?origin=ATL").await;
    let waited = asked.elapsed();

    assert_eq!((other.status, other.outcome()), (200, "hit"));
    assert!(waited < Duration::from_millis(300), "{waited:?}");
    assert_eq!(other.attribute("data-computed-at"), old);
    assert_eq!(shown.status, 202);
    while shown.status == 202 {
        assert_eq!(shown.attribute("data-computed-at"), old);
        assert!(shown.text().contains("updating"), "{}", shown.text());
        assert_eq!(shown.asks().len(), 1, "the graphs stay: {}", shown.text());
        shown = app.get(&shown.asks()[0]).await;
    }
    assert_ne!(shown.attribute("data-computed-at"), old);
    assert_eq!((shown.asks().len(), app.computations()), (4, 2));
}

#[tokio::test]
async fn who_says_which_answer_he_has_seen_gets_one_new_one_however_often_he_asks() {
    let app = App::spawn(&[]);
    let old = app.signal("origin=ATL").await;
    let at = old.asks()[0].rsplit("at=").next().unwrap().to_owned();
    let refresh = format!("{REFRESH}&at={at}");

    let first = app.send("POST", &refresh, &[]).await;
    let second = app.send("POST", &refresh, &[]).await;
    let by_form = app.post_form("/signal/refresh", &format!("origin=ATL&at={at}")).await;

    assert_eq!(app.computations(), 2);
    assert_ne!(first.attribute("data-computed-at"), old.attribute("data-computed-at"));
    for again in [second, by_form] {
        assert_eq!(again.attribute("data-computed-at"), first.attribute("data-computed-at"));
    }
}

#[tokio::test]
async fn a_cancel_changes_nothing_for_those_who_wait_on() {
    for place in Place::both() {
        let app = App::at(&place, &[("WEB_CONCURRENCY", "3"), ("SIMULATED_COST", "5s")]);
        let waiting = app.signal("origin=ATL");
        let cancelling = async {
            assert_eq!(app.get("/signal?origin=ATL").await.status, 202);
            for _ in 0..3 {
                let answer = app.send("POST", CANCEL, &[]).await;
                assert_eq!((answer.status, answer.asks().len()), (200, 1), "{}", answer.text());
            }
        };

        let (answer, ()) = tokio::join!(waiting, cancelling);

        assert_eq!((answer.status, app.computations()), (200, 1));
    }
}

#[tokio::test]
async fn what_everybody_has_cancelled_ends_and_frees_its_lease() {
    for place in Place::both() {
        let app = App::at(&place, &[("WEB_CONCURRENCY", "2"), ("SIMULATED_COST", "60s")]);
        assert_eq!(app.get("/signal?origin=ATL").await.status, 202);
        app.send("POST", CANCEL, &[]).await;
        let cancelled = Instant::now();

        eventually("the end of the lease", || !place.is_leased());

        assert!(cancelled.elapsed() < Duration::from_millis(3600), "{:?}", cancelled.elapsed());
        assert_eq!((app.computations(), place.entries()), (0, 0));
    }
}

#[tokio::test]
async fn another_site_may_neither_refresh_nor_cancel() {
    let app = App::spawn(&[]);
    app.signal("origin=ATL").await;
    let own = format!("http://{}", app.address());

    for path in [REFRESH, CANCEL] {
        for (headers, status) in [
            (&[("Sec-Fetch-Site", "cross-site")][..], 403),
            (&[("Sec-Fetch-Site", "same-site")], 403),
            (&[("Origin", "https://example.org")], 403),
            (&[("Origin", "null")], 403),
            (&[("Sec-Fetch-Site", "cross-site"), ("Origin", &own)], 403),
            (&[("Sec-Fetch-Site", "same-origin")], 200),
            (&[("Origin", &own)], 200),
            (&[], 200),
        ] {
            let answer = app.send("POST", path, headers).await;
            assert_eq!(answer.status, status, "{path} {headers:?}");
        }
        let read = app.get(path).await;
        assert_eq!((read.status, read.header("allow")), (405, "POST"));
    }
    let polled = app.get_with("/signal?origin=ATL&after=1", &[("Sec-Fetch-Site", "cross-site")]);
    assert_eq!(polled.await.status, 403);
}

#[tokio::test]
async fn wrong_words_are_refused_as_everywhere() {
    let app = App::spawn(&[]);

    for path in ["/signal/refresh", "/signal/cancel"] {
        for (query, status) in [
            ("origin=XXX", 422),
            ("metric=best", 422),
            ("origin=ATL&origin=ABE", 400),
            ("at=yesterday", 400),
            ("at=-1", 400),
        ] {
            let answer = app.send("POST", &format!("{path}?{query}"), &[]).await;
            assert_eq!(answer.status, status, "{path}?{query}");
        }
    }
    for query in ["after=soon", "seen=99999"] {
        assert_eq!(app.get(&format!("/signal?origin=ATL&{query}")).await.status, 400);
    }
    assert_eq!(app.computations(), 0);
}
