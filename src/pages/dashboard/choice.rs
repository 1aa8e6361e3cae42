//! What a request asks for: parsed once, at the edge, against the data file of that moment.

use std::str::FromStr;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::web::{self, Data};
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use percent_encoding::percent_decode_str;

use crate::web::base;
use crate::web::error::Error;
use crate::dashboard::Dashboard;
use crate::dataset::{Dataset, Origin};
use crate::figure::count;
use crate::metric::Metric;

/// Longest piece of a user's text that an answer repeats.
const REPEATED: usize = 40;

/// An origin and a metric of the data file, and the generation that is asked for.
pub(crate) struct Choice {
    /// The data file as it was when the request came.
    pub(crate) dataset: Arc<Dataset>,
    pub(crate) origin: Origin,
    pub(crate) metric: Metric,
    /// The fingerprint that a signal named; none asks for what there is now.
    pub(crate) v: Option<String>,
    /// When what that signal named was computed, in milliseconds since 1970.
    pub(crate) at: Option<u64>,
    /// Only an answer that was computed later will do, in milliseconds since 1970.
    pub(crate) after: Option<u64>,
    /// How much progress the page shows already, in thousandths.
    pub(crate) seen: Option<u16>,
}

impl Choice {
    /// The code of the origin, or `ALL`.
    pub(crate) fn code(&self) -> &str {
        self.origin.code(self.dataset.contents())
    }

    /// The address of the page that shows this choice.
    pub(crate) fn page(&self) -> String {
        format!("{}/?{}", base::path(), self.query())
    }

    /// `origin=ATL&metric=mean`
    pub(crate) fn query(&self) -> String {
        // A code comes from the data file and may hold anything.
        let code =
            percent_encoding::utf8_percent_encode(self.code(), percent_encoding::NON_ALPHANUMERIC);
        format!("origin={code}&metric={}", self.metric.word())
    }

    /// The choice of somebody who has made none.
    pub(crate) fn default(dataset: Arc<Dataset>) -> Self {
        let (origin, metric) = (Origin::All, Metric::default());
        Self { dataset, origin, metric, v: None, at: None, after: None, seen: None }
    }

    fn parse(query: &str, dataset: Arc<Dataset>) -> Result<Self, Error> {
        let names = ["origin", "metric", "v", "at", "after", "seen"];
        let [origin, metric, v, at, after, seen] = names.map(|name| one(query, name));
        let mut choice = Self::default(dataset);
        if let Some(word) = origin? {
            choice.origin = Origin::parse(&word, choice.dataset.contents())
                .ok_or_else(|| unknown_origin(&word, &choice.dataset))?;
        }
        if let Some(word) = metric? {
            choice.metric = known_metric(&word)?;
        }
        choice.v = v?.map(fingerprint).transpose()?;
        choice.at = at?.map(|word| number(&word, "at")).transpose()?;
        choice.after = after?.map(|word| number(&word, "after")).transpose()?;
        choice.seen = seen?.map(|word| number(&word, "seen")).transpose()?;
        Ok(choice)
    }
}

impl FromRequest for Choice {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let parameters = parameters(request, payload);
        let dashboard = request.app_data::<Data<Dashboard>>().expect("every app has one").clone();
        Box::pin(async move { Self::parse(&parameters.await?, dashboard.dataset().await) })
    }
}

/// What a request says in its address, and in the form that is its body.
pub(crate) fn parameters(
    request: &HttpRequest,
    payload: &mut Payload,
) -> impl Future<Output = Result<String, Error>> + use<> {
    let form = web::Bytes::from_request(request, payload);
    let query = request.query_string().to_owned();
    async move {
        let form = form.await.map_err(|_| too_long())?;
        let form = std::str::from_utf8(&form).map_err(|_| too_long())?;
        let both = [query.as_str(), form].into_iter().filter(|part| !part.is_empty());
        Ok(both.collect::<Vec<_>>().join("&"))
    }
}

fn too_long() -> Error {
    Error::BadRequest("The form is too long, or no text.".to_owned())
}

/// The value of a parameter: none when it is missing, an error when it comes twice.
pub(crate) fn one(query: &str, name: &str) -> Result<Option<String>, Error> {
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

pub(crate) fn unknown_origin(word: &str, dataset: &Dataset) -> Error {
    let upper = word.to_uppercase();
    let hint = match Origin::parse(&upper, dataset.contents()) {
        Some(_) => format!("Did you mean {upper}?"),
        None => "Choose one of the list, or ALL for all airports.".to_owned(),
    };
    Error::Unknown(format!("No flights leave from an airport called “{}”. {hint}", short(word)))
}

pub(crate) fn known_metric(word: &str) -> Result<Metric, Error> {
    Metric::parse(word).ok_or_else(|| {
        let (known, word) = (Metric::ALL.map(Metric::word).join(", "), short(word));
        Error::Unknown(format!("There is no metric called “{word}”. Choose one of {known}."))
    })
}

fn fingerprint(word: String) -> Result<String, Error> {
    let is_one = word.len() == 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_one.then_some(word).ok_or_else(|| {
        Error::BadRequest("The address's v is no fingerprint: 16 hexadecimal digits.".to_owned())
    })
}

pub(crate) fn number<N: FromStr>(word: &str, name: &str) -> Result<N, Error> {
    word.parse().map_err(|_| Error::BadRequest(format!("The address's {name} is no number.")))
}

/// A number of something, from 1 to `most`.
pub(crate) fn whole(word: &str, most: u32, something: &str) -> Result<u32, Error> {
    word.parse().ok().filter(|number| (1..=most).contains(number)).ok_or_else(|| {
        let (word, most) = (short(word), count(most.into()));
        Error::Unknown(format!(
            "“{word}” is no number of {something}. Choose a whole number from 1 to {most}."
        ))
    })
}

/// The beginning of a text, without what cannot be seen.
pub(crate) fn short(word: &str) -> String {
    let mut text: String =
        word.chars().filter(|letter| !letter.is_control()).take(REPEATED).collect();
    if word.chars().count() > REPEATED {
        text.push('…');
    }
    text
}
