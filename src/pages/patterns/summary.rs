//! Frames of one airport's selection as JSON, for a script that draws them.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse};
use oneflight::Answer;
use serde::Serialize;
use tokio::time::timeout;

use super::airport::OneAirport;
use crate::frame;
use crate::pages::dashboard::selection;
use crate::query::Selection;
use crate::web::app::App;
use crate::web::encoded_body::{EncodedBody, JSON, UNKEPT, encode_for};
use crate::web::error::Error;
use crate::web::provenance::Provenance;
use crate::web::time::Timestamp;
use crate::web::wait::HOLD;

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
pub(super) async fn summary<T: Serialize>(
    app: &App,
    request: &HttpRequest,
    airport: OneAirport,
    form: impl FnOnce(Selection) -> anyhow::Result<T> + Send + 'static,
) -> Result<HttpResponse, Error> {
    let mut provenance = Provenance::start(app.worker);
    let Ok(asked) = timeout(HOLD, selection::exact(app, &airport.0)).await else {
        provenance.waited();
        let progress = selection::progress(app, &airport.0).await;
        return Ok(accepted(&provenance, &Computing { permille: progress.map(|it| it.permille) }));
    };
    let answer = asked?;
    provenance.answered(&answer);
    let at = answer.entry.stamp.computed_ms();
    let (path, query) = (request.path(), airport.query());
    let name = format!("{path}?{query}&v={}&at={at}", airport.fingerprint());
    let render = encode_for(request, move || rendered(&airport, &answer, form));
    let fragment = app.fragments.get_or_draw(name, render).await?;
    // Browsers' caches keep none of it: what a page keeps is then what its script keeps, and the bytes
    // that it counts have travelled.
    Ok(fragment.body.respond_with(request, UNKEPT, provenance.headers()))
}

fn rendered<T: Serialize>(
    airport: &OneAirport,
    answer: &Answer,
    form: impl FnOnce(Selection) -> anyhow::Result<T>,
) -> anyhow::Result<EncodedBody> {
    let stamp = answer.entry.stamp;
    let summary = Summary {
        v: airport.fingerprint().to_owned(),
        place: airport.place(),
        computed_at: Timestamp(stamp.computed_at).rfc3339(),
        computed_by: stamp.worker,
        frames: form(frame::decode(&answer.entry.bytes)?)?,
    };
    Ok(EncodedBody::new(JSON, serde_json::to_vec(&summary)?))
}

fn accepted(provenance: &Provenance, computing: &Computing) -> HttpResponse {
    let mut response = HttpResponse::Accepted();
    for header in provenance.headers() {
        response.insert_header(header);
    }
    response.insert_header((CACHE_CONTROL, UNKEPT)).json(computing)
}
