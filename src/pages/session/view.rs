//! What a visitor asks for: how his sample is to be shown, and which one is to be drawn.

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

use crate::dashboard::{Dashboard, Draw, MOST_FLIGHTS};
use crate::dataset::{Dataset, Origin};
use crate::metric::Metric;
use crate::web::base;
use crate::pages::dashboard::choice::{known_metric, number, one, parameters, unknown_origin, whole};
use crate::web::error::Error;

/// How a sample is to be shown.
#[derive(Default)]
pub(crate) struct View {
    pub(crate) metric: Metric,
    /// When the sample was drawn that a signal named, in milliseconds since 1970.
    pub(crate) at: Option<u64>,
    /// How much progress the page shows already, in thousandths.
    pub(crate) seen: Option<u16>,
}

/// A sample that is to be drawn, and how it is to be shown.
pub(crate) struct Order {
    pub(crate) draw: Draw,
    pub(crate) view: View,
}

impl View {
    /// `metric=mean`
    pub(crate) fn query(&self) -> String {
        format!("metric={}", self.metric.word())
    }

    /// The address of the page that shows this.
    pub(crate) fn page(&self) -> String {
        format!("{}/session?{}", base::path(), self.query())
    }

    fn parse(parameters: &str) -> Result<Self, Error> {
        let [metric, at, seen] = ["metric", "at", "seen"].map(|name| one(parameters, name));
        let metric = metric?.map(|word| known_metric(&word)).transpose()?.unwrap_or_default();
        let at = at?.map(|word| number(&word, "at")).transpose()?;
        let seen = seen?.map(|word| number(&word, "seen")).transpose()?;
        Ok(Self { metric, at, seen })
    }
}

impl FromRequest for View {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let parameters = parameters(request, payload);
        Box::pin(async move { Self::parse(&parameters.await?) })
    }
}

impl Order {
    fn parse(parameters: &str, dataset: &Dataset) -> Result<Self, Error> {
        let [origin, size] = ["origin", "size"].map(|name| one(parameters, name));
        let origin = origin?.unwrap_or_else(|| "ALL".to_owned());
        if Origin::parse(&origin, dataset.contents()).is_none() {
            return Err(unknown_origin(&origin, dataset));
        }
        let size = whole(&size?.unwrap_or_default(), MOST_FLIGHTS, "flights for a sample")?;
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).expect("the operating system has random numbers");
        let draw = Draw { origin, size, seed: u64::from_le_bytes(seed) };
        Ok(Self { draw, view: View::parse(parameters)? })
    }
}

impl FromRequest for Order {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let parameters = parameters(request, payload);
        let dashboard = request.app_data::<Data<Dashboard>>().expect("every app has one").clone();
        Box::pin(async move { Self::parse(&parameters.await?, &*dashboard.dataset().await) })
    }
}
