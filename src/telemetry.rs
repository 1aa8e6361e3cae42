//! Logs: one subscriber for the process, as text for people or JSON for machines.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::Metadata;
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::LogFormat;

/// Whether a listener that cannot accept is as it should be.
static IGNORES_LISTENERS: AtomicBool = AtomicBool::new(false);

/// Starts logging on standard output. It is called once, before anything is worth a line.
pub fn start(format: LogFormat, filter: &str) {
    // A log that cannot be written is no reason to complain elsewhere, where nobody may read either.
    let lines = fmt::layer().log_internal_errors(false);
    let lines = match format {
        // Fields stand beside the message, so that `jq .key` works.
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
        LogFormat::Text => lines.with_ansi(std::io::stdout().is_terminal()).boxed(),
    };
    // config.rs has parsed the filter once already, so the lossy form loses nothing.
    let wanted = EnvFilter::new(filter);
    tracing_subscriber::registry().with(wanted).with(lines.with_filter(filter_fn(is_news))).init();
}

/// The listener of a worker that drains is shut down while actix still accepts from it, so that no
/// connection is left in between; what actix says of that is no news.
pub fn ignore_listeners() {
    IGNORES_LISTENERS.store(true, Ordering::Relaxed);
}

fn is_news(line: &Metadata<'_>) -> bool {
    line.target() != "actix_server::accept" || !IGNORES_LISTENERS.load(Ordering::Relaxed)
}
