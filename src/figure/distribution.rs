//! `distribution`: how many flights by delay, in bins of five minutes, with lines at three
//! quantiles. Flights beyond the bins are counted in the end bins, which say so.

use plotly::common::{Anchor, DashType};
use plotly::layout::{Annotation, AxisRange, Shape, ShapeLine, ShapeType};
use plotly::{Bar, Layout};
use polars::prelude::PolarsResult;

use super::{Figure, axis, count, counted, counts, json, minutes, plot};
use crate::query::Selection;

pub(super) fn figure(selection: &Selection) -> PolarsResult<Figure> {
    let bins = &selection.distribution;
    let from: Vec<i32> = bins.column("from")?.i32()?.iter().flatten().collect();
    let to: Vec<i32> = bins.column("to")?.i32()?.iter().flatten().collect();
    let flights = counts(bins, "flights")?;
    let (first, last) = (*from.first().unwrap_or(&0), *to.last().unwrap_or(&0));
    let middle = from.iter().zip(&to).map(|(from, to)| f64::from(from + to) / 2.0).collect();
    let lines = quantiles(selection)?;

    let layout = Layout::new()
        .bar_gap(0.08)
        .x_axis(axis("Delay at arrival (minutes)").range(AxisRange::new(first, last)).dtick(60.0))
        .y_axis(axis("Flights").tick_format(",~f"))
        .shapes(lines.iter().map(|(_, at)| line(*at, first, last)).collect())
        .annotations(
            lines.iter().zip(0..).map(|(line, row)| label(line, row, first, last)).collect(),
        );
    let mut plot = plot(layout, "quadrant-distribution");
    let says = from.iter().zip(&to).map(|(from, to)| bin(*from, *to, first, last)).collect();
    plot.add_trace(
        Bar::new(middle, flights)
            .name("Flights")
            .hover_text_array(says)
            .hover_template("%{hovertext}<br>%{y:,} flights<extra></extra>"),
    );
    let caption = caption(selection, &lines)?;
    Ok(Figure { title: "Flights by delay".to_owned(), caption, ramp: None, json: json(&plot) })
}

/// The three quantiles, of which there are none without flights.
fn quantiles(selection: &Selection) -> PolarsResult<Vec<(&'static str, f64)>> {
    let value = |name: &'static str| {
        let column = selection.summary.column(name)?.f64()?;
        PolarsResult::Ok(column.get(0).map(|value| (name, value)))
    };
    Ok([value("median")?, value("p90")?, value("p99")?].into_iter().flatten().collect())
}

fn line(at: f64, first: i32, last: i32) -> Shape {
    let at = at.clamp(first.into(), last.into());
    Shape::new()
        .shape_type(ShapeType::Line)
        .y_ref("paper")
        .x0(at)
        .x1(at)
        .y0(0)
        .y1(1)
        .line(ShapeLine::new().width(1.5).dash(DashType::Dash))
}

/// One below the other, so that near quantiles stay readable.
fn label((name, at): &(&str, f64), row: i32, first: i32, last: i32) -> Annotation {
    let beyond = if *at > f64::from(last) { " →" } else { "" };
    // At the right edge the text goes to the left of its line.
    let side = if *at > f64::from(last) - 60.0 { Anchor::Right } else { Anchor::Left };
    Annotation::new()
        .text(format!("{name} {}{beyond}", minutes(*at)))
        .x(at.clamp(first.into(), last.into()))
        .x_anchor(side)
        .y_ref("paper")
        .y(1.0 - 0.09 * f64::from(row))
        .y_anchor(Anchor::Top)
        .show_arrow(false)
}

fn bin(from: i32, to: i32, first: i32, last: i32) -> String {
    let [low, high] = [from, to].map(|edge| minutes(edge.into()));
    if from == first {
        format!("before {high} minutes, all earlier ones too")
    } else if to == last {
        format!("{low} minutes or more, all later ones too")
    } else {
        format!("{low} to {high} minutes")
    }
}

fn caption(selection: &Selection, lines: &[(&str, f64)]) -> PolarsResult<String> {
    let number = |name| PolarsResult::Ok(selection.summary.column(name)?.u32()?.get(0));
    let beyond = |name| PolarsResult::Ok(u64::from(number(name)?.unwrap_or(0)));
    let quantiles: Vec<_> =
        lines.iter().map(|(name, at)| format!("{name} {}", minutes(*at))).collect();
    Ok(format!(
        "{} minutes. The end bins also count {} that were earlier and {} that were later.",
        super::daily::capital(&quantiles.join(", ")),
        counted(beyond("below")?, "flight"),
        count(beyond("above")?)
    ))
}
