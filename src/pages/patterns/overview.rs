//! `/patterns`: the seven patterns beside each other, with their pages and the files that show how
//! each is made.

use std::collections::HashMap;
use std::sync::LazyLock;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::stateless::ASKS;
use crate::dataset::{Airport, Dataset};
use crate::web::app::App;
use crate::web::assets;
use crate::web::base;
use crate::web::encoded_body::{EncodedBody, REVALIDATE};
use crate::web::error::Error;

/// What each pattern is asked, in the order of its answers.
const QUESTIONS: [&str; 5] = [
    "Where the data lives",
    "Who sees it",
    "For how long",
    "Memory and network",
    "With several workers",
];

/// A pattern: its page, the file to read first, and its answers.
struct Row {
    name: &'static str,
    /// The address of its page, below the base path.
    live: &'static str,
    source: Source,
    answers: [&'static str; 5],
}

/// A file of the repository, within the binary: there may be no repository where it runs.
struct Source {
    path: &'static str,
    text: &'static str,
}

/// A file by its path, which the compiler has to find.
macro_rules! source {
    ($path:literal) => {
        Source { path: $path, text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $path)) }
    };
}

static ROWS: &[Row] = &[
    Row {
        name: "Caching and signaling",
        live: "/",
        source: source!("src/pages/dashboard/signal.rs"),
        answers: [
            "In the store: the disk of the host, or a Redis.",
            "Everybody.",
            "CACHE_EXPIRE after its last use; on disk less, when CACHE_MAX_BYTES are used up.",
            "An entry of the store for each airport, and finished graphs in 16 MiB of memory, all \
                workers together; with the cache on disk, 4 MiB of the entries too. A signal and four graphs travel; the browser keeps the graphs.",
            "One computes, however many are asked. The others wait for its entry.",
        ],
    },
    Row {
        name: "Data of one visitor",
        live: "/session",
        source: source!("src/pages/session.rs"),
        answers: [
            "In the store, under the key of the visitor’s session.",
            "One visitor.",
            "CACHE_EXPIRE after its last use, or until it is forgotten; for SESSION_MAX visitors at \
                most, and those go first who have not used theirs for longest; on disk less, when \
                CACHE_MAX_BYTES are used up.",
            "An entry of up to 2 MiB for each visitor, and nothing in the workers. A cookie travels \
                with each request.",
            "Any of them finds it: the cookie names it, and the store has it.",
        ],
    },
    Row {
        name: "Data stored in the browser",
        live: "/patterns/browser",
        source: source!("static/patterns/browser/storage.js"),
        answers: [
            "In the storage of one tab, as JSON.",
            "That tab.",
            "Until the tab is closed, or the data file has been replaced.",
            "The server keeps nothing for the tab. The whole result travels, once: the page says how \
                many bytes that were.",
            "None is asked again: other inputs are answered within the tab.",
        ],
    },
    Row {
        name: "Aggregates instead of data",
        live: "/patterns/aggregates",
        source: source!("src/pages/patterns/aggregates.rs"),
        answers: [
            "The flights stay on the server. Three small aggregates of them are in the page.",
            "Everybody: they do not depend on who asks.",
            "In the page until it is left; on the server as long as the entry they are made of.",
            "The bytes of the aggregates travel instead of those of the flights: the page measures \
                both.",
            "Any of them makes the aggregates, from the entry in the store.",
        ],
    },
    Row {
        name: "One computation, several outputs",
        live: "/",
        source: source!("src/pages/graphs.rs"),
        answers: [
            "In one entry of the store: four graphs, their tables and their CSV are drawn from it. \
                The metric is in the address alone.",
            "Everybody sees the entry; the metric is for who has the address.",
            "As long as the entry.",
            "Another metric takes no computation: the entry is read, and four graphs travel.",
            "Each graph may be drawn by another one. They agree, since their addresses name the \
                computation.",
        ],
    },
    Row {
        name: "Stateless workers",
        live: "/patterns#stateless",
        source: source!("src/pages/patterns/stateless.rs"),
        answers: [
            "In the address of each request, and in no worker.",
            "Whoever has the address.",
            "As long as the address: over a reload, in a link, on the way back.",
            "No memory. A few bytes of address travel with each request.",
            "Any of them answers any request, and all of them the same.",
        ],
    },
    Row {
        name: "Computation in the background",
        live: "/patterns/background",
        source: source!("src/pages/patterns/background.rs"),
        answers: [
            "In the store: the result, and beside it the progress.",
            "Everybody who asks for the same airport and number of resamples.",
            "The result as any entry, over a restart too. The computation until three seconds after \
                the last question for it.",
            "An entry for each question. While it runs, each page that watches asks one to five \
                times a second.",
            "One computes. Whichever is asked shows the progress, and takes a cancel.",
        ],
    },
];

#[derive(Template)]
#[template(path = "patterns/overview/page.html")]
struct Page<'a> {
    dataset: &'a Dataset,
}

impl Source {
    /// The last part of its path, which is its name here.
    fn name(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }
}

impl Page<'_> {
    fn airports(&self) -> impl Iterator<Item = &Airport> {
        self.dataset.contents().origins()
    }
}

/// `GET /patterns`
pub(crate) async fn page(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Error> {
    let dataset = app.dataset().await;
    let name = format!("/patterns of {}", dataset.fingerprint());
    let page =
        app.fragments.get_or_render(name, || EncodedBody::html(&Page { dataset: &dataset }))?;
    Ok(page.body.respond(&request, REVALIDATE))
}

/// `GET /patterns/source/{name}`: the file of a pattern, as it was compiled.
pub(crate) async fn source(
    request: HttpRequest,
    name: Path<String>,
) -> Result<HttpResponse, Error> {
    static BODIES: LazyLock<HashMap<&str, EncodedBody>> = LazyLock::new(|| {
        let body = |Row { source, .. }: &'static Row| {
            (source.name(), EncodedBody::new("text/plain; charset=utf-8", source.text))
        };
        ROWS.iter().map(body).collect()
    });
    let source = BODIES.get(name.as_str()).ok_or(Error::NotFound)?;
    Ok(source.respond(&request, REVALIDATE))
}
