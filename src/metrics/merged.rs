//! The texts of several workers as one text.

use std::collections::BTreeMap;

/// One family, over all workers.
#[derive(Default)]
struct Family<'a> {
    help: Option<&'a str>,
    kind: Option<&'a str>,
    samples: Vec<&'a str>,
}

/// Joins the texts of several workers: a family is announced once, and all of its samples follow.
///
/// Each sample names its worker, so no two of different workers are the same.
pub fn merged(texts: &[String]) -> String {
    let mut families: BTreeMap<&str, Family<'_>> = BTreeMap::new();
    for text in texts {
        let mut current = None;
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(announced) = line.strip_prefix("# HELP ") {
                let family = families.entry(name(announced)).or_default();
                family.help.get_or_insert(line);
            } else if let Some(announced) = line.strip_prefix("# TYPE ") {
                // The samples of a histogram have other names than their family: they are known by
                // the announcement that they follow.
                current = Some(name(announced));
                families.entry(name(announced)).or_default().kind.get_or_insert(line);
            } else if let Some(family) = current.and_then(|current| families.get_mut(current)) {
                family.samples.push(line);
            }
        }
    }
    let lines = families.into_values().flat_map(|Family { help, kind, samples }| {
        help.into_iter().chain(kind).chain(samples).flat_map(|line| [line, "\n"])
    });
    lines.collect()
}

fn name(announced: &str) -> &str {
    announced.split(' ').next().unwrap_or(announced)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(worker: u16) -> String {
        format!(
            "# HELP quadrant_a_total What a is.\n# TYPE quadrant_a_total counter\n\
            quadrant_a_total{{worker=\"{worker}\"}} 1\n\
            # HELP quadrant_b_seconds What b is.\n# TYPE quadrant_b_seconds histogram\n\
            quadrant_b_seconds_bucket{{worker=\"{worker}\",le=\"+Inf\"}} 1\n\
            quadrant_b_seconds_sum{{worker=\"{worker}\"}} 0.5\n\
            quadrant_b_seconds_count{{worker=\"{worker}\"}} 1\n"
        )
    }

    #[test]
    fn the_samples_of_one_family_stand_together_below_one_announcement() {
        let merged = merged(&[text(1), text(2)]);

        assert_eq!(
            merged,
            "# HELP quadrant_a_total What a is.\n# TYPE quadrant_a_total counter\n\
            quadrant_a_total{worker=\"1\"} 1\n\
            quadrant_a_total{worker=\"2\"} 1\n\
            # HELP quadrant_b_seconds What b is.\n# TYPE quadrant_b_seconds histogram\n\
            quadrant_b_seconds_bucket{worker=\"1\",le=\"+Inf\"} 1\n\
            quadrant_b_seconds_sum{worker=\"1\"} 0.5\n\
            quadrant_b_seconds_count{worker=\"1\"} 1\n\
            quadrant_b_seconds_bucket{worker=\"2\",le=\"+Inf\"} 1\n\
            quadrant_b_seconds_sum{worker=\"2\"} 0.5\n\
            quadrant_b_seconds_count{worker=\"2\"} 1\n"
        );
    }

    #[test]
    fn one_text_stays_as_it_is() {
        assert_eq!(merged(&[text(7)]), text(7));
        assert_eq!(merged(&[]), "");
    }

    #[test]
    fn a_family_that_only_one_worker_has_is_kept() {
        let more = "# TYPE quadrant_c gauge\nquadrant_c{worker=\"2\"} 3\n".to_owned();

        let merged = merged(&[text(1), more.clone()]);

        assert_eq!(merged, text(1) + &more);
    }

    #[test]
    fn a_text_that_was_cut_off_spoils_no_other() {
        let whole = text(2);
        let cut = "# HELP quadrant_a_total What a is.\n".to_owned();

        assert_eq!(merged(&[cut, whole.clone()]), whole);
    }
}
