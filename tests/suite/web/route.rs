//! The methods of each path.

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
