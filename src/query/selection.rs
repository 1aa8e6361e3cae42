//! From counts to frames: one frame a graph, with all three metrics, and one for the whole.

use polars::prelude::{
    BooleanChunked, Column, DataFrame, DataType, PolarsResult, RollingOptionsFixedWindow,
    SeriesOpsTime, df,
};

use super::counts::{Counts, Delays, Row};
use super::{HOURS, Tally};
use crate::dataset::{Airport, Contents};

/// The bins of the distribution: edges in minutes of delay. Flights beyond are in the end bins.
const BINS: (i32, i32, i32) = (-60, 240, 5);

/// Days of the rolling mean, the week over which traffic repeats.
const WEEK: usize = 7;

/// The frames computed for one origin. Delays are in minutes, distances in miles.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// One row: `flights`, `mean`, `median`, `p90`, `p99`, `below` and `above` (flights beyond the
    /// bins).
    pub summary: DataFrame,
    /// A row a day of the file: `date`, `flights`, then each metric and its rolling mean over seven
    /// days (`mean`, `mean_7d`, …), null on days without flights and in the first six.
    pub daily: DataFrame,
    /// A row a bin: `from`, `to`, `flights`.
    pub distribution: DataFrame,
    /// A row an hour of the week: `weekday` (1 is Monday), `hour`, `flights`, `mean`, `median`,
    /// `p90`, null in hours without flights.
    pub rhythm: DataFrame,
    /// A row a destination: `destination`, `name`, `distance` (the mean over its flights),
    /// `flights`, `mean`, `median`, `p90`.
    pub destinations: DataFrame,
}

impl Selection {
    pub(crate) fn new(tally: &Tally, contents: &Contents) -> PolarsResult<Self> {
        let total = tally.hours.total();
        Ok(Self {
            summary: summary(&total)?,
            daily: daily(&tally.days, contents)?,
            distribution: distribution(&total)?,
            rhythm: rhythm(&tally.hours)?,
            destinations: destinations(tally, contents)?,
        })
    }
}

fn summary(total: &Row<'_>) -> PolarsResult<DataFrame> {
    let outside = |beyond: &dyn Fn(i32) -> bool| -> u32 {
        total.delays().filter(|(delay, _)| beyond(*delay)).map(|(_, flights)| flights).sum()
    };
    let (from, to, _) = BINS;
    let delays = total.summary();
    let one = |read: fn(Delays) -> f64| [delays.map(read)];
    df![
        "flights" => [total.flights()],
        "mean" => one(|delays| delays.mean),
        "median" => one(|delays| delays.median),
        "p90" => one(|delays| delays.p90),
        "p99" => one(|delays| delays.p99),
        "below" => [outside(&|delay| delay < from)],
        "above" => [outside(&|delay| delay >= to)],
    ]
}

fn daily(days: &Counts, contents: &Contents) -> PolarsResult<DataFrame> {
    let dates = (contents.first_day..).take(contents.days.into());
    let dates = Column::new("date".into(), dates.collect::<Vec<i32>>()).cast(&DataType::Date)?;
    let metrics = metrics(days.rows().map(|row| row.summary()));
    let rolling = metrics[1..].iter().map(rolling).collect::<PolarsResult<Vec<_>>>()?;
    DataFrame::new_infer_height([vec![dates], metrics, rolling].concat())
}

/// The mean of a daily metric over the week that ends with each day.
fn rolling(metric: &Column) -> PolarsResult<Column> {
    let week =
        RollingOptionsFixedWindow { window_size: WEEK, min_periods: 1, ..Default::default() };
    let means = metric.as_materialized_series().rolling_mean(week)?;
    // A week that began before the file would be the mean of fewer days.
    let full: BooleanChunked = (0..metric.len()).map(|day| Some(day >= WEEK - 1)).collect();
    let null = Column::new("".into(), [None::<f64>]);
    let name = format!("{}_7d", metric.name());
    Ok(Column::from(means).zip_with(&full, &null)?.with_name(name.into()))
}

fn distribution(total: &Row<'_>) -> PolarsResult<DataFrame> {
    let (from, to, step) = BINS;
    let edges: Vec<i32> = (from..to).step_by(step as usize).collect();
    let mut flights = vec![0_u32; edges.len()];
    for (delay, count) in total.delays() {
        flights[(delay.clamp(from, to - 1) - from) as usize / step as usize] += count;
    }
    let until: Vec<i32> = edges.iter().map(|edge| edge + step).collect();
    df!["from" => edges, "to" => until, "flights" => flights]
}

fn rhythm(hours: &Counts) -> PolarsResult<DataFrame> {
    let all = || (0..HOURS as u32).collect::<Vec<u32>>().into_iter();
    let weekday: Vec<u32> = all().map(|hour| hour / 24 + 1).collect();
    let hour: Vec<u32> = all().map(|hour| hour % 24).collect();
    let mut columns = df!["weekday" => weekday, "hour" => hour]?.into_columns();
    columns.extend(metrics(hours.rows().map(|row| row.summary())));
    DataFrame::new_infer_height(columns)
}

fn destinations(tally: &Tally, contents: &Contents) -> PolarsResult<DataFrame> {
    let airports = contents.airports.iter().zip(&tally.miles).zip(tally.destinations.rows());
    let flown = airports.filter_map(|((airport, miles), row)| {
        let delays = row.summary()?;
        Some((airport, *miles as f64 / f64::from(delays.flights), delays))
    });
    let flown: Vec<(&Airport, f64, Delays)> = flown.collect();
    let code: Vec<&str> = flown.iter().map(|(airport, ..)| airport.code.as_str()).collect();
    let name: Vec<&str> = flown.iter().map(|(airport, ..)| airport.name.as_str()).collect();
    let distance: Vec<f64> = flown.iter().map(|(_, distance, _)| *distance).collect();
    let mut columns =
        df!["destination" => code, "name" => name, "distance" => distance]?.into_columns();
    columns.extend(metrics(flown.iter().map(|(.., delays)| Some(*delays))));
    DataFrame::new_infer_height(columns)
}

/// `flights`, `mean`, `median`, `p90` of every summary; the metrics null without flights.
fn metrics(summaries: impl Iterator<Item = Option<Delays>>) -> Vec<Column> {
    let delays: Vec<Option<Delays>> = summaries.collect();
    let flights: Vec<u32> =
        delays.iter().map(|delays| delays.map_or(0, |delays| delays.flights)).collect();
    let column = |name: &str, read: fn(Delays) -> f64| {
        let values: Vec<Option<f64>> = delays.iter().map(|delays| delays.map(read)).collect();
        Column::new(name.into(), values)
    };
    vec![
        Column::new("flights".into(), flights),
        column("mean", |delays| delays.mean),
        column("median", |delays| delays.median),
        column("p90", |delays| delays.p90),
    ]
}
