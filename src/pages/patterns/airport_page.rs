//! The page of a pattern that is shown with one airport, which can be chosen there.

use actix_web::{HttpRequest, HttpResponse, ResponseError};

use super::airport::OneAirport;
use crate::web::app::App;
use crate::web::encoded_body::{EncodedBody, HTML, REVALIDATE};
use crate::web::error::{Error, ErrorFragment};
use crate::web::parameters::Parameters;
use crate::web::reply::Reply;

/// Answers with the page. Wrong parameters are told on the page of the busiest airport.
pub(super) async fn page(
    app: &App,
    request: &HttpRequest,
    airport: Result<Parameters<OneAirport>, Error>,
    render: impl FnOnce(&OneAirport, Option<ErrorFragment>) -> anyhow::Result<String>,
) -> Result<HttpResponse, Error> {
    match airport {
        Ok(Parameters(airport)) => {
            let (path, query) = (request.path(), airport.query());
            let name = format!("{path}?{query} of {}", airport.fingerprint());
            let html = || Ok(EncodedBody::new(HTML, render(&airport, None)?));
            Ok(app.fragments.get_or_render(name, html)?.body.respond(request, REVALIDATE))
        }
        Err(error) => {
            let words = error.words(request);
            let airport = OneAirport::default(app.dataset().await)?;
            let html = render(&airport, Some(ErrorFragment { words, retry: None }))?;
            Ok(Reply::new(error.status_code()).html(html))
        }
    }
}
