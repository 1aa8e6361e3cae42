//! Scripts and styles, from the binary, under names that change with their bytes.

use std::collections::HashMap;
use std::sync::LazyLock;

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse};

use super::base;
use super::encoded_body::{EncodedBody, IMMUTABLE, ready};
use super::error::Error;

/// One file of `static/`, as build.rs prepared it.
struct Asset {
    /// Its path within `static/`.
    path: &'static str,
    /// Its name under `/static/`, which holds a hash of its bytes.
    name: &'static str,
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
    let asset = ASSETS.iter().find(|asset| asset.path == path);
    // The tests render every page, and all names in templates are literals.
    format!("{}/static/{}", base::path(), asset.expect("the file is in static/").name)
}
