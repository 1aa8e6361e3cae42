//! The same with the answers on disk and in Redis.

use super::*;
use crate::helpers::place::in_each_store;

#[tokio::test]
async fn however_a_question_is_spelled_the_answer_and_its_headers_are_the_same() {
    in_each_store(async |place| {
        let app = App::at(&place, &[]);
        for spellings in addresses(&app).await {
            for encoding in ["br", "gzip", "identity", "gzip, deflate, br, zstd", "zstd"] {
                let headers_sent = [("Accept-Encoding", encoding)];
                app.get_with(&spellings[0], &headers_sent).await;

                let ours = app.get_with(&spellings[0], &headers_sent).await;
                let other = app.get_with(&spellings[1], &headers_sent).await;

                assert_eq!((ours.status, ours.outcome()), (200, "hit"));
                assert_eq!(headers(&ours), headers(&other), "{spellings:?} {encoding}");
                assert!(ours.bytes == other.bytes, "{spellings:?} {encoding}");
                let length = ours.bytes.len().to_string();
                assert_eq!(ours.header("content-length"), length);
                for name in OWN {
                    assert_ne!(ours.header(name), "", "{name}");
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_page_of_an_answer_that_is_there_has_the_signal_inside_until_there_is_a_newer_one() {
    in_each_store(async |place| {
        let app = App::at(&place, &[("WEB_CONCURRENCY", "2")]);
        let page = "/?origin=ATL&metric=mean";
        let cold = app.get_with(page, &[]).await;
        assert!(cold.text().contains("data-hx-get=\"/signal?origin=ATL"), "{}", cold.text());
        let first = app.signal("origin=ATL&metric=mean").await;
        let inside = async |at: &str| {
            let page = app.get_with(page, &[]).await;
            let has_it = page.text().contains(&format!("data-computed-at=\"{at}\""));
            has_it.then_some(page)
        };

        let warm = until("the signal", async || inside(first.attribute("data-computed-at")).await);
        let warm = warm.await;

        assert_eq!((warm.status, warm.outcome()), (200, "hit"));
        assert_eq!(warm.header("cache-control"), "no-cache");
        assert_eq!(warm.text().matches("rel=\"preload\"").count(), 4);
        let etag = [("If-None-Match", warm.header("etag"))];
        assert_eq!(app.get_with(page, &etag).await.status, 304);

        let newer = app.recomputed("origin=ATL&metric=mean", &first).await;
        let newer = newer.attribute("data-computed-at").to_owned();
        assert_ne!(newer, first.attribute("data-computed-at"));
        until("the newer signal", async || inside(&newer).await).await;
    })
    .await;
}
