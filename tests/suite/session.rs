//! `/session`: one visitor's sample, the same whoever answers and whenever he asks, and nobody else's.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use quadrant::dataset::{Dataset, Origin};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::helpers::answer::Answer;
use crate::helpers::app::{App, quadrant};
use crate::helpers::client;
use crate::helpers::flights;
use crate::helpers::guest::Guest;
use crate::helpers::place::Place;
use crate::helpers::redis::Redis;

const GRAPHS: [&str; 4] = ["daily", "distribution", "rhythm", "destinations"];
const THREE: (&str, &str) = ("WEB_CONCURRENCY", "3");
/// 64 bytes that sign.
const KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// What an answer says of when the sample was drawn.
fn drawn_at(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.attribute("data-computed-at").to_owned()
}

fn has_sample(answer: &Answer) -> bool {
    answer.text().contains("data-computed-at")
}

/// Asks until each of so many workers has answered, and returns every answer.
async fn from_each_worker(guest: &mut Guest, app: &App, path: &str, workers: usize) -> Vec<Answer> {
    let (mut answers, mut seen) = (Vec::new(), BTreeSet::new());
    while seen.len() < workers {
        let answer = guest.get(app, path).await;
        seen.insert(answer.worker());
        answers.push(answer);
        assert!(answers.len() < 500, "only {seen:?} of {workers} workers have answered");
    }
    answers
}

#[tokio::test]
async fn looking_at_pages_makes_no_session() {
    for place in Place::both() {
        let app = App::at(&place, &[]);

        for path in ["/session", "/session/signal", "/session?metric=p90", "/session/flights", "/"]
        {
            let mut guest = Guest::default();
            guest.get(&app, path).await;
            assert_eq!(guest.cookie, None, "{path}");
        }

        assert_eq!(place.names(), [""; 0]);
    }
}

#[tokio::test]
async fn asking_again_changes_nothing_takes_no_computation_and_any_worker_answers() {
    for place in Place::both() {
        let (app, mut guest) = (App::at(&place, &[THREE]), Guest::default());

        let first = guest.draw(&app, "ATL", 1000).await;
        let graphs = first.asks();
        assert_eq!(graphs.len(), 5, "four graphs and a table");
        let csv = guest.get(&app, "/session/flights.csv").await;

        for again in from_each_worker(&mut guest, &app, "/session/signal", 3).await {
            assert_eq!(drawn_at(&again), drawn_at(&first));
            assert_eq!((again.asks(), again.outcome()), (graphs.clone(), "hit"));
        }
        for again in from_each_worker(&mut guest, &app, "/session/flights.csv", 3).await {
            assert_eq!(again.bytes, csv.bytes);
        }
        for graph in &graphs[..4] {
            for again in from_each_worker(&mut guest, &app, graph, 3).await {
                assert_eq!(drawn_at(&again), drawn_at(&first), "{graph}");
            }
        }
        assert!(guest.get(&app, "/session").await.text().contains(&drawn_at(&first)));
        assert_eq!(app.computations(), 1);
    }
}

/// A flight: date, time, origin, destination, miles, minutes of delay.
type Row = (String, String, String, String, i64, i64);

