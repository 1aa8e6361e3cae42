//! `/signal/refresh` and `/signal/cancel`: only our own pages may ask, and asking twice does no more
//! than asking once.

use std::time::Duration;

use crate::helpers::answer::Answer;
use crate::helpers::app::App;
use crate::helpers::waiting::{Computing, until_computed};

const REFRESH: &str = "/signal/refresh?origin=ATL&metric=mean";
const CANCEL: &str = "/signal/cancel?origin=ATL&metric=mean";

#[tokio::test]
async fn until_the_new_answer_is_there_all_callers_get_the_old_one() {
    let app = App::spawn(&[("SIMULATED_COST", "2s")]);
    let old = app.signal("origin=ATL").await.attribute("data-computed-at").to_owned();
    tokio::time::sleep(Duration::from_millis(1050)).await;

    let pressed = app.send("POST", REFRESH, &[]).await;
    let other = app.get("/signal?origin=ATL").await;

    assert_eq!((other.status, other.outcome()), (200, "hit"));
    assert_eq!(other.attribute("data-computed-at"), old);
    let assert_old = |shown: &Answer| {
        assert_eq!((shown.status, shown.attribute("data-computed-at")), (202, old.as_str()));
        assert!(shown.text().contains("updating"), "{}", shown.text());
        assert_eq!(shown.asks().len(), 1, "the graphs stay: {}", shown.text());
    };
    assert_old(&pressed);
    let mut ask = pressed.asks().remove(0);
    let new = until_computed(async || {
        let shown = app.get(&ask).await;
        if shown.is_computing() {
            assert_old(&shown);
            ask = shown.asks().remove(0);
        }
        shown
    });
    let new = new.await;
    assert_ne!(new.attribute("data-computed-at"), old);
    assert_eq!((new.asks().len(), app.computations()), (4, 2));
}

#[tokio::test]
async fn refreshing_the_same_answer_several_times_computes_once() {
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
async fn wrong_words_are_refused_as_in_all_questions() {
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
