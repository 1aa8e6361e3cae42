//! The security policy in the headers of every answer, and pages that keep to it.

use crate::helpers::app::App;

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
