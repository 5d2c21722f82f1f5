//! What two runs have in common.

use super::*;
use crate::run::TrapKind;

fn report(calls: &[HostCall], end: FlowEnd) -> ReplayReport {
    let calls = calls.iter().map(|call| Replayed { call: call.clone(), answer: Answered::Assumed }).collect();
    let run = RunReport { end, cpu_ms: 0.0, memory_bytes: 0, host_calls: 0, output: String::new() };
    ReplayReport { verdict: Verdict::Identical, divergences: Vec::new(), calls, reached: 0, run }
}

fn trap(kind: TrapKind, message: &str) -> FlowEnd {
    FlowEnd::Trapped { kind, message: message.into() }
}

#[test]
fn two_runs_are_compared_call_for_call() {
    let (now, open) = (HostCall::ClinicNow, HostCall::ClinicIsOpen);
    let first = report(&[now.clone(), open.clone()], FlowEnd::Finished);
    assert_eq!(first_difference(&first, &first), None);

    let other = report(&[now.clone(), now.clone()], FlowEnd::Finished);
    let differ = RunsDiffer { call: 1, first: Some(open.clone()), second: Some(now.clone()) };
    assert_eq!(first_difference(&first, &other), Some(differ));

    let shorter = report(std::slice::from_ref(&now), FlowEnd::Finished);
    let differ = RunsDiffer { call: 1, first: Some(open), second: None };
    assert_eq!(first_difference(&first, &shorter), Some(differ));
}

#[test]
fn two_ends_are_compared_without_the_words_of_a_trap() {
    let run = |end| report(&[HostCall::ClinicNow], end);
    let apart = RunsDiffer { call: 1, first: None, second: None };
    let (one, two) = (run(FlowEnd::Finished), run(FlowEnd::GaveUp("no".into())));
    assert_eq!(first_difference(&one, &two), Some(apart.clone()));
    let (one, two) = (run(trap(TrapKind::CpuLimit, "501 ms")), run(trap(TrapKind::CpuLimit, "502 ms")));
    assert_eq!(first_difference(&one, &two), None);
    assert_eq!(first_difference(&one, &run(trap(TrapKind::Unreachable, ""))), Some(apart));
}
