//! The cheap input: which number stands for the delays of many flights.

/// A number that stands for the delays of many flights.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Metric {
    /// The arithmetic mean, which those get who have not chosen.
    #[default]
    Mean,
    /// Half of the flights were later.
    Median,
    /// One flight in ten was later.
    P90,
}

impl Metric {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 3] = [Self::Mean, Self::Median, Self::P90];

    /// Finds a metric by its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.word() == word)
    }

    /// The word in URLs, and the name of its column in every frame.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Median => "median",
            Self::P90 => "p90",
        }
    }

    /// The name that people read at the start of a line.
    pub fn label(self) -> &'static str {
        match self {
            Self::Mean => "Mean",
            Self::Median => "Median",
            Self::P90 => "90th percentile",
        }
    }

    /// What it is the number of, as it stands within a sentence.
    pub fn delay(self) -> &'static str {
        match self {
            Self::Mean => "mean delay",
            Self::Median => "median delay",
            Self::P90 => "90th percentile of delay",
        }
    }
}
