//! `/session/graphs/…`: the graphs of a visitor's sample.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use oneflight::Answer;
use tokio::time::timeout;

use super::draw::{About, Sample};
use super::sample::{self, Sampled};
use super::view::View;
use super::visitor::Visitor;
use crate::figure::Graph;
use crate::metric::Metric;
use crate::pages::graphs::{Found, PATIENCE, Source};
use crate::web::app::App;
use crate::web::encoded_body::PRIVATE;
use crate::web::error::Error;
use crate::web::parameters::Parameters;

/// A visitor's sample, and how it is shown.
pub(crate) struct Own {
    visitor: Visitor,
    view: View,
}

impl Own {
    /// The sample, if it is the one that the address names; it is drawn if no signal has waited for
    /// it yet.
    pub(super) async fn sample(&self, app: &App) -> Result<Answer, Error> {
        let owner = self.visitor.name.as_ref().ok_or(Error::NoSample)?;
        let answer = match sample::kept(app, owner).await {
            Some(kept) => kept,
            None => {
                let found = timeout(PATIENCE, sample::find(app, owner)).await;
                match found.map_err(|_| Error::Busy)?? {
                    Sampled::Ready(answer) => answer,
                    Sampled::Cleared | Sampled::Nothing => return Err(Error::NoSample),
                }
            }
        };
        let drawn = answer.entry.stamp.computed_ms();
        if self.view.at.is_some_and(|asked| asked != drawn) { Err(Error::Gone) } else { Ok(answer) }
    }
}

impl FromRequest for Own {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let visitor = Visitor::from_request(request, payload);
        let view = Parameters::from_request(request, payload);
        Box::pin(async move {
            let Parameters(view) = view.await?;
            Ok(Self { visitor: visitor.await?, view })
        })
    }
}

impl Source for Own {
    const PATH: &'static str = "/session/graphs";

    fn metric(&self) -> Metric {
        self.view.metric
    }

    /// The cookie decides too, and no worker keeps what is one visitor's.
    fn complete(&self) -> Option<String> {
        None
    }

    async fn find(&self, app: &App) -> Result<Found, Error> {
        let answer = self.sample(app).await?;
        let drawn = answer.entry.stamp.computed_ms();
        Ok(Found {
            v: About::decode(&answer.entry.bytes)?.fingerprint,
            query: format!("{}&at={drawn}", self.view.query()),
            answer,
            decode: |bytes| Ok(Sample::decode(bytes)?.selection),
            complete: None,
            cache_control: PRIVATE,
        })
    }

    fn file(&self, graph: Graph) -> String {
        format!("sample-{graph}-{}.csv", self.view.metric.word())
    }
}
