//! The methods of each path, and one slash too many.

use crate::helpers::app::App;

#[tokio::test]
async fn a_wrong_method_is_refused_and_the_right_ones_are_named() {
    let app = App::spawn(&[]);

    for path in ["/", "/signal", "/graphs/daily", "/graphs/daily.csv", "/livez", "/static/x.js"] {
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            let answer = app.send(method, path, &[]).await;
            assert_eq!(
                (answer.status, answer.header("allow")),
                (405, "GET, HEAD"),
                "{method} {path}"
            );
        }
        let head = app.send("HEAD", path, &[]).await;
        assert!(head.bytes.is_empty() && head.status != 405, "{path}");
    }
    assert!(app.computations() <= 1);
}

#[tokio::test]
async fn one_slash_too_many_redirects_to_the_path_without_it() {
    for base in ["", "/flights"] {
        let app = App::spawn(&[("BASE_PATH", base)]);

        for (path, right) in [
            ("/signal/", "/signal"),
            ("/session/?metric=p90", "/session?metric=p90"),
            ("/patterns/background/", "/patterns/background"),
            ("/graphs/daily/?origin=ATL&v=%2F", "/graphs/daily?origin=ATL&v=%2F"),
        ] {
            let answer = app.get_unfollowed(&format!("{base}{path}")).await;
            assert_eq!(
                (answer.status, answer.header("location")),
                (308, format!("{base}{right}").as_str())
            );
            assert_eq!(answer.header("cache-control"), "no-store");
        }
        for path in ["/nothing/", "/signal//", "//signal/", "//example.org/", "/static/"] {
            let answer = app.get_unfollowed(&format!("{base}{path}")).await;
            assert_eq!((answer.status, answer.header("location")), (404, ""), "{base}{path}");
        }
    }
}
