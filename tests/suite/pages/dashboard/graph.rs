//! `/graphs/…`: fragments that never change, and the figures within.

use serde_json::Value;

use crate::helpers::GRAPHS;
use crate::helpers::app::App;

fn numbers(values: &Value) -> Vec<f64> {
    values.as_array().unwrap().iter().filter_map(Value::as_f64).collect()
}

async fn figure(app: &App, graph: &str, query: &str) -> Value {
    app.get(&format!("/graphs/{graph}?{query}")).await.figure()
}

#[tokio::test]
async fn a_graph_of_a_named_generation_may_be_cached_for_ever() {
    let app = App::spawn(&[]);
    let v = app.get("/signal?origin=ATL").await.attribute("data-v").to_owned();

    for graph in GRAPHS {
        let named = app.get(&format!("/graphs/{graph}?origin=ATL&v={v}")).await;
        let unnamed = app.get(&format!("/graphs/{graph}?origin=ATL")).await;

        let immutable = "public, max-age=31536000, immutable";
        assert_eq!(named.header("cache-control"), immutable);
        assert_eq!(unnamed.header("cache-control"), "no-cache");
        assert_eq!(named.header("vary"), "Accept-Encoding");
        let tag = named.header("etag");
        let again = app
            .get_with(&format!("/graphs/{graph}?origin=ATL&v={v}"), &[("If-None-Match", tag)])
            .await;
        assert_eq!((again.status, again.bytes.len()), (304, 0));
        assert_eq!(again.header("etag"), tag);
    }
}

#[tokio::test]
async fn a_graph_is_compressed_in_an_encoding_that_the_client_accepts() {
    let app = App::spawn(&[]);
    let encoded = async |accept| {
        let headers = [("Accept-Encoding", accept)];
        app.get_with("/graphs/daily?origin=ATL", &headers).await
    };

    let plain = encoded("identity").await;
    let brotli = encoded("gzip, deflate, br").await;
    let gzip = encoded("gzip").await;

    assert_eq!(plain.header("content-encoding"), "");
    assert_eq!(brotli.header("content-encoding"), "br");
    assert_eq!(gzip.header("content-encoding"), "gzip");
    assert_eq!([brotli.unpacked(), gzip.unpacked()], [plain.unpacked(), plain.unpacked()]);
    assert!(brotli.bytes.len() * 3 < plain.bytes.len());
}

#[tokio::test]
async fn the_daily_figure_has_bars_a_line_and_its_rolling_mean() {
    let app = App::spawn(&[]);

    let figure = figure(&app, "daily", "origin=ATL&metric=mean").await;

    let [bars, line, rolling] = &figure["data"].as_array().unwrap()[..] else { panic!("traces") };
    assert_eq!((&bars["type"], &line["type"]), (&"bar".into(), &"scatter".into()));
    assert_eq!(numbers(&bars["y"]).iter().sum::<f64>(), 124_711.0);
    let day = bars["x"].as_array().unwrap().iter().position(|day| day == "2001-03-15").unwrap();
    assert!((line["y"][day].as_f64().unwrap() - 14.684813753581661).abs() < 1e-9);
    assert!((rolling["y"][day].as_f64().unwrap() - 10.698485949158655).abs() < 1e-9);
}

#[tokio::test]
async fn the_distribution_has_sixty_bins_and_three_lines() {
    let app = App::spawn(&[]);

    let figure = figure(&app, "distribution", "origin=ALL").await;

    let bars = &figure["data"][0];
    assert_eq!(numbers(&bars["x"]).len(), 60);
    assert_eq!(numbers(&bars["x"])[0], -57.5);
    assert_eq!(numbers(&bars["y"]).iter().sum::<f64>(), 3e6);
    let lines = figure["layout"]["shapes"].as_array().unwrap();
    let at: Vec<f64> = lines.iter().map(|line| line["x0"].as_f64().unwrap()).collect();
    assert_eq!(at, [-1.0, 35.0, 139.0]);
    let ends = bars["hovertext"].as_array().unwrap();
    assert!(ends[0].as_str().unwrap().contains("all earlier ones too"));
    assert!(ends[59].as_str().unwrap().contains("all later ones too"));
}

