//! What `/signal` answers with: the signal itself, or what stands in its place until it comes.

use askama::Template;
use oneflight::{Answer, Asked, Outcome, Snapshot, Stamp};

use crate::figure::{Graph, counted};
use crate::pages::dashboard::choice::Choice;
use crate::web::app::App;
use crate::web::base;
use crate::web::notice::{LOST, notice};
use crate::web::time::{Timestamp, took};
use crate::web::wait::Wait;

/// Its arrival is the signal.
#[derive(Template)]
#[template(path = "dashboard/signal.html")]
struct SignalFragment<'a> {
    choice: &'a Choice,
    place: String,
    flights: String,
    /// The fingerprint of the data that the answer was computed from.
    v: &'a str,
    answer: &'a Answer,
    computed_at: Timestamp,
    /// The graphs to draw; none while the page shows those of this very answer.
    graphs: &'static [Graph],
    /// While a newer answer is being computed.
    wait: Option<Wait>,
    notice: Option<&'static str>,
}

/// Asks again by itself.
#[derive(Template)]
#[template(path = "dashboard/computing.html")]
struct ComputingFragment<'a> {
    choice: &'a Choice,
    place: String,
    wait: Wait,
    notice: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "dashboard/cancelled.html")]
struct CancelledFragment<'a> {
    choice: &'a Choice,
    place: String,
}

impl SignalFragment<'_> {
    fn took(&self) -> String {
        took(self.answer.entry.stamp.compute)
    }

    fn address(&self, graph: &Graph) -> String {
        address(self.choice, *graph, self.v, self.answer.entry.stamp)
    }
}

/// The address of a graph of the answer with this stamp, and of no other.
pub(super) fn address(choice: &Choice, graph: Graph, v: &str, stamp: Stamp) -> String {
    let (query, at) = (choice.query(), stamp.computed_ms());
    format!("{}/graphs/{graph}?{query}&v={v}&at={at}", base::path())
}

/// The signal. With a progress, it tells what the page shows until a newer answer comes.
pub(super) fn landed(
    app: &App,
    choice: &Choice,
    asked: &Asked,
    progress: Option<Snapshot>,
) -> anyhow::Result<String> {
    let answer = &asked.answer;
    let is_lost = answer.outcome == Outcome::Computed;
    let notice = notice(&app.store_health()).or(is_lost.then_some(LOST));
    let stamp = answer.entry.stamp;
    // A page that asks for a newer answer than this shows its graphs already.
    let is_shown = choice.after.is_some_and(|after| stamp.computed_ms() <= after);
    let fragment = SignalFragment {
        choice,
        place: choice.departures.place(),
        flights: counted(choice.departures.flights(), "flight"),
        v: asked.cached_by.first().map_or("", String::as_str),
        answer,
        computed_at: Timestamp(stamp.computed_at),
        graphs: if is_shown { &[] } else { &Graph::ALL },
        wait: (asked.is_stale || is_shown).then(|| Wait::new(choice.seen, progress)),
        notice,
    };
    Ok(fragment.render()?)
}

/// What the page shows where there is no answer yet.
pub(super) fn computing(
    app: &App,
    choice: &Choice,
    progress: Option<Snapshot>,
) -> anyhow::Result<String> {
    let (place, notice) = (choice.departures.place(), notice(&app.store_health()));
    let wait = Wait::new(choice.seen, progress);
    Ok(ComputingFragment { choice, place, wait, notice }.render()?)
}

/// What the page shows after a cancel.
pub(super) fn cancelled(choice: &Choice) -> anyhow::Result<String> {
    Ok(CancelledFragment { choice, place: choice.departures.place() }.render()?)
}
