//! The state machine against a model: random callers in several processes. Some callers leave, some
//! processes die or are paused past their lease, and the store fails now and then.
//!
//! A process is a runtime with one thread. It dies when the runtime is shut down, and is paused when
//! its thread is blocked, so that it neither renews its lease nor notices anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use oneflight::entry::Seen;
use oneflight::store::memory::MemoryStore;
use oneflight::store::{Attempt, Cause, Found, Lease, Note, Published};
use oneflight::{
    Answer, Cache, CacheConfig, Entry, Key, Outcome, Progress, Recipe, Stopped, Store, StoreError,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};

/// Scenarios of one run. They run at the same time, since they mostly wait.
const SCENARIOS: usize = 60;
/// How long a caller waits at most: a few leases, one after the other.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longer than a lease lasts.
const PAUSED: Duration = Duration::from_millis(3800);
const KEYS: usize = 2;

#[derive(Debug, Clone)]
struct Scenario {
    processes: usize,
    compute_ms: u64,
    callers: Vec<Caller>,
    faults: Vec<Fault>,
}

#[derive(Debug, Clone, Copy)]
struct Caller {
    process: usize,
    key: usize,
    at_ms: u64,
    /// When it leaves, if it does not wait for the value.
    leaves_after_ms: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Fault {
    at_ms: u64,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// A process dies.
    Death(usize),
    /// A process stands still for longer than a lease lasts.
    Pause(usize),
    /// The store fails for this number of milliseconds, in half of the cases after doing its work.
    Errors(u64),
}

fn caller() -> impl Strategy<Value = Caller> {
    let leaves = prop_oneof![4 => Just(None), 1 => (0..600u64).prop_map(Some)];
    let fields = (0..4usize, 0..KEYS, 0..1500u64, leaves);
    fields.prop_map(|(process, key, at_ms, leaves_after_ms)| Caller {
        process,
        key,
        at_ms,
        leaves_after_ms,
    })
}

fn fault() -> impl Strategy<Value = Fault> {
    let kind = prop_oneof![
        (0..4usize).prop_map(Kind::Death),
        (0..4usize).prop_map(Kind::Pause),
        (10..1500u64).prop_map(Kind::Errors),
    ];
    (0..2000u64, kind).prop_map(|(at_ms, kind)| Fault { at_ms, kind })
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let callers = prop::collection::vec(caller(), 1..30);
    let faults = prop_oneof![Just(Vec::new()), prop::collection::vec(fault(), 0..4)];
    (1..5usize, 0..900u64, callers, faults).prop_map(|(processes, compute_ms, callers, faults)| {
        Scenario { processes, compute_ms, callers, faults }
    })
}

/// A store that fails while a fault lasts.
#[derive(Clone)]
struct Faulty {
    store: MemoryStore,
    /// Counts questions: errors before and after the deed take turns.
    asked: Arc<AtomicUsize>,
    /// How many faults make it fail now.
    failing: Arc<AtomicUsize>,
}

struct FaultyLease(Box<dyn Lease>, Faulty);

impl Faulty {
    async fn ask<T>(
        &self,
        deed: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let is_failing = self.failing.load(Ordering::SeqCst) > 0;
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        let is_before = number.is_multiple_of(2);
        // As over a network, so that much may happen between a question and its answer.
        sleep(Duration::from_millis(number as u64 % 7)).await;
        let (store, cause, reason) = ("faulty", Cause::Unreachable, "told to fail".to_owned());
        let error = StoreError { store, cause, reason };
        if is_failing && is_before {
            return Err(error);
        }
        let done = deed.await;
        sleep(Duration::from_millis(number as u64 % 5)).await;
        if is_failing { Err(error) } else { done }
    }
}

#[async_trait]
impl Store for Faulty {
    fn name(&self) -> &'static str {
        "faulty"
    }

    async fn look(&self, key: &Key) -> Result<Found, StoreError> {
        self.ask(self.store.look(key)).await
    }

    fn in_memory(&self, _: &Key) -> Option<Entry> {
        None
    }

    async fn try_lease(&self, key: &Key, seen: &Seen) -> Result<Attempt, StoreError> {
        Ok(match self.ask(self.store.try_lease(key, seen)).await? {
            Attempt::Granted(lease) => Attempt::Granted(Box::new(FaultyLease(lease, self.clone()))),
            other => other,
        })
    }

    async fn remove(&self, key: &Key) -> Result<bool, StoreError> {
        self.ask(self.store.remove(key)).await
    }

