//! Requests that change something are accepted from pages of this site only.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::Uri;
use actix_web::http::header::{HOST, HeaderMap, ORIGIN};
use actix_web::{FromRequest, HttpRequest};

use super::app::App;
use super::error::Error;

/// Tells how the request relates to the page that caused it; browsers send it over https.
const FETCH_SITE: &str = "Sec-Fetch-Site";
/// The host and port that the browser has asked, as a proxy tells them.
const FORWARDED_HOST: &str = "X-Forwarded-Host";

/// A request that no page of another site has caused.
pub(crate) struct SameOrigin;

impl SameOrigin {
    /// Refuses a request that a page of another site has caused.
    ///
    /// Browsers tell in `Sec-Fetch-Site`, over plain http only in `Origin`. A program that sends
    /// neither acts for no browser, and is accepted.
    ///
    /// # Errors
    ///
    /// 403, with the header that decided.
    pub(crate) fn check(request: &HttpRequest) -> Result<(), Error> {
        let proxies = &App::of(request).proxies;
        let is_from_proxy = request.peer_addr().is_some_and(|peer| proxies.include(peer.ip()));
        check(request.headers(), is_from_proxy).map_err(Error::CrossSite)
    }
}

impl FromRequest for SameOrigin {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::check(request).map(|()| Self))
    }
}

fn check(headers: &HeaderMap, is_from_proxy: bool) -> Result<(), String> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    if let Some(site) = text(FETCH_SITE) {
        let is_same = matches!(site, "same-origin" | "none");
        let words = "Only pages of this site may ask for that; Sec-Fetch-Site names another site.";
        return if is_same { Ok(()) } else { Err(words.to_owned()) };
    }
    let Some(origin) = text(ORIGIN.as_str()) else { return Ok(()) };
    let authority = origin.parse::<Uri>().ok().and_then(|uri| uri.into_parts().authority);
    let authority = authority.as_ref().map(|it| it.as_str());
    let forwarded = text(FORWARDED_HOST).filter(|_| is_from_proxy);
    if authority.is_some() && (authority == text(HOST.as_str()) || authority == forwarded) {
        return Ok(());
    }
    let missing = match forwarded {
        Some(_) => "Origin is neither Host nor X-Forwarded-Host",
        None if is_from_proxy => {
            "Origin is not Host; the proxy should send X-Forwarded-Host with the port"
        }
        None => {
            "Origin is not Host. Behind a proxy that changes Host, X-Forwarded-Host is needed and \
            the proxy must be in TRUSTED_PROXIES"
        }
    };
    Err(format!("Only pages of this site may ask for that: the header {missing}."))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn verdict(
        is_from_proxy: bool,
        headers: &[(&'static str, &'static str)],
    ) -> Result<(), String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        check(&map, is_from_proxy)
    }

    #[test]
    fn a_browser_says_whether_the_page_is_of_this_site() {
        for (site, is_accepted) in
            [("same-origin", true), ("none", true), ("same-site", false), ("cross-site", false)]
        {
            let headers = [("sec-fetch-site", site), ("origin", "http://x"), ("host", "x")];
            assert_eq!(verdict(false, &headers).is_ok(), is_accepted, "{site}");
        }
    }

    #[test]
    fn without_that_the_origin_must_be_the_host_with_its_port() {
        for (origin, host, is_accepted) in [
            ("http://x:8000", "x:8000", true),
            ("http://x", "x", true),
            ("http://x:8000", "x", false),
            ("http://y", "x", false),
            ("null", "x", false),
            ("nonsense://", "x", false),
        ] {
            let found = verdict(false, &[("origin", origin), ("host", host)]);
            assert_eq!(found.is_ok(), is_accepted, "{origin} {host}");
        }
        assert_eq!(verdict(false, &[("host", "x")]), Ok(()));
    }

    #[test]
    fn a_trusted_proxy_may_forward_the_host_that_the_browser_has_asked() {
        let headers = [("origin", "http://x:8000"), ("host", "x"), ("x-forwarded-host", "x:8000")];

        assert_eq!(verdict(true, &headers), Ok(()));
        assert!(verdict(false, &headers).unwrap_err().contains("TRUSTED_PROXIES"));
        assert!(verdict(true, &headers[..2]).unwrap_err().contains("X-Forwarded-Host"));
    }
}
