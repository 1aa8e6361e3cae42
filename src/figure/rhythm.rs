//! `rhythm`: heat map of weekday and hour of departure. An hour without flights is empty, not zero.

use plotly::layout::AxisRange;
use plotly::{HeatMap, Layout};
use polars::prelude::PolarsResult;

use super::{Figure, axis, counted, counts, json, minutes, plot};
use crate::metric::Metric;
use crate::query::Selection;

const WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

pub(super) fn figure(selection: &Selection, metric: Metric) -> PolarsResult<Figure> {
    let rhythm = &selection.rhythm;
    let delays: Vec<Option<f64>> = rhythm.column(metric.word())?.f64()?.iter().collect();
    let flights = counts(rhythm, "flights")?;
    let weeks = |hour: usize| format!("{} {:02}:00", WEEKDAYS[hour / 24], hour % 24);
    let says: Vec<String> = (0..delays.len())
        .map(|hour| {
            let delay = delays[hour].map(minutes).unwrap_or_default();
            let flights = counted(flights[hour].into(), "flight");
            format!("{}<br>{} {delay} min<br>{flights}", weeks(hour), metric.delay())
        })
        .collect();
    let worst = delays.iter().enumerate().filter_map(|(hour, delay)| Some((hour, (*delay)?)));
    let caption = match worst.max_by(|(_, a), (_, b)| a.total_cmp(b)) {
        None => "No flights.".to_owned(),
        Some((hour, delay)) => format!(
            "The {} is highest for departures in the hour from {}: {} minutes. Empty: no flights.",
            metric.delay(),
            weeks(hour),
            minutes(delay)
        ),
    };

    let full = full_color(&delays, &flights);
    let ramp = Some([
        format!("{} min or earlier", minutes(-full)),
        format!("{} min or later", minutes(full)),
    ]);
    let days = |chunk: &[Option<f64>]| chunk.to_vec();
    let layout = Layout::new()
        .x_axis(axis("Hour of departure").dtick(3.0).show_grid(false).zero_line(false))
        // Monday at the top.
        .y_axis(axis("").range(AxisRange::new(6.5, -0.5)).show_grid(false));
    let mut plot = plot(layout, "quadrant-rhythm");
    plot.add_trace(
        HeatMap::new(
            (0..24).collect(),
            WEEKDAYS.map(|day| day[..3].to_owned()).to_vec(),
            delays.chunks(24).map(days).collect::<Vec<_>>(),
        )
        // Early is one color, late the other, whatever the range.
        .zmin(-full)
        .zmax(full)
        // plotly.js sets its color bar's styles inline, which our policy forbids: the page has one.
        .show_scale(false)
        // Without a gap, neighbors blur where a pixel belongs to both.
        .x_gap(1)
        .y_gap(1)
        .hover_on_gaps(false)
        .hover_text_matrix(says.chunks(24).map(<[String]>::to_vec).collect())
        .hover_template("%{hovertext}<extra></extra>"),
    );
    let title = format!("{} by weekday and hour", super::daily::capital(metric.delay()));
    Ok(Figure { title, caption, ramp, json: json(&plot) })
}

/// The delay that has the full color: that of the hours in which the last 2 % of flights leave, so
/// that a few flights at night do not pale the day.
fn full_color(delays: &[Option<f64>], flights: &[u32]) -> f64 {
    let hours = delays.iter().zip(flights).filter_map(|(delay, n)| Some(((*delay)?.abs(), *n)));
    let mut hours: Vec<(f64, u32)> = hours.collect();
    hours.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
    let all: u64 = flights.iter().map(|n| u64::from(*n)).sum();
    let mut below = 0;
    let full = hours.into_iter().find(|(_, n)| {
        below += u64::from(*n);
        below * 50 >= all * 49
    });
    // A range of nothing has no middle.
    full.map_or(1.0, |(delay, _)| delay.ceil().max(1.0))
}
