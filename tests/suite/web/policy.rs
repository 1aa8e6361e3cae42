//! The security policy in the headers of every answer, and pages that keep to it.

use crate::helpers::app::App;

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
