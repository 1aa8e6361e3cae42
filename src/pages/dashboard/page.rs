//! `GET /`: the page. Its address is its state, so a reload, a link and "back" show the same.

use actix_web::http::header::{CACHE_CONTROL, ContentType};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use askama::Template;

use crate::web::assets;
use crate::web::base;
use super::choice::Choice;
use crate::web::error::{Error, ErrorFragment};
use crate::web::encoded_body::{EncodedBody, REVALIDATE};
use crate::web::fragment_cache::FragmentCache;
use crate::web::request;
use crate::dashboard::Dashboard;
use crate::dataset::Airport;
use crate::figure::{Graph, count};
use crate::metric::Metric;

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
        self.choice.dataset.contents().origins()
    }

    fn unreachable(&self) -> ErrorFragment {
        ErrorFragment::unreachable()
    }

    fn first_day(&self) -> String {
        self.choice.dataset.contents().date(0)
    }

    fn last_day(&self) -> String {
        let contents = self.choice.dataset.contents();
        contents.date(contents.days.saturating_sub(1))
    }

    fn flights(&self) -> String {
        count(self.choice.dataset.contents().flights().into())
    }
}

/// Answers with the page; one that asks for what there is not says so above its four graphs.
pub(crate) async fn page(
    dashboard: Data<Dashboard>,
    fragments: Data<FragmentCache>,
    request: HttpRequest,
    choice: Result<Choice, Error>,
) -> Result<HttpResponse, Error> {
    let choice = match choice {
        Ok(choice) => choice,
        Err(error) => {
            let words = error.words(&request::id(&request));
            return wrong(&error, words, &Choice::default(dashboard.dataset().await));
        }
    };
    let key = format!("{} of {}", choice.page(), choice.dataset.fingerprint());
    let page = fragments.get_or_render(key, || EncodedBody::html(&page_of(&choice, None)))?;
    Ok(page.respond(&request, REVALIDATE))
}

fn wrong(error: &Error, words: String, choice: &Choice) -> Result<HttpResponse, Error> {
    let fragment = ErrorFragment { words, retry: None };
    let html = page_of(choice, Some(fragment)).render().map_err(anyhow::Error::from)?;
    let mut response = HttpResponse::build(error.status_code());
    response.insert_header(ContentType::html()).insert_header((CACHE_CONTROL, "no-store"));
    Ok(response.body(html))
}

fn page_of(choice: &Choice, error: Option<ErrorFragment>) -> Page<'_> {
    Page { choice, metrics: Metric::ALL, graphs: Graph::ALL, error }
}
