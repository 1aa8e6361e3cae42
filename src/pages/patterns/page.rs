//! A page about the flights that leave one airport, which can be chosen there.

use actix_web::http::header::{CACHE_CONTROL, ContentType};
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use super::departures::Departures;
use crate::dashboard::Dashboard;
use crate::web::error::{Error, ErrorFragment};
use crate::web::encoded_body::{EncodedBody, REVALIDATE};
use crate::web::fragment_cache::FragmentCache;
use crate::web::request;

const HTML: &str = "text/html; charset=utf-8";

/// Answers with the page; one that asks for what there is not says so, and lets choose.
pub(crate) async fn page(
    dashboard: &Dashboard,
    fragments: &FragmentCache,
    request: &HttpRequest,
    departures: Result<Departures, Error>,
    render: impl FnOnce(&Departures, Option<ErrorFragment>) -> anyhow::Result<String>,
) -> Result<HttpResponse, Error> {
    match departures {
        Ok(departures) => {
            let (path, query) = (request.path(), departures.query());
            let name = format!("{path}?{query} of {}", departures.dataset.fingerprint());
            let html = || Ok(EncodedBody::new(HTML, render(&departures, None)?));
            let page = fragments.get_or_render(name, html)?;
            Ok(page.respond(request, REVALIDATE))
        }
        Err(error) => {
            let words = error.words(&request::id(request));
            let departures = Departures::default(dashboard.dataset().await)?;
            let html = render(&departures, Some(ErrorFragment { words, retry: None }))?;
            let mut response = HttpResponse::build(error.status_code());
            response.insert_header(ContentType::html()).insert_header((CACHE_CONTROL, "no-store"));
            Ok(response.body(html))
        }
    }
}
