//! The expensive input: one airport of the file, or all of them.

use super::Contents;

/// The word for all airports together.
const ALL: &str = "ALL";

/// Whose departures are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Every airport: the most expensive answer.
    All,
    /// The airport at this position of [`Contents::airports`].
    Airport(u16),
}

impl Origin {
    /// Finds an origin by its word: `ALL`, or a code of the file in its own letter case.
    pub fn parse(word: &str, contents: &Contents) -> Option<Self> {
        if word == ALL {
            return Some(Self::All);
        }
        let airports = &contents.airports;
        let at = airports.binary_search_by(|airport| airport.code.as_str().cmp(word)).ok()?;
        (airports[at].flights > 0).then_some(Self::Airport(at as u16))
    }

    /// The word that [`Origin::parse`] reads.
    pub fn code(self, contents: &Contents) -> &str {
        contents.airport(self).map_or(ALL, |airport| &airport.code)
    }

    /// The origin, as people call it: `Atlanta (ATL)`.
    pub fn place(self, contents: &Contents) -> String {
        match contents.airport(self) {
            None => "All airports".to_owned(),
            Some(airport) if airport.city.is_empty() => airport.code.clone(),
            Some(airport) => format!("{} ({})", airport.city, airport.code),
        }
    }

    pub(super) fn position(self) -> Option<usize> {
        match self {
            Self::All => None,
            Self::Airport(at) => Some(at.into()),
        }
    }
}
