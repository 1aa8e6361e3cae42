//! Tables in Markdown, printed row by row as the figures come.

/// A heading, a sentence about it, and the head of a table.
pub(super) fn begin(title: &str, about: &str, columns: &[&str]) {
    println!("\n### {title}\n\n{about}\n");
    head(columns);
}

/// The head of a table.
pub(super) fn head(columns: &[&str]) {
    println!("| {} |\n|{}", columns.join(" | "), "---|".repeat(columns.len()));
}

pub(super) fn row(cells: &[String]) {
    println!("| {} |", cells.join(" | "));
}

/// The median with the least and the greatest, such as `0.46 (0.44 to 0.48)`.
pub(super) fn spread(values: Vec<f64>, digits: usize) -> String {
    let [least, median, most] = super::spread(values);
    format!("{median:.digits$} ({least:.digits$} to {most:.digits$})")
}

/// Quotients of figures that belong together, pair by pair.
pub(super) fn ratio(ours: &[f64], theirs: &[f64]) -> String {
    let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(our, their)| our / their).collect();
    let digits = if super::spread(ratios.clone())[1] < 0.1 { 4 } else { 2 };
    spread(ratios, digits)
}

/// A whole number with its thousands apart.
pub(super) fn count(number: f64) -> String {
    let digits = format!("{number:.0}");
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}
