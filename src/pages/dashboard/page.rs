//! `GET /`: the page. Its address is its state, so a reload, a link and "back" show the same.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use askama::Template;

use super::choice::Choice;
use crate::dataset::Airport;
use crate::figure::{Graph, count};
use crate::metric::Metric;
use crate::web::app::App;
use crate::web::encoded_body::{EncodedBody, REVALIDATE};
use crate::web::error::{Error, ErrorFragment};
use crate::web::parameters::Parameters;
use crate::web::reply::Reply;
use crate::web::{assets, base};

#[derive(Template)]
#[template(path = "dashboard/page.html")]
struct Page<'a> {
    choice: &'a Choice,
    metrics: [Metric; 3],
    graphs: [Graph; 4],
    /// Why there is nothing to show, instead of the signal that would start the graphs.
    error: Option<ErrorFragment>,
}

impl Page<'_> {
    fn airports(&self) -> impl Iterator<Item = &Airport> {
        self.choice.departures.contents().origins()
    }

    fn first_day(&self) -> String {
        self.choice.departures.contents().date(0)
    }

    fn last_day(&self) -> String {
        let contents = self.choice.departures.contents();
        contents.date(contents.days.saturating_sub(1))
    }

    fn flights(&self) -> String {
        count(self.choice.departures.contents().flights().into())
    }
}

/// Answers with the page. Wrong parameters are told above its four graphs.
pub(crate) async fn page(
    app: Data<App>,
    request: HttpRequest,
    choice: Result<Parameters<Choice>, Error>,
) -> Result<HttpResponse, Error> {
    match choice {
        Ok(Parameters(choice)) => {
            let key = format!("{} of {}", choice.page(), choice.departures.fingerprint());
            let render = || EncodedBody::html(&page_of(&choice, None));
            Ok(app.fragments.get_or_render(key, render)?.respond(&request, REVALIDATE))
        }
        Err(error) => {
            let words = error.words(&request);
            let choice = Choice::default(app.dataset().await);
            wrong(error.status_code(), words, &choice)
        }
    }
}

fn wrong(status: StatusCode, words: String, choice: &Choice) -> Result<HttpResponse, Error> {
    let error = ErrorFragment { words, retry: None };
    let html = page_of(choice, Some(error)).render().map_err(anyhow::Error::from)?;
    Ok(Reply::new(status).html(html))
}

fn page_of(choice: &Choice, error: Option<ErrorFragment>) -> Page<'_> {
    Page { choice, metrics: Metric::ALL, graphs: Graph::ALL, error }
}
