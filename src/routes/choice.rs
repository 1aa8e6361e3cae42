//! What a request asks for: parsed once, at the edge, against the data file of that moment.

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use percent_encoding::percent_decode_str;

use super::base;
use super::error::Error;
use crate::dashboard::Dashboard;
use crate::dataset::{Dataset, Origin};
use crate::metric::Metric;

/// Longest piece of a user's text that an answer repeats.
const REPEATED: usize = 40;

/// An origin and a metric of the data file, and the generation that is asked for.
pub(super) struct Choice {
    /// The data file as it was when the request came.
    pub(super) dataset: Arc<Dataset>,
    pub(super) origin: Origin,
    pub(super) metric: Metric,
    /// The fingerprint that a signal named; none asks for what there is now.
    pub(super) v: Option<String>,
    /// When what that signal named was computed, in milliseconds since 1970.
    pub(super) at: Option<u64>,
}

impl Choice {
    /// The code of the origin, or `ALL`.
    pub(super) fn code(&self) -> &str {
        self.origin.code(self.dataset.contents())
    }

    /// The address of the page that shows this choice.
    pub(super) fn page(&self) -> String {
        format!("{}/?{}", base::path(), self.query())
    }

    /// `origin=ATL&metric=mean`
    pub(super) fn query(&self) -> String {
        // A code comes from the data file and may hold anything.
        let code =
            percent_encoding::utf8_percent_encode(self.code(), percent_encoding::NON_ALPHANUMERIC);
        format!("origin={code}&metric={}", self.metric.word())
    }

    /// The choice of somebody who has made none.
    pub(super) fn default(dataset: Arc<Dataset>) -> Self {
        Self { dataset, origin: Origin::All, metric: Metric::ALL[0], v: None, at: None }
    }

    fn parse(query: &str, dataset: Arc<Dataset>) -> Result<Self, Error> {
        let [origin, metric, v, at] = ["origin", "metric", "v", "at"].map(|name| one(query, name));
        let mut choice = Self::default(dataset);
        if let Some(word) = origin? {
            choice.origin = Origin::parse(&word, choice.dataset.contents())
                .ok_or_else(|| unknown_origin(&word, &choice.dataset))?;
        }
        if let Some(word) = metric? {
            choice.metric = Metric::parse(&word).ok_or_else(|| unknown_metric(&word))?;
        }
        choice.v = v?.map(fingerprint).transpose()?;
        choice.at = at?.map(milliseconds).transpose()?;
        Ok(choice)
    }
}

impl FromRequest for Choice {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let dashboard = request.app_data::<Data<Dashboard>>().expect("every app has one").clone();
        let query = request.query_string().to_owned();
        Box::pin(async move { Self::parse(&query, dashboard.dataset().await) })
    }
}

/// The value of a parameter: none when it is missing, an error when it comes twice.
fn one(query: &str, name: &str) -> Result<Option<String>, Error> {
    let mut values = query.split('&').filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        percent_decode_str(key).eq(name.bytes()).then_some(value)
    });
    let value = values.next();
    if values.next().is_some() {
        return Err(Error::BadRequest(format!("The address says {name} more than once.")));
    }
    value.map(|value| decoded(value, name)).transpose()
}

fn decoded(value: &str, name: &str) -> Result<String, Error> {
    let spaced = value.replace('+', " ");
    let text = percent_decode_str(&spaced).decode_utf8();
    text.map(Into::into)
        .map_err(|_| Error::BadRequest(format!("The address's {name} is no valid UTF-8 text.")))
}

fn unknown_origin(word: &str, dataset: &Dataset) -> Error {
    let upper = word.to_uppercase();
    let hint = match Origin::parse(&upper, dataset.contents()) {
        Some(_) => format!("Did you mean {upper}?"),
        None => "Choose one of the list, or ALL for all airports.".to_owned(),
    };
    Error::Unknown(format!("No flights leave from an airport called “{}”. {hint}", short(word)))
}

fn unknown_metric(word: &str) -> Error {
    let known = Metric::ALL.map(Metric::word).join(", ");
    Error::Unknown(format!("There is no metric called “{}”. Choose one of {known}.", short(word)))
}

fn fingerprint(word: String) -> Result<String, Error> {
    let is_one = word.len() == 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_one.then_some(word).ok_or_else(|| {
        Error::BadRequest("The address's v is no fingerprint: 16 hexadecimal digits.".to_owned())
    })
}

fn milliseconds(word: String) -> Result<u64, Error> {
    let wrong = || Error::BadRequest("The address's at is no time in milliseconds.".to_owned());
    word.parse().map_err(|_| wrong())
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
