//! Logs: one subscriber for the process, as text for people or JSON for machines.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Starts logging on standard output. It is called once, before anything is worth a line.
pub fn start(format: LogFormat, filter: &str) {
    // config.rs has parsed the filter once already, so the lossy form loses nothing.
    let logs = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter));
    match format {
        // Fields stand beside the message, so that `jq .key` works, and those of the request one
        // below: `jq .span.request_id`. Spans are not nested, so a list of them says nothing more.
        LogFormat::Json => {
            let logs = logs.json().flatten_event(true);
            logs.with_current_span(true).with_span_list(false).init();
        }
        LogFormat::Text => logs.with_ansi(std::io::stdout().is_terminal()).init(),
    }
}
