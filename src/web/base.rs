//! The path below which all addresses live, for a proxy that gives Quadrant one folder of its host.
//!
//! It is one value for the process, set before the first request and never again. Every address that
//! goes out needs it, in templates, headers and errors; handing it to each of them would be a field
//! in a dozen structs that all hold the same. What is rendered once and kept cannot go stale by it.

use std::str::FromStr;
use std::sync::OnceLock;

use actix_web::{HttpRequest, HttpResponse};

use super::route::moved_to;

static BASE: OnceLock<BasePath> = OnceLock::new();

/// What answers at the root as well, whatever the base path is.
const PROBES: [&str; 3] = ["/livez", "/readyz", "/metrics"];

/// A path such as `/flights`, without a slash at its end; empty for the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BasePath(String);

impl FromStr for BasePath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let base = text.strip_suffix('/').unwrap_or(text);
        let is_sound = match base.strip_prefix('/') {
            Some(parts) => parts.split('/').all(is_part),
            None => base.is_empty(),
        };
        if PROBES.contains(&base) {
            return Err(format!("{base} is asked for by platforms, at the root"));
        }
        let needed = "a path such as /flights is needed: it begins with /, and between its slashes \
            are letters, digits, -, ., _ and ~";
        if is_sound { Ok(Self(base.to_owned())) } else { Err(needed.to_owned()) }
    }
}

impl BasePath {
    /// Has all addresses begin with this path. It is called once, before the routes are made.
    pub fn install(self) {
        // Addresses that have gone out must stay true, so a second call would change nothing.
        let _ = BASE.set(self);
    }
}

/// What every address begins with: `/flights`, or nothing.
pub(crate) fn path() -> &'static str {
    BASE.get().map_or("", |base| &base.0)
}

/// `GET /flights`: relative addresses of the page would miss their folder without the last slash.
pub(crate) async fn redirect(request: HttpRequest) -> HttpResponse {
    moved_to(&format!("{}/", path()), request.uri().query())
}

/// Whether a part means itself and nothing else, in a URL and in a route's pattern.
fn is_part(part: &str) -> bool {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !matches!(part, "" | "." | "..") && part.bytes().all(is_unreserved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_path_has_no_slash_at_its_end() {
        for (text, base) in [
            ("", ""),
            ("/", ""),
            ("/flights", "/flights"),
            ("/flights/", "/flights"),
            ("/a/b-c_d.e~f", "/a/b-c_d.e~f"),
            ("/.hidden", "/.hidden"),
        ] {
            assert_eq!(text.parse(), Ok(BasePath(base.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_may_mean_something_else_is_no_base_path() {
        for text in [
            "flights",
            "//",
            "/a//b",
            "//a",
            "/..",
            "/a/../b",
            "/.",
            "/a b",
            "/{graph}",
            "/a?b",
            "/metrics",
            "/livez/",
            "/a#b",
            "/%2e",
            "/ä",
            "/a\"b",
            "http://x/",
        ] {
            assert!(text.parse::<BasePath>().is_err(), "{text}");
        }
    }
}
