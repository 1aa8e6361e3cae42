//! The page below a path that it shares a host with.

use super::*;

#[test]
fn the_page_works_below_a_base_path_and_stays_there() {
    let app = App::spawn(&[("BASE_PATH", "/flights")]);
    let browser = desktop();
    let address = || browser.text("location.pathname + location.search");

    browser.goto(&format!("{}/flights", app.url));
    let all = eventually_shows(&browser, "ALL", "mean");
    assert_eq!(address(), "/flights/");
    choose(&browser, "ATL");
    let atlanta = eventually_shows(&browser, "ATL", "mean");
    assert_eq!(address(), "/flights/?origin=ATL&metric=mean");
    assert_drawn_from(&browser, &atlanta, "ATL", "mean");
    browser.click("#graph-rhythm summary");
    browser.eventually("the numbers", "document.querySelector('#graph-rhythm table tbody tr')");
    browser.back();
    let again = eventually_shows(&browser, "ALL", "mean");

    assert_eq!((address().as_str(), &again.values), ("/flights/", &all.values));
    let asked =
        "performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname)";
    let strays = format!("{asked}.filter((path) => !path.startsWith('/flights/')).join()");
    assert_eq!(browser.text(&strays), "");
    assert!(browser.number(&format!("{asked}.length")) > 10.0);
    assert_silent(&browser);
}
