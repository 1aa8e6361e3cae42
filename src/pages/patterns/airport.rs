//! The airport that a pattern is shown with.

use std::sync::Arc;

use serde::Deserialize;

use crate::dataset::{Airport, Dataset, Departures};
use crate::web::app::App;
use crate::web::error::Error;
use crate::web::parameters::{self, Checked, Text};

/// The flights that leave one airport of the data file.
pub(crate) struct OneAirport(pub(crate) Departures);

/// The parameters as they are written.
#[derive(Deserialize)]
pub(crate) struct Written {
    origin: Option<Text>,
}

impl OneAirport {
    /// The airport with the most flights.
    pub(super) fn default(dataset: Arc<Dataset>) -> anyhow::Result<Self> {
        parameters::busiest(dataset).map(Self)
    }

    /// The airports that can be chosen.
    pub(super) fn airports(&self) -> impl Iterator<Item = &Airport> {
        self.0.contents().origins()
    }

    /// The code of the airport.
    pub(super) fn code(&self) -> &str {
        self.0.code()
    }

    /// The airport in words.
    pub(super) fn place(&self) -> String {
        self.0.place()
    }

    /// The fingerprint of the data file.
    pub(super) fn fingerprint(&self) -> &str {
        self.0.fingerprint()
    }

    /// `origin=ATL`
    pub(super) fn query(&self) -> String {
        parameters::origin_query(self.code())
    }
}

impl Checked for OneAirport {
    type Written = Written;

    async fn check(Written { origin }: Written, app: &App) -> Result<Self, Error> {
        parameters::one_airport(origin.as_deref(), app.dataset().await).map(Self)
    }
}
