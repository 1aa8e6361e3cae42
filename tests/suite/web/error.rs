//! What users read when something is wrong.

use tempfile::TempDir;

use crate::helpers::app::App;
use crate::helpers::flights::damaged;

#[tokio::test]
async fn an_unknown_path_is_answered_with_a_page_or_with_a_fragment_for_htmx() {
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
async fn a_computation_that_fails_has_a_reference_and_does_not_affect_others() {
    let folder = TempDir::new().unwrap();
    let data = damaged(folder.path());
    let app = App::spawn(&[("DATASET", data.to_str().unwrap())]);

    let failed = app.signal("origin=ATL").await;
    let other = app.signal("origin=ABE").await;

    assert_eq!((failed.status, other.status), (500, 200));
    assert!(failed.text().contains("role=\"alert\""));
    assert_eq!(failed.asks(), ["/signal?origin=ATL"], "its button asks again");
    let line = &app.logged("a request failed")[0];
    let reference = line["span"]["request_id"].as_str().unwrap();
    assert!(failed.text().contains(reference), "{}", failed.text());
    assert!(!failed.text().contains("parquet"), "the cause is for the log");
    let chain = line["message"].as_str().unwrap();
    assert!(chain.contains(":ATL cannot be computed: parquet"), "{chain}");
    assert!(app.logged("computed").len() == 1, "an error is not stored");
}
