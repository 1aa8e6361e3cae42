//! Whose flights a pattern is shown with: one airport of the data file as it is.

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use anyhow::Context;
use futures_util::future::LocalBoxFuture;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::dashboard::Dashboard;
use crate::dataset::{Airport, Dataset, Origin};
use crate::pages::dashboard::choice::{one, unknown_origin};
use crate::web::error::Error;

/// The flights that leave one airport.
#[derive(Clone)]
pub(crate) struct Departures {
    /// The data file as it was when the request came.
    pub(crate) dataset: Arc<Dataset>,
    pub(crate) origin: Origin,
}

impl Departures {
    /// Those that are shown to who has chosen none: of the airport with the most flights.
    pub(crate) fn default(dataset: Arc<Dataset>) -> anyhow::Result<Self> {
        let contents = dataset.contents();
        let busiest = contents.origins().max_by_key(|airport| airport.flights);
        let origin = busiest.and_then(|airport| Origin::parse(&airport.code, contents));
        let origin = origin.context("no flights leave from anywhere")?;
        Ok(Self { dataset, origin })
    }

    /// Those of a query string.
    pub(crate) fn parse(query: &str, dataset: Arc<Dataset>) -> Result<Self, Error> {
        let Some(word) = one(query, "origin")? else { return Ok(Self::default(dataset)?) };
        match Origin::parse(&word, dataset.contents()) {
            Some(Origin::All) => {
                let words = "One airport at a time: choose one of the list instead of ALL.";
                Err(Error::Unknown(words.to_owned()))
            }
            Some(origin) => Ok(Self { dataset, origin }),
            None => Err(unknown_origin(&word, &dataset)),
        }
    }

    /// The airports that can be chosen.
    pub(crate) fn airports(&self) -> impl Iterator<Item = &Airport> {
        self.dataset.contents().origins()
    }

    /// The code of the airport.
    pub(crate) fn code(&self) -> &str {
        self.origin.code(self.dataset.contents())
    }

    /// The airport, as people call it.
    pub(crate) fn place(&self) -> String {
        self.origin.place(self.dataset.contents())
    }

    /// `origin=ATL`
    pub(crate) fn query(&self) -> String {
        // A code comes from the data file and may hold anything.
        format!("origin={}", utf8_percent_encode(self.code(), NON_ALPHANUMERIC))
    }
}

impl FromRequest for Departures {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let dashboard = request.app_data::<Data<Dashboard>>().expect("every app has one").clone();
        let query = request.query_string().to_owned();
        Box::pin(async move { Self::parse(&query, dashboard.dataset().await) })
    }
}
