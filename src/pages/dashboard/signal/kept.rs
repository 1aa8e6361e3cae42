//! The signal of an answer that the store had: kept as finished bytes, which are sent again without
//! routing while the store and the data file are as they were. The page of the choice has the signal
//! inside, so that a browser asks for the graphs one round trip earlier.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use oneflight::{Answer, Asked, Key, Outcome, Stamp};
use tokio::time::timeout;

use super::fragments::{address, landed};
use crate::figure::Graph;
use crate::pages::dashboard::choice::{Choice, Shown};
use crate::pages::dashboard::selection;
use crate::web::app::App;
use crate::web::direct::{Direct, Terms};
use crate::web::encoded_body::{EncodedBody, HTML, UNKEPT};
use crate::web::fragment_cache::Fragment;
use crate::web::notice::notice;
use crate::web::{base, route};

/// A signal inside the page of its choice.
pub(in crate::pages::dashboard) struct Inside {
    pub(in crate::pages::dashboard) html: String,
    /// The addresses that the signal asks for.
    pub(in crate::pages::dashboard) graphs: [String; 4],
    /// What the page depends on besides its address.
    pub(in crate::pages::dashboard) terms: Box<dyn Terms>,
}

/// How long a page waits for a look into the store. Without the answer, it asks for the signal later.
const LOOK: Duration = Duration::from_millis(50);

/// What a signal depends on besides its address.
struct Landed {
    fingerprint: String,
    key: Key,
    stamp: Stamp,
    /// The page that a browser's address is to become; none for the page itself.
    shown: Option<Shown>,
}

impl Terms for Landed {
    fn hold(&self, app: &App) -> bool {
        let is_same = |now: Stamp| now == self.stamp;
        app.datasets.is_at(&self.fingerprint)
            && app.cache.in_memory(&self.key).is_some_and(|now| is_same(now.entry.stamp))
            && notice(&app.store_health()).is_none()
    }

    fn header(&self, request: &HttpRequest) -> Option<(HeaderName, HeaderValue)> {
        self.shown.as_ref()?.follow(request)
    }
}

/// The signal of this answer, if every request for the choice gets the same one.
pub(super) fn kept(
    app: &App,
    request: &HttpRequest,
    choice: &Choice,
    asked: &Asked,
) -> anyhow::Result<Option<Arc<Fragment>>> {
    let is_hit = asked.answer.outcome == Outcome::Hit && !asked.is_stale;
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let is_plain = is_read && choice.after.is_none();
    if !is_plain || !is_hit || notice(&app.store_health()).is_some() {
        return Ok(None);
    }
    let address = format!("{}/signal?{}", base::path(), choice.query());
    if let Some(known) = app.fragments.get(&address).filter(|known| known.holds(app)) {
        return Ok(Some(known));
    }
    let terms = terms(choice, asked.answer.entry.stamp, Some(choice.shown()));
    let direct =
        route::of(request).map(|route| Direct { route, cache_control: UNKEPT, terms: Some(terms) });
    let body = EncodedBody::new(HTML, landed(app, choice, asked, None)?);
    Ok(Some(app.fragments.insert(address, Fragment { body, direct })))
}

/// The signal of this answer for the page of its choice.
pub(in crate::pages::dashboard) fn inside(
    app: &App,
    choice: &Choice,
    answer: Answer,
) -> anyhow::Result<Inside> {
    // The page is for everybody, whatever this request says that it has seen.
    let (choice, stamp) = (&choice.plain(), answer.entry.stamp);
    let v = choice.departures.fingerprint();
    let asked = Asked { answer, cached_by: vec![v.to_owned()], is_stale: false };
    Ok(Inside {
        html: landed(app, choice, &asked, None)?,
        graphs: Graph::ALL.map(|graph| address(choice, graph, v, stamp)),
        terms: terms(choice, stamp, None),
    })
}

/// The answer for a choice, from memory or after a short look into the store.
pub(in crate::pages::dashboard) async fn at_hand(app: &App, choice: &Choice) -> Option<Answer> {
    if notice(&app.store_health()).is_some() {
        return None;
    }
    let key = selection::key(&choice.departures);
    if let Some(known) = app.cache.in_memory(&key) {
        return Some(known);
    }
    // The look brings it into memory, which also tells whether it is too old.
    timeout(LOOK, app.cache.kept(&key)).await.ok()??;
    app.cache.in_memory(&key)
}

fn terms(choice: &Choice, stamp: Stamp, shown: Option<Shown>) -> Box<dyn Terms> {
    let fingerprint = choice.departures.fingerprint().to_owned();
    Box::new(Landed { fingerprint, key: selection::key(&choice.departures), stamp, shown })
}
