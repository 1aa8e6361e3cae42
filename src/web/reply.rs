//! A response that is made for one request and kept by no cache.

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, ContentType, HeaderName, HeaderValue, LOCATION,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};

use super::encoded_body::PRIVATE;
use super::provenance::Provenance;
use super::request;

const HX_PUSH_URL: HeaderName = HeaderName::from_static("hx-push-url");

/// HTML with a status, and what goes along with it.
pub(crate) struct Reply(HttpResponseBuilder);

impl Reply {
    /// HTML that no cache keeps.
    pub(crate) fn new(status: StatusCode) -> Self {
        let mut response = HttpResponse::build(status);
        response.insert_header(ContentType::html()).insert_header((CACHE_CONTROL, "no-store"));
        Self(response)
    }

    /// The same, for one visitor alone.
    pub(crate) fn private(status: StatusCode) -> Self {
        let mut reply = Self::new(status);
        reply.0.insert_header((CACHE_CONTROL, PRIVATE));
        reply
    }

    /// With the headers that say where the answer came from.
    pub(crate) fn provenance(mut self, provenance: &Provenance) -> Self {
        for header in provenance.headers() {
            self.0.insert_header(header);
        }
        self
    }

    /// What stays the same stays on the page as it is: a fragment that comes five times a second
    /// must not take a button away that is being pressed.
    pub(crate) fn morph(mut self) -> Self {
        self.0.insert_header(("HX-Reswap", "innerMorph"));
        self
    }

    /// Swapped into another place than the one that asked.
    pub(crate) fn retarget(mut self, selector: &'static str) -> Self {
        self.0.insert_header(("HX-Retarget", selector));
        self
    }

    /// With a header, where there is one.
    pub(crate) fn with(mut self, header: Option<(HeaderName, HeaderValue)>) -> Self {
        if let Some(header) = header {
            self.0.insert_header(header);
        }
        self
    }

    /// On a connection that closes afterwards, so that the next request may reach another worker.
    pub(crate) fn close(mut self) -> Self {
        self.0.force_close();
        self
    }

    /// With a cookie.
    pub(crate) fn cookie(mut self, cookie: Cookie<'_>) -> Self {
        self.0.cookie(cookie);
        self
    }

    /// Sends the browser to another page.
    pub(crate) fn to(mut self, page: &str) -> HttpResponse {
        self.0.insert_header((LOCATION, page)).finish()
    }

    /// The response with this body.
    pub(crate) fn html(mut self, html: String) -> HttpResponse {
        self.0.body(html)
    }
}

/// The header that has the browser's address become `page`, unless the one it has shows the same.
pub(crate) fn follow(
    request: &HttpRequest,
    page: impl FnOnce() -> String,
    is_shown_at: impl FnOnce(&str) -> bool,
) -> Option<(HeaderName, HeaderValue)> {
    let is_elsewhere = request::shown(request).is_some_and(|address| !is_shown_at(&address));
    let page = is_elsewhere.then(page)?;
    Some((HX_PUSH_URL, page.try_into().expect("addresses of pages are ASCII")))
}

/// The same response, to be saved as a file of this name.
pub(crate) fn attachment(mut response: HttpResponse, file: &str) -> HttpResponse {
    let disposition = format!("attachment; filename=\"{file}\"").parse();
    let disposition = disposition.expect("file names are letters, digits, - and _");
    response.headers_mut().insert(CONTENT_DISPOSITION, disposition);
    response
}
