//! The flights of one airport, or of all, in one state of the data file.

use std::sync::Arc;

use super::{Contents, Dataset, Origin};

/// An origin and the data file that it was found in: an origin is a position in that file's list of
/// airports and means nothing in another file.
#[derive(Clone)]
pub struct Departures {
    dataset: Arc<Dataset>,
    origin: Origin,
}

impl Departures {
    /// The flights of all airports.
    pub fn all(dataset: Arc<Dataset>) -> Self {
        Self { dataset, origin: Origin::All }
    }

    /// The flights of the origin with this code, or `ALL`; none if the file has no such origin.
    pub fn find(code: &str, dataset: Arc<Dataset>) -> Option<Self> {
        let origin = Origin::parse(code, dataset.contents())?;
        Some(Self { dataset, origin })
    }

    /// The flights of the airport with the most of them; none if the file has no flights.
    pub fn busiest(dataset: Arc<Dataset>) -> Option<Self> {
        let contents = dataset.contents();
        let busiest = contents.origins().max_by_key(|airport| airport.flights)?;
        let origin = Origin::parse(&busiest.code, contents)?;
        Some(Self { dataset, origin })
    }

    /// The data file.
    pub fn dataset(&self) -> &Arc<Dataset> {
        &self.dataset
    }

    /// The origin, as a position in the data file.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// What the data file says of its rows.
    pub fn contents(&self) -> &Contents {
        self.dataset.contents()
    }

    /// The fingerprint of the data file.
    pub fn fingerprint(&self) -> &str {
        self.dataset.fingerprint()
    }

    /// The code of the airport, or `ALL`.
    pub fn code(&self) -> &str {
        self.origin.code(self.contents())
    }

    /// The airport in words: `Atlanta (ATL)`.
    pub fn place(&self) -> String {
        self.origin.place(self.contents())
    }

    /// How many flights there are.
    pub fn flights(&self) -> u64 {
        self.dataset.rows(self.origin).len() as u64
    }
}
