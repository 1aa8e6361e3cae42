//! A store that cannot be used is a notice on the page, and no error.

use crate::helpers::app::App;

#[tokio::test]
async fn an_unusable_cache_folder_is_a_notice_and_one_computation_for_a_page() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let folder = file.path().join("cache");
    let app = App::spawn(&[("CACHE_DIR", folder.to_str().unwrap())]);

    let signal = app.signal("origin=ATL").await;
    for ask in signal.asks() {
        assert_eq!(app.get(&ask).await.status, 200);
    }

    assert_eq!((signal.status, signal.header("cache-status")), (200, "quadrant; fwd=miss"));
    assert!(signal.has_notice(), "{}", signal.text());
    assert_eq!(app.computations(), 1);
}
