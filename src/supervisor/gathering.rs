//! The metrics of all workers together, for the one that was asked, and what only the supervisor
//! can count.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use super::Supervisor;
use super::process::State;
use crate::control::{Order, Question};

/// How long the answer waits for a worker: one that hangs is left out.
const PATIENCE: Duration = Duration::from_millis(500);

/// Questions for the metrics of all that are not answered yet.
#[derive(Default)]
pub(super) struct Gatherings(Vec<Gathering>);

struct Gathering {
    question: Question,
    /// Processes that have not reported.
    missing: Vec<u32>,
    texts: Vec<String>,
    until: Instant,
}

/// How often each worker was started again, by the reason.
#[derive(Default)]
pub(super) struct Restarts(BTreeMap<(u16, &'static str), u64>);

impl Restarts {
    /// The reasons that are told from each other.
    const REASONS: [&str; 5] = ["killed", "failed", "hung", "ended", "rolled"];

    pub(super) fn count(&mut self, worker: u16, reason: &'static str) {
        *self.0.entry((worker, reason)).or_default() += 1;
    }

    /// The restarts as an exposition, with all reasons from the beginning.
    fn text(&self, workers: u16) -> String {
        let name = "quadrant_worker_restarts_total";
        let mut text = format!(
            "# HELP {name} Processes that took a former one's place, by why that one ended.\n\
            # TYPE {name} counter\n"
        );
        for (worker, reason) in
            (1..=workers).flat_map(|worker| Self::REASONS.map(|reason| (worker, reason)))
        {
            let count = self.0.get(&(worker, reason)).copied().unwrap_or_default();
            writeln!(text, "{name}{{reason=\"{reason}\",worker=\"{worker}\"}} {count}")
                .expect("memory takes every byte");
        }
        text
    }
}

impl Supervisor {
    /// Asks all other workers for their metrics.
    pub(super) fn gather(&mut self, asker: u32, id: u64) {
        let question = Question { asker, id };
        let mut missing = Vec::new();
        // One that drains answers for itself, and not for its successor, which has its number.
        let own = self.processes.iter().find(|it| it.id() == asker).map(|it| it.worker);
        for process in &mut self.processes {
            if process.state == State::Ready && Some(process.worker) != own {
                process.tell(&Order::Report(question));
                missing.push(process.id());
            }
        }
        let texts = vec![self.restarts.text(self.slots.len() as u16)];
        let until = Instant::now() + PATIENCE;
        self.gatherings.0.push(Gathering { question, missing, texts, until });
        self.answer_gatherings();
    }

    pub(super) fn reported(&mut self, process: u32, to: Question, text: String) {
        if let Some(gathering) = self.gatherings.0.iter_mut().find(|it| it.question == to) {
            gathering.missing.retain(|id| *id != process);
            gathering.texts.push(text);
        }
    }

    /// Nobody waits for a process that has ended.
    pub(super) fn forget_gatherings(&mut self, process: u32) {
        self.gatherings.0.retain(|it| it.question.asker != process);
        self.gatherings.0.iter_mut().for_each(|it| it.missing.retain(|id| *id != process));
    }

    /// Answers the questions that all have reported to, or that have waited long enough.
    pub(super) fn answer_gatherings(&mut self) {
        let now = Instant::now();
        let is_over = |it: &mut Gathering| it.missing.is_empty() || it.until <= now;
        for gathering in self.gatherings.0.extract_if(.., is_over) {
            let Question { asker, id } = gathering.question;
            if let Some(process) = self.processes.iter_mut().find(|it| it.id() == asker) {
                process.tell(&Order::Gathered { id, texts: gathering.texts });
            }
        }
    }
}
