//! `/patterns/stateless`: why no worker keeps a choice. A visitor chooses an airport, and asks for it
//! eight times, of whichever workers: the address is always right, a variable is not.

use std::sync::{Mutex, PoisonError};

use actix_web::http::header::{CACHE_CONTROL, ContentType};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::dashboard::Dashboard;
use crate::web::base;
use crate::pages::dashboard::choice::{Choice, number, one};
use crate::web::error::Error;
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
    fn parse(query: &str) -> Result<Self, Error> {
        let [asked, differed] = ["asked", "differed"]
            .map(|name| one(query, name)?.map_or(Ok(0), |word| number::<u8>(&word, name)));
        let tally = Self { asked: asked?, differed: differed? };
        if tally.asked >= ASKS || tally.differed > tally.asked {
            let words = format!("It is asked {ASKS} times; before this were 0 to {}.", ASKS - 1);
            return Err(Error::Unknown(words));
        }
        Ok(tally)
    }

    fn is_over(self) -> bool {
        self.asked == ASKS
    }
}

impl Ask<'_> {
    /// `origin=ATL&asked=1&differed=0`
    fn query(&self) -> String {
        let Tally { asked, differed } = self.tally;
        // A code comes from the data file and may hold anything.
        let code = utf8_percent_encode(self.code, NON_ALPHANUMERIC);
        format!("origin={code}&asked={asked}&differed={differed}")
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
    dashboard: Data<Dashboard>,
    _same: SameOrigin,
    choice: Choice,
) -> Result<HttpResponse, Error> {
    let code = choice.code();
    *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(code.to_owned());
    let next = Ask { code, tally: Tally { asked: 0, differed: 0 } };
    answered(&Chosen { worker: dashboard.worker(), next })
}

/// `GET /patterns/stateless`: what the address says, and what this worker's variable says.
pub(crate) async fn answer(
    dashboard: Data<Dashboard>,
    request: HttpRequest,
    choice: Choice,
) -> Result<HttpResponse, Error> {
    let mut tally = Tally::parse(request.query_string())?;
    let code = choice.code();
    let variable = LAST.lock().unwrap_or_else(PoisonError::into_inner).clone();
    tally.asked += 1;
    tally.differed += u8::from(variable.as_deref() != Some(code));
    answered(&Answer { worker: dashboard.worker(), variable, next: Ask { code, tally } })
}

/// A response that nobody keeps, and the last one of its connection: the next may be with another
/// worker.
fn answered(template: &impl Template) -> Result<HttpResponse, Error> {
    let html = template.render().map_err(anyhow::Error::from)?;
    let mut response = HttpResponse::Ok();
    response.force_close().insert_header(ContentType::html());
    Ok(response.insert_header((CACHE_CONTROL, "no-store")).body(html))
}
