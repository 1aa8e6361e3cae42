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
