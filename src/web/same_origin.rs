//! Where a request was made: what changes something may only be asked for by our own pages.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::Uri;
use actix_web::http::header::{HOST, ORIGIN};
use actix_web::{FromRequest, HttpRequest};

use super::error::Error;

/// A request that no page of another site has caused.
pub(crate) struct SameOrigin;

impl SameOrigin {
    /// Refuses what a page of another site has caused. Browsers say so in `Sec-Fetch-Site`, older
    /// ones in `Origin`; a program that says neither acts for nobody's browser.
    pub(crate) fn check(request: &HttpRequest) -> Result<(), Error> {
        let text =
            |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or(""));
        let is_same = match (text("Sec-Fetch-Site"), text(ORIGIN.as_str())) {
            (Some(site), _) => matches!(site, "same-origin" | "none"),
            (None, Some(origin)) => {
                let authority = origin.parse::<Uri>().ok().and_then(|it| it.into_parts().authority);
                authority.is_some_and(|it| Some(it.as_str()) == text(HOST.as_str()))
            }
            (None, None) => true,
        };
        if is_same { Ok(()) } else { Err(Error::CrossSite) }
    }
}

impl FromRequest for SameOrigin {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::check(request).map(|()| Self))
    }
}
