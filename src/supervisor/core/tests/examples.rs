//! Single situations, step by step.

use std::time::Duration;

use super::super::{Action, Core, Event, Exit, ExitKind, Notice, ProcessId};

fn step(core: &mut Core, ms: u64, event: Event) -> Vec<Action> {
    core.step(event, Duration::from_millis(ms))
}

/// Lets time pass as the driver does, with signs of life of these processes, and returns the actions.
fn wait(core: &mut Core, from_ms: u64, until_ms: u64, alive: &[u64]) -> Vec<Action> {
    let mut actions = Vec::new();
    for ms in (from_ms..=until_ms).step_by(50) {
        for process in alive {
            actions.extend(step(core, ms, Event::Alive(ProcessId(*process))));
        }
        actions.extend(step(core, ms, Event::Tick));
    }
    actions
}

fn exited(process: u64, kind: ExitKind) -> Event {
    let exit = Exit { kind, description: "a description".to_owned() };
    Event::Exited { process: ProcessId(process), exit }
}

fn ready(process: u64) -> Event {
    Event::Ready(ProcessId(process))
}

fn spawn(process: u64, worker: u16) -> Action {
    Action::Spawn { process: ProcessId(process), worker }
}

/// A program whose workers serve as processes 0, 1 and so on, after 10 ms.
fn up(workers: u16) -> Core {
    let mut core = Core::new(workers);
    step(&mut core, 0, Event::Tick);
    for process in 0..workers {
        step(&mut core, 10, ready(process.into()));
    }
    core
}

#[test]
fn one_worker_goes_ahead_and_the_others_follow() {
    let mut core = Core::new(3);

    let first = step(&mut core, 0, Event::Tick);
    let nothing = step(&mut core, 50, Event::Tick);
    let others = step(&mut core, 60, ready(0));
    let second = step(&mut core, 70, ready(1));
    let third = step(&mut core, 80, ready(2));

    assert_eq!(first, [spawn(0, 1)]);
    assert_eq!(nothing, []);
    assert_eq!(others, [spawn(1, 2), spawn(2, 3)]);
    assert_eq!(second, []);
    let ready = |worker: u16| {
        let process = ProcessId(u64::from(worker) - 1);
        Action::Log(Notice::Ready { worker, process })
    };
    let listening = Action::Log(Notice::Listening { workers: 3 });
    assert_eq!(third, [listening, ready(1), ready(2), ready(3)]);
}

#[test]
fn a_successor_that_becomes_ready_while_it_is_killed_does_not_replace_its_predecessor() {
    let mut core = up(1);
    step(&mut core, 20, Event::Reload);

    let killed = wait(&mut core, 50, 30_100, &[0]);
    let late = step(&mut core, 30_110, ready(1));
    let gone = step(&mut core, 30_120, exited(1, ExitKind::Signal));

    assert_eq!(killed, [Action::Kill(ProcessId(1))]);
    assert_eq!(late, []);
    let reason = "it does not start".to_owned();
    assert_eq!(gone, [Action::Log(Notice::NoSuccessor { worker: 1, reason })]);
}

#[test]
fn failed_starts_before_a_successful_one_do_not_count() {
    let mut core = up(1);
    let mut ms = 1000;
    let mut process = 0;
    for kind in [ExitKind::Signal; 5] {
        step(&mut core, ms, exited(process, kind));
        (ms, process) = (ms + 1000, process + 1);
        step(&mut core, ms, Event::Tick);
    }
    step(&mut core, ms, ready(process));
    // No death, which would begin a new count as well.
    step(&mut core, ms + 10, Event::Draining(ProcessId(process)));

    let actions = step(&mut core, ms + 20, exited(process + 1, ExitKind::Failure));

    let reason = "a description".to_owned();
    assert_eq!(actions, [Action::Log(Notice::StartFailed { worker: 1, reason })]);
}

#[test]
fn a_reload_during_startup_replaces_the_processes_started_before_it() {
    let mut core = Core::new(2);
    step(&mut core, 0, Event::Tick);
    step(&mut core, 10, ready(0));
    let first = step(&mut core, 20, Event::Reload);
    step(&mut core, 30, ready(1));
    step(&mut core, 40, ready(2));

    let second = step(&mut core, 50, exited(0, ExitKind::Success));
    step(&mut core, 60, ready(3));
    let done = step(&mut core, 70, exited(1, ExitKind::Success));

    assert_eq!(first, [Action::Log(Notice::RollingRestart), spawn(2, 1)]);
    assert_eq!(second, [spawn(3, 2)]);
    assert_eq!(done, [Action::Log(Notice::RollingRestartDone)]);
}

#[test]
fn the_exit_of_a_process_that_left_by_itself_does_not_end_a_turn() {
    let mut core = up(2);
    step(&mut core, 20, Event::Draining(ProcessId(0)));
    step(&mut core, 30, ready(2));
    let turn = step(&mut core, 40, Event::Reload);

    let left = step(&mut core, 50, exited(0, ExitKind::Success));
    let replaced = step(&mut core, 60, ready(3));
    let next = step(&mut core, 70, exited(2, ExitKind::Success));

    assert_eq!(turn, [Action::Log(Notice::RollingRestart), spawn(3, 1)]);
    assert_eq!(left, []);
    assert_eq!(replaced[1], Action::Drain(ProcessId(2)));
    assert_eq!(next, [spawn(4, 2)]);
}

#[test]
fn a_pause_of_the_supervisor_itself_does_not_kill_silent_workers() {
    let mut core = up(2);

    let actions = step(&mut core, 60_000, Event::Tick);
    let alive = step(&mut core, 69_000, Event::Alive(ProcessId(0)));
    let later = wait(&mut core, 69_050, 70_050, &[0]);

    assert_eq!(actions, []);
    assert_eq!(alive, [], "it did not run in between either");
    assert_eq!(later, []);
}

#[test]
fn a_worker_is_killed_after_ten_seconds_of_silence_and_not_while_it_sends_signs_of_life() {
    let mut core = up(2);

    let before = wait(&mut core, 50, 10_000, &[0]);
    let after = wait(&mut core, 10_050, 20_000, &[0]);

    assert_eq!(before, []);
    assert_eq!(after, [Action::Kill(ProcessId(1))]);
}

#[test]
fn connections_are_refused_a_moment_after_the_stop() {
    let mut core = up(1);

    let stop = step(&mut core, 100, Event::Stop);
    let refused = step(&mut core, 150, Event::Tick);
    let again = step(&mut core, 160, Event::Stop);
    let end = step(&mut core, 200, exited(0, ExitKind::Success));

    let stopping = Action::Log(Notice::Stopping { reason: None });
    assert_eq!(stop, [stopping, Action::Drain(ProcessId(0))]);
    assert_eq!(refused, [Action::RefuseConnections]);
    assert_eq!(again, []);
    assert_eq!(end, [Action::Log(Notice::Stopped), Action::End { reason: None }]);
}
