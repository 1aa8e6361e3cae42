//! The cookie that tells visitors apart: made by the server alone, read by nothing else, sent by no
//! other site.

use super::{KEY, THREE, drawn_at, from_each_worker, has_sample};
use crate::helpers::answer::Answer;
use crate::helpers::app::App;
use crate::helpers::guest::Guest;
use crate::helpers::place::Place;
use crate::helpers::{GRAPHS, client, eventually};

#[tokio::test]
async fn a_cookie_that_is_not_ours_is_treated_as_absent() {
    let place = Place::disk();
    let app = App::at(&place, &[("SESSION_KEY", KEY)]);
    let mut guest = Guest::default();
    guest.draw(&app, "ATL", 100).await;
    let cookie = guest.cookie.clone().unwrap();
    let (name, value) = cookie.split_once('=').unwrap();
    let (id, signature) = value.split_once('.').unwrap();
    let other_key = KEY.replace('0', "f");
    let other = App::at(&place, &[("SESSION_KEY", &other_key)]);
    let mut stranger = Guest::default();
    stranger.draw(&other, "ATL", 100).await;

    let planted = "0".repeat(32);
    for forged in [
        format!("{name}={planted}.{signature}"),
        format!("{name}={id}.{}", "0".repeat(64)),
        format!("{name}={id}"),
        format!("{name}={id}."),
        format!("{name}={}", &value[1..]),
        format!("{name}={}", value.to_uppercase()),
        format!("{cookie}; {cookie}"),
        format!("{cookie}; {name}={planted}"),
        format!("__Host-{cookie}"),
        stranger.cookie.clone().unwrap(),
        format!("{name}={}", "x".repeat(3000)),
        format!("{name}="),
    ] {
        let answer = Guest::with(&forged).signal(&app).await;
        assert!(!has_sample(&answer) && answer.text().contains("no sample yet"), "{forged}");
        assert_eq!(Guest::with(&forged).get(&app, "/session/flights.csv").await.status, 404);
    }
    assert!(has_sample(&Guest::with(&format!("theme=dark; {cookie}")).signal(&app).await));
    assert!(
        !has_sample(&guest.signal(&other).await),
        "a program with another key does not know it"
    );
}

#[tokio::test]
async fn a_planted_session_is_never_adopted() {
    let app = App::spawn(&[THREE, ("SESSION_KEY", KEY)]);
    let mut attacker = Guest::default();
    let bait = attacker.draw(&app, "YAK", 10).await;
    let mut forgotten = attacker.clone();
    let mut live = Guest::default();
    live.draw(&app, "YAK", 10).await;
    attacker.forget(&app).await;

    for planted in [&live, &forgotten] {
        let mut victim = planted.clone();
        let drawn = victim.draw(&app, "ATL", 1000).await;

        assert_ne!(victim.cookie, planted.cookie, "the victim has another session");
        assert_ne!(drawn_at(&drawn), drawn_at(&bait));
        let seen = planted.clone().signal(&app).await;
        assert!(!seen.text().contains("Atlanta"), "{}", seen.text());
        assert!(!has_sample(&seen));
    }
    assert!(!has_sample(&forgotten.signal(&app).await));
}

#[tokio::test]
async fn pages_of_other_sites_can_neither_draw_nor_forget() {
    let app = App::spawn(&[]);
    let mut guest = Guest::default();
    let first = guest.draw(&app, "ATL", 100).await;
    let cookie = guest.cookie.clone();

    for header in [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
    ] {
        for path in ["/session?origin=ATL&size=10", "/session/forget"] {
            let refused = guest.send(&app, "POST", path, &[header]).await;
            assert_eq!((refused.status, refused.headers.get("set-cookie")), (403, None), "{path}");
            assert_eq!(refused.header("cache-control"), "private, no-store");
        }
    }

    assert_eq!(guest.cookie, cookie);
    assert_eq!(drawn_at(&guest.signal(&app).await), drawn_at(&first));
    let own = ("Origin", app.url.as_str());
    let allowed = guest.send(&app, "POST", "/session?origin=ATL&size=10", &[own]).await;
    assert_eq!(allowed.status, 202);
}

