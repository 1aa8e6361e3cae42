//! A body in the encodings of its readers: rendered once, compressed once for each encoding, sent
//! many times.

use std::io::Write;
use std::sync::OnceLock;

use actix_web::http::header::{
    AcceptEncoding, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, Encoding, EntityTag,
    Header, IfNoneMatch, VARY,
};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::blocking::blocking;

pub(crate) const HTML: &str = "text/html; charset=utf-8";
pub(crate) const CSV: &str = "text/csv; charset=utf-8";
pub(crate) const JSON: &str = "application/json";

/// Any cache may keep it for ever.
pub(crate) const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// Caches may keep it and must ask whether it has changed, each time.
pub(crate) const REVALIDATE: &str = "no-cache";

/// For this visitor alone; no cache may keep it.
pub(crate) const PRIVATE: &str = "private, no-store";

/// Half of the best compression for a hundredth of its time: fragments are compressed while their
/// first reader waits.
const BROTLI_QUALITY: u32 = 5;

/// A body in the encodings that its readers understand.
pub(crate) struct EncodedBody {
    content_type: &'static str,
    etag: String,
    identity: Bytes,
    brotli: OnceLock<Bytes>,
    gzip: OnceLock<Bytes>,
}

impl EncodedBody {
    /// A body that is compressed for an encoding when the first request accepts it.
    pub(crate) fn new(content_type: &'static str, identity: impl Into<Bytes>) -> Self {
        let identity = identity.into();
        let etag = hex::encode(&Sha256::digest(&identity)[..8]);
        Self { content_type, etag, identity, brotli: OnceLock::new(), gzip: OnceLock::new() }
    }

    /// A template, rendered.
    pub(crate) fn html(template: &impl Template) -> anyhow::Result<Self> {
        Ok(Self::new(HTML, template.render()?))
    }

    /// Makes a body off the event loop.
    pub(crate) async fn make(
        make: impl FnOnce() -> anyhow::Result<Self> + Send + 'static,
    ) -> anyhow::Result<Self> {
        blocking(make).await?
    }

    /// Its bytes in memory once all encodings are there, about.
    pub(crate) fn weight(&self) -> u32 {
        // Text compresses to a quarter at worst.
        (self.identity.len() + self.identity.len() / 2).try_into().unwrap_or(u32::MAX)
    }

    /// The response to a request: the best encoding, or 304 if the client has it already.
    pub(crate) fn respond(&self, request: &HttpRequest, cache_control: &str) -> HttpResponse {
        self.respond_with(request, cache_control, [])
    }

    /// The same, with more headers.
    pub(crate) fn respond_with<const N: usize>(
        &self,
        request: &HttpRequest,
        cache_control: &str,
        headers: [(&'static str, String); N],
    ) -> HttpResponse {
        let (encoding, body) = self.encoded(request);
        // A strong tag names the very bytes, so each encoding has its own.
        let etag = EntityTag::new_strong(format!("{}{}", self.etag, encoding.unwrap_or_default()));
        let is_known = match IfNoneMatch::parse(request) {
            Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|tag| tag.weak_eq(&etag)),
            Ok(IfNoneMatch::Any) => request.headers().contains_key("If-None-Match"),
            Err(_) => false,
        };
        let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        for header in headers {
            response.insert_header(header);
        }
        response
            .insert_header((CACHE_CONTROL, cache_control))
            .insert_header((VARY, "Accept-Encoding"))
            .insert_header((ETAG, etag.to_string()));
        if is_known {
            return response.finish();
        }
        if let Some(encoding) = encoding {
            response.insert_header((CONTENT_ENCODING, encoding));
        }
        response.insert_header((CONTENT_TYPE, self.content_type)).body(body)
    }

    fn encoded(&self, request: &HttpRequest) -> (Option<&'static str>, Bytes) {
        let encoding = encoding(request);
        (encoding, self.encode(encoding))
    }

    /// The body in an encoding, which is kept for later requests.
    pub(crate) fn encode(&self, encoding: Option<&'static str>) -> Bytes {
        match encoding {
            Some("br") => self.brotli.get_or_init(|| brotli(&self.identity)).clone(),
            Some("gzip") => self.gzip.get_or_init(|| gzip(&self.identity)).clone(),
            _ => self.identity.clone(),
        }
    }
}

/// Compresses what `make` makes as this request accepts it, where it is made: compressing megabytes
/// would hold up the event loop.
pub(crate) fn encode_for(
    request: &HttpRequest,
    make: impl FnOnce() -> anyhow::Result<EncodedBody> + Send + 'static,
) -> impl FnOnce() -> anyhow::Result<EncodedBody> + Send + 'static {
    let encoding = encoding(request);
    move || {
        let body = make()?;
        body.encode(encoding);
        Ok(body)
    }
}

/// The best encoding that a client understands; none is the body as it is.
pub(crate) fn encoding(request: &HttpRequest) -> Option<&'static str> {
    let offered = [Encoding::brotli(), Encoding::gzip(), Encoding::identity()];
    let accepted = AcceptEncoding::parse(request).ok()?;
    let best = accepted.negotiate(offered.iter())?;
    let coded = [("br", Encoding::brotli()), ("gzip", Encoding::gzip())];
    coded.into_iter().find(|(_, encoding)| *encoding == best).map(|(name, _)| name)
}

fn brotli(body: &[u8]) -> Bytes {
    let mut compressed = Vec::new();
    let window = 22;
    let mut writer = brotli::CompressorWriter::new(&mut compressed, 4096, BROTLI_QUALITY, window);
    writer.write_all(body).expect("memory takes every byte");
    drop(writer);
    compressed.into()
}

fn gzip(body: &[u8]) -> Bytes {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(body).expect("memory takes every byte");
    writer.finish().expect("memory takes every byte").into()
}

/// A body that was compressed when the program was built.
pub(crate) fn ready(
    content_type: &'static str,
    [identity, br, gz]: [&'static [u8]; 3],
) -> EncodedBody {
    let finished = EncodedBody::new(content_type, Bytes::from_static(identity));
    // Both places are empty, since it is new.
    let _ = finished.brotli.set(Bytes::from_static(br));
    let _ = finished.gzip.set(Bytes::from_static(gz));
    finished
}
