//! What is asked of `/patterns/background`: parsed once, against the data file of that moment.

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use anyhow::Context;
use futures_util::future::LocalBoxFuture;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::dashboard::{Bootstrap, Dashboard};
use crate::dataset::{Dataset, Origin};
use crate::figure::count;
use crate::routes::base;
use crate::routes::choice::{number, one, short, unknown_origin};
use crate::routes::error::Error;

/// The most resamples that may be asked for: minutes of work for the largest airports.
pub(super) const MOST: u32 = 1_000_000;
/// What is proposed: a second of work at most, and enough for two digits.
const DEFAULT: u32 = 1000;

/// A bootstrap of the data file as it is, and what the page shows of it.
pub(in crate::routes) struct Question {
    pub(super) asked: Bootstrap,
    /// How much progress the page shows already, in thousandths.
    pub(super) seen: Option<u16>,
}

impl Question {
    /// The question of somebody who has chosen nothing: the airport with the most flights.
    pub(super) fn default(dataset: Arc<Dataset>) -> anyhow::Result<Self> {
        let contents = dataset.contents();
        let busiest = contents.origins().max_by_key(|airport| airport.flights);
        let origin = busiest.and_then(|airport| Origin::parse(&airport.code, contents));
        let origin = origin.context("no flights leave from anywhere")?;
        Ok(Self { asked: Bootstrap { dataset, origin, resamples: DEFAULT, clicks: 0 }, seen: None })
    }

    /// The code of the airport.
    pub(super) fn code(&self) -> &str {
        self.asked.origin.code(self.asked.dataset.contents())
    }

    /// The airport, as people call it.
    pub(super) fn place(&self) -> String {
        self.asked.origin.place(self.asked.dataset.contents())
    }

    /// `origin=ATL&resamples=1000`, what the answer depends on.
    pub(super) fn query(&self) -> String {
        // A code comes from the data file and may hold anything.
        let code = utf8_percent_encode(self.code(), NON_ALPHANUMERIC);
        format!("origin={code}&resamples={}", self.asked.resamples)
    }

    /// The address of the page that shows this question.
    pub(super) fn page(&self) -> String {
        format!("{}/patterns/background?{}", base::path(), self.query())
    }

    fn parse(query: &str, dataset: Arc<Dataset>) -> Result<Self, Error> {
        let names = ["origin", "resamples", "clicks", "seen"];
        let [origin, resamples, clicks, seen] = names.map(|name| one(query, name));
        let mut question = Self::default(dataset)?;
        let asked = &mut question.asked;
        if let Some(word) = origin? {
            asked.origin = airport(&word, &asked.dataset)?;
        }
        if let Some(word) = resamples? {
            asked.resamples = number_of_resamples(&word)?;
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
pub(super) fn clicks(query: &str) -> u64 {
    let word = one(query, "clicks").ok().flatten();
    word.and_then(|word| word.parse().ok()).unwrap_or(0)
}

fn airport(word: &str, dataset: &Dataset) -> Result<Origin, Error> {
    match Origin::parse(word, dataset.contents()) {
        Some(Origin::All) => {
            Err(Error::Unknown("One airport at a time: ALL is not resampled.".to_owned()))
        }
        Some(airport) => Ok(airport),
        None => Err(unknown_origin(word, dataset)),
    }
}

fn number_of_resamples(word: &str) -> Result<u32, Error> {
    let resamples = word.parse().ok().filter(|number| (1..=MOST).contains(number));
    resamples.ok_or_else(|| {
        let most = count(MOST.into());
        let words = format!(
            "“{}” is no number of resamples. Choose a whole number from 1 to {most}.",
            short(word)
        );
        Error::Unknown(words)
    })
}
