//! The metrics of all workers together, for the one that was asked.

use std::time::Duration;

use super::{MetricsRequest, ProcessId};

/// Questions for everybody's metrics that are not answered yet.
#[derive(Default)]
pub(super) struct Gathers(Vec<Gather>);

struct Gather {
    request: MetricsRequest,
    /// Processes that have not reported.
    missing: Vec<ProcessId>,
    texts: Vec<String>,
    until: Duration,
}

impl Gathers {
    /// Waits for these processes until this time. `own` is the supervisor's own text.
    pub(super) fn begin(
        &mut self,
        request: MetricsRequest,
        missing: Vec<ProcessId>,
        own: String,
        until: Duration,
    ) {
        self.0.push(Gather { request, missing, texts: vec![own], until });
    }

    pub(super) fn on_metrics(&mut self, process: ProcessId, request: MetricsRequest, text: String) {
        let Some(gather) = self.0.iter_mut().find(|it| it.request == request) else { return };
        if let Some(at) = gather.missing.iter().position(|id| *id == process) {
            gather.missing.remove(at);
            gather.texts.push(text);
        }
    }

    /// Drops the questions of a process that has ended, and waits for it no longer.
    pub(super) fn forget(&mut self, process: ProcessId) {
        self.0.retain(|it| it.request.asker != process);
        self.0.iter_mut().for_each(|it| it.missing.retain(|id| *id != process));
    }

    /// The questions that all have reported to, or that have waited long enough.
    pub(super) fn take_finished(
        &mut self,
        now: Duration,
    ) -> impl Iterator<Item = (MetricsRequest, Vec<String>)> {
        let is_finished = move |it: &mut Gather| it.missing.is_empty() || it.until <= now;
        self.0.extract_if(.., is_finished).map(|it| (it.request, it.texts))
    }
}
