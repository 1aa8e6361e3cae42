//! What is asked of `/patterns/background`: parsed once, against the data file of that moment.

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

use crate::dashboard::{Bootstrap, Dashboard};
use crate::dataset::Dataset;
use crate::web::base;
use crate::pages::dashboard::choice::{number, one, whole};
use crate::web::error::Error;
use crate::pages::patterns::departures::Departures;

/// The most resamples that may be asked for: minutes of work for the largest airports.
pub(crate) const MOST: u32 = 1_000_000;
/// What is proposed: a second of work at most, and enough for two digits.
const DEFAULT: u32 = 1000;

/// A bootstrap of the data file as it is, and what the page shows of it.
pub(crate) struct Question {
    pub(crate) asked: Bootstrap,
    /// How much progress the page shows already, in thousandths.
    pub(crate) seen: Option<u16>,
}

impl Question {
    /// The question of somebody who has chosen nothing.
    pub(crate) fn default(dataset: Arc<Dataset>) -> anyhow::Result<Self> {
        Ok(Self::of(Departures::default(dataset)?))
    }

    fn of(Departures { dataset, origin }: Departures) -> Self {
        Self { asked: Bootstrap { dataset, origin, resamples: DEFAULT, clicks: 0 }, seen: None }
    }

    fn departures(&self) -> Departures {
        Departures { dataset: self.asked.dataset.clone(), origin: self.asked.origin }
    }

    /// The code of the airport.
    pub(crate) fn code(&self) -> &str {
        self.asked.origin.code(self.asked.dataset.contents())
    }

    /// The airport, as people call it.
    pub(crate) fn place(&self) -> String {
        self.departures().place()
    }

    /// `origin=ATL&resamples=1000`, what the answer depends on.
    pub(crate) fn query(&self) -> String {
        format!("{}&resamples={}", self.departures().query(), self.asked.resamples)
    }

    /// The address of the page that shows this question.
    pub(crate) fn page(&self) -> String {
        format!("{}/patterns/background?{}", base::path(), self.query())
    }

    fn parse(query: &str, dataset: Arc<Dataset>) -> Result<Self, Error> {
        let names = ["resamples", "clicks", "seen"];
        let [resamples, clicks, seen] = names.map(|name| one(query, name));
        let mut question = Self::of(Departures::parse(query, dataset)?);
        let asked = &mut question.asked;
        if let Some(word) = resamples? {
            asked.resamples = whole(&word, MOST, "resamples")?;
        }
        if let Some(word) = clicks? {
            asked.clicks = number(&word, "clicks")?;
        }
        question.seen = seen?.map(|word| number(&word, "seen")).transpose()?;
        Ok(question)
    }
}

impl FromRequest for Question {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let dashboard = request.app_data::<Data<Dashboard>>().expect("every app has one").clone();
        let query = request.query_string().to_owned();
        Box::pin(async move { Self::parse(&query, dashboard.dataset().await) })
    }
}

/// How often the button was pressed, even if the rest of the question is wrong.
pub(crate) fn clicks(query: &str) -> u64 {
    let word = one(query, "clicks").ok().flatten();
    word.and_then(|word| word.parse().ok()).unwrap_or(0)
}
