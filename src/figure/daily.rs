//! `daily`: flights per day as bars; the metric of that day's delay as a line, and its rolling mean
//! over seven days. Bars and lines share the days and nothing else: each has its own half.

use std::cmp::Reverse;

use plotly::common::{DashType, Line, Mode};
use plotly::layout::{HoverMode, Legend, RangeMode};
use plotly::{Bar, Layout, Scatter};
use polars::prelude::{DataType, PolarsResult};

use super::{Figure, axis, counted, json, minutes, plot};
use crate::metric::Metric;
use crate::query::Selection;

pub(super) fn figure(selection: &Selection, metric: Metric) -> PolarsResult<Figure> {
    let daily = &selection.daily;
    let dates = daily.column("date")?.cast(&DataType::String)?;
    let dates: Vec<String> = dates.str()?.iter().flatten().map(str::to_owned).collect();
    let flights: Vec<Option<u32>> = daily.column("flights")?.u32()?.iter().collect();
    let delays: Vec<Option<f64>> = daily.column(metric.word())?.f64()?.iter().collect();
    let rolling = daily.column(&format!("{}_7d", metric.word()))?.f64()?.iter().collect();
    let caption = caption(&dates, &flights, &delays, metric);

    let layout = Layout::new()
        .hover_mode(HoverMode::XUnified)
        .legend(legend())
        .x_axis(axis("").anchor("y").hover_format("%A, %B %-d, %Y"))
        .y_axis(
            axis("Flights").domain(&[0.0, 0.3]).range_mode(RangeMode::ToZero).tick_format(",~f"),
        )
        .y_axis2(axis("Delay (min)").domain(&[0.38, 1.0]));
    let mut plot = plot(layout, "quadrant-daily");
    plot.add_trace(
        Bar::new(dates.clone(), flights)
            .name("Flights")
            .hover_template("%{y:,} flights<extra></extra>"),
    );
    let line = |values, name: &str, says: &str| {
        Scatter::new(dates.clone(), values)
            .mode(Mode::Lines)
            .name(name)
            .y_axis("y2")
            .connect_gaps(false)
            .hover_template(format!("%{{y:.1f}} min {says}<extra></extra>"))
    };
    plot.add_trace(
        line(delays, "Delay", metric.delay()).line(Line::new().width(1.0).dash(DashType::Dot)),
    );
    plot.add_trace(line(rolling, "7-day rolling mean", "over 7 days").line(Line::new().width(2.5)));
    let title = format!("Flights and {} by day", metric.delay());
    Ok(Figure { title, caption, ramp: None, json: json(&plot) })
}

/// Above the plot and to the left, so that it fits a phone.
fn legend() -> Legend {
    use plotly::common::{Anchor, Orientation};
    Legend::new().orientation(Orientation::Horizontal).x(0.0).y(1.02).y_anchor(Anchor::Bottom)
}

fn caption(
    dates: &[String],
    flights: &[Option<u32>],
    delays: &[Option<f64>],
    metric: Metric,
) -> String {
    let days = dates.iter().zip(flights.iter().flatten()).filter(|(_, flights)| **flights > 0);
    // `max_by_key` would take the last of equals.
    let Some((busiest, most)) = days.min_by_key(|(_, flights)| Reverse(**flights)) else {
        return "No flights.".to_owned();
    };
    let worst = dates.iter().zip(delays).filter_map(|(date, delay)| Some((date, (*delay)?)));
    let Some((latest, delay)) = worst.max_by(|(_, a), (_, b)| a.total_cmp(b)) else {
        return "No flights.".to_owned();
    };
    format!(
        "The busiest day was {busiest} with {}; the {} was highest on {latest}, {} minutes.",
        counted((*most).into(), "flight"),
        metric.delay(),
        minutes(delay)
    )
}

pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
