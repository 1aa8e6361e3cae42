//! `GET /`: the page. Its address is its state, so a reload, a link and "back" show the same.

use std::time::Instant;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use askama::Template;

use super::choice::Choice;
use super::signal::kept::{Inside, at_hand, inside};
use crate::dataset::Airport;
use crate::figure::{Graph, count};
use crate::metric::Metric;
use crate::web::app::App;
use crate::web::direct::Direct;
use crate::web::encoded_body::{EncodedBody, REVALIDATE};
use crate::web::error::{Error, ErrorFragment};
use crate::web::fragment_cache::Fragment;
use crate::web::parameters::Parameters;
use crate::web::provenance::Provenance;
use crate::web::reply::Reply;
use crate::web::{assets, base, route};

#[derive(Template)]
#[template(path = "dashboard/page.html")]
struct Page<'a> {
    choice: &'a Choice,
    metrics: [Metric; 3],
    graphs: [Graph; 4],
    /// The signal, where the answer is there; else the page asks for it.
    signal: Option<&'a Inside>,
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
        Ok(Parameters(choice)) => Ok(right(&app, &request, &choice).await?),
        Err(error) => {
            let words = error.words(&request);
            let choice = Choice::default(app.dataset().await);
            wrong(error.status_code(), words, &choice)
        }
    }
}

async fn right(app: &App, request: &HttpRequest, choice: &Choice) -> anyhow::Result<HttpResponse> {
    let asked = Instant::now();
    let Some(answer) = at_hand(app, choice).await else {
        let name = format!("{} of {}", choice.page(), choice.departures.fingerprint());
        let render = || EncodedBody::html(&page_of(choice, None, None));
        return Ok(app.fragments.get_or_render(name, render)?.body.respond(request, REVALIDATE));
    };
    let is_bare = request.query_string().is_empty();
    let address = if is_bare { format!("{}/", base::path()) } else { choice.page() };
    let fragment = match app.fragments.get(&address).filter(|known| known.holds(app)) {
        Some(known) => known,
        None => {
            let signal = inside(app, choice, answer)?;
            let body = EncodedBody::html(&page_of(choice, Some(&signal), None))?;
            let (cache_control, terms) = (REVALIDATE, Some(signal.terms));
            let direct = route::of(request).map(|route| Direct { route, cache_control, terms });
            app.fragments.insert(address, Fragment { body, direct })
        }
    };
    let provenance = Provenance::hit(asked, app.worker).headers();
    Ok(fragment.body.respond_with(request, REVALIDATE, provenance))
}

fn wrong(status: StatusCode, words: String, choice: &Choice) -> Result<HttpResponse, Error> {
    let error = ErrorFragment { words, retry: None };
    let html = page_of(choice, None, Some(error)).render().map_err(anyhow::Error::from)?;
    Ok(Reply::new(status).html(html))
}

fn page_of<'a>(
    choice: &'a Choice,
    signal: Option<&'a Inside>,
    error: Option<ErrorFragment>,
) -> Page<'a> {
    Page { choice, metrics: Metric::ALL, graphs: Graph::ALL, signal, error }
}
