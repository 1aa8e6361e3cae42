//! Scripts and styles, from the binary, under names that change with their bytes.

use std::collections::HashMap;
use std::sync::LazyLock;

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};

use super::base;
use super::encoded_body::{EncodedBody, IMMUTABLE, ready};
use super::error::Error;

/// One file that is served, as build.rs prepared it.
struct Asset {
    /// Its path within `static/`; the style sheets are one, `quadrant.css`.
    path: &'static str,
    /// Its name under `/static/`, which holds a hash of its bytes.
    name: &'static str,
    /// The paths of all modules that a script imports, directly or through others.
    needs: &'static [&'static str],
    content_type: &'static str,
    /// As it is, as brotli, as gzip.
    bodies: [&'static [u8]; 3],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

static BODIES: LazyLock<HashMap<&str, EncodedBody>> = LazyLock::new(|| {
    let encode = |asset: &Asset| (asset.name, ready(asset.content_type, asset.bodies));
    ASSETS.iter().map(encode).collect()
});

/// `GET /static/{name}`
pub(crate) async fn asset(request: HttpRequest, name: Path<String>) -> Result<HttpResponse, Error> {
    let body = BODIES.get(name.as_str()).ok_or(Error::NotFound)?;
    Ok(body.respond(&request, IMMUTABLE))
}

/// The address of a file of `static/`, for templates.
pub(crate) fn url(path: &str) -> String {
    format!("{}/static/{}", base::path(), asset_of(path).name)
}

/// The addresses of all modules that a script imports. A page names them, so that a browser asks for
/// them at once and not for one after the other.
pub(crate) fn needs(path: &str) -> impl Iterator<Item = String> {
    asset_of(path).needs.iter().map(|path| url(path))
}

fn asset_of(path: &str) -> &'static Asset {
    let asset = ASSETS.iter().find(|asset| asset.path == path);
    // The tests render every page, and all names in templates are literals.
    asset.expect("the file is in static/")
}
