//! Refreshing and cancelling over several workers: no other caller loses an answer by it.

use std::time::Duration;

use futures_util::future::join_all;

use crate::helpers::app::App;
use crate::helpers::place::in_each_store;
use crate::helpers::waiting::until_true;

const REFRESH: &str = "/signal/refresh?origin=ATL&metric=mean";
const CANCEL: &str = "/signal/cancel?origin=ATL&metric=mean";

#[tokio::test]
async fn twenty_refreshes_over_three_workers_compute_once() {
    in_each_store(async |place| {
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
    })
    .await;
}

#[tokio::test]
async fn a_cancel_changes_nothing_for_callers_that_still_wait() {
    in_each_store(async |place| {
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
    })
    .await;
}

#[tokio::test]
async fn a_computation_that_all_callers_have_cancelled_ends_and_frees_its_lease() {
    in_each_store(async |place| {
        let app = App::at(&place, &[("WEB_CONCURRENCY", "2"), ("SIMULATED_COST", "10m")]);
        assert_eq!(app.get("/signal?origin=ATL").await.status, 202);
        app.send("POST", CANCEL, &[]).await;

        until_true("the end of the lease", || !place.is_leased()).await;

        assert_eq!((app.computations(), place.entries()), (0, 0));
    })
    .await;
}
