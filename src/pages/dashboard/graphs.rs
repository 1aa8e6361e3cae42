//! `/graphs/…`: the graphs of the selection that a signal named.

use std::time::{Duration, Instant};

use oneflight::{Answer, Failure};
use tokio::time::{sleep, timeout};

use super::choice::Choice;
use super::selection;
use crate::figure::Graph;
use crate::frame;
use crate::metric::Metric;
use crate::pages::graphs::{Found, PATIENCE, Source};
use crate::web::app::App;
use crate::web::encoded_body::{IMMUTABLE, REVALIDATE};
use crate::web::error::Error;
use crate::web::parameters::Parameters;

/// How long a worker may take to learn of another worker's answer, several times over.
const NEWS: Duration = Duration::from_millis(300);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

impl Source for Parameters<Choice> {
    const PATH: &'static str = "/graphs";

    fn metric(&self) -> Metric {
        self.0.metric
    }

    fn complete(&self) -> Option<String> {
        Some(complete(&self.0, self.0.v.as_deref()?, self.0.at?))
    }

    /// The answer for the fingerprint that is asked for: computed if it is that of the data file as
    /// it is now, else only if the store still has it.
    async fn find(&self, app: &App) -> Result<Found, Error> {
        let choice = &self.0;
        let now = choice.departures.fingerprint();
        let v = choice.v.as_deref().unwrap_or(now);
        let answer = if v == now {
            let answer = timeout(PATIENCE, named(app, choice)).await;
            answer.map_err(|_| Error::Busy)??
        } else {
            selection::kept(app, v, choice.departures.code()).await.ok_or(Error::Gone)?
        };
        let computed = answer.entry.stamp.computed_ms();
        // For ever, if the address names the answer; a second computation is another answer.
        let is_named = choice.v.is_some() && choice.at.is_none_or(|asked| asked == computed);
        Ok(Found {
            answer,
            decode: frame::decode,
            query: format!("{}&v={v}", choice.query()),
            complete: Some(complete(choice, v, computed)),
            v: v.to_owned(),
            cache_control: if is_named { IMMUTABLE } else { REVALIDATE },
        })
    }

    fn file(&self, graph: Graph) -> String {
        // A code comes from the data file and may hold anything; a file name may not.
        let code = self.0.departures.code();
        let code = code.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_");
        format!("{graph}-{code}-{}.csv", self.0.metric.word())
    }
}

/// The answer for a choice, once it is not older than the one that the address names: this worker may
/// learn a moment later than another that there is a newer one.
async fn named(app: &App, choice: &Choice) -> Result<Answer, Failure> {
    let until = Instant::now() + NEWS;
    loop {
        let answer = selection::exact(app, &choice.departures).await?;
        let is_older = choice.at.is_some_and(|at| answer.entry.stamp.computed_ms() < at);
        // An address may also name an answer that never was.
        if !is_older || Instant::now() >= until {
            return Ok(answer);
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// All that a graph depends on.
fn complete(choice: &Choice, v: &str, at: u64) -> String {
    format!("{}&v={v}&at={at}", choice.query())
}
