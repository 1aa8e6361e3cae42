//! How a route is made: its path, its method, and what it answers with, which its errors follow.

use actix_web::guard::{Any, Get, Head};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue, LOCATION};
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder, web};

use super::encoded_body::PRIVATE;
use super::error::Error;

/// What a path answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A whole page; its errors are pages too, except for htmx.
    Page,
    /// A part of a page.
    Fragment,
    /// A file or data, for programs and scripts.
    Document,
}

/// Whose answers these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The same answer for all visitors.
    Everybody,
    /// One visitor's own data; no cache may keep even an error.
    Visitor,
}

/// A path of the route table, as its requests, metrics and errors see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    /// The path with its parameters, such as `/graphs/{graph}`: its name in metrics.
    pub(crate) pattern: &'static str,
    /// The same below its scope.
    path: &'static str,
    pub(crate) kind: Kind,
    audience: Audience,
    methods: &'static str,
}

/// A page for everybody.
pub(crate) const fn page(pattern: &'static str) -> Route {
    let path = pattern;
    Route { pattern, path, kind: Kind::Page, audience: Audience::Everybody, methods: "GET, HEAD" }
}

/// A fragment for everybody.
pub(crate) const fn fragment(pattern: &'static str) -> Route {
    Route { kind: Kind::Fragment, ..page(pattern) }
}

/// A file or data for everybody.
pub(crate) const fn document(pattern: &'static str) -> Route {
    Route { kind: Kind::Document, ..page(pattern) }
}

impl Route {
    /// The same route for another path.
    pub(crate) const fn at(self, path: &'static str) -> Self {
        Self { path, ..self }
    }

    /// The same route, with one visitor's own answers.
    pub(crate) const fn private(self) -> Self {
        Self { audience: Audience::Visitor, ..self }
    }

    /// Reads only.
    pub(crate) fn get<F, Args>(self, handler: F) -> Resource
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let route = Self { methods: "GET, HEAD", ..self };
        route.resource().route(web::route().guard(Any(Get()).or(Head())).to(handler))
    }

    /// Changes something or causes a computation, and is never read.
    pub(crate) fn post<F, Args>(self, handler: F) -> Resource
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let route = Self { methods: "POST", ..self };
        route.resource().route(web::post().to(handler))
    }

    /// Reads and changes.
    pub(crate) fn get_and_post<R, RArgs, C, CArgs>(self, read: R, change: C) -> Resource
    where
        R: Handler<RArgs>,
        RArgs: FromRequest + 'static,
        R::Output: Responder + 'static,
        C: Handler<CArgs>,
        CArgs: FromRequest + 'static,
        C::Output: Responder + 'static,
    {
        let route = Self { methods: "GET, HEAD, POST", ..self };
        let read = web::route().guard(Any(Get()).or(Head())).to(read);
        route.resource().route(read).route(web::post().to(change))
    }

    /// `Cache-Control` of this route's errors.
    pub(crate) fn error_cache_control(self) -> HeaderValue {
        HeaderValue::from_static(match self.audience {
            Audience::Everybody => "no-store",
            Audience::Visitor => PRIVATE,
        })
    }

    fn resource(self) -> Resource {
        let refuse = web::to(move || async move { refused(self.methods) });
        web::resource(self.path).app_data(self).default_service(refuse)
    }
}

/// The route of a request; none for a path that is not in the table.
pub(crate) fn of(request: &HttpRequest) -> Option<Route> {
    request.app_data().copied()
}

/// Answers every path that is not in the table. One slash too many at its end redirects to the
/// path without it.
pub(crate) async fn not_found(request: HttpRequest) -> Result<HttpResponse, Error> {
    let path = request.path().strip_suffix('/').filter(|path| !path.is_empty());
    match path.filter(|path| request.resource_map().has_resource(path)) {
        Some(path) => Ok(moved_to(path, request.uri().query())),
        None => Err(Error::NotFound),
    }
}

/// A redirect for good to a path, with the query of the request.
pub(crate) fn moved_to(path: &str, query: Option<&str>) -> HttpResponse {
    let query = query.map_or(String::new(), |query| format!("?{query}"));
    let mut response = HttpResponse::build(StatusCode::PERMANENT_REDIRECT);
    response.insert_header((LOCATION, format!("{path}{query}")));
    response.insert_header((CACHE_CONTROL, "no-store")).finish()
}

fn refused(methods: &'static str) -> Result<HttpResponse, Error> {
    Err(Error::WrongMethod(methods))
}
