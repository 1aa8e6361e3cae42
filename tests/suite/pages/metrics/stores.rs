//! What is counted of the stores.

use oneflight::Key;

use crate::helpers::answer::Answer;
use crate::helpers::app::App;
use crate::helpers::exposition::Exposition;
use crate::helpers::place::in_each_store;
use crate::helpers::redis::Redis;

/// What a page does: a signal and its four graphs.
async fn load(app: &App, query: &str) -> Answer {
    let signal = app.signal(query).await;
    for ask in signal.asks() {
        assert_eq!(app.get(&ask).await.status, 200, "{ask}");
    }
    signal
}

#[tokio::test]
async fn a_cold_load_is_stored_once_and_a_warm_one_is_all_hits() {
    in_each_store(async |place| {
        let app = App::at(&place, &[]);

        load(&app, "origin=ATL").await;
        let cold = Exposition::of(&app).await;
        load(&app, "origin=ATL").await;
        let warm = Exposition::of(&app).await;

        assert_eq!((cold.outcome("stored"), cold.outcome("hit")), (1.0, 4.0));
        assert_eq!((warm.outcome("stored"), warm.outcome("hit")), (1.0, 9.0));
        for outcome in ["collapsed", "computed", "corrupt", "evicted"] {
            assert_eq!(warm.outcome(outcome), 0.0, "{outcome}");
        }
        assert_eq!(warm.value("quadrant_store_errors_total", &[("store", "disk")]), 0.0);
    })
    .await;
}

#[tokio::test]
async fn a_damaged_entry_is_counted_as_corrupt() {
    in_each_store(async |place| {
        let app = App::at(&place, &[]);
        let signal = app.signal("origin=ATL").await;

        place.damage(&Key::new("selection").arg(signal.attribute("data-v")).arg("ATL"));
        app.signal("origin=ATL").await;
        let told = Exposition::of(&app).await;

        assert_eq!((told.outcome("corrupt"), told.outcome("stored")), (1.0, 2.0));
        assert_eq!(told.outcome("hit"), 0.0);
    })
    .await;
}

#[tokio::test]
async fn a_redis_that_dies_has_errors_and_its_connections_are_counted() {
    let mut redis = Redis::spawn();
    let app = App::spawn(&[("REDIS_URL", &redis.url())]);
    app.signal("origin=ATL").await;
    let alive = Exposition::of(&app).await;

    redis.stop();
    assert_eq!(app.signal("origin=ABE").await.status, 200);
    let dead = Exposition::of(&app).await;

    let connections =
        |told: &Exposition, state| told.value("quadrant_redis_connections", &[("state", state)]);
    assert_eq!((connections(&alive, "max"), connections(&alive, "in_use")), (8.0, 0.0));
    assert!((1.0..=8.0).contains(&connections(&alive, "idle")));
    let errors =
        |told: &Exposition, store| told.value("quadrant_store_errors_total", &[("store", store)]);
    assert_eq!((errors(&alive, "redis"), errors(&alive, "disk")), (0.0, 0.0));
    assert!(errors(&dead, "redis") >= 1.0);
    assert_eq!(errors(&dead, "disk"), 0.0, "the disk stands in");
}
