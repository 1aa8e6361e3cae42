//! A sample: some flights of an origin, drawn at random without putting any back, and their frames.

use anyhow::Context;
use bytes::Bytes;
use polars::prelude::{
    Column, DataFrame, DataType, IdxCa, IdxSize, IntoLazy, PolarsResult, col, df, lit,
};

use crate::dataset::Departures;
use crate::frame;
use crate::query::{Selection, Tally, ranges};
use crate::random::Random;

/// What is kept of each flight: enough for the four graphs and for a table.
const COLUMNS: [&str; 7] = ["day", "hour", "minute", "origin", "destination", "distance", "delay"];

/// Flights that were drawn, and the frames of the four graphs for them alone. It is complete: the
/// data file may be another one by the time that somebody looks at it.
pub(super) struct Sample {
    /// What was drawn, and from what.
    pub(super) about: About,
    /// A row a flight: `date`, `hour` (of the week) and `minute` of departure, `origin` and `destination` as
    /// places in `airports`, `distance` in miles, `delay` in minutes.
    pub(super) flights: DataFrame,
    /// A row an airport of the data file: its `code`.
    pub(super) airports: DataFrame,
    /// The frames of the four graphs.
    pub(super) selection: Selection,
}

/// What was drawn, and from what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct About {
    /// The code of the origin, or `ALL`.
    pub(super) origin: String,
    /// The same, as people call it.
    pub(super) place: String,
    /// How many flights were drawn.
    pub(super) flights: u32,
    /// How many flights the origin has.
    pub(super) of: u32,
    /// The fingerprint of the data file.
    pub(super) fingerprint: String,
}

impl Sample {
    /// The first flights as people and programs read them: `date`, `time`, `origin`, `destination`,
    /// `distance`, `delay`.
    ///
    /// # Errors
    ///
    /// When a column is missing, which would be a mistake of ours.
    pub(super) fn table(&self, first: usize) -> PolarsResult<DataFrame> {
        let flights = self.flights.head(Some(first));
        let code = self.airports.column("code")?.str()?;
        let codes = |name: &str| -> PolarsResult<Column> {
            let at = flights.column(name)?.u16()?.iter().flatten();
            let codes: Vec<Option<&str>> = at.map(|at| code.get(at.into())).collect();
            Ok(Column::new(name.into(), codes))
        };
        let (hours, minutes) = (flights.column("hour")?.u8()?, flights.column("minute")?.u8()?);
        let times = hours.iter().flatten().zip(minutes.iter().flatten());
        let times: Vec<String> =
            times.map(|(hour, minute)| format!("{:02}:{minute:02}", hour % 24)).collect();
        DataFrame::new_infer_height(vec![
            flights.column("date")?.clone(),
            Column::new("time".into(), times),
            codes("origin")?,
            codes("destination")?,
            flights.column("distance")?.cast(&DataType::UInt32)?,
            flights.column("delay")?.cast(&DataType::Int32)?,
        ])
    }

    /// The sample as bytes for the cache.
    ///
    /// # Errors
    ///
    /// What polars says of a frame that it cannot write.
    pub(super) fn encode(self) -> anyhow::Result<Bytes> {
        let own = [self.about.frame()?, self.flights, self.airports];
        frame::join(own.into_iter().chain(frame::frames(self.selection)))
    }

    /// The sample that [`Sample::encode`] made these bytes of.
    ///
    /// # Errors
    ///
    /// When the bytes are something else, as in [`frame::decode`].
    pub(super) fn decode(bytes: &[u8]) -> anyhow::Result<Self> {
        let [about, flights, airports, frames @ ..]: [_; 8] = frame::split(bytes)?;
        let selection = frame::selection(frames);
        Ok(Self { about: About::of(&about)?, flights, airports, selection })
    }
}

impl About {
    /// What a sample says of itself, without the rest of it.
    ///
    /// # Errors
    ///
    /// When the bytes are something else, as in [`frame::decode`].
    pub(super) fn decode(bytes: &[u8]) -> anyhow::Result<Self> {
        Ok(Self::of(&frame::first(bytes)?)?)
    }

    fn frame(&self) -> PolarsResult<DataFrame> {
        df![
            "origin" => [self.origin.as_str()],
            "place" => [self.place.as_str()],
            "flights" => [self.flights],
            "of" => [self.of],
            "fingerprint" => [self.fingerprint.as_str()],
        ]
    }

    fn of(frame: &DataFrame) -> PolarsResult<Self> {
        let text = |name: &str| -> PolarsResult<String> {
            Ok(frame.column(name)?.str()?.get(0).unwrap_or_default().to_owned())
        };
        let number = |name: &str| -> PolarsResult<u32> {
            Ok(frame.column(name)?.u32()?.get(0).unwrap_or_default())
        };
        Ok(Self {
            origin: text("origin")?,
            place: text("place")?,
            flights: number("flights")?,
            of: number("of")?,
            fingerprint: text("fingerprint")?,
        })
    }
}

