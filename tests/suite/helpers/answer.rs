//! What came back, and what it says.

use std::io::Read;

use bytes::Bytes;
use reqwest::Response;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// A response that has been read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Answer {
    pub(crate) async fn read(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, bytes: response.bytes().await.unwrap() }
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    /// The body without its compression.
    pub(crate) fn unpacked(&self) -> Vec<u8> {
        let mut body = Vec::new();
        match self.header("content-encoding") {
            "br" => brotli::Decompressor::new(&*self.bytes, 4096).read_to_end(&mut body),
            "gzip" => flate2::read::GzDecoder::new(&*self.bytes).read_to_end(&mut body),
            "" => (&*self.bytes).read_to_end(&mut body),
            other => panic!("compressed as {other}"),
        }
        .unwrap();
        body
    }

    /// Whether it tells users that the store cannot be used.
    pub(crate) fn has_notice(&self) -> bool {
        self.text().contains("class=\"notice\"")
    }

    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// What follows the last `;` of `Cache-Status`: `hit`, `stored`, `collapsed`.
    pub(crate) fn outcome(&self) -> &str {
        self.header("cache-status").rsplit("; ").next().unwrap()
    }

    /// The number of the worker that answered.
    pub(crate) fn worker(&self) -> u64 {
        let timing = self.header("server-timing");
        timing.rsplit("worker;desc=").next().unwrap().trim_matches('"').parse().unwrap()
    }

    /// The value of an attribute where it first occurs.
    pub(crate) fn attribute(&self, name: &str) -> &str {
        let start = format!(" {name}=\"");
        let at = self.text().find(&start).unwrap_or_else(|| panic!("no {name}: {}", self.text()));
        self.text()[at + start.len()..].split('"').next().unwrap()
    }

    /// The addresses that the fragment asks for.
    pub(crate) fn asks(&self) -> Vec<String> {
        let addresses = self.text().split("data-hx-get=\"").skip(1);
        addresses.map(|rest| unescaped(rest.split('"').next().unwrap())).collect()
    }

    /// The figure within a graph fragment.
    pub(crate) fn figure(&self) -> Value {
        let start = "<script type=\"application/json\" class=\"figure\">";
        let rest = self.text().split(start).nth(1).expect("the fragment holds a figure");
        serde_json::from_str(rest.split("</script>").next().unwrap()).unwrap()
    }
}

/// An attribute's value as the browser reads it.
fn unescaped(value: &str) -> String {
    value.replace("&#38;", "&").replace("&amp;", "&")
}
