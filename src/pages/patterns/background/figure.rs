//! `intervals`: the mean delay to each destination, and how far it may be off; the latest last.

use plotly::common::{ErrorData, ErrorType, Mode};
use plotly::layout::AxisType;
use plotly::{Layout, Scatter};
use polars::prelude::{DataFrame, PolarsResult, SortMultipleOptions};

use crate::figure::{
    Figure, axis, count, counted, counts, escaped, json, minutes, numbers, plot, texts,
};

/// Draws the intervals of one airport's destinations.
///
/// # Errors
///
/// When the frame lacks a column, which would be a mistake of ours.
pub(super) fn intervals(frame: &DataFrame, resamples: u32, place: &str) -> PolarsResult<Figure> {
    let frame = frame.sort(["mean"], SortMultipleOptions::default())?;
    let flights = counts(&frame, "flights")?;
    let (code, name) = (texts(&frame, "destination")?, texts(&frame, "name")?);
    let (mean, low, high) =
        (numbers(&frame, "mean")?, numbers(&frame, "low")?, numbers(&frame, "high")?);
    // Not in bold type: plotly.js sets its style inline, which our policy forbids.
    let says = (0..frame.height())
        .map(|row| {
            format!(
                "{} · {}<br>mean of {}: {} min<br>95 %: {} to {} min",
                escaped(&code[row]),
                escaped(&name[row]),
                counted(flights[row].into(), "flight"),
                minutes(mean[row]),
                minutes(low[row]),
                minutes(high[row])
            )
        })
        .collect();
    let caption = caption(&flights, &name, [&mean, &low, &high], resamples);

    let layout = Layout::new()
        .x_axis(axis("Destination, by mean delay").type_(AxisType::Category))
        .y_axis(axis("Delay, mean (min)"));
    let mut plot = plot(layout, "quadrant-intervals");
    let apart = |one: &[f64], other: &[f64]| -> Vec<f64> {
        one.iter().zip(other).map(|(one, other)| one - other).collect()
    };
    let bars = ErrorData::new(ErrorType::Data)
        .symmetric(false)
        .array(apart(&high, &mean))
        .array_minus(apart(&mean, &low))
        .thickness(1.5)
        .width(0);
    plot.add_trace(
        Scatter::new(code, mean)
            .mode(Mode::Markers)
            .name("Mean delay")
            .error_y(bars)
            .hover_text_array(says)
            .hover_template("%{hovertext}<extra></extra>"),
    );
    let title = format!("{place}: mean delay by destination, and how sure it is");
    Ok(Figure { title, caption, ramp: None, json: json(&plot) })
}

fn caption(
    flights: &[u32],
    name: &[String],
    [mean, low, high]: [&[f64]; 3],
    resamples: u32,
) -> String {
    let Some(most) = (0..flights.len()).max_by_key(|row| flights[*row]) else {
        return "No flights.".to_owned();
    };
    format!(
        "With {}: most flights, {}, go to {}, with a mean delay of {} minutes, which is between {} \
        and {} with a confidence of 95 %. Few flights make long bars; one flight has none.",
        counted(resamples.into(), "resample"),
        count(flights[most].into()),
        name[most],
        minutes(mean[most]),
        minutes(low[most]),
        minutes(high[most])
    )
}