/// Draws `size` flights of an origin, or all if it has fewer: by the same `seed` always the same.
/// `reached` is told how many slices are done, and may end it.
///
/// # Errors
///
/// What polars says of a damaged file, and what `reached` returns.
pub(super) fn sample(
    departures: &Departures,
    size: u32,
    seed: u64,
    reached: impl Fn(u64) -> anyhow::Result<()>,
) -> anyhow::Result<Sample> {
    let dataset = departures.dataset();
    let rows = dataset.rows(departures.origin());
    let (mut random, mut left, mut wanted) = (Random(seed), rows.len() as u32, size);
    let (mut flights, mut tally) = (Vec::new(), Tally::new(dataset.contents()));
    let drawn = (1..).zip(ranges(rows.clone())).try_for_each(|(slice, rows)| {
        let places = draw(rows.len() as u32, &mut left, &mut wanted, &mut random);
        if !places.is_empty() {
            let slice = dataset.scan(rows, &COLUMNS)?;
            let mut drawn = slice.take(&IdxCa::from_vec("".into(), places))?;
            tally.add(&mut drawn)?;
            flights.push(drawn);
        }
        reached(slice)
    });
    // First: a file that was written to explains whatever else is wrong.
    dataset.ensure_unaltered()?;
    drawn?;
    let contents = dataset.contents();
    let codes: Vec<&str> = contents.airports.iter().map(|it| it.code.as_str()).collect();
    let flights = dated(flights, contents.first_day)?;
    let about = About {
        origin: departures.code().to_owned(),
        place: departures.place(),
        flights: flights.height() as u32,
        of: rows.len() as u32,
        fingerprint: departures.fingerprint().to_owned(),
    };
    let selection = Selection::new(&tally, contents)?;
    Ok(Sample { about, flights, airports: df!["code" => codes]?, selection })
}

/// The places of those drawn among the next `rows`, of which there are `left` in all, `wanted` of
/// them still to be drawn. (Selection sampling: Fan, Muller and Rezucha, "Development of Sampling
/// Plans by Using Sequential (Item by Item) Selection Techniques and Digital Computers", 1962.)
fn draw(rows: u32, left: &mut u32, wanted: &mut u32, random: &mut Random) -> Vec<IdxSize> {
    let mut drawn = Vec::new();
    for row in 0..rows {
        if random.below(*left) < *wanted {
            drawn.push(row);
            *wanted -= 1;
        }
        *left -= 1;
    }
    drawn
}

/// One frame of all, with dates in the place of days of the file.
fn dated(slices: Vec<DataFrame>, first_day: i32) -> anyhow::Result<DataFrame> {
    let mut slices = slices.into_iter();
    let mut all = slices.next().context("no flight was drawn")?;
    slices.try_for_each(|slice| all.vstack_mut_owned(slice).map(drop))?;
    let date = (col("day").cast(DataType::Int32) + lit(first_day)).cast(DataType::Date);
    let [_, rest @ ..] = COLUMNS;
    let columns = std::iter::once(date.alias("date")).chain(rest.map(col));
    Ok(all.lazy().select(columns.collect::<Vec<_>>()).collect()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(rows: u32, size: u32, seed: u64) -> Vec<IdxSize> {
        draw(rows, &mut rows.clone(), &mut size.clone(), &mut Random(seed))
    }

    #[test]
    fn a_sample_has_its_size_and_no_flight_twice() {
        for (rows, size) in [(1, 1), (7, 3), (1000, 999), (1000, 1000)] {
            let places = drawn(rows, size, 5);

            assert_eq!(places.len() as u32, size);
            assert!(
                places.windows(2).all(|two| two[0] < two[1]) && places.iter().all(|at| *at < rows)
            );
        }
    }

    #[test]
    fn fewer_flights_than_are_wanted_are_all_drawn() {
        assert_eq!(drawn(3, 10, 5), [0, 1, 2]);
    }

    #[test]
    fn another_seed_draws_other_flights_and_the_same_seed_the_same() {
        assert_eq!(drawn(1000, 20, 1), drawn(1000, 20, 1));
        assert_ne!(drawn(1000, 20, 1), drawn(1000, 20, 2));
    }

    #[test]
    fn every_flight_is_drawn_as_often_as_another() {
        let mut times = [0_i32; 10];
        for seed in 0..20_000 {
            drawn(10, 3, seed * 7919).into_iter().for_each(|at| times[at as usize] += 1);
        }

        // Six standard deviations of 6,000 draws out of 20,000.
        assert!(times.iter().all(|count| (count - 6000).abs() < 390), "{times:?}");
    }
}
