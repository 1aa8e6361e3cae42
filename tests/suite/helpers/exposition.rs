//! What `/metrics` says, read strictly: a line that Prometheus would not accept fails the test.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::app::App;

/// One line of numbers.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

/// All that `/metrics` says at one moment.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    kinds: HashMap<String, String>,
    pub(crate) samples: Vec<Sample>,
}

impl Exposition {
    /// What an app says now.
    pub(crate) async fn of(app: &App) -> Self {
        let answer = app.get("/metrics").await;
        assert_eq!(answer.status, 200);
        Self::parse(answer.text())
    }

    pub(crate) fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line has an end");
        let mut parsed = Self::default();
        let mut helped = HashSet::new();
        let mut family = None;
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect(line);
                assert!(!help.is_empty() && helped.insert(name.to_owned()), "{line}");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect(line);
                assert!(helped.contains(name), "{line} comes after its HELP");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                let before = parsed.kinds.insert(name.to_owned(), kind.to_owned());
                assert!(before.is_none(), "{line} comes once");
                family = Some((name, kind));
            } else {
                let sample = sample(line);
                let (family, kind) = family.expect("a TYPE comes before its samples");
                let part = sample.name.strip_prefix(family).expect("samples follow their TYPE");
                let parts =
                    if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""][..] };
                assert!(parts.contains(&part), "{line} is no {kind}");
                assert!(kind == "gauge" || sample.value >= 0.0, "{line}");
                parsed.samples.push(sample);
            }
        }
        parsed.assert_distinct();
        parsed.assert_histograms();
        parsed
    }

    /// The value of the one sample of this name that has these labels, if it is there.
    pub(crate) fn find(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let has = |sample: &&Sample| {
            let has = |(name, value): &(&str, &str)| {
                sample.labels.get(*name).is_some_and(|it| it == value)
            };
            sample.name == name && labels.iter().all(has)
        };
        let mut found = self.samples.iter().filter(has);
        let first = found.next()?;
        assert!(found.next().is_none(), "{name} {labels:?} means one sample");
        Some(first.value)
    }

    /// The same, of a sample that must be there.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.find(name, labels).unwrap_or_else(|| panic!("no {name} {labels:?} in {self:#?}"))
    }

    /// How often this has happened in the cache.
    pub(crate) fn outcome(&self, outcome: &str) -> f64 {
        self.value("quadrant_cache_total", &[("outcome", outcome)])
    }

    fn assert_distinct(&self) {
        let mut seen = HashSet::new();
        for Sample { name, labels, .. } in &self.samples {
            assert!(seen.insert((name, labels)), "{name} {labels:?} comes twice");
        }
    }

    fn assert_histograms(&self) {
        for (family, _) in self.kinds.iter().filter(|(_, kind)| *kind == "histogram") {
            let mut buckets: HashMap<BTreeMap<String, String>, Vec<(f64, f64)>> = HashMap::new();
            for sample in self.samples.iter().filter(|it| it.name == format!("{family}_bucket")) {
                let mut labels = sample.labels.clone();
                let bound = labels.remove("le").expect("a bucket has a bound");
                let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap() };
                buckets.entry(labels).or_default().push((bound, sample.value));
            }
            assert!(!buckets.is_empty(), "{family} has buckets");
            for (labels, buckets) in buckets {
                let labels: Vec<_> = labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
                assert!(
                    buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1),
                    "{family} {labels:?}"
                );
                let count = self.value(&format!("{family}_count"), &labels);
                assert_eq!(buckets.last(), Some(&(f64::INFINITY, count)), "{family} {labels:?}");
                assert!(self.find(&format!("{family}_sum"), &labels).is_some(), "{family}");
            }
        }
    }
}

/// Reads `name{label="value",…} number`.
fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').expect(line);
    let (name, labels) = series.split_once('{').expect("every sample names its worker");
    let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    assert!(name.starts_with("quadrant_") && is_name(name), "{line}");
    let labels = labels.strip_suffix('}').expect(line);
    let mut read = BTreeMap::new();
    for label in labels.split("\",") {
        let (name, value) = label.split_once("=\"").expect(line);
        let value = value.trim_end_matches('"');
        assert!(is_name(name) && !value.contains(['"', '\\', '\n']), "{line}");
        assert!(read.insert(name.to_owned(), value.to_owned()).is_none(), "{line}");
    }
    assert!(read.contains_key("worker"), "{line} names its worker");
    Sample { name: name.to_owned(), labels: read, value: value.parse().expect(line) }
}
