//! `/`: the page, whose address is its state.

use crate::helpers::app::App;

#[tokio::test]
async fn the_page_lists_all_airports_and_marks_the_choice() {
    let app = App::spawn(&[]);

    let page = app.get_with("/?origin=ATL&metric=p90", &[]).await;

    let text = page.text();
    assert_eq!((page.status, text.matches("<option").count()), (200, 230));
    assert!(
        text.contains("<option value=\"ATL\" selected>ATL · Atlanta, GA · William B Hartsfield")
    );
    assert_eq!(text.matches(" selected>").count(), 1);
    let checked = text.split("<input").find(|input| input.contains(" checked>")).unwrap();
    assert!(checked.contains("value=\"p90\""), "{checked}");
    assert!(text.contains("data-hx-get=\"/signal?origin=ATL&#38;metric=p90\""));
}

#[tokio::test]
async fn the_bare_page_shows_all_airports_and_the_mean() {
    let app = App::spawn(&[]);

    let page = app.get_with("/", &[]).await;

    assert!(page.text().contains("<option value=\"ALL\" selected>All airports"));
    assert!(page.text().contains("3,000,000 flights"));
    assert_eq!(app.computations(), 0, "the page itself computes nothing");
}

#[tokio::test]
async fn a_page_of_an_unknown_airport_says_so_and_stays_usable() {
    let app = App::spawn(&[]);

    let page = app.get_with("/?origin=XXX", &[]).await;

    assert_eq!(page.status, 422);
    assert!(page.text().contains("role=\"alert\""));
    assert!(page.text().contains("“XXX”"));
    assert_eq!(page.text().matches("<option").count(), 230);
    assert!(!page.text().contains("/signal?"), "nothing is asked for");
}

#[tokio::test]
async fn a_page_is_asked_about_each_time_and_not_sent_twice() {
    let app = App::spawn(&[]);
    let first = app.get_with("/", &[]).await;

    let again = app.get_with("/", &[("If-None-Match", first.header("etag"))]).await;

    assert_eq!(first.header("cache-control"), "no-cache");
    assert_eq!(again.status, 304);
}

#[tokio::test]
async fn an_unknown_path_is_a_page_for_people_and_a_fragment_for_htmx() {
    let app = App::spawn(&[]);

    let page = app.get_with("/nothing", &[]).await;
    let fragment = app.get("/nothing").await;

    assert!(page.status == 404 && page.text().starts_with("<!doctype html>"));
    assert!(
        fragment.status == 404
            && fragment.text().starts_with("<div class=\"error\" role=\"alert\"")
    );
}

#[tokio::test]
async fn every_page_has_one_heading_and_a_header_that_marks_it() {
    let app = App::spawn(&[]);

    for (path, marks) in [
        ("/", Some(("page", "Dashboard"))),
        ("/session", Some(("page", "My sample"))),
        ("/patterns", Some(("page", "Patterns"))),
        ("/patterns/browser", Some(("true", "Patterns"))),
        ("/patterns/aggregates", Some(("true", "Patterns"))),
        ("/patterns/background", Some(("true", "Patterns"))),
        ("/nothing", None),
    ] {
        let page = app.get_with(path, &[]).await;

        let text = page.text();
        for once in [
            "<h1",
            "<main id=\"content\"",
            " href=\"#content\"",
            " id=\"about\"",
            " href=\"#about\"",
        ] {
            assert_eq!(text.matches(once).count(), 1, "{once} in {path}");
        }
        let marked: Vec<_> = text.split(" aria-current=\"").skip(1).collect();
        let marked = marked.iter().map(|rest| rest.split_once("\">").unwrap());
        let marked: Vec<_> =
            marked.map(|(how, rest)| (how, rest.split('<').next().unwrap())).collect();
        assert_eq!(marked, marks.into_iter().collect::<Vec<_>>(), "{path}");
    }
}

#[tokio::test]
async fn every_response_has_the_strict_policy() {
    let app = App::spawn(&[]);
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: \
        blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; \
        frame-ancestors 'none'";

    for path in [
        "/",
        "/signal",
        "/graphs/daily",
        "/graphs/daily.csv",
        "/nothing",
        "/livez",
        "/readyz",
        "/signal?origin=XXX",
        "/?origin=XXX",
        "/static/nothing",
    ] {
        let answer = app.get(path).await;
        assert_eq!(answer.header("content-security-policy"), policy, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
}

#[tokio::test]
async fn no_page_has_an_inline_script_or_style() {
    let app = App::spawn(&[]);

    for path in ["/", "/signal", "/graphs/daily", "/graphs/rhythm", "/nothing", "/?origin=XXX"] {
        let text = app.get_with(path, &[]).await.text().to_owned();
        assert!(!text.contains(" style=") && !text.contains("<style"), "{path}");
        assert!(!text.contains(" onclick=") && !text.contains("javascript:"), "{path}");
        for script in text.split("<script").skip(1) {
            let start = script.split('>').next().unwrap();
            assert!(
                start.contains(" src=") || start.contains("type=\"application/json\""),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn health_is_told() {
    let app = App::spawn(&[]);

    assert_eq!(app.get("/livez").await.status, 200);
    assert_eq!(app.get("/readyz").await.status, 200);
}
