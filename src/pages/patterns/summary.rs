//! What travels of a selection as JSON to a script that draws it: of one airport, once it is computed.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse};
use oneflight::Answer;
use serde::Serialize;
use tokio::time::timeout;

use super::departures::Departures;
use crate::blocking::blocking;
use crate::dashboard::Dashboard;
use crate::frame;
use crate::query::Selection;
use crate::web::error::Error;
use crate::web::encoded_body::EncodedBody;
use crate::web::fragment_cache::FragmentCache;
use crate::web::provenance::{Timing, When};
use crate::web::wait::HOLD;

/// The browser's cache keeps none of it: what a page has kept is then what its script has kept, and
/// the bytes that it counts have travelled.
pub(crate) const UNKEPT: &str = "no-store";
pub(crate) const JSON: &str = "application/json";

/// Frames, and where they come from.
#[derive(Serialize)]
struct Summary<T> {
    v: String,
    place: String,
    computed_at: String,
    computed_by: u16,
    #[serde(flatten)]
    frames: T,
}

/// How far the computation is, in thousandths, if that is known.
#[derive(Serialize)]
struct Computing {
    permille: Option<u16>,
}

/// Answers with what `form` takes of the selection; with 202 while that is computed.
pub(crate) async fn summary<T: Serialize>(
    dashboard: &Dashboard,
    fragments: actix_web::web::Data<FragmentCache>,
    request: &HttpRequest,
    departures: Departures,
    form: impl FnOnce(Selection) -> anyhow::Result<T> + Send + 'static,
) -> Result<HttpResponse, Error> {
    let mut timing = Timing::start(dashboard.worker());
    let (dataset, origin) = (&departures.dataset, departures.origin);
    let Ok(asked) = timeout(HOLD, dashboard.selection(dataset, origin)).await else {
        timing.waited();
        let progress = dashboard.progress(dataset, origin).await;
        return Ok(accepted(&timing, &Computing { permille: progress.map(|it| it.permille) }));
    };
    let answer = asked?;
    timing.answered(&answer);
    let at = answer.entry.stamp.computed_ms();
    let (path, query) = (request.path(), departures.query());
    let name = format!("{path}?{query}&v={}&at={at}", dataset.fingerprint());
    let render = move || finished(&departures, answer, form);
    let finished = blocking(move || fragments.get_or_render(name, render)).await;
    let finished = finished.map_err(anyhow::Error::from)??;
    Ok(finished.respond_with(request, UNKEPT, timing.headers()))
}

fn finished<T: Serialize>(
    departures: &Departures,
    answer: Answer,
    form: impl FnOnce(Selection) -> anyhow::Result<T>,
) -> anyhow::Result<EncodedBody> {
    let stamp = answer.entry.stamp;
    let summary = Summary {
        v: departures.dataset.fingerprint().to_owned(),
        place: departures.place(),
        computed_at: When(stamp.computed_at).rfc3339(),
        computed_by: stamp.worker,
        frames: form(frame::decode(&answer.entry.bytes)?)?,
    };
    Ok(EncodedBody::new(JSON, serde_json::to_vec(&summary)?))
}

fn accepted(timing: &Timing, computing: &Computing) -> HttpResponse {
    let mut response = HttpResponse::Accepted();
    for header in timing.headers() {
        response.insert_header(header);
    }
    response.insert_header((CACHE_CONTROL, UNKEPT)).json(computing)
}
