//! What a request asks for: read once, at the edge, and checked against the data file of that moment.
//!
//! A page declares its parameters as a struct for serde, every field an optional text, and says in
//! `Checked` what they mean. The functions below turn one text into one value or refuse it: 400
//! for what cannot be read, 422 for what there is not.

use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::error::QueryPayloadError;
use actix_web::web::Query;
use actix_web::{FromRequest, HttpRequest};
use anyhow::Context;
use futures_util::future::LocalBoxFuture;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use super::app::App;
use super::body;
use super::error::Error;
use crate::dataset::{Dataset, Departures, Origin};
use crate::figure::count;
use crate::metric::Metric;

/// Longest piece of a user's text that an answer repeats, in letters.
const REPEATED: usize = 40;

/// Parameters with their meaning.
pub(crate) trait Checked: Sized {
    /// The parameters as they are written; serde refuses duplicates.
    type Written: DeserializeOwned;

    /// Checks them, in the order in which errors are to be reported.
    async fn check(written: Self::Written, app: &App) -> Result<Self, Error>;
}

/// The value of a parameter. It refuses what is not UTF-8, for which serde's reader puts U+FFFD.
pub(crate) struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.contains(char::REPLACEMENT_CHARACTER) {
            return Err(D::Error::custom("a value is not valid UTF-8 text"));
        }
        Ok(Self(text))
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Extracts the parameters of the address, and of the form that is the body.
pub(crate) struct Parameters<T>(pub(crate) T);

impl<T: Checked> FromRequest for Parameters<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let form = body::form(request, payload);
        let app = App::of(request).clone();
        let request = request.clone();
        Box::pin(async move {
            let written = match form.await?.as_str() {
                "" => read(request.query_string())?,
                form => read(&format!("{}&{form}", request.query_string()))?,
            };
            T::check(written, &app).await.map(Self)
        })
    }
}

/// Reads the parameters of a query string.
fn read<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    Query::from_query(text).map(Query::into_inner).map_err(unreadable)
}

fn unreadable(error: QueryPayloadError) -> Error {
    let words = match error {
        QueryPayloadError::Deserialize(error) => error.to_string(),
        other => other.to_string(),
    };
    let duplicate = words.strip_prefix("duplicate field `");
    Error::BadRequest(match duplicate.and_then(|rest| rest.strip_suffix('`')) {
        Some(name) => format!("The parameter {name} is given more than once."),
        None => format!("The parameters cannot be read: {words}."),
    })
}

/// The flights of an origin, of all airports without one.
pub(crate) fn departures(word: Option<&str>, dataset: Arc<Dataset>) -> Result<Departures, Error> {
    match word {
        None => Ok(Departures::all(dataset)),
        Some(word) => {
            Departures::find(word, dataset.clone()).ok_or_else(|| unknown_origin(word, dataset))
        }
    }
}

/// The flights of one airport, of the one with the most flights without a word.
pub(crate) fn one_airport(word: Option<&str>, dataset: Arc<Dataset>) -> Result<Departures, Error> {
    match word {
        None => Ok(busiest(dataset)?),
        Some(word) => match departures(Some(word), dataset)? {
            all if all.origin() == Origin::All => {
                let words = "One airport at a time: choose one of the list instead of ALL.";
                Err(Error::Unknown(words.to_owned()))
            }
            airport => Ok(airport),
        },
    }
}

/// What the pages of one airport show at first.
pub(crate) fn busiest(dataset: Arc<Dataset>) -> anyhow::Result<Departures> {
    Departures::busiest(dataset).context("the data file has no flights")
}

/// `origin=ATL`
pub(crate) fn origin_query(code: &str) -> String {
    // A code comes from the data file and may hold anything.
    format!("origin={}", utf8_percent_encode(code, NON_ALPHANUMERIC))
}

fn unknown_origin(word: &str, dataset: Arc<Dataset>) -> Error {
    let upper = word.to_uppercase();
    let hint = match Departures::find(&upper, dataset) {
        Some(_) => format!("Did you mean {upper}?"),
        None => "Choose one of the list, or ALL for all airports.".to_owned(),
    };
    Error::Unknown(format!("No flights leave from an airport called “{}”. {hint}", short(word)))
}

/// A metric by its word, the default without one.
pub(crate) fn metric(word: Option<&str>) -> Result<Metric, Error> {
    let Some(word) = word else { return Ok(Metric::default()) };
    Metric::parse(word).ok_or_else(|| {
        let (known, word) = (Metric::ALL.map(Metric::word).join(", "), short(word));
        Error::Unknown(format!("There is no metric called “{word}”. Choose one of {known}."))
    })
}

/// The fingerprint of a data file.
pub(crate) fn fingerprint(word: Option<&str>) -> Result<Option<String>, Error> {
    let is_one = |word: &str| word.len() == 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    if word.is_some_and(|word| !is_one(word)) {
        let words = "The parameter v must be a fingerprint: 16 hexadecimal digits.";
        return Err(Error::BadRequest(words.to_owned()));
    }
    Ok(word.map(str::to_owned))
}

/// A number that our own pages write.
pub(crate) fn number<N: FromStr>(word: Option<&str>, name: &str) -> Result<Option<N>, Error> {
    let refuse = |_| Error::BadRequest(format!("The parameter {name} must be a whole number."));
    word.map(|word| word.parse().map_err(refuse)).transpose()
}

/// A number of something that users choose, from 1 to `most`.
pub(crate) fn amount(word: &str, most: u32, something: &str) -> Result<u32, Error> {
    word.parse().ok().filter(|number| (1..=most).contains(number)).ok_or_else(|| {
        let (word, most) = (short(word), count(most.into()));
        Error::Unknown(format!(
            "“{word}” is no number of {something}. Choose a whole number from 1 to {most}."
        ))
    })
}

/// The beginning of a text, without what cannot be seen.
fn short(word: &str) -> String {
    let mut text: String =
        word.chars().filter(|letter| !letter.is_control()).take(REPEATED).collect();
    if word.chars().count() > REPEATED {
        text.push('…');
    }
    text
}
