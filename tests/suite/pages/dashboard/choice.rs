//! What is wrong with a request is said, and costs nothing: no computation, no key.

use crate::helpers::app::App;
use crate::helpers::place::Place;

/// A path and the status that it must have.
fn wrong() -> Vec<(String, u16)> {
    let long = "A".repeat(10_000);
    let mut wrong = vec![("/graphs/none".to_owned(), 404), ("/graphs/none.csv".to_owned(), 404)];
    for path in ["/signal", "/graphs/daily", "/graphs/rhythm.csv", "/graphs/rhythm/table", "/"] {
        for (query, status) in [
            ("origin=XXX", 422),
            ("origin=", 422),
            ("origin", 422),
            ("origin=atl", 422),
            ("origin=All", 422),
            ("origin=ATL%00", 422),
            ("origin=%00", 422),
            ("origin=../../etc/passwd", 422),
            ("origin=<script>alert(1)</script>", 422),
            ("origin=ATL%20", 422),
            ("or%69gin=XXX", 422),
            ("origin=ATL&or%69gin=ATL", 400),
            ("origin=ATL&metric=MEAN", 422),
            ("metric=p99", 422),
            ("metric=", 422),
            ("origin=%ff", 400),
            ("metric=%c3%28", 400),
            ("origin=ATL&origin=ATL", 400),
            ("metric=mean&origin=ATL&metric=p90", 400),
            ("v=", 400),
            ("v=xyz", 400),
            ("v=0123456789abcdefg", 400),
            ("at=soon", 400),
            (&format!("origin={long}"), 422),
            (&format!("metric={long}"), 422),
        ] {
            wrong.push((format!("{path}?{query}"), status));
        }
    }
    wrong
}

/// Asks all that is wrong of a program that keeps its answers here.
pub(super) async fn assert_wrong_input_costs_nothing(place: Place) {
    let app = App::at(&place, &[]);

    for (path, status) in wrong() {
        let answer = app.get(&path).await;
        let path: String = path.chars().take(80).collect();
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.text().contains("role=\"alert\""), "{path}");
        assert!(!answer.text().contains("<script>alert"), "{path}");
        assert!(answer.bytes.len() < 60_000, "{path} is not repeated in full");
    }

    assert_eq!(app.computations(), 0);
    assert_eq!(place.entries(), 0);
    assert_eq!(app.get("/signal?origin=ATL").await.status, 200, "and it still works");
}

#[tokio::test]
async fn wrong_input_has_the_status_of_the_contract_and_costs_nothing() {
    assert_wrong_input_costs_nothing(Place::disk()).await;
}

#[tokio::test]
async fn an_unknown_airport_is_named_and_the_right_spelling_is_offered() {
    let app = App::spawn(&[]);

    let unknown = app.get("/signal?origin=XXX").await;
    let lower = app.get("/signal?origin=atl").await;
    let metric = app.get("/signal?metric=worst").await;

    assert!(unknown.text().contains("“XXX”"));
    assert!(lower.text().contains("Did you mean ATL?"));
    assert!(metric.text().contains("“worst”") && metric.text().contains("mean, median, p90"));
}

#[tokio::test]
async fn missing_parameters_are_the_default_choice_and_unknown_ones_are_ignored() {
    let app = App::spawn(&[]);

    let bare = app.get("/signal").await;
    let more = app.get("/signal?utm_source=x&origin=ALL&_=1").await;

    assert_eq!((bare.status, more.status), (200, 200));
    assert!(bare.text().contains("All airports"));
    assert_eq!(app.computations(), 1);
}