#[tokio::test]
async fn a_form_without_scripts_works_too() {
    let app = App::spawn(&[]);
    let client = client();
    let client = client.redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let post = async |path: &str, body: &'static str, cookie: String| {
        let request = client.post(format!("{}{path}", app.url)).header("Cookie", cookie);
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        Answer::read(request.body(body).send().await.unwrap()).await
    };

    let drawn = post("/session", "origin=ATL&size=50&metric=p90", String::new()).await;

    assert_eq!((drawn.status, drawn.header("location")), (303, "/session?metric=p90"));
    let cookie = drawn.header("set-cookie").split(';').next().unwrap().to_owned();
    let mut guest = Guest::with(&cookie);
    let page = guest.get(&app, "/session").await;
    assert!(page.text().contains("50 of 124,711 flights"), "{}", page.text());
    let forgotten = post("/session/forget", "", cookie).await;
    assert_eq!((forgotten.status, forgotten.header("location")), (303, "/session?metric=mean"));
    assert!(!has_sample(&guest.signal(&app).await));
}

#[tokio::test]
async fn cookies_have_their_attributes_with_and_without_tls() {
    let app = App::spawn(&[("TRUSTED_PROXIES", "127.0.0.1")]);
    let mut open = Guest::default();
    let mut secure = Guest { is_secure: true, ..Guest::default() };

    let set = open.order(&app, "YAK", "1").await.header("set-cookie").to_owned();
    let (pair, attributes) = set.split_once("; ").unwrap();
    assert_eq!(attributes, "HttpOnly; SameSite=Lax; Path=/");
    assert!(pair.starts_with("quadrant-session="), "{pair}");
    let (id, signature) = pair.split_once('=').unwrap().1.split_once('.').unwrap();
    assert_eq!((id.len(), signature.len()), (32, 64), "128 random bits, and their signature");

    let set = secure.order(&app, "YAK", "1").await.header("set-cookie").to_owned();
    let (pair, attributes) = set.split_once("; ").unwrap();
    assert_eq!(attributes, "HttpOnly; SameSite=Lax; Secure; Path=/");
    assert!(pair.starts_with("__Host-quadrant-session="), "{pair}");
    assert!(has_sample(&secure.signal(&app).await));

    // Over https, a cookie without the guarded name may have been planted.
    let mut planted = Guest { cookie: open.cookie.clone(), is_secure: true };
    assert!(has_sample(&open.signal(&app).await));
    assert!(!has_sample(&planted.signal(&app).await));

    for guest in [&mut open, &mut secure] {
        let removed = guest.forget(&app).await.header("set-cookie").to_owned();
        let same = if guest.is_secure { "Secure; Path=/" } else { "SameSite=Lax; Path=/" };
        assert!(removed.contains(same) && removed.contains("Max-Age=0"), "{removed}");
    }
}

#[tokio::test]
async fn without_a_key_sessions_live_as_long_as_the_program_and_it_says_so() {
    let place = Place::disk();
    let (app, mut guest) = (App::at(&place, &[THREE]), Guest::default());
    guest.draw(&app, "ATL", 10).await;

    for answer in from_each_worker(&mut guest, &app, "/session/signal", 3).await {
        assert!(has_sample(&answer), "all workers share the key that was made");
    }
    let warnings = app.logged("SESSION_KEY is not set");
    assert_eq!((warnings.len(), warnings[0]["level"].as_str()), (1, Some("WARN")));
    let old = app.process(1);
    app.kill_worker(1, "KILL");
    eventually("a successor", || app.process(1) != old);
    for answer in from_each_worker(&mut guest, &app, "/session/signal", 3).await {
        assert!(has_sample(&answer), "and so does a worker that replaces another");
    }
    drop(app);

    assert!(!has_sample(&guest.signal(&App::at(&place, &[])).await));
    let with_key = App::spawn(&[("SESSION_KEY", KEY)]);
    assert_eq!(with_key.logged("SESSION_KEY").len(), 0);
}

#[tokio::test]
async fn every_answer_of_a_session_is_private_and_in_no_cache() {
    let (app, mut guest) = (App::spawn(&[]), Guest::default());
    let ordered = guest.order(&app, "ATL", "10").await;
    let signal = guest.signal(&app).await;
    let mut paths = signal.asks();
    let numbers = GRAPHS.map(|graph| {
        [format!("/session/graphs/{graph}.csv"), format!("/session/graphs/{graph}/table")]
    });
    paths.extend(numbers.into_iter().flatten());
    let others = [
        "/session",
        "/session?metric=no",
        "/session/signal",
        "/session/flights.csv",
        "/session/graphs/pie",
        "/session/signal?at=x",
    ];
    paths.extend(others.map(str::to_owned));

    let mut answers = vec![ordered, signal];
    for path in &paths {
        answers.push(guest.get(&app, path).await);
        answers.push(Guest::default().get(&app, path).await);
    }
    answers.push(guest.order(&app, "ATL", "0").await);
    answers.push(guest.forget(&app).await);

    for answer in answers {
        assert_eq!(answer.header("cache-control"), "private, no-store", "{}", answer.text());
    }
}
