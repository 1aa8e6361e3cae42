//! `/patterns/stateless`: why no worker keeps a choice. A visitor chooses an airport, and asks for it
//! eight times, of whichever workers: the address is always right, a variable is not.

use std::sync::{Mutex, PoisonError};

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use crate::dataset::Departures;
use crate::web::app::App;
use crate::web::base;
use crate::web::error::Error;
use crate::web::parameters::{self, Checked, Parameters, Text};
use crate::web::reply::Reply;
use crate::web::same_origin::SameOrigin;

/// How often a press asks: of three workers, one press in six thousand meets that of its choice alone.
pub(crate) const ASKS: u8 = 8;

/// What not to do: the airport that anybody has last chosen, as this process knows it. It exists for
/// this demonstration, and nothing else reads or writes it.
static LAST: Mutex<Option<String>> = Mutex::new(None);

/// How far a press has come. It travels in the address from one answer to the next, as nobody keeps it.
#[derive(Clone, Copy)]
struct Tally {
    asked: u8,
    /// Answers whose variable said something else than the address.
    differed: u8,
}

/// What a press asks for.
pub(crate) struct Choice {
    departures: Departures,
    tally: Tally,
}

/// The parameters as they are written.
#[derive(Deserialize)]
pub(crate) struct Written {
    origin: Option<Text>,
    asked: Option<Text>,
    differed: Option<Text>,
}

/// Asks by itself.
struct Ask<'a> {
    code: &'a str,
    tally: Tally,
}

#[derive(Template)]
#[template(path = "patterns/stateless/chosen.html")]
struct Chosen<'a> {
    worker: u16,
    next: Ask<'a>,
}

#[derive(Template)]
#[template(path = "patterns/stateless/answer.html")]
struct Answer<'a> {
    worker: u16,
    variable: Option<String>,
    next: Ask<'a>,
}

impl Tally {
    fn is_over(self) -> bool {
        self.asked == ASKS
    }
}

impl Checked for Choice {
    type Written = Written;

    async fn check(written: Written, app: &App) -> Result<Self, Error> {
        let Written { origin, asked, differed } = written;
        let departures = parameters::departures(origin.as_deref(), app.dataset().await)?;
        let asked = parameters::number(asked.as_deref(), "asked")?.unwrap_or(0);
        let differed = parameters::number(differed.as_deref(), "differed")?.unwrap_or(0);
        if asked >= ASKS || differed > asked {
            let words = format!("It is asked {ASKS} times; before this were 0 to {}.", ASKS - 1);
            return Err(Error::Unknown(words));
        }
        Ok(Self { departures, tally: Tally { asked, differed } })
    }
}

impl Ask<'_> {
    /// `origin=ATL&asked=1&differed=0`
    fn query(&self) -> String {
        let Tally { asked, differed } = self.tally;
        format!("{}&asked={asked}&differed={differed}", parameters::origin_query(self.code))
    }
}

impl Answer<'_> {
    fn said(&self) -> &str {
        self.variable.as_deref().unwrap_or("nothing")
    }

    /// What is wrong with what the variable says.
    fn mistake(&self) -> Option<&'static str> {
        match self.variable.as_deref() {
            None => Some("no choice"),
            Some(code) => (code != self.next.code).then_some("another choice"),
        }
    }
}

/// `POST /patterns/stateless/choose`: one worker, whichever it is, has the choice in its variable.
pub(crate) async fn choose(
    app: Data<App>,
    _same: SameOrigin,
    Parameters(Choice { departures, .. }): Parameters<Choice>,
) -> Result<HttpResponse, Error> {
    let code = departures.code();
    *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(code.to_owned());
    let next = Ask { code, tally: Tally { asked: 0, differed: 0 } };
    answered(&Chosen { worker: app.worker, next })
}

/// `GET /patterns/stateless`: what the address says, and what this worker's variable says.
pub(crate) async fn answer(
    app: Data<App>,
    Parameters(Choice { departures, mut tally }): Parameters<Choice>,
) -> Result<HttpResponse, Error> {
    let code = departures.code();
    let variable = LAST.lock().unwrap_or_else(PoisonError::into_inner).clone();
    tally.asked += 1;
    tally.differed += u8::from(variable.as_deref() != Some(code));
    answered(&Answer { worker: app.worker, variable, next: Ask { code, tally } })
}

/// A response that no cache keeps, and the last one of its connection: the next request may reach
/// another worker.
fn answered(template: &impl Template) -> Result<HttpResponse, Error> {
    let html = template.render().map_err(anyhow::Error::from)?;
    Ok(Reply::new(StatusCode::OK).close().html(html))
}
