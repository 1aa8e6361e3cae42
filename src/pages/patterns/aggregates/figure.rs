//! Three small frames of one airport's flights, and the graphs that a script makes of them.

use plotly::layout::Axis;
use plotly::{Bar, Layout};
use polars::prelude::{IntoLazy, PolarsResult, SortMultipleOptions, col};
use serde::Serialize;

use crate::figure::{Columns, axis, json, plot};
use crate::query::Selection;

/// How many flights there are by day, by hour of departure and by delay.
#[derive(Serialize)]
pub(super) struct Aggregates {
    /// A row a day of the file: `date`, `flights`.
    pub(super) days: Columns,
    /// A row an hour of the day: `hour`, `flights`.
    pub(super) hours: Columns,
    /// A row a bin: `from`, `to`, `flights`. Flights beyond the bins are in the end bins.
    pub(super) delays: Columns,
}

/// A graph without its bars, for a script that has their numbers.
pub(super) struct Outline {
    /// The name of its aggregate.
    pub(super) name: &'static str,
    /// The heading.
    pub(super) title: &'static str,
    /// `{"data":…,"layout":…,"config":…}`, without a `<`.
    pub(super) json: String,
}

impl Aggregates {
    /// Those of a selection; the week's hours are added up to those of a day.
    ///
    /// # Errors
    ///
    /// When a frame lacks a column, which would be a mistake of ours.
    pub(super) fn of(selection: Selection) -> PolarsResult<Self> {
        let hours = selection.rhythm.lazy().group_by([col("hour")]).agg([col("flights").sum()]);
        let hours = hours.sort(["hour"], SortMultipleOptions::default()).collect()?;
        let days = selection.daily.select(["date", "flights"])?;
        Ok(Self {
            days: Columns(days),
            hours: Columns(hours),
            delays: Columns(selection.distribution),
        })
    }
}

impl Outline {
    /// Those of all three aggregates, in the order of the page.
    pub(super) fn all() -> [Self; 3] {
        let hour = axis("Hour of departure").dtick(3.0);
        let delay = axis("Delay at arrival (minutes)").dtick(60.0);
        [
            Self::new("days", "Flights by day", axis("")),
            Self::new("hours", "Flights by hour of the day", hour),
            Self::new("delays", "Flights by delay", delay),
        ]
    }

    fn new(name: &'static str, title: &'static str, x: Axis) -> Self {
        let y = axis("Flights").tick_format(",~f");
        let layout = Layout::new().bar_gap(0.08).x_axis(x).y_axis(y);
        let mut plot = plot(layout, &format!("quadrant-{name}"));
        let says = "%{y:,} flights %{hovertext}<extra></extra>";
        plot.add_trace(
            Bar::new(Vec::<f64>::new(), Vec::<f64>::new()).name("Flights").hover_template(says),
        );
        Self { name, title, json: json(&plot) }
    }
}
