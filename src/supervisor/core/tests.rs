//! Properties of the state machine, with a model in the place of processes, signals and time.

use std::time::Duration;

use proptest::prelude::*;

use self::world::{End, Input, Life, Plan, Start, World};

mod world;
mod monitor;
mod examples;

/// When the random part of a run is over. Processes that start later behave well.
const CHAOS: Duration = Duration::from_secs(90);
/// After the random part: time for whatever was begun to end, such as a rolling restart whose
/// processes all have to be killed.
const CALM: Duration = Duration::from_secs(400);

/// How long the program takes to end: the time that processes get to drain, a tick to notice that it is
/// over, another one to kill them.
const STOP: Duration = Duration::from_millis(25_000 + 50 + 50);

/// One run: how many workers, what each of their processes does in the order of the starts, and what
/// comes from outside at which millisecond.
#[derive(Debug, Clone)]
struct Scenario {
    workers: u16,
    plans: Vec<Plan>,
    inputs: Vec<(u64, Input)>,
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let plans = prop::collection::vec(plan(), 0..40);
    let inputs = prop::collection::vec((0..CHAOS.as_millis() as u64, input()), 0..12);
    (1..5u16, plans, inputs).prop_map(|(workers, plans, inputs)| Scenario {
        workers,
        plans,
        inputs,
    })
}

fn plan() -> impl Strategy<Value = Plan> {
    let start = prop_oneof![
        10 => (10..3_000u64).prop_map(Start::Ready),
        // Around the moment at which it is killed, too.
        2 => (28_000..32_000u64).prop_map(Start::Ready),
        1 => (0..3_000u64).prop_map(Start::Fails),
        1 => (0..3_000u64).prop_map(Start::Dies),
        1 => Just(Start::Never),
        1 => Just(Start::SpawnFails),
    ];
    let life = prop_oneof![
        4 => Just(Life::Serves),
        2 => (0..20_000u64).prop_map(Life::Dies),
        1 => (0..20_000u64).prop_map(Life::Hangs),
        1 => ((0..20_000u64), (100..12_000u64)).prop_map(|(at, ms)| Life::Pauses(at, ms)),
        2 => (0..20_000u64).prop_map(Life::Leaves),
        1 => (0..20_000u64).prop_map(Life::Fails),
    ];
    let end = prop_oneof![
        6 => (0..3_000u64).prop_map(End::Exits),
        1 => (0..24_000u64).prop_map(End::Exits),
        1 => (0..3_000u64).prop_map(End::Crashes),
        1 => Just(End::Never),
    ];
    (start, life, end).prop_map(|(start, life, end)| Plan { start, life, end })
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        4 => Just(Input::Reload),
        2 => (0..4u16).prop_map(Input::GatherMetrics),
        1 => (10..15_000u64).prop_map(Input::Absence),
        1 => (0..4u16).prop_map(Input::KillWorker),
        1 => (0..4u16).prop_map(Input::TermWorker),
    ]
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(256))]

    /// Every step is checked by the monitor. After the random part the program has recovered, unless
    /// it had to end.
    #[test]
    fn random_deaths_hangs_signals_and_slow_starts_break_no_rule(scenario in scenario()) {
        let mut world = World::new(scenario.workers, scenario.plans, &scenario.inputs, CHAOS);

        world.run_until(CHAOS + CALM)?;

        if !world.has_ended() {
            prop_assert!(world.monitor().all_serve(), "a worker does not serve");
            prop_assert!(!world.monitor().is_rolling(), "a rolling restart does not end");
            world.stop();
            world.run_until(CHAOS + CALM + STOP)?;
            prop_assert!(world.has_ended(), "it does not end");
        }
    }

    #[test]
    fn a_stop_ends_the_program_in_bounded_time_whatever_its_processes_do(
        scenario in scenario(),
        stop_ms in 0..CHAOS.as_millis() as u64,
        twice_after_ms in 0..30_000u64,
    ) {
        let mut inputs = scenario.inputs;
        inputs.extend([(stop_ms, Input::Stop), (stop_ms + twice_after_ms, Input::Stop)]);
        let absent = inputs.iter().map(|(_, input)| match input {
            Input::Absence(ms) => Duration::from_millis(*ms),
            _ => Duration::ZERO,
        });
        let bound = STOP + absent.sum::<Duration>();
        let mut world = World::new(scenario.workers, scenario.plans, &inputs, CHAOS);

        world.run_until(Duration::from_millis(stop_ms) + bound)?;

        prop_assert!(world.has_ended());
    }

    #[test]
    fn a_program_whose_workers_never_start_ends_with_the_reason_of_the_first(
        workers in 1..5u16,
        start in prop_oneof![
            (0..20_000u64).prop_map(Start::Fails),
            (0..20_000u64).prop_map(Start::Dies),
            Just(Start::Never),
            Just(Start::SpawnFails),
        ],
    ) {
        let plans = vec![Plan { start, life: Life::Serves, end: End::Exits(0) }; 20];
        let mut world = World::new(workers, plans, &[], CHAOS);

        world.run_until(Duration::from_secs(31))?;

        let expected = match start {
            Start::Fails(_) => "process 0 cannot start",
            Start::SpawnFails => "process 0 cannot be spawned",
            Start::Never => "it does not start",
            _ => "a signal",
        };
        prop_assert_eq!(world.reason(), Some(expected));
        prop_assert_eq!(world.spawned(), 1);
    }

    #[test]
    fn a_worker_that_cannot_start_any_more_ends_the_program_after_five_attempts(
        workers in 1..5u16,
        start in prop_oneof![(0..2_000u64).prop_map(Start::Fails), Just(Start::SpawnFails)],
        dies_ms in 0..5_000u64,
    ) {
        let good = Plan { start: Start::Ready(100), life: Life::Serves, end: End::Exits(100) };
        let first = Plan { life: Life::Dies(dies_ms + 500), ..good };
        let mut plans = vec![first];
        plans.extend(vec![good; usize::from(workers) - 1]);
        plans.extend(vec![Plan { start, ..good }; 20]);
        let mut world = World::new(workers, plans, &[], CHAOS);

        world.run_until(Duration::from_secs(30))?;

        let last = u64::from(workers) + 4;
        let reason = world.reason().unwrap_or_default();
        prop_assert!(reason.starts_with(&format!("process {last} cannot")), "{reason}");
        prop_assert_eq!(world.spawned(), last + 1);
    }
}
