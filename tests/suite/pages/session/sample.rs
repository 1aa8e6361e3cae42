//! What is drawn, from which flights, and what the graphs make of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use quadrant::dataset::{Dataset, Origin};
use tempfile::TempDir;

use super::drawn_at;
use crate::helpers::answer::Answer;
use crate::helpers::app::{App, quadrant};
use crate::helpers::command::output;
use crate::helpers::flights;
use crate::helpers::guest::Guest;
use crate::helpers::place::Place;

/// A flight: date, time, origin, destination, miles, minutes of delay.
pub(super) type Row = (String, String, String, String, i64, i64);

pub(super) fn rows(csv: &Answer) -> Vec<Row> {
    let mut lines = csv.text().lines();
    assert_eq!(lines.next(), Some("date,time,origin,destination,distance,delay"));
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let [date, time, origin, destination] = [0, 1, 2, 3].map(|at: usize| cells[at].to_owned());
        (date, time, origin, destination, cells[4].parse().unwrap(), cells[5].parse().unwrap())
    };
    lines.map(row).collect()
}

/// How often each flight of an airport is in the file, as polars reads it.
fn published(code: &'static str) -> HashMap<Row, u32> {
    // polars waits in a way that an event loop does not allow.
    std::thread::spawn(move || read(code)).join().unwrap()
}

