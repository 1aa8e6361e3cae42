//! What a visitor has, and where that is from.

use std::time::Duration;

use actix_web::http::StatusCode;

use super::draw::About;
use super::fragments::{drawing, no_sample, ready};
use super::sample::{self, Sampled};
use super::view::View;
use super::visitor::Visitor;
use crate::web::app::App;
use crate::web::error::Error;
use crate::web::provenance::Provenance;
use crate::web::wait::held;

/// What a visitor has, in the words of the page.
pub(super) struct Status {
    pub(super) code: StatusCode,
    pub(super) html: String,
    /// None when no sample was looked for, or found.
    pub(super) provenance: Option<Provenance>,
    /// What the sample says of itself, if there is one.
    pub(super) about: Option<About>,
}

impl Status {
    /// Asks what the visitor has, and waits for a draw no longer than `hold`.
    pub(super) async fn of(
        visitor: &Visitor,
        app: &App,
        view: &View,
        hold: Duration,
    ) -> Result<Self, Error> {
        let Some(owner) = &visitor.name else {
            let words = "You have no sample yet. Choose an airport and how many of its flights.";
            return Self::nothing(words, false);
        };
        let mut provenance = Provenance::start(app.worker);
        let progress = async || sample::progress(app, owner).await;
        let Some(sampled) = held(sample::find(app, owner), hold, view.seen, progress).await else {
            provenance.waited();
            let (code, html) = (StatusCode::ACCEPTED, drawing(app, view, progress().await)?);
            return Ok(Self { code, html, provenance: Some(provenance), about: None });
        };
        match sampled? {
            Sampled::Ready(answer) => {
                provenance.answered(&answer);
                let about = About::decode(&answer.entry.bytes)?;
                let html = ready(app, view, &answer, &about)?;
                let (provenance, about) = (Some(provenance), Some(about));
                Ok(Self { code: StatusCode::OK, html, provenance, about })
            }
            Sampled::Cleared => Self::nothing(
                "Your earlier sample has been cleared to make room. You can draw another one.",
                true,
            ),
            Sampled::Nothing => Self::nothing(
                "Your earlier sample is no longer kept. You can draw another one.",
                true,
            ),
        }
    }

    fn nothing(words: &'static str, is_known: bool) -> Result<Self, Error> {
        let html = no_sample(words, is_known)?;
        Ok(Self { code: StatusCode::OK, html, provenance: None, about: None })
    }
}
