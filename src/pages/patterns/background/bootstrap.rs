//! How sure a mean is: bootstrap confidence intervals of the mean delay, destination by destination.
//!
//! A resample draws as many flights as there are, each any of them, and takes their mean; the middle
//! 95 % of many such means are the interval. The work is a draw a flight and a resample.

use std::iter::repeat_n;

use anyhow::Context;
use fastrand::Rng;
use polars::prelude::{DataFrame, df};

use crate::dataset::Departures;
use crate::query::{Counts, quantile, ranges};

/// The two ends of the interval, in thousandths of the resampled means.
const ENDS: [u64; 2] = [25, 975];

/// Draws between two reports: a few milliseconds, so that work that nobody wants ends at once.
const REPORT: u64 = 1 << 20;

/// Changes whenever the same flights give other intervals, as with another random generator.
pub(super) const VERSION: &str = "intervals-2";

/// Any number will do; a fixed one gives the same interval to everybody, whoever computes it.
const SEED: u64 = 2001;

/// How many draws a bootstrap takes: the steps of its computation.
pub(super) fn draws(departures: &Departures, resamples: u32) -> u64 {
    departures.flights() * u64::from(resamples)
}

/// Computes a row a destination. `reached` is told how many draws are done, and may end it.
///
/// The columns are `destination`, `name`, `flights`, `mean`, and `low` and `high`, between which the
/// mean lies with a confidence of 95 %.
///
/// Memory is that of one destination's means, however many destinations there are.
///
/// # Errors
///
/// What polars says of a damaged file, and what `reached` returns.
pub(super) fn bootstrap(
    departures: &Departures,
    resamples: u32,
    reached: impl Fn(u64) -> anyhow::Result<()>,
) -> anyhow::Result<DataFrame> {
    let counts = counted(departures)?;
    let (mut random, mut done) = (Rng::with_seed(SEED), 0);
    let (mut codes, mut names, mut flights) = (Vec::new(), Vec::new(), Vec::new());
    let (mut means, mut lows, mut highs) = (Vec::new(), Vec::new(), Vec::new());
    for (airport, row) in departures.contents().airports.iter().zip(counts.rows()) {
        let Some(summary) = row.summary() else { continue };
        let alike = row.delays().map(|(delay, count)| repeat_n(delay, count as usize));
        let delays: Vec<i32> = alike.flatten().collect();
        let [low, high] = interval(&delays, resamples, &mut random, |drawn| reached(done + drawn))?;
        done += delays.len() as u64 * u64::from(resamples);
        reached(done)?;
        codes.push(airport.code.as_str());
        names.push(airport.name.as_str());
        flights.push(row.flights());
        means.push(summary.mean);
        lows.push(low);
        highs.push(high);
    }
    Ok(df![
        "destination" => codes,
        "name" => names,
        "flights" => flights,
        "mean" => means,
        "low" => lows,
        "high" => highs,
    ]?)
}

/// Counts the delays of an origin's flights by destination.
fn counted(departures: &Departures) -> anyhow::Result<Counts> {
    let (dataset, contents) = (departures.dataset(), departures.contents());
    let delays = contents.min_delay..=contents.max_delay;
    let mut counts = Counts::new(contents.airports.len(), delays);
    let counted = ranges(dataset.rows(departures.origin())).try_for_each(|rows| {
        let mut slice = dataset.scan(rows, &["destination", "delay"])?;
        // One run of memory a column, so that counting is a loop over slices.
        slice.rechunk_mut();
        let destination = slice.column("destination")?.u16()?.cont_slice()?;
        let delay = slice.column("delay")?.i16()?.cont_slice()?;
        let damaged = "the data file holds values outside of what its metadata says";
        counts.add(destination, delay).context(damaged)
    });
    // First: a file that was written to explains whatever else is wrong.
    dataset.ensure_unaltered()?;
    counted?;
    Ok(counts)
}

/// The ends between which the middle 95 % of the resampled means are, in minutes.
fn interval(
    delays: &[i32],
    resamples: u32,
    random: &mut Rng,
    reached: impl Fn(u64) -> anyhow::Result<()>,
) -> anyhow::Result<[f64; 2]> {
    let flights = delays.len() as u64;
    let (mut drawn, mut reported) = (0, 0);
    // Sums are whole numbers and sort as the means do.
    let mut sums: Vec<i64> = Vec::with_capacity(resamples as usize);
    for _ in 0..resamples {
        sums.push((0..flights).map(|_| i64::from(delays[random.usize(..delays.len())])).sum());
        drawn += flights;
        if drawn - reported >= REPORT {
            reported = drawn;
            reached(drawn)?;
        }
    }
    sums.sort_unstable();
    let mean = |rank: u64| sums[rank as usize] as f64 / flights as f64;
    Ok(ENDS.map(|end| quantile(resamples.into(), (end, 1000), mean)))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use anyhow::ensure;

    use super::*;

    fn ends(delays: &[i32], resamples: u32) -> [f64; 2] {
        interval(delays, resamples, &mut Rng::with_seed(SEED), |_| Ok(())).unwrap()
    }

    #[test]
    fn one_flight_and_equal_flights_leave_no_doubt() {
        assert_eq!(ends(&[98], 1000), [98.0, 98.0]);
        assert_eq!(ends(&[-7; 40], 1000), [-7.0, -7.0]);
        assert_eq!(ends(&[5], 1), [5.0, 5.0]);
    }

    /// The mean of two flights that differ is either, or half of the time what is between them.
    #[test]
    fn two_flights_leave_as_much_doubt_as_there_is() {
        assert_eq!(ends(&[0, 10], 10_000), [0.0, 10.0]);
    }

    #[test]
    fn the_interval_of_many_flights_is_that_of_the_normal_distribution() {
        let delays: Vec<i32> = (0..2000).map(|at| at * 37 % 101).collect();
        let (n, sum) = (delays.len() as f64, delays.iter().sum::<i32>());
        let mean = f64::from(sum) / n;
        let squares: f64 = delays.iter().map(|delay| (f64::from(*delay) - mean).powi(2)).sum();
        let error = (squares / n / n).sqrt();

        let [low, high] = ends(&delays, 20_000);

        assert!((low - (mean - 1.96 * error)).abs() < 0.06 * error, "{low}");
        assert!((high - (mean + 1.96 * error)).abs() < 0.06 * error, "{high}");
    }

    #[test]
    fn it_reports_often_and_ends_when_it_is_told_to() {
        let (delays, reports) = (vec![1; 100_000], RefCell::new(Vec::new()));

        let ended = interval(&delays, 1000, &mut Rng::with_seed(SEED), |drawn| {
            reports.borrow_mut().push(drawn);
            ensure!(drawn < 5_000_000, "enough");
            Ok(())
        });

        assert_eq!(ended.unwrap_err().to_string(), "enough");
        let reports = reports.into_inner();
        assert_eq!(reports.last(), Some(&5_500_000));
        assert!(reports.windows(2).all(|two| two[1] - two[0] == 1_100_000), "{reports:?}");
    }
}
