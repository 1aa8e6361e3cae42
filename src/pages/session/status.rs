//! What a visitor has, and how that was found out.

use std::time::Duration;

use actix_web::http::StatusCode;

use super::fragments::{drawing, no_sample, ready};
use super::view::View;
use super::visitor::Visitor;
use crate::dashboard::{Dashboard, Sampled};
use crate::frame;
use crate::query::About;
use crate::web::error::Error;
use crate::web::provenance::Timing;
use crate::web::wait::held;

/// What a visitor has, in the words of the page.
pub(crate) struct Status {
    pub(crate) code: StatusCode,
    pub(crate) html: String,
    /// None when no sample was looked for, or found.
    pub(crate) timing: Option<Timing>,
    /// What the sample says of itself, if there is one.
    pub(crate) about: Option<About>,
}

impl Status {
    /// Asks what the visitor has, and waits for a draw no longer than `hold`.
    pub(crate) async fn of(
        visitor: &Visitor,
        dashboard: &Dashboard,
        view: &View,
        hold: Duration,
    ) -> Result<Self, Error> {
        let Some(owner) = &visitor.name else {
            let words = "You have no sample yet. Choose an airport and how many of its flights.";
            return Self::nothing(words, false);
        };
        let mut timing = Timing::start(dashboard.worker());
        let progress = async || dashboard.sample_progress(owner).await;
        let Some(sampled) = held(dashboard.sample(owner), hold, view.seen, progress).await else {
            timing.waited();
            let (code, html) = (StatusCode::ACCEPTED, drawing(dashboard, view, progress().await)?);
            return Ok(Self { code, html, timing: Some(timing), about: None });
        };
        match sampled? {
            Sampled::Ready(answer) => {
                timing.answered(&answer);
                let about = frame::decode_about(&answer.entry.bytes)?;
                let html = ready(dashboard, view, &answer, &about)?;
                let (timing, about) = (Some(timing), Some(about));
                Ok(Self { code: StatusCode::OK, html, timing, about })
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
        Ok(Self { code: StatusCode::OK, html, timing: None, about: None })
    }
}
