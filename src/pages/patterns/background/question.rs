//! The parameters of `/patterns/background`.

use std::sync::Arc;

use serde::Deserialize;

use crate::dataset::{Dataset, Departures};
use crate::web::app::App;
use crate::web::base;
use crate::web::error::Error;
use crate::web::parameters::{self, Checked, Text};

/// The most resamples of a question: minutes of work for the largest airports.
pub(super) const MOST: u32 = 1_000_000;
/// What is proposed: a second of work at most, and enough for two digits.
const DEFAULT: u32 = 1000;

/// A bootstrap of the data file as it is, and what the page shows of it.
pub(crate) struct Question {
    /// The airport.
    pub(super) departures: Departures,
    /// How many resamples are drawn.
    pub(super) resamples: u32,
    /// How often the button was pressed, which changes no answer.
    pub(super) clicks: u64,
    /// How much progress the page shows already, in thousandths.
    pub(super) seen: Option<u16>,
}

/// The parameters as they are written.
#[derive(Deserialize)]
pub(crate) struct Written {
    origin: Option<Text>,
    resamples: Option<Text>,
    clicks: Option<Text>,
    seen: Option<Text>,
}

/// A press of the button: it counts even if the question is wrong.
pub(crate) struct Press {
    pub(super) clicks: u64,
    pub(super) question: Result<Question, Error>,
}

impl Question {
    /// The question about the busiest airport.
    pub(super) fn default(dataset: Arc<Dataset>) -> anyhow::Result<Self> {
        let departures = parameters::busiest(dataset)?;
        Ok(Self { departures, resamples: DEFAULT, clicks: 0, seen: None })
    }

    /// The code of the airport.
    pub(super) fn code(&self) -> &str {
        self.departures.code()
    }

    /// The airport in words.
    pub(super) fn place(&self) -> String {
        self.departures.place()
    }

    /// `origin=ATL&resamples=1000`, what the answer depends on.
    pub(super) fn query(&self) -> String {
        format!("{}&resamples={}", parameters::origin_query(self.code()), self.resamples)
    }

    /// The address of the page that shows this question.
    pub(super) fn page(&self) -> String {
        format!("{}/patterns/background?{}", base::path(), self.query())
    }
}

impl Checked for Question {
    type Written = Written;

    async fn check(written: Written, app: &App) -> Result<Self, Error> {
        let Written { origin, resamples, clicks, seen } = written;
        let resamples = resamples.map(|word| parameters::amount(&word, MOST, "resamples"));
        Ok(Self {
            departures: parameters::one_airport(origin.as_deref(), app.dataset().await)?,
            resamples: resamples.unwrap_or(Ok(DEFAULT))?,
            clicks: parameters::number(clicks.as_deref(), "clicks")?.unwrap_or(0),
            seen: parameters::number(seen.as_deref(), "seen")?,
        })
    }
}

impl Checked for Press {
    type Written = Written;

    async fn check(written: Written, app: &App) -> Result<Self, Error> {
        let clicks = written.clicks.as_deref().and_then(|word| word.parse().ok());
        let question = Question::check(written, app).await;
        Ok(Self { clicks: clicks.unwrap_or(0), question })
    }
}
