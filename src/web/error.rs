//! What users read when something is wrong: a status and words, as a fragment or as a page.

use std::fmt;
use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use askama::Template;
use oneflight::Failure;
use tracing::error;

use super::route::{self, Kind};
use super::{assets, base, request};

/// Everything that can be wrong with a request or its answer.
#[derive(Debug)]
pub(crate) enum Error {
    /// 400: the sentence is shown.
    BadRequest(String),
    /// 403: a page of another site asks for a change, as far as the headers tell; the sentence is shown.
    CrossSite(String),
    /// 404
    NotFound,
    /// 404: this visitor has no sample.
    NoSample,
    /// 405: only these methods are known here.
    WrongMethod(&'static str),
    /// 408: the body of the request did not come in time.
    Slow,
    /// 410: the generation that was asked for is no longer kept.
    Gone,
    /// 422: an airport or a metric that there is not; the sentence is shown.
    Unknown(String),
    /// 500: shown with the request's id, under which the log has the whole chain.
    Internal(Arc<anyhow::Error>),
    /// 503: a waiter ran out of patience.
    Busy,
    /// 503: no store takes what a visitor would have kept, or forgotten; the sentence is shown.
    Unkept(&'static str, anyhow::Error),
}

#[derive(Template)]
#[template(path = "web/error.html")]
pub(crate) struct ErrorFragment {
    /// What is wrong, in a sentence.
    pub(crate) words: String,
    /// The address to ask again; none when that would change nothing.
    pub(crate) retry: Option<String>,
}

#[derive(Template)]
#[template(path = "web/error_page.html")]
struct ErrorPage {
    status: StatusCode,
    error: ErrorFragment,
}

impl Error {
    /// What is wrong, in words for the user. An internal error is logged here, once, under the id of
    /// the request.
    pub(crate) fn words(&self, request: &HttpRequest) -> String {
        match self {
            Self::BadRequest(sentence) | Self::CrossSite(sentence) | Self::Unknown(sentence) => {
                sentence.clone()
            }
            Self::Slow => "The request was not complete within ten seconds.".to_owned(),
            Self::NotFound => "There is nothing at this address.".to_owned(),
            Self::NoSample => "You have no sample; draw one first.".to_owned(),
            Self::WrongMethod(known) => format!("This address only knows {known}."),
            Self::Gone => {
                "The data has been replaced since; ask again to see what there is now.".to_owned()
            }
            Self::Busy => "This takes longer than usual.".to_owned(),
            Self::Unkept(sentence, failure) => {
                error!("a request failed: {failure:#}");
                (*sentence).to_owned()
            }
            Self::Internal(failure) => {
                error!("a request failed: {failure:#}");
                format!("Something went wrong. It is in the log under {}.", request::id(request))
            }
        }
    }

    /// The words as a fragment, with an address to ask again where that may help.
    pub(crate) fn fragment(&self, request: &HttpRequest, retry: String) -> ErrorFragment {
        let words = self.words(request);
        ErrorFragment { words, retry: self.is_passing().then_some(retry) }
    }

    /// Whether asking again may help.
    fn is_passing(&self) -> bool {
        matches!(self, Self::Internal(_) | Self::Busy | Self::Unkept(..))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status_code())
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(Arc::new(error))
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Failed(_) => anyhow::Error::msg(format!("{failure:#}")).into(),
            // Asked once more, another worker answers, or this one begins anew.
            Failure::Abandoned | Failure::Closing => Self::Busy,
        }
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::NotFound | Self::NoSample => StatusCode::NOT_FOUND,
            Self::CrossSite(_) => StatusCode::FORBIDDEN,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::WrongMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Gone => StatusCode::GONE,
            Self::Unknown(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Busy | Self::Unkept(..) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Without a body: [`render`] writes it, because it knows the request.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self {
            Self::WrongMethod(known) => {
                headers.insert(ALLOW, HeaderValue::from_static(known));
            }
            Self::Busy | Self::Unkept(..) => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            // The rest of the body may never come.
            Self::Slow => response.head_mut().set_connection_type(ConnectionType::Close),
            _ => {}
        }
        response
    }
}

/// Gives every error its body: a page for a route that answers with pages, else a fragment.
pub(crate) async fn render(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let response = next.call(request).await?.map_into_boxed_body();
    let (request, mut response) = response.into_parts();
    let body = response.error().map(|error| match error.as_error::<Error>() {
        Some(error) => body(error, &request),
        // actix's own errors are about the form of a request.
        None => ErrorFragment { words: error.to_string(), retry: None }.render(),
    });
    if let Some(body) = body {
        let body = body.unwrap_or_else(|_| "Something went wrong.".to_owned());
        let headers = response.headers_mut();
        if let Some(route) = route::of(&request) {
            headers.insert(CACHE_CONTROL, route.error_cache_control());
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        response = response.set_body(BoxBody::new(body));
    }
    Ok(ServiceResponse::new(request, response))
}

fn body(error: &Error, request: &HttpRequest) -> askama::Result<String> {
    let fragment = error.fragment(request, retry(request));
    let is_page = route::of(request).is_none_or(|route| route.kind == Kind::Page);
    if is_page && !request::is_from_htmx(request) {
        return ErrorPage { status: error.status_code(), error: fragment }.render();
    }
    fragment.render()
}

/// The address of a request without the progress that its page showed: the next request starts over.
fn retry(request: &HttpRequest) -> String {
    let kept = request.query_string().split('&').filter(|pair| !pair.starts_with("seen="));
    let query = kept.collect::<Vec<_>>().join("&");
    if query.is_empty() { request.path().to_owned() } else { format!("{}?{query}", request.path()) }
}