#[tokio::test]
async fn the_rhythm_is_seven_days_of_hours_with_holes() {
    let app = App::spawn(&[]);

    let figure = figure(&app, "rhythm", "origin=ATL&metric=p90").await;

    let rows = figure["data"][0]["z"].as_array().unwrap();
    assert!(rows.len() == 7 && rows.iter().all(|row| row.as_array().unwrap().len() == 24));
    assert_eq!(rows[4][17], 63.0);
    assert_eq!(rows[0][3], Value::Null);
}

#[tokio::test]
async fn the_destinations_are_bubbles_whose_area_is_their_flights() {
    let app = App::spawn(&[]);

    let figure = figure(&app, "destinations", "origin=ATL&metric=mean").await;

    let bubbles = &figure["data"][0];
    let texts = bubbles["hovertext"].as_array().unwrap();
    let boston = texts.iter().position(|text| text.as_str().unwrap().contains("BOS")).unwrap();
    assert_eq!(bubbles["x"][boston], 946.0);
    assert!((bubbles["y"][boston].as_f64().unwrap() - 13.244983277591974).abs() < 1e-9);
    let text = texts[boston].as_str().unwrap();
    assert!(text.contains("2,392 flights, 946 miles"), "{text}");
    assert!(text.contains("mean 13.2, median 5, p90 49 min"), "{text}");
    assert_eq!(bubbles["marker"]["sizemode"], "area");
    let sizes = numbers(&bubbles["marker"]["size"]);
    let total: f64 = sizes.iter().sum();
    assert!((sizes[boston] / total - 2392.0 / 124_711.0).abs() < 1e-12);
}

#[tokio::test]
async fn no_figure_can_send_its_data_away() {
    let app = App::spawn(&[]);

    for graph in GRAPHS {
        let config = figure(&app, graph, "origin=YAK").await["config"].clone();
        assert_eq!(config["showSendToCloud"], false);
        assert_eq!(config["displaylogo"], false);
    }
}

#[tokio::test]
async fn every_graph_says_its_axes_and_units() {
    let app = App::spawn(&[]);
    let title = |figure: &Value, axis: &str| figure["layout"][axis]["title"]["text"].clone();

    let daily = figure(&app, "daily", "origin=ATL").await;
    let distribution = figure(&app, "distribution", "origin=ATL").await;
    let destinations = figure(&app, "destinations", "origin=ATL&metric=p90").await;

    assert_eq!(
        (title(&daily, "yaxis"), title(&daily, "yaxis2")),
        ("Flights".into(), "Delay (min)".into())
    );
    assert_eq!(title(&distribution, "xaxis"), "Delay at arrival (minutes)");
    assert_eq!(title(&destinations, "xaxis"), "Distance (miles)");
    assert_eq!(title(&destinations, "yaxis"), "Delay, p90 (min)");
}

#[tokio::test]
async fn an_airport_with_one_flight_has_four_graphs() {
    let app = App::spawn(&[]);

    for graph in GRAPHS {
        for metric in ["mean", "median", "p90"] {
            let answer = app.get(&format!("/graphs/{graph}?origin=ACY&metric={metric}")).await;
            assert_eq!(answer.status, 200);
            assert!(!answer.figure()["data"].as_array().unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn a_graph_without_its_signal_is_computed_once_and_waits_five_seconds_at_most() {
    let app = App::spawn(&[("SIMULATED_COST", "7s")]);

    let busy = app.get("/graphs/daily?origin=ABE").await;

    assert_eq!((busy.status, busy.header("retry-after")), (503, "1"));
    assert_eq!(busy.asks(), ["/graphs/daily?origin=ABE"], "its button asks again");
    assert_eq!(app.signal("origin=ABE").await.status, 200);
    assert_eq!(app.get("/graphs/daily?origin=ABE").await.status, 200);
    assert_eq!(app.computations(), 1);
}

#[tokio::test]
async fn a_generation_that_is_gone_is_not_shown_as_another() {
    let app = App::spawn(&[]);

    let gone = app.get("/graphs/daily?origin=ATL&v=0123456789abcdef").await;

    assert_eq!(gone.status, 410);
    assert_eq!(app.computations(), 0);
}
