//! `destinations`: one bubble a destination, by distance and metric of delay; its area shows how
//! many flights go there.

use plotly::common::{Marker, Mode, SizeMode};
use plotly::{Layout, Plot, Scatter};
use polars::prelude::PolarsResult;

use super::words::escaped;
use super::{Figure, axis, count, counted, counts, json, minutes, numbers, plot, texts};
use crate::metric::Metric;
use crate::query::Selection;

/// Diameter of the largest bubble, in pixels.
const LARGEST: usize = 44;
/// plotly divides areas by a whole number; this makes it fine enough for ten flights as for a million.
const FINENESS: usize = 1000;

pub(super) fn figure(selection: &Selection, metric: Metric) -> PolarsResult<Figure> {
    let frame = &selection.destinations;
    let flights = counts(frame, "flights")?;
    let (code, name) = (texts(frame, "destination")?, texts(frame, "name")?);
    let (distance, delay) = (numbers(frame, "distance")?, numbers(frame, metric.word())?);
    let (mean, median, p90) =
        (numbers(frame, "mean")?, numbers(frame, "median")?, numbers(frame, "p90")?);
    // Not in bold type: plotly.js sets its style inline, which our policy forbids.
    let says = (0..frame.height())
        .map(|row| {
            format!(
                "{} · {}<br>{}, {}<br>delay: mean {}, median {}, p90 {} min",
                escaped(&code[row]),
                escaped(&name[row]),
                counted(flights[row].into(), "flight"),
                counted(distance[row].round() as u64, "mile"),
                minutes(mean[row]),
                minutes(median[row]),
                minutes(p90[row])
            )
        })
        .collect();
    let most = (0..frame.height()).max_by_key(|row| flights[*row]);
    let caption = most.map_or("No flights.".to_owned(), |row| {
        format!(
            "{}; most flights, {}, go to {} ({}), with a {} of {} minutes.",
            counted(frame.height() as u64, "destination"),
            count(flights[row].into()),
            name[row],
            code[row],
            metric.delay(),
            minutes(delay[row])
        )
    });

    let largest = flights.iter().max().copied().unwrap_or(1) as usize;
    let marker = marker()
        .size_array(flights.iter().map(|flights| *flights as usize * FINENESS).collect())
        // The formula of plotly's documentation for areas.
        .size_ref((2 * largest * FINENESS / (LARGEST * LARGEST)).max(1));
    let mut plot = blank(metric);
    plot.add_trace(trace(distance, delay).marker(marker).hover_text_array(says));
    let title = format!("{} by distance of the destination", super::daily::capital(metric.delay()));
    Ok(Figure { title, caption, ramp: None, json: json(&plot) })
}

/// The graph without its bubbles, as JSON for a script that has their numbers.
pub fn bubbles() -> String {
    let mut plot = blank(Metric::ALL[0]);
    plot.add_trace(trace(Vec::new(), Vec::new()).marker(marker()));
    json(&plot)
}

fn blank(metric: Metric) -> Plot {
    let layout = Layout::new()
        .x_axis(axis("Distance (miles)").tick_format(",d").zero_line(false))
        .y_axis(axis(&format!("Delay, {} (min)", metric.word())));
    plot(layout, "quadrant-destinations")
}

fn trace(distance: Vec<f64>, delay: Vec<f64>) -> Box<Scatter<f64, f64>> {
    Scatter::new(distance, delay)
        .mode(Mode::Markers)
        .name("Destinations")
        .hover_template("%{hovertext}<extra></extra>")
}

fn marker() -> Marker {
    Marker::new().size_mode(SizeMode::Area).size_min(3).opacity(0.6)
}