    async fn changed(&self, key: &Key, patience: Duration) -> Result<(), StoreError> {
        self.ask(self.store.changed(key, patience)).await
    }

    async fn leave(
        &self,
        key: &Key,
        note: Note,
        text: &str,
        lifetime: Duration,
    ) -> Result<(), StoreError> {
        self.ask(self.store.leave(key, note, text, lifetime)).await
    }

    async fn amend(
        &self,
        key: &Key,
        note: Note,
        text: &str,
        lifetime: Duration,
    ) -> Result<bool, StoreError> {
        self.ask(self.store.amend(key, note, text, lifetime)).await
    }

    async fn note(&self, key: &Key, note: Note) -> Result<Option<String>, StoreError> {
        self.ask(self.store.note(key, note)).await
    }

    async fn erase(&self, key: &Key, note: Note) -> Result<(), StoreError> {
        self.ask(self.store.erase(key, note)).await
    }

    async fn recent(&self, namespace: &str, most: usize) -> Result<Vec<Key>, StoreError> {
        self.ask(self.store.recent(namespace, most)).await
    }

    async fn trim(&self, namespace: &str, most: usize) -> Result<Vec<Key>, StoreError> {
        self.ask(self.store.trim(namespace, most)).await
    }
}

#[async_trait]
impl Lease for FaultyLease {
    async fn renew(&self) -> Result<bool, StoreError> {
        self.1.ask(self.0.renew()).await
    }

    async fn publish(self: Box<Self>, entry: &Entry) -> Result<Published, StoreError> {
        let Self(lease, store) = *self;
        store.ask(lease.publish(entry)).await
    }

    async fn release(self: Box<Self>) -> Result<(), StoreError> {
        let Self(lease, store) = *self;
        store.ask(lease.release()).await
    }
}

/// A process with its cache.
struct Process {
    runtime: Option<Runtime>,
    cache: Cache,
}

impl Process {
    fn start(store: &Faulty, worker: usize) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let _inside = runtime.enter();
        let settings = CacheConfig { worker: worker as u16, ..CacheConfig::default() };
        let cache = Cache::new(Arc::new(store.clone()), settings);
        Self { runtime: Some(runtime), cache }
    }

    fn die(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    #[expect(clippy::disallowed_methods, reason = "it stands for a process that is stopped")]
    fn pause(&self) {
        if let Some(runtime) = &self.runtime {
            runtime.spawn(async { std::thread::sleep(PAUSED) });
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.die();
    }
}

/// What a scenario has shown.
struct Shown {
    /// The answer of each caller; none where the caller left or its process died.
    answers: Vec<Option<Answer>>,
    /// How often each key was computed.
    computed: [usize; KEYS],
    /// Whether the store has each key in the end.
    kept: [bool; KEYS],
}

fn key(at: usize) -> Key {
    Key::new("model").arg(at)
}

fn recipe(key: usize, compute_ms: u64, computed: &Arc<[AtomicUsize; KEYS]>) -> Recipe {
    let computed = computed.clone();
    Recipe::from(move |progress: Progress| {
        let computed = computed.clone();
        async move {
            for step in 0..10 {
                sleep(Duration::from_millis(compute_ms / 10)).await;
                progress.reached(step, 10)?;
            }
            computed[key].fetch_add(1, Ordering::SeqCst);
            Ok::<_, Stopped>(Bytes::from(format!("value {key}")))
        }
    })
}

async fn play(scenario: Scenario) -> Shown {
    let store = MemoryStore::new(Duration::from_secs(60));
    let faulty = Faulty { store, asked: Arc::default(), failing: Arc::default() };
    let mut processes: Vec<Process> =
        (0..scenario.processes).map(|at| Process::start(&faulty, at)).collect();
    let computed: Arc<[AtomicUsize; KEYS]> = Arc::default();
    let callers: Vec<_> = scenario
        .callers
        .iter()
        .map(|&Caller { process, key: at, at_ms, leaves_after_ms }| {
            let process = &processes[process % scenario.processes];
            let recipe = recipe(at, scenario.compute_ms, &computed);
            let cache = process.cache.clone();
            process.runtime.as_ref().unwrap().spawn(async move {
                sleep(Duration::from_millis(at_ms)).await;
                let patience = leaves_after_ms.map_or(PATIENCE, Duration::from_millis);
                let answer = timeout(patience, cache.memoize(&key(at), recipe)).await;
                assert!(
                    answer.is_ok() || leaves_after_ms.is_some(),
                    "an answer within the patience"
                );
                answer.ok()
            })
        })
        .collect();
    strike(&scenario, &mut processes, &faulty).await;
    let mut answers = Vec::new();
    for caller in callers {
        let answer = match caller.await {
            Ok(answer) => answer,
            // A caller is cancelled when its process dies.
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => None,
            },
        };
        answers.push(answer.map(Result::unwrap));
    }
    let faults_end = async {
        while faulty.failing.load(Ordering::SeqCst) > 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(60), faults_end).await.expect("the faults end");
    let mut kept = [false; KEYS];
    for (at, kept) in kept.iter_mut().enumerate() {
        *kept = faulty.store.look(&key(at)).await.unwrap().entry.is_some();
    }
    Shown { answers, computed: [0, 1].map(|at| computed[at].load(Ordering::SeqCst)), kept }
}

