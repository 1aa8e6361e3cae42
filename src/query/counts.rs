//! How many flights had each delay, for each value of one dimension.
//!
//! Dense on purpose: adding a flight is one addition in memory. On two cores, counting all flights
//! three times this way takes a third of what hash group-bys over the same slices take.

use std::ops::RangeInclusive;

/// Counts that are looked at together, since most rows hold more zeros than anything else.
const BLOCK: usize = 32;

/// One row of counts a value of the dimension, one count a delay in minutes.
pub(crate) struct Counts {
    first_delay: i16,
    /// Delays that have a count, so many a row.
    width: usize,
    counts: Vec<u32>,
}

/// The counts of one value of the dimension, or of all.
pub(crate) struct Row<'a> {
    first_delay: i16,
    counts: std::borrow::Cow<'a, [u32]>,
}

/// What a row says of its flights and their delays, in minutes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Delays {
    pub(crate) flights: u32,
    pub(crate) mean: f64,
    pub(crate) median: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
}

impl Counts {
    /// Zeros for `rows` values of the dimension and for every delay of the range.
    pub(crate) fn new(rows: usize, delays: RangeInclusive<i16>) -> Self {
        let width = (i32::from(*delays.end()) - i32::from(*delays.start()) + 1).max(1) as usize;
        Self { first_delay: *delays.start(), width, counts: vec![0; rows * width] }
    }

    /// Counts flights by their place in the dimension and their delay; `None` when one is outside.
    pub(crate) fn add<T: Copy + Into<usize>>(&mut self, at: &[T], delays: &[i16]) -> Option<()> {
        let first = i32::from(self.first_delay);
        for (at, delay) in at.iter().zip(delays) {
            let column = usize::try_from(i32::from(*delay) - first).ok()?;
            if column >= self.width {
                return None;
            }
            *self.counts.get_mut((*at).into() * self.width + column)? += 1;
        }
        Some(())
    }

    /// The rows, in the order of the dimension.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let first_delay = self.first_delay;
        let rows = self.counts.chunks_exact(self.width);
        rows.map(move |counts| Row { first_delay, counts: counts.into() })
    }

    /// All rows added up.
    pub(crate) fn total(&self) -> Row<'static> {
        let mut total = vec![0; self.width];
        for row in self.counts.chunks_exact(self.width) {
            for (sum, count) in total.iter_mut().zip(row) {
                *sum += count;
            }
        }
        Row { first_delay: self.first_delay, counts: total.into() }
    }
}

impl Row<'_> {
    /// How many flights there are.
    pub(crate) fn flights(&self) -> u32 {
        self.counts.iter().sum()
    }

    /// Every delay that flights had, with their number, from the earliest on.
    pub(crate) fn delays(&self) -> impl Iterator<Item = (i32, u32)> {
        let firsts = (i32::from(self.first_delay)..).step_by(BLOCK);
        let blocks = self.counts.chunks(BLOCK).zip(firsts);
        let filled = blocks.filter(|(counts, _)| counts.iter().fold(0, |any, n| any | n) > 0);
        let numbered = filled.flat_map(|(counts, first)| counts.iter().zip(first..));
        numbered.filter(|(count, _)| **count > 0).map(|(count, delay)| (delay, *count))
    }

    /// Mean and exact quantiles; `None` without flights.
    pub(crate) fn summary(&self) -> Option<Delays> {
        // Every delay that flights had, with the number of flights up to and including it.
        let (mut ranked, mut flights, mut sum) = (Vec::new(), 0, 0);
        self.delays().for_each(|(delay, count)| {
            flights += u64::from(count);
            sum += i64::from(delay) * i64::from(count);
            ranked.push((delay, flights));
        });
        if ranked.is_empty() {
            return None;
        }
        let [median, p90, p99] = [50, 90, 99].map(|percent| percentile(&ranked, flights, percent));
        let mean = sum as f64 / flights as f64;
        Some(Delays { flights: flights as u32, mean, median, p90, p99 })
    }
}

/// A percentile; ranks are whole numbers, so they are exact.
fn percentile(ranked: &[(i32, u64)], flights: u64, percent: u64) -> f64 {
    quantile(flights, (percent, 100), |rank| {
        let (delay, _) = ranked[ranked.partition_point(|(_, until)| *until <= rank)];
        f64::from(delay)
    })
}

/// A quantile of so many sorted numbers, such as (25, 1000) for the 0.025 quantile, by linear
/// interpolation between neighbors (type 7 of Hyndman and Fan, 1996): the default of R, NumPy,
/// pandas and Excel. `at` tells the number of a rank, counted from 0.
pub(crate) fn quantile(numbers: u64, (part, of): (u64, u64), at: impl Fn(u64) -> f64) -> f64 {
    let rank = (numbers - 1) * part;
    let (below, above) = (at(rank / of), at(rank.div_ceil(of)));
    below + (above - below) * (rank % of) as f64 / of as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(delays: &[i16]) -> Option<Delays> {
        let mut counts = Counts::new(1, -100..=100);
        counts.add(&vec![0_u16; delays.len()], delays).unwrap();
        counts.rows().next().unwrap().summary()
    }

    #[test]
    fn no_flights_have_no_delays() {
        assert_eq!(summary(&[]), None);
    }

    #[test]
    fn quantiles_are_those_that_numpy_gives() {
        // numpy.quantile([-7, 0, 0, 3, 10, 55], [.5, .9, .99]) and numpy.mean, numpy 2.2.
        let delays = summary(&[55, 0, -7, 10, 0, 3]).unwrap();

        assert_eq!((delays.median, delays.p90), (1.5, 32.5));
        assert!((delays.p99 - 52.75).abs() < 1e-12, "{delays:?}");
        assert!((delays.mean - 10.166_666_666_666_666).abs() < 1e-12, "{delays:?}");
    }

    #[test]
    fn quantiles_of_two_flights_lie_between_them() {
        let delays = summary(&[260 - 200, 170 - 200]).unwrap();

        assert_eq!((delays.median, delays.p90), (15.0, 51.0));
    }

    #[test]
    fn one_flight_is_its_own_quantile() {
        let delays = summary(&[-42]).unwrap();

        assert_eq!(
            delays,
            Delays { flights: 1, mean: -42.0, median: -42.0, p90: -42.0, p99: -42.0 }
        );
    }

    #[test]
    fn a_value_outside_of_the_table_is_refused() {
        let mut counts = Counts::new(2, -5..=5);

        assert_eq!(counts.add(&[0_u16], &[6]), None);
        assert_eq!(counts.add(&[0_u16], &[-6]), None);
        assert_eq!(counts.add(&[2_u16], &[0]), None);
        assert_eq!(counts.total().flights(), 0);
    }
}
