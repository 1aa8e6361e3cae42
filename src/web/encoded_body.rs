//! A body in the encodings of its readers: rendered once, compressed once for each encoding, sent
//! many times.

use std::io::Write;
use std::sync::OnceLock;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_ENCODING, AcceptEncoding, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, Encoding,
    EntityTag, Header, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, IfNoneMatch, VARY,
};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::headers;
use crate::blocking::blocking;

pub(crate) const HTML: &str = "text/html; charset=utf-8";
pub(crate) const CSV: &str = "text/csv; charset=utf-8";
pub(crate) const JSON: &str = "application/json";

/// Any cache may keep it for ever.
pub(crate) const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// Caches may keep it and must ask whether it has changed, each time.
pub(crate) const REVALIDATE: &str = "no-cache";
/// No cache may keep it.
pub(crate) const UNKEPT: &str = "no-store";
/// For this visitor alone; no cache may keep it.
pub(crate) const PRIVATE: &str = "private, no-store";

/// What browsers send over https. All of them accept Brotli, so these need not be parsed.
const USUAL: [&[u8]; 3] = [b"gzip, deflate, br, zstd", b"gzip, deflate, br", b"br"];

/// Half of the best compression for a hundredth of its time: fragments are compressed while their
/// first reader waits.
const BROTLI_QUALITY: u32 = 5;

/// A body in the encodings that its readers understand.
pub(crate) struct EncodedBody {
    content_type: &'static str,
    digest: String,
    identity: Bytes,
    /// By [`Coding`]; made when the first request accepts it.
    forms: [OnceLock<Form>; 3],
}

/// How a body is encoded for sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Identity,
    Brotli,
    Gzip,
}

/// A body in one encoding, with the headers that tell about it.
struct Form {
    bytes: Bytes,
    etag: HeaderValue,
    headers: HeaderMap,
}

impl EncodedBody {
    /// A body that is compressed for an encoding when the first request accepts it.
    pub(crate) fn new(content_type: &'static str, identity: impl Into<Bytes>) -> Self {
        let identity = identity.into();
        let digest = hex::encode(&Sha256::digest(&identity)[..8]);
        Self { content_type, digest, identity, forms: Default::default() }
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
    pub(crate) fn respond(
        &self,
        request: &HttpRequest,
        cache_control: &'static str,
    ) -> HttpResponse {
        self.respond_with(request, cache_control, [])
    }

    /// The same, with more headers.
    pub(crate) fn respond_with<const N: usize>(
        &self,
        request: &HttpRequest,
        cache_control: &'static str,
        more: [(HeaderName, HeaderValue); N],
    ) -> HttpResponse {
        let Form { bytes, etag, headers } = self.form(Coding::of(request));
        let mut headers = headers.clone();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache_control));
        for (name, value) in more {
            headers.insert(name, value);
        }
        let mut response = if has(request, etag) {
            headers.remove(CONTENT_TYPE);
            headers.remove(CONTENT_ENCODING);
            HttpResponse::new(StatusCode::NOT_MODIFIED)
        } else {
            HttpResponse::with_body(StatusCode::OK, BoxBody::new(bytes.clone()))
        };
        *response.headers_mut() = headers;
        response
    }

    /// Makes the body in an encoding, which is kept for later requests.
    fn form(&self, coding: Coding) -> &Form {
        let encode = || {
            let bytes = match coding {
                Coding::Identity => self.identity.clone(),
                Coding::Brotli => brotli(&self.identity),
                Coding::Gzip => gzip(&self.identity),
            };
            self.form_of(coding, bytes)
        };
        self.forms[coding as usize].get_or_init(encode)
    }

    fn form_of(&self, coding: Coding, bytes: Bytes) -> Form {
        // A strong tag names the very bytes, so each encoding has its own.
        let etag = format!("\"{}{}\"", self.digest, coding.name().unwrap_or_default());
        let etag = HeaderValue::try_from(etag).expect("hexadecimal digits and a word");
        let mut headers = headers::common();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        if let Some(name) = coding.name() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        headers.insert(ETAG, etag.clone());
        Form { bytes, etag, headers }
    }
}

impl Coding {
    /// The best encoding that a client understands.
    fn of(request: &HttpRequest) -> Self {
        let header = request.headers().get(ACCEPT_ENCODING);
        if header.is_some_and(|header| USUAL.contains(&header.as_bytes())) {
            return Self::Brotli;
        }
        let offered = [Encoding::brotli(), Encoding::gzip(), Encoding::identity()];
        let accepted = AcceptEncoding::parse(request).ok();
        match accepted.and_then(|accepted| accepted.negotiate(offered.iter())) {
            Some(best) if best == Encoding::brotli() => Self::Brotli,
            Some(best) if best == Encoding::gzip() => Self::Gzip,
            _ => Self::Identity,
        }
    }

    fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
        }
    }
}

/// Whether the client has the body with this tag.
fn has(request: &HttpRequest, etag: &HeaderValue) -> bool {
    let Some(known) = request.headers().get(IF_NONE_MATCH) else { return false };
    if known == etag {
        return true;
    }
    let etag = etag.to_str().ok().and_then(|etag| etag.parse::<EntityTag>().ok());
    match (IfNoneMatch::parse(request), etag) {
        (Ok(IfNoneMatch::Any), _) => true,
        (Ok(IfNoneMatch::Items(tags)), Some(etag)) => tags.iter().any(|tag| tag.weak_eq(&etag)),
        _ => false,
    }
}

/// Compresses what `make` makes as this request accepts it, where it is made: compressing megabytes
/// would hold up the event loop.
pub(crate) fn encode_for(
    request: &HttpRequest,
    make: impl FnOnce() -> anyhow::Result<EncodedBody> + Send + 'static,
) -> impl FnOnce() -> anyhow::Result<EncodedBody> + Send + 'static {
    let coding = Coding::of(request);
    move || {
        let body = make()?;
        body.form(coding);
        Ok(body)
    }
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
    for (coding, bytes) in [(Coding::Brotli, br), (Coding::Gzip, gz)] {
        // The place is empty, since the body is new.
        let form = finished.form_of(coding, Bytes::from_static(bytes));
        let _ = finished.forms[coding as usize].set(form);
    }
    finished
}
