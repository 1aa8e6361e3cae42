//! The four graphs: pure functions from frames to figures, and to the numbers behind them.
//!
//! A figure names no color: `static/graphs/palette.js` gives all four the palette of the page, light or
//! dark, so that one figure serves both and can be kept for ever.

use std::fmt;

use plotly::common::Title;
use plotly::configuration::{ImageButtonFormats, ModeBarButtonName, ToImageButtonOptions};
use plotly::layout::{Axis, Margin};
use plotly::{Configuration, Layout, Plot};
use polars::prelude::{DataFrame, PolarsResult};

use crate::metric::Metric;
use crate::query::Selection;

mod words;
mod sheet;
mod columns;
mod daily;
mod distribution;
mod rhythm;
mod destinations;

pub use self::columns::Columns;
pub use self::destinations::bubbles;
pub use self::sheet::{columns, csv, rows};
pub(crate) use self::words::escaped;
pub use self::words::{count, counted, minutes};

/// A place on the page, and what is drawn there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Graph {
    /// Flights and delay by day.
    Daily,
    /// Flights by delay.
    Distribution,
    /// Delay by weekday and hour.
    Rhythm,
    /// Delay by distance, a bubble a destination.
    Destinations,
}

/// What plotly draws, and what people read beside it.
pub struct Figure {
    /// The heading.
    pub title: String,
    /// What is seen, in one sentence, for those who do not see it too.
    pub caption: String,
    /// What the two ends of the color ramp mean, in minutes, where there is one.
    pub ramp: Option<[String; 2]>,
    /// `{"data":…,"layout":…,"config":…}`, without a `<`, so that it can stand within a script.
    pub json: String,
}

/// The numbers behind a graph: a frame to be read by people and programs.
pub type Numbers = DataFrame;

impl Graph {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 4] = [Self::Daily, Self::Distribution, Self::Rhythm, Self::Destinations];

    /// Finds a graph by its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|graph| graph.word() == word)
    }

    /// The word in URLs and element ids.
    pub fn word(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Distribution => "distribution",
            Self::Rhythm => "rhythm",
            Self::Destinations => "destinations",
        }
    }

    /// Draws the graph.
    ///
    /// # Errors
    ///
    /// When a frame lacks a column, which would be a mistake of ours.
    pub fn figure(self, selection: &Selection, metric: Metric) -> PolarsResult<Figure> {
        match self {
            Self::Daily => daily::figure(selection, metric),
            Self::Distribution => distribution::figure(selection),
            Self::Rhythm => rhythm::figure(selection, metric),
            Self::Destinations => destinations::figure(selection, metric),
        }
    }

    /// The numbers that the graph shows.
    ///
    /// # Errors
    ///
    /// When a frame lacks a column, which would be a mistake of ours.
    pub fn numbers(self, selection: &Selection, metric: Metric) -> PolarsResult<Numbers> {
        let metric = metric.word();
        match self {
            Self::Daily => {
                selection.daily.select(["date", "flights", metric, &format!("{metric}_7d")])
            }
            Self::Distribution => Ok(selection.distribution.clone()),
            Self::Rhythm => selection.rhythm.select(["weekday", "hour", "flights", metric]),
            Self::Destinations => Ok(selection.destinations.clone()),
        }
    }
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A plot with what all four have in common.
pub(crate) fn plot(layout: Layout, file_name: &str) -> Plot {
    let mut plot = Plot::new();
    // Room for the ticks; titles and legends make their own.
    let margin = Margin::new().left(56).right(16).top(32).bottom(24);
    plot.set_layout(layout.margin(margin));
    let image =
        ToImageButtonOptions::new().format(ImageButtonFormats::Png).filename(file_name).scale(2);
    plot.set_configuration(
        Configuration::new()
            .responsive(true)
            .display_logo(false)
            // What is left: save as an image, zoom, and back.
            .mode_bar_buttons_to_remove(vec![
                ModeBarButtonName::Pan2d,
                ModeBarButtonName::Select2d,
                ModeBarButtonName::Lasso2d,
                ModeBarButtonName::AutoScale2d,
            ])
            // By default plotly.js offers to upload the data to its makers' cloud.
            .show_send_to_cloud(false)
            .to_image_button_options(image),
    );
    plot
}

/// The JSON of a plot. A `<` can only be within a string, where JSON has another form of it.
pub(crate) fn json(plot: &Plot) -> String {
    plot.to_json().replace('<', "\\u003c")
}

/// An axis with its title, units included.
pub(crate) fn axis(title: &str) -> Axis {
    Axis::new().title(Title::with_text(title)).auto_margin(true)
}

/// A column of numbers, without those that are missing.
pub(crate) fn numbers(frame: &DataFrame, column: &str) -> PolarsResult<Vec<f64>> {
    Ok(frame.column(column)?.f64()?.iter().flatten().collect())
}

/// The same of whole numbers.
pub(crate) fn counts(frame: &DataFrame, column: &str) -> PolarsResult<Vec<u32>> {
    Ok(frame.column(column)?.u32()?.iter().flatten().collect())
}

/// The same of texts.
pub(crate) fn texts(frame: &DataFrame, column: &str) -> PolarsResult<Vec<String>> {
    Ok(frame.column(column)?.str()?.iter().flatten().map(str::to_owned).collect())
}