fn rows(csv: &Answer) -> Vec<Row> {
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
async fn a_sample_is_so_many_flights_of_the_file_and_none_twice() {
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
async fn drawing_anew_replaces_the_sample_and_the_session() {
    for place in Place::both() {
        let (app, mut guest) = (App::at(&place, &[THREE]), Guest::default());
        let first = guest.draw(&app, "ATL", 500).await;
        let flights = guest.get(&app, "/session/flights.csv").await;
        let mut before = guest.clone();

        let second = guest.draw(&app, "ATL", 500).await;

        assert_ne!(guest.cookie, before.cookie);
        assert_ne!(drawn_at(&second), drawn_at(&first));
        assert_ne!(guest.get(&app, "/session/flights.csv").await.bytes, flights.bytes);
        assert!(!has_sample(&before.signal(&app).await), "the former session has nothing");
        assert_eq!(place.entries(), 1);
        for graph in &first.asks() {
            assert_eq!(guest.get(&app, graph).await.status, 410, "{graph} was of the former one");
        }
    }
}

#[tokio::test]
async fn forgetting_leaves_nothing_anywhere() {
    for place in Place::both() {
        let (app, mut guest) = (App::at(&place, &[THREE]), Guest::default());
        guest.draw(&app, "ATL", 500).await;
        let mut replayed = guest.clone();

        let forgotten = guest.forget(&app).await;

        assert!(forgotten.text().contains("deleted"), "{}", forgotten.text());
        assert_eq!(guest.cookie, None);
        assert_eq!(place.names(), [""; 0]);
        for answer in from_each_worker_without_timing(&mut replayed, &app).await {
            assert!(!has_sample(&answer));
        }
        assert_eq!(replayed.get(&app, "/session/flights.csv").await.status, 404);
        assert_eq!(app.computations(), 1, "nothing is drawn again for who sends the old cookie");
    }
}

/// Many answers, on as many connections: enough that every one of three workers has given some.
async fn from_each_worker_without_timing(guest: &mut Guest, app: &App) -> Vec<Answer> {
    let mut answers = Vec::new();
    for _ in 0..40 {
        answers.push(guest.get(app, "/session/signal").await);
    }
    answers
}

#[tokio::test]
async fn what_is_forgotten_while_it_is_drawn_is_never_stored() {
    for place in Place::both() {
        let app = App::at(&place, &[THREE, ("SIMULATED_COST", "2s")]);
        let mut guest = Guest::default();
        guest.order(&app, "ATL", "500").await;
        let held = tokio::spawn({
            // Another tab of the same browser, which goes on asking.
            let (url, cookie) = (app.url.clone(), guest.cookie.clone().unwrap());
            async move { tab(&url, &cookie, Duration::from_secs(6)).await }
        });
        let asked = guest.get(&app, "/session/signal").await;
        assert_eq!(asked.status, 202);
        assert!(place.is_leased(), "it is being drawn");

        guest.forget(&app).await;

        assert_eq!(held.await.unwrap(), 0, "no tab is shown a sample");
        assert_eq!(place.entries(), 0);
        assert!(
            !place.names().iter().any(|name| name.contains("annotation")),
            "{:?}",
            place.names()
        );
        let computed = app.logged("computed");
        assert!(!computed.is_empty(), "the draw went on, and ended");
        for line in computed {
            let message = line["message"].as_str().unwrap();
            assert!(message.ends_with("and was too late: its lease had ended"), "{message}");
        }
    }
}

/// Asks what a session has, on a new connection each time; returns how often it was a sample.
async fn tab(url: &str, cookie: &str, lasting: Duration) -> usize {
    let client = client().build().unwrap();
    let (until, mut samples) = (Instant::now() + lasting, 0);
    while Instant::now() < until {
        let request = client.get(format!("{url}/session/signal")).header("Cookie", cookie);
        let answer =
            Answer::read(request.header("Connection", "close").send().await.unwrap()).await;
        assert!(answer.status < 500, "{}", answer.text());
        samples += usize::from(has_sample(&answer));
        sleep(Duration::from_millis(20)).await;
    }
    samples
}

/// A body without the number of the worker that drew it, by which equal graphs differ.
fn content(answer: &Answer) -> String {
    let text = answer.text();
    let drawn_by = ["data-drawn-by=\"", "drawn by worker "];
    drawn_by.iter().fold(text.to_owned(), |text, start| match text.split_once(start) {
        Some((before, after)) => {
            before.to_owned() + after.trim_start_matches(|it: char| it.is_ascii_digit())
        }
        None => text,
    })
}

#[tokio::test]
async fn a_thousand_requests_of_two_visitors_at_once_never_mix() {
    for place in Place::both() {
        let app = App::at(&place, &[("WEB_CONCURRENCY", "6")]);
        let mut own: Vec<(Guest, Vec<(String, String)>)> = Vec::new();
        for code in ["ATL", "ORD"] {
            let mut guest = Guest::default();
            let mut paths = guest.draw(&app, code, 400).await.asks();
            // From here on it is a hit, and says so each time.
            paths
                .extend(["/session/signal", "/session/flights.csv", "/session"].map(str::to_owned));
            paths.extend(GRAPHS.map(|graph| format!("/session/graphs/{graph}.csv")));
            let mut answers = Vec::new();
            for path in paths {
                let answer = guest.get(&app, &path).await;
                assert_eq!(answer.status, 200, "{path}");
                answers.push((path, content(&answer)));
            }
            own.push((guest, answers));
        }
        for ((path, one), (_, other)) in own[0].1.iter().zip(&own[1].1) {
            assert_ne!(one, other, "{path} tells the two apart");
        }

        let asks = (0..1000_usize).map(async |at| {
            let (guest, answers) = &own[at % 2];
            let (path, content_of_mine) = &answers[at / 2 % answers.len()];
            let answer = guest.clone().get(&app, path).await;
            assert!(content(&answer) == *content_of_mine, "{path}: {}", answer.text());
        });
        let done = futures_util::stream::iter(asks).buffer_unordered(24);
        done.collect::<Vec<()>>().await;

        for (who, other) in [(0, 1), (1, 0)] {
            for (path, _) in own[other].1.iter().filter(|(path, _)| path.contains("at=")) {
                let status = own[who].0.clone().get(&app, path).await.status;
                assert_eq!(status, 410, "{path} is the other one's, and opens nothing");
            }
        }
    }
}

#[tokio::test]
async fn cookies_that_are_not_ours_are_as_none() {
    let place = Place::disk();
    let app = App::at(&place, &[("SESSION_KEY", KEY)]);
    let mut guest = Guest::default();
    guest.draw(&app, "ATL", 100).await;
    let cookie = guest.cookie.clone().unwrap();
    let (name, value) = cookie.split_once('=').unwrap();
    let (id, signature) = value.split_once('.').unwrap();
    let other_key = KEY.replace('0', "f");
    let other = App::at(&place, &[("SESSION_KEY", &other_key)]);
    let mut stranger = Guest::default();
    stranger.draw(&other, "ATL", 100).await;

    let planted = "0".repeat(32);
    for forged in [
        format!("{name}={planted}.{signature}"),
        format!("{name}={id}.{}", "0".repeat(64)),
        format!("{name}={id}"),
        format!("{name}={id}."),
        format!("{name}={}", &value[1..]),
        format!("{name}={}", value.to_uppercase()),
        format!("{cookie}; {cookie}"),
        format!("{cookie}; {name}={planted}"),
        format!("__Host-{cookie}"),
        stranger.cookie.clone().unwrap(),
        format!("{name}={}", "x".repeat(3000)),
        format!("{name}="),
    ] {
        let answer = Guest::with(&forged).signal(&app).await;
        assert!(!has_sample(&answer) && answer.text().contains("no sample yet"), "{forged}");
        assert_eq!(Guest::with(&forged).get(&app, "/session/flights.csv").await.status, 404);
    }
    assert!(has_sample(&Guest::with(&format!("theme=dark; {cookie}")).signal(&app).await));
    assert!(
        !has_sample(&guest.signal(&other).await),
        "a program with another key does not know it"
    );
}

#[tokio::test]
async fn a_session_expires_after_its_last_use() {
    for place in Place::both() {
        let app = App::at(&place, &[("CACHE_EXPIRE", "2s")]);
        let mut guest = Guest::default();
        let first = guest.draw(&app, "ATL", 100).await;

        for _ in 0..3 {
            sleep(Duration::from_millis(900)).await;
            assert_eq!(drawn_at(&guest.signal(&app).await), drawn_at(&first));
        }
        sleep(Duration::from_millis(2300)).await;

        let expired = guest.signal(&app).await;
        assert!(!has_sample(&expired));
        assert!(expired.text().contains("no longer kept"), "{}", expired.text());
        assert_eq!(app.computations(), 1);
        assert!(has_sample(&guest.draw(&app, "ATL", 100).await), "he can draw again");
    }
}

#[tokio::test]
async fn a_planted_session_is_never_adopted() {
    let app = App::spawn(&[THREE, ("SESSION_KEY", KEY)]);
    let mut attacker = Guest::default();
    let bait = attacker.draw(&app, "YAK", 10).await;
    let mut forgotten = attacker.clone();
    let mut live = Guest::default();
    live.draw(&app, "YAK", 10).await;
    attacker.forget(&app).await;

    for planted in [&live, &forgotten] {
        let mut victim = planted.clone();
        let drawn = victim.draw(&app, "ATL", 1000).await;

        assert_ne!(victim.cookie, planted.cookie, "the victim has a session of his own");
        assert_ne!(drawn_at(&drawn), drawn_at(&bait));
        let seen = planted.clone().signal(&app).await;
        assert!(!seen.text().contains("Atlanta"), "{}", seen.text());
        assert!(!has_sample(&seen));
    }
    assert!(!has_sample(&forgotten.signal(&app).await));
}

#[tokio::test]
async fn pages_of_other_sites_can_neither_draw_nor_forget() {
    let app = App::spawn(&[]);
    let mut guest = Guest::default();
    let first = guest.draw(&app, "ATL", 100).await;
    let cookie = guest.cookie.clone();

    for header in [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
    ] {
        for path in ["/session?origin=ATL&size=10", "/session/forget"] {
            let refused = guest.send(&app, "POST", path, &[header]).await;
            assert_eq!((refused.status, refused.headers.get("set-cookie")), (403, None), "{path}");
            assert_eq!(refused.header("cache-control"), "private, no-store");
        }
    }

    assert_eq!(guest.cookie, cookie);
    assert_eq!(drawn_at(&guest.signal(&app).await), drawn_at(&first));
    let own = ("Origin", app.url.as_str());
    let allowed = guest.send(&app, "POST", "/session?origin=ATL&size=10", &[own]).await;
    assert_eq!(allowed.status, 202);
}

#[tokio::test]
async fn a_form_without_scripts_works_too() {
    let app = App::spawn(&[]);
    let client = client();
    let client = client.redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let post = async |path: &str, body: &'static str, cookie: String| {
        let request = client.post(format!("{}{path}", app.url)).header("Cookie", cookie);
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        Answer::read(request.body(body).send().await.unwrap()).await
    };

    let drawn = post("/session", "origin=ATL&size=50&metric=p90", String::new()).await;

    assert_eq!((drawn.status, drawn.header("location")), (303, "/session?metric=p90"));
    let cookie = drawn.header("set-cookie").split(';').next().unwrap().to_owned();
    let mut guest = Guest::with(&cookie);
    let page = guest.get(&app, "/session").await;
    assert!(page.text().contains("50 of 124,711 flights"), "{}", page.text());
    let forgotten = post("/session/forget", "", cookie).await;
    assert_eq!((forgotten.status, forgotten.header("location")), (303, "/session?metric=mean"));
    assert!(!has_sample(&guest.signal(&app).await));
}

#[tokio::test]
async fn cookies_have_their_attributes_with_and_without_tls() {
    let app = App::spawn(&[("TRUSTED_PROXIES", "127.0.0.1")]);
    let mut open = Guest::default();
    let mut secure = Guest { is_secure: true, ..Guest::default() };

    let set = open.order(&app, "YAK", "1").await.header("set-cookie").to_owned();
    let (pair, attributes) = set.split_once("; ").unwrap();
    assert_eq!(attributes, "HttpOnly; SameSite=Lax; Path=/");
    assert!(pair.starts_with("quadrant-session="), "{pair}");
    let (id, signature) = pair.split_once('=').unwrap().1.split_once('.').unwrap();
    assert_eq!((id.len(), signature.len()), (32, 64), "128 random bits, and their signature");

    let set = secure.order(&app, "YAK", "1").await.header("set-cookie").to_owned();
    let (pair, attributes) = set.split_once("; ").unwrap();
    assert_eq!(attributes, "HttpOnly; SameSite=Lax; Secure; Path=/");
    assert!(pair.starts_with("__Host-quadrant-session="), "{pair}");
    assert!(has_sample(&secure.signal(&app).await));

    // Over https a cookie without the guarded name may be anybody's.
    let mut planted = Guest { cookie: open.cookie.clone(), is_secure: true };
    assert!(has_sample(&open.signal(&app).await));
    assert!(!has_sample(&planted.signal(&app).await));

    for guest in [&mut open, &mut secure] {
        let removed = guest.forget(&app).await.header("set-cookie").to_owned();
        let same = if guest.is_secure { "Secure; Path=/" } else { "SameSite=Lax; Path=/" };
        assert!(removed.contains(same) && removed.contains("Max-Age=0"), "{removed}");
    }
}

#[tokio::test]
async fn the_least_recently_used_session_makes_room_and_its_owner_is_told() {
    for place in Place::both() {
        let app = App::at(&place, &[THREE, ("SESSION_MAX", "3")]);
        let mut guests = [(); 4].map(|()| Guest::default());
        for guest in &mut guests[..3] {
            guest.draw(&app, "YAK", 5).await;
            // Stores tell times of use apart by milliseconds.
            sleep(Duration::from_millis(5)).await;
        }
        assert!(has_sample(&guests[0].signal(&app).await), "it is used, and the second is not");
        sleep(Duration::from_millis(5)).await;

        guests[3].draw(&app, "YAK", 5).await;

        assert_eq!(place.entries(), 3);
        let told = guests[1].signal(&app).await;
        let words = "Your earlier sample has been cleared to make room";
        assert!(told.text().contains(words), "{}", told.text());
        for at in [0, 2, 3] {
            assert!(has_sample(&guests[at].signal(&app).await), "{at}");
        }
        assert_eq!(app.computations(), 4, "nothing is drawn for who asks for what is gone");
        assert!(has_sample(&guests[1].draw(&app, "YAK", 5).await), "he can draw again");
        assert_eq!(place.entries(), 3);
    }
}

#[tokio::test]
async fn many_visitors_who_draw_at_once_stay_within_the_bound() {
    for place in Place::both() {
        let app = App::at(&place, &[("WEB_CONCURRENCY", "6"), ("SESSION_MAX", "3")]);
        let draws = (0..24).map(async |_| {
            let mut guest = Guest::default();
            guest.draw(&app, "YAK", 5).await;
        });

        futures_util::future::join_all(draws).await;

        assert_eq!(place.entries(), 3);
    }
}

#[tokio::test]
async fn sizes_that_are_none_are_refused_with_what_would_be_right() {
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
async fn one_flight_and_a_hundred_thousand_can_be_drawn_within_two_megabytes_each() {
    for place in Place::both() {
        let app = App::at(&place, &[]);
        for (origin, size, says) in [
            ("ATL", 1, "1 of 124,711 flights"),
            ("ATL", 100_000, "100,000 of 124,711 flights"),
            ("ALL", 100_000, "100,000 of 3,000,000 flights"),
        ] {
            let mut guest = Guest::default();
            let drawn = guest.draw(&app, origin, size).await;

            assert!(drawn.text().contains(says), "{}", drawn.text());
            let csv = guest.get(&app, "/session/flights.csv").await;
            assert_eq!(rows(&csv).len() as u32, size);
            let largest = place.largest();
            assert!(largest < 2 << 20, "{size} flights of {origin} take {largest} bytes");
        }
    }
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
    assert!(import.output().unwrap().status.success());
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
async fn an_airport_with_fewer_flights_gives_all_that_it_has() {
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
async fn a_sample_survives_a_restart_with_the_same_key_and_not_with_another() {
    for place in Place::both() {
        let mut guest = Guest::default();
        let app = App::at(&place, &[("SESSION_KEY", KEY)]);
        let first = guest.draw(&app, "ATL", 100).await;
        let flights = guest.get(&app, "/session/flights.csv").await;
        drop(app);

        let same = App::at(&place, &[("SESSION_KEY", KEY)]);
        assert_eq!(drawn_at(&guest.signal(&same).await), drawn_at(&first));
        assert_eq!(guest.get(&same, "/session/flights.csv").await.bytes, flights.bytes);
        drop(same);

        let new = KEY.replace('0', "f");
        let rotated = [("SESSION_KEY", new.as_str()), ("SESSION_KEY_PREVIOUS", KEY)];
        let rotating = App::at(&place, &rotated);
        assert_eq!(drawn_at(&guest.signal(&rotating).await), drawn_at(&first), "the old key");
        let mut renewed = guest.clone();
        renewed.draw(&rotating, "ATL", 100).await;
        drop(rotating);

        let rotated = App::at(&place, &[("SESSION_KEY", &new)]);
        assert!(has_sample(&renewed.signal(&rotated).await), "it was signed by the new key");
        assert!(!has_sample(&guest.signal(&rotated).await), "the old key is no longer known");
    }
}

#[tokio::test]
async fn without_a_key_sessions_live_as_long_as_the_program_and_it_says_so() {
    let place = Place::disk();
    let (app, mut guest) = (App::at(&place, &[THREE]), Guest::default());
    guest.draw(&app, "ATL", 10).await;

    for answer in from_each_worker(&mut guest, &app, "/session/signal", 3).await {
        assert!(has_sample(&answer), "all workers share the key that was made");
    }
    let warnings = app.logged("SESSION_KEY is not set");
    assert_eq!((warnings.len(), warnings[0]["level"].as_str()), (1, Some("WARN")));
    let old = app.process(1);
    app.kill_worker(1, "KILL");
    crate::helpers::eventually("a successor", || app.process(1) != old);
    for answer in from_each_worker(&mut guest, &app, "/session/signal", 3).await {
        assert!(has_sample(&answer), "and so does a worker that takes another's place");
    }
    drop(app);

    assert!(!has_sample(&guest.signal(&App::at(&place, &[])).await));
    let with_key = App::spawn(&[("SESSION_KEY", KEY)]);
    assert_eq!(with_key.logged("SESSION_KEY").len(), 0);
}

#[tokio::test]
async fn nothing_of_a_session_is_in_a_log_or_an_address() {
    for place in Place::both() {
        let app = App::at(
            &place,
            &[("SESSION_KEY", KEY), ("RUST_LOG", "trace"), ("SIMULATED_COST", "300ms")],
        );
        let mut guest = Guest::default();
        let mut addresses = Vec::new();
        let signal = guest.draw(&app, "ATL", 10).await;
        let names = place.names();
        addresses.extend(signal.asks());
        for path in
            signal.asks().iter().map(String::as_str).chain(["/session", "/session/flights.csv"])
        {
            let answer = guest.get(&app, path).await;
            assert!(!answer.text().contains(id_of(&guest)), "{path}");
            if path != "/session/flights.csv" {
                addresses.extend(answer.asks());
            }
        }
        let id = id_of(&guest).to_owned();
        guest.forget(&app).await;

        let name = names.iter().find_map(|name| name.split('~').nth(1)).unwrap();
        let secrets = [id.as_str(), &name[..32], KEY];
        assert_eq!(secrets.map(str::len), [32, 32, 64]);
        assert!(addresses.len() > 5);
        for text in app.lines().iter().map(ToString::to_string).chain(addresses) {
            assert!(secrets.iter().all(|secret| !text.contains(secret)), "{text}");
        }
        assert_eq!(app.logged("computed")[0]["key"], "quadrant:sample:~:frames-1");
    }
}

/// The random number in a visitor's cookie.
fn id_of(guest: &Guest) -> &str {
    guest.cookie.as_ref().unwrap().split_once('=').unwrap().1.split('.').next().unwrap()
}

#[tokio::test]
async fn every_answer_of_a_session_is_private_and_kept_by_nobody() {
    let (app, mut guest) = (App::spawn(&[]), Guest::default());
    let ordered = guest.order(&app, "ATL", "10").await;
    let signal = guest.signal(&app).await;
    let mut paths = signal.asks();
    let numbers = GRAPHS.map(|graph| {
        [format!("/session/graphs/{graph}.csv"), format!("/session/graphs/{graph}/table")]
    });
    paths.extend(numbers.into_iter().flatten());
    let others = [
        "/session",
        "/session?metric=no",
        "/session/signal",
        "/session/flights.csv",
        "/session/graphs/pie",
        "/session/signal?at=x",
    ];
    paths.extend(others.map(str::to_owned));

    let mut answers = vec![ordered, signal];
    for path in &paths {
        answers.push(guest.get(&app, path).await);
        answers.push(Guest::default().get(&app, path).await);
    }
    answers.push(guest.order(&app, "ATL", "0").await);
    answers.push(guest.forget(&app).await);

    for answer in answers {
        assert_eq!(answer.header("cache-control"), "private, no-store", "{}", answer.text());
    }
}

#[tokio::test]
async fn a_slow_draw_shows_its_progress_and_no_request_is_held_for_long() {
    for place in Place::both() {
        let app = App::at(&place, &[THREE, ("SIMULATED_COST", "3s")]);
        let (mut guest, started) = (Guest::default(), Instant::now());
        guest.order(&app, "ATL", "100").await;
        assert!(started.elapsed() < Duration::from_millis(900), "{:?}", started.elapsed());

        let mut seen = Vec::new();
        let drawn = loop {
            let asked = Instant::now();
            let last = seen.last().copied().unwrap_or(0);
            let answer = guest.get(&app, &format!("/session/signal?seen={last}")).await;
            assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
            if answer.status != 202 {
                break answer;
            }
            seen.push(
                answer
                    .text()
                    .split(" value=\"")
                    .nth(1)
                    .unwrap()
                    .split('"')
                    .next()
                    .unwrap()
                    .parse::<u32>()
                    .unwrap(),
            );
        };

        assert!(started.elapsed() >= Duration::from_secs(3));
        assert!(has_sample(&drawn));
        assert!(seen.len() > 5 && seen.is_sorted() && *seen.last().unwrap() > 500, "{seen:?}");
        let again = Instant::now();
        guest.signal(&app).await;
        assert!(again.elapsed() < Duration::from_secs(1), "it is kept");
        assert_eq!(app.computations(), 1);
    }
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

#[tokio::test]
async fn while_redis_is_away_samples_are_kept_here_and_nothing_is_said_to_be_deleted() {
    let mut redis = Redis::spawn();
    let app = App::spawn(&[("REDIS_URL", &redis.url()), ("SESSION_MAX", "2")]);
    let mut guests = [(); 4].map(|()| Guest::default());
    guests[0].draw(&app, "ATL", 100).await;
    redis.stop();

    for guest in &mut guests[1..] {
        let drawn = guest.draw(&app, "ATL", 100).await;
        assert!(has_sample(&drawn) && drawn.text().contains("class=\"notice\""));
        sleep(Duration::from_millis(5)).await;
    }
    let cleared = guests[1].signal(&app).await;
    assert!(cleared.text().contains("cleared to make room"), "the bound holds: {}", cleared.text());
    let kept = guests[3].signal(&app).await;
    for at in [0, 3] {
        let cookie = guests[at].cookie.clone();
        let refused = guests[at].forget(&app).await;
        assert_eq!((refused.status, guests[at].cookie.clone()), (503, cookie));
        assert!(refused.text().contains("cannot be deleted at the moment"), "{}", refused.text());
        assert!(refused.text().contains("Try again"), "{}", refused.text());
    }
    assert_eq!(drawn_at(&guests[3].signal(&app).await), drawn_at(&kept), "nothing has changed");

    redis.start();
    let until = Instant::now() + Duration::from_secs(10);
    while guests[3].forget(&app).await.status != 200 {
        assert!(Instant::now() < until, "it is asked again within ten seconds");
        sleep(Duration::from_millis(50)).await;
    }
    assert!(has_sample(&guests[2].signal(&app).await), "it is still on the disk of this host");
    assert!(has_sample(&guests[0].draw(&app, "ATL", 100).await), "Redis has begun anew, and empty");
}

#[tokio::test]
async fn while_redis_is_full_samples_are_kept_here_and_former_ones_are_replaced() {
    let redis = Redis::spawn();
    let app = App::spawn(&[THREE, ("REDIS_URL", &redis.url())]);
    let mut guest = Guest::default();
    guest.draw(&app, "ATL", 100).await;
    redis.ask::<()>(&["CONFIG", "SET", "maxmemory", "1"]);

    let drawn = guest.draw(&app, "ORD", 100).await;

    assert!(drawn.text().contains("Chicago"), "{}", drawn.text());
    for again in from_each_worker(&mut guest, &app, "/session/signal", 3).await {
        assert_eq!(drawn_at(&again), drawn_at(&drawn));
    }
    assert_eq!(app.computations(), 2);
}