fn read(code: &str) -> HashMap<Row, u32> {
    let dataset = Dataset::open(Path::new("data/flights.parquet")).unwrap();
    let contents = dataset.contents();
    let origin = Origin::parse(code, contents).unwrap();
    let columns = ["day", "hour", "minute", "destination", "distance", "delay"];
    let flights = dataset.scan(dataset.rows(origin), &columns).unwrap();
    let mut counts = HashMap::new();
    for row in 0..flights.height() {
        let [day, hour, minute, destination, distance, delay] = columns.map(|name| {
            flights.column(name).unwrap().get(row).unwrap().try_extract::<i64>().unwrap()
        });
        let time = format!("{:02}:{minute:02}", hour % 24);
        let to = contents.airports[destination as usize].code.clone();
        let row = (contents.date(day as u16), time, code.to_owned(), to, distance, delay);
        *counts.entry(row).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn a_sample_has_the_size_asked_for_and_no_flight_twice() {
    let (app, mut guest) = (App::spawn(&[]), Guest::default());

    guest.draw(&app, "ATL", 20_000).await;

    let drawn = rows(&guest.get(&app, "/session/flights.csv").await);
    let mut left = published("ATL");
    assert_eq!(drawn.len(), 20_000);
    for row in drawn {
        let count =
            left.get_mut(&row).unwrap_or_else(|| panic!("there is no such flight: {row:?}"));
        *count = count.checked_sub(1).unwrap_or_else(|| panic!("drawn too often: {row:?}"));
    }
}

/// The rows of a graph's CSV, by the names in its first line.
async fn numbers(guest: &mut Guest, app: &App, graph: &str) -> Vec<HashMap<String, String>> {
    let csv = guest.get(app, &format!("/session/graphs/{graph}.csv")).await;
    let mut lines = csv.text().lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let row = |line: &str| {
        let cells = names.iter().zip(line.split(','));
        cells.map(|(name, cell)| ((*name).to_owned(), cell.to_owned())).collect()
    };
    lines.map(row).collect()
}

/// Flights and the sum of their delays by something.
fn by<K: Ord>(rows: &[Row], key: impl Fn(&Row) -> K) -> BTreeMap<K, (u32, i64)> {
    let mut sums = BTreeMap::new();
    for row in rows {
        let (flights, delay) = sums.entry(key(row)).or_insert((0, 0));
        *flights += 1;
        *delay += row.5;
    }
    sums
}

fn assert_mean(row: &HashMap<String, String>, (flights, delay): (u32, i64)) {
    assert_eq!(row["flights"].parse::<u32>().unwrap(), flights, "{row:?}");
    let mean: f64 = row["mean"].parse().unwrap();
    assert!((mean - delay as f64 / f64::from(flights)).abs() < 1e-9, "{row:?}");
}

#[tokio::test]
async fn the_graphs_count_the_flights_of_the_sample_and_no_others() {
    let (app, mut guest) = (App::spawn(&[]), Guest::default());
    guest.draw(&app, "ORD", 3000).await;
    let rows = rows(&guest.get(&app, "/session/flights.csv").await);

    let days = by(&rows, |row| row.0.clone());
    let daily = numbers(&mut guest, &app, "daily").await;
    for row in daily.iter().filter(|row| row["flights"] != "0") {
        assert_mean(row, days[&row["date"]]);
    }
    assert_eq!(daily.iter().filter(|row| row["flights"] != "0").count(), days.len());

    let hours = by(&rows, |row| (weekday(&row.0), row.1[..2].parse::<u32>().unwrap()));
    let rhythm = numbers(&mut guest, &app, "rhythm").await;
    let filled: Vec<_> = rhythm.iter().filter(|row| row["flights"] != "0").collect();
    for row in &filled {
        assert_mean(row, hours[&(row["weekday"].parse().unwrap(), row["hour"].parse().unwrap())]);
    }
    assert_eq!(filled.len(), hours.len());

    let destinations = by(&rows, |row| row.3.clone());
    // Names may hold commas, and cells in front of them do not.
    let csv = guest.get(&app, "/session/graphs/destinations.csv").await;
    let seen: BTreeSet<&str> =
        csv.text().lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(seen, destinations.keys().map(String::as_str).collect());

    let bins = by(&rows, |row| row.5.clamp(-60, 239).div_euclid(5) * 5);
    for row in numbers(&mut guest, &app, "distribution").await {
        let flights = bins.get(&row["from"].parse().unwrap()).map_or(0, |bin| bin.0);
        assert_eq!(row["flights"].parse::<u32>().unwrap(), flights, "{row:?}");
    }
}

/// The day of the week of a date of 2001, Monday as 1; January 1 was a Monday.
fn weekday(date: &str) -> u32 {
    let [month, day] = [&date[5..7], &date[8..10]].map(|part| part.parse::<u32>().unwrap());
    let before: u32 = [31, 28, 31, 30, 31, 30][..month as usize - 1].iter().sum();
    (before + day - 1) % 7 + 1
}

#[tokio::test]
async fn wrong_sizes_are_refused_with_the_bounds() {
    let app = App::spawn(&[]);
    let mut guest = Guest::default();
    let first = guest.draw(&app, "ATL", 100).await;
    let cookie = guest.cookie.clone();

    for size in ["0", "100001", "-1", "1e9", "ten", "", "1.5", "99999999999999999999"] {
        let refused = guest.order(&app, "ATL", size).await;
        assert_eq!(refused.status, 422, "{size}: {}", refused.text());
        assert!(refused.text().contains("from 1 to 100,000"), "{}", refused.text());
        assert!(refused.text().contains("role=\"alert\""));
    }
    assert_eq!(guest.order(&app, "XXX", "5").await.status, 422);
    assert_eq!(guest.order(&app, "ATL", "5&metric=mode").await.status, 422);
    assert_eq!(guest.order(&app, "ATL", "5&size=6").await.status, 400);
    let missing = guest.send(&app, "POST", "/session?origin=ATL", &[]).await;
    assert_eq!(missing.status, 422);

    assert_eq!(
        (drawn_at(&guest.signal(&app).await), guest.cookie.clone()),
        (drawn_at(&first), cookie)
    );
}

#[tokio::test]
async fn a_sample_of_more_than_two_megabytes_is_not_kept() {
    let (folder, place) = (TempDir::new().unwrap(), Place::disk());
    let [data, names] = ["data.parquet", "names.csv"].map(|name| folder.path().join(name));
    // The flights are few; what is large is the name of a destination.
    let name = "Z".repeat(3 << 20);
    std::fs::write(&names, format!("iata,name,city,state\nZZZ,{name},,\n")).unwrap();
    let source = flights::source(folder.path(), flights::frame(&flights::FLIGHTS));
    let mut import = quadrant(&[]);
    import.arg("import").arg(source).arg("--output").arg(&data).arg("--airports").arg(names);
    assert!(output(&mut import).status.success());
    let app = App::at(&place, &[("DATASET", data.to_str().unwrap())]);
    let mut guest = Guest::default();
    guest.order(&app, "ATL", "5").await;

    let refused = guest.signal(&app).await;

    assert_eq!((refused.status, place.entries()), (500, 0), "{}", refused.text());
    let said = app.logged("a request failed");
    let said = said[0]["message"].as_str().unwrap();
    assert!(said.contains("a sample of 5 flights has 3") && said.contains("of 2097152"), "{said}");
}

#[tokio::test]
async fn a_sample_of_an_airport_with_fewer_flights_has_all_of_them() {
    let (app, mut guest) = (App::spawn(&[]), Guest::default());

    let drawn = guest.draw(&app, "YAK", 1000).await;

    assert!(drawn.text().contains("all 353 flights, there are no more"), "{}", drawn.text());
    let mut left = published("YAK");
    for row in rows(&guest.get(&app, "/session/flights.csv").await) {
        *left.get_mut(&row).unwrap() -= 1;
    }
    assert!(left.values().all(|count| *count == 0));
    let one = guest.draw(&app, "ACY", 1000).await;
    assert!(one.text().contains("all 1 flight, there are no more"), "{}", one.text());
}

#[tokio::test]
async fn a_sample_stays_as_it_was_drawn_when_the_data_file_is_replaced() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("flights.parquet");
    std::fs::copy("data/flights.parquet", &data).unwrap();
    let app = App::spawn(&[("DATASET", data.to_str().unwrap())]);
    let mut guest = Guest::default();
    let first = guest.draw(&app, "ATL", 100).await;
    let flights = guest.get(&app, "/session/flights.csv").await;

    let other = folder.path().join("other.parquet");
    flights::dataset(&flights::FLIGHTS, &other);
    std::fs::rename(&other, &data).unwrap();

    let again = guest.signal(&app).await;
    assert_eq!(
        (drawn_at(&again), again.attribute("data-v")),
        (drawn_at(&first), first.attribute("data-v"))
    );
    assert_eq!(guest.get(&app, "/session/flights.csv").await.bytes, flights.bytes);
    assert_eq!(guest.order(&app, "ORD", "5").await.status, 422, "the new file has no such airport");
    let new = guest.draw(&app, "ATL", 100).await;
    assert!(new.text().contains("all 5 flights"), "{}", new.text());
}
