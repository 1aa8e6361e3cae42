//! Logs: one subscriber for the process, as text for people or JSON for machines.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Starts logging on standard output. It is called once, before anything is worth a line.
pub fn start(format: LogFormat, filter: &str) {
    // config.rs has parsed the filter once already, so the lossy form loses nothing.
    let logs = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter));
    match format {
        // Fields stand beside the message, so that `jq .key` works.
        LogFormat::Json => logs.json().flatten_event(true).with_current_span(false).init(),
        LogFormat::Text => logs.with_ansi(std::io::stdout().is_terminal()).init(),
    }
}