/// Lets the faults happen, each at its time.
async fn strike(scenario: &Scenario, processes: &mut [Process], faulty: &Faulty) {
    let (started, mut faults) = (Instant::now(), scenario.faults.clone());
    faults.sort_by_key(|fault| fault.at_ms);
    for Fault { at_ms, kind } in faults {
        sleep(Duration::from_millis(at_ms).saturating_sub(started.elapsed())).await;
        match kind {
            Kind::Death(process) => processes[process % scenario.processes].die(),
            Kind::Pause(process) => processes[process % scenario.processes].pause(),
            Kind::Errors(for_ms) => {
                let failing = faulty.failing.clone();
                failing.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    sleep(Duration::from_millis(for_ms)).await;
                    failing.fetch_sub(1, Ordering::SeqCst);
                });
            }
        }
    }
}

fn check(scenario: &Scenario, shown: &Shown) {
    let count = |is: fn(&Kind) -> bool| scenario.faults.iter().filter(|it| is(&it.kind)).count();
    let deaths = count(|kind| matches!(kind, Kind::Death(_)));
    let pauses = count(|kind| matches!(kind, Kind::Pause(_)));
    let errors = count(|kind| matches!(kind, Kind::Errors(_)));
    for at in 0..KEYS {
        let callers = scenario.callers.iter().zip(&shown.answers);
        let ours: Vec<_> = callers.filter(|(caller, _)| caller.key == at).collect();
        let answers: Vec<&Answer> = ours.iter().filter_map(|(_, it)| it.as_ref()).collect();
        let leaving = ours.iter().filter(|(caller, _)| caller.leaves_after_ms.is_some()).count();
        if deaths == 0 {
            assert!(
                answers.len() + leaving >= ours.len(),
                "every caller that waits has its answer"
            );
        }
        for answer in &answers {
            assert_eq!(answer.entry.bytes, format!("value {at}"));
        }
        // While the store fails, each process computes for itself, and again for later callers.
        let alone = if errors > 0 { ours.len() } else { 0 };
        // A computation that all callers have left is stopped, and the next caller starts over.
        let most = 1 + deaths + pauses + alone + leaving;
        let computed = shown.computed[at];
        assert!(computed <= most, "{computed} computations of {at}, at most {most}");
        if scenario.faults.is_empty() && leaving == 0 && !answers.is_empty() {
            let stored = answers.iter().filter(|answer| answer.outcome == Outcome::Stored);
            assert_eq!((computed, stored.count()), (1, 1));
            let first = answers[0].entry.stamp;
            assert!(answers.iter().all(|answer| answer.entry.stamp == first));
        }
        // A process that is paused past its lease may not publish, and a successor may be missing.
        if errors == 0 && pauses == 0 && !answers.is_empty() {
            assert!(shown.kept[at], "the store has the value");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_get_their_values_from_few_computations_whatever_dies_pauses_or_fails() {
    let mut runner = TestRunner::default();
    let scenarios: Vec<Scenario> =
        (0..SCENARIOS).map(|_| scenario().new_tree(&mut runner).unwrap().current()).collect();
    assert!(scenarios.iter().any(|scenario| scenario.faults.is_empty()));
    assert!(scenarios.iter().any(|scenario| scenario.faults.len() > 1));

    let played: Vec<_> = scenarios
        .into_iter()
        .map(|scenario| (scenario.clone(), tokio::spawn(play(scenario))))
        .collect();

    for (scenario, played) in played {
        let shown = played.await.unwrap_or_else(|panic| panic!("{panic} in {scenario:#?}"));
        let checked = std::panic::catch_unwind(|| check(&scenario, &shown));
        assert!(checked.is_ok(), "in {scenario:#?}");
    }
}
