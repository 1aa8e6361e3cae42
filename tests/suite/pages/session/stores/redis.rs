//! Samples while Redis is away, or full.

use std::time::Duration;

use tokio::time::sleep;

use super::super::{THREE, drawn_at, from_each_worker, has_sample};
use crate::helpers::app::App;
use crate::helpers::guest::Guest;
use crate::helpers::redis::Redis;
use crate::helpers::waiting::until;

#[tokio::test]
async fn while_redis_is_away_samples_are_kept_here_and_deleting_one_is_refused() {
    let mut redis = Redis::spawn();
    let app = App::spawn(&[("REDIS_URL", &redis.url()), ("SESSION_MAX", "2")]);
    let mut guests = [(); 4].map(|()| Guest::default());
    guests[0].draw(&app, "ATL", 100).await;
    redis.stop();

    for guest in &mut guests[1..] {
        let drawn = guest.draw(&app, "ATL", 100).await;
        assert!(has_sample(&drawn) && drawn.has_notice());
        sleep(Duration::from_millis(5)).await;
    }
    let cleared = guests[1].signal(&app).await;
    assert!(cleared.text().contains("cleared to make room"), "the bound holds: {}", cleared.text());
    let kept = guests[3].signal(&app).await;
    for at in [0, 3] {
        let cookie = guests[at].cookie.clone();
        let refused = guests[at].forget(&app).await;
        assert_eq!((refused.status, guests[at].cookie.clone()), (503, cookie));
        assert!(refused.text().contains("cannot be deleted at the moment"), "{}", refused.text());
        assert!(refused.text().contains("Try again"), "{}", refused.text());
    }
    assert_eq!(drawn_at(&guests[3].signal(&app).await), drawn_at(&kept), "nothing has changed");

    redis.start();
    until("Redis to be asked again", async || {
        (guests[3].forget(&app).await.status == 200).then_some(())
    })
    .await;
    assert!(has_sample(&guests[2].signal(&app).await), "it is still on the disk of this host");
    assert!(has_sample(&guests[0].draw(&app, "ATL", 100).await), "Redis has begun anew, and empty");
}

#[tokio::test]
async fn while_redis_is_full_samples_are_kept_here_and_former_ones_are_replaced() {
    let redis = Redis::spawn();
    let app = App::spawn(&[THREE, ("REDIS_URL", &redis.url())]);
    let mut guest = Guest::default();
    guest.draw(&app, "ATL", 100).await;
    redis.ask::<()>(&["CONFIG", "SET", "maxmemory", "1"]);

    let drawn = guest.draw(&app, "ORD", 100).await;

    assert!(drawn.text().contains("Chicago"), "{}", drawn.text());
    for again in from_each_worker(&mut guest, &app, "/session/signal", 3).await {
        assert_eq!(drawn_at(&again), drawn_at(&drawn));
    }
    assert_eq!(app.computations(), 2);
}
