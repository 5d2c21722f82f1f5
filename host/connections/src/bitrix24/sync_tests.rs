//! The written rule, line by line, and what holds for every state.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_795_417_200_000;
const HOUR: i64 = 3_600_000;

fn stages() -> Stages {
    let own = [
        (Status::Booked, "NEW"),
        (Status::Confirmed, "CONFIRMED"),
        (Status::Arrived, "ARRIVED"),
        (Status::Done, "WON"),
        (Status::Cancelled, "LOSE"),
        (Status::NoShow, "APOLOGY"),
    ];
    let own = own.into_iter().map(|(status, stage)| (status, stage.to_owned())).collect();
    Stages::new(own, BTreeMap::from([("CALLED".to_owned(), Status::Confirmed)])).unwrap()
}

fn ours(status: Status, start_ms: i64, changed_ms: i64) -> Ours {
    Ours { status, start_ms, changed_ms, by_person: true }
}

fn theirs(stage: &str, start_ms: i64, changed_ms: i64) -> Theirs {
    Theirs { stage: stage.into(), start_ms: Some(start_ms), changed_ms }
}

fn seen(status: Status, stage: &str, start_ms: i64) -> Seen {
    let pushed = Pushed { stage: stage.into(), start_ms: Some(start_ms) };
    Seen { status, start_ms, theirs: pushed, pushing: Vec::new(), gone: false }
}

fn on(ours: &Ours, theirs: &Theirs, seen: &Seen) -> Action {
    decide(ours, theirs, seen, Rules { stages: &stages(), times: true, now_ms: NOW, refused_ms: None })
}

fn push(stage: Option<&str>, start_ms: Option<i64>, because: &[Why]) -> Action {
    Action::Push(Push { stage: stage.map(str::to_owned), start_ms, because: because.to_vec() })
}

const AT: i64 = NOW + 24 * HOUR;

#[test]
fn the_side_that_changed_wins() {
    let before = seen(Status::Booked, "NEW", AT);
    assert_eq!(on(&ours(Status::Booked, AT, 0), &theirs("NEW", AT, 9), &before), Action::Equal);
    let confirmed = ours(Status::Confirmed, AT, 1);
    assert_eq!(on(&confirmed, &theirs("NEW", AT, 9), &before), push(Some("CONFIRMED"), None, &[]));
    let booked = ours(Status::Booked, AT, 0);
    assert_eq!(on(&booked, &theirs("CONFIRMED", AT, 1), &before), Action::Change(Step::Become(Status::Confirmed)));
    // A further stage that means the same.
    assert_eq!(on(&booked, &theirs("CALLED", AT, 1), &before), Action::Change(Step::Become(Status::Confirmed)));
    assert_eq!(on(&confirmed, &theirs("CALLED", AT, 1), &before), Action::Equal);
}

#[test]
fn won_is_arrived_and_then_done() {
    let before = seen(Status::Booked, "NEW", AT);
    let won = theirs("WON", AT, 1);
    assert_eq!(on(&ours(Status::Booked, AT, 0), &won, &before), Action::Change(Step::Become(Status::Arrived)));
    assert_eq!(on(&ours(Status::Arrived, AT, 2), &won, &before), Action::Change(Step::Become(Status::Done)));
    assert_eq!(on(&ours(Status::Done, AT, 3), &won, &before), Action::Equal);
}

#[test]
fn an_impossible_step_is_put_back_with_its_reason() {
    let before = seen(Status::Cancelled, "LOSE", AT);
    let back = push(Some("LOSE"), None, &[Why::Impossible(Status::Cancelled, Status::Booked)]);
    assert_eq!(on(&ours(Status::Cancelled, AT, 0), &theirs("NEW", AT, 9), &before), back);
    let before = seen(Status::Arrived, "ARRIVED", AT);
    let back = push(Some("ARRIVED"), None, &[Why::Impossible(Status::Arrived, Status::Cancelled)]);
    assert_eq!(on(&ours(Status::Arrived, AT, 0), &theirs("LOSE", AT, 9), &before), back);
}

#[test]
fn when_both_changed_the_final_word_stays_and_else_the_later_person() {
    let before = seen(Status::Booked, "NEW", AT);
    let confirmed = ours(Status::Confirmed, AT, 10);
    let cancel = Action::Change(Step::Become(Status::Cancelled));
    assert_eq!(on(&confirmed, &theirs("LOSE", AT, 5), &before), cancel);
    let cancelled = ours(Status::Cancelled, AT, 1);
    let back = push(Some("LOSE"), None, &[Why::Impossible(Status::Cancelled, Status::Confirmed)]);
    assert_eq!(on(&cancelled, &theirs("CONFIRMED", AT, 5), &before), back);
    let arrive = Action::Change(Step::Become(Status::Arrived));
    assert_eq!(on(&confirmed, &theirs("ARRIVED", AT, 11), &before), arrive);
    assert_eq!(on(&confirmed, &theirs("ARRIVED", AT, 10), &before), push(Some("CONFIRMED"), None, &[Why::Later]));
    let by_program = Ours { by_person: false, ..confirmed };
    assert_eq!(on(&by_program, &theirs("ARRIVED", AT, 5), &before), arrive);
}

#[test]
fn our_own_echo_is_no_change_of_theirs() {
    let mut before = seen(Status::Booked, "NEW", AT);
    before.pushing.push(Pushed { stage: "CONFIRMED".into(), start_ms: Some(AT) });
    // The answer to "confirmed" was lost, and the visitor has come meanwhile.
    let action = on(&ours(Status::Arrived, AT, 1), &theirs("CONFIRMED", AT, 9), &before);
    assert_eq!(action, push(Some("ARRIVED"), None, &[]));
    // Moved there and back: the deal still has the first new time, which we set.
    before.pushing.push(Pushed { stage: "NEW".into(), start_ms: Some(AT + HOUR) });
    let action = on(&ours(Status::Booked, AT, 1), &theirs("NEW", AT + HOUR, 9), &before);
    assert_eq!(action, push(None, Some(AT), &[]));
}

#[test]
fn a_stage_that_is_not_mapped_says_nothing() {
    let before = seen(Status::Booked, "NEW", AT);
    assert_eq!(on(&ours(Status::Booked, AT, 0), &theirs("UC_OWN", AT, 9), &before), Action::Equal);
    let confirmed = ours(Status::Confirmed, AT, 1);
    assert_eq!(on(&confirmed, &theirs("UC_OWN", AT, 9), &before), push(Some("CONFIRMED"), None, &[]));
}

#[test]
fn a_time_from_the_deal_moves_the_visit_or_is_put_back() {
    let before = seen(Status::Booked, "NEW", AT);
    let booked = ours(Status::Booked, AT, 0);
    let later = theirs("NEW", AT + HOUR, 9);
    assert_eq!(on(&booked, &later, &before), Action::Change(Step::Start(AT + HOUR)));
    let rules = Rules { stages: &stages(), times: true, now_ms: NOW, refused_ms: Some(AT + HOUR) };
    assert_eq!(decide(&booked, &later, &before, rules), push(None, Some(AT), &[Why::Taken(AT + HOUR)]));
    let past = theirs("NEW", NOW - HOUR, 9);
    assert_eq!(on(&booked, &past, &before), push(None, Some(AT), &[Why::Past(NOW - HOUR)]));
    let none = Theirs { start_ms: None, ..later.clone() };
    assert_eq!(on(&booked, &none, &before), push(None, Some(AT), &[Why::Cleared]));
    let before = seen(Status::Arrived, "ARRIVED", AT);
    let moved = theirs("ARRIVED", AT + HOUR, 9);
    let back = push(None, Some(AT), &[Why::Unmovable(Status::Arrived)]);
    assert_eq!(on(&ours(Status::Arrived, AT, 0), &moved, &before), back);
    let deaf = Rules { stages: &stages(), times: false, now_ms: NOW, refused_ms: None };
    assert_eq!(decide(&ours(Status::Arrived, AT, 0), &moved, &before, deaf), Action::Equal);
}

#[test]
fn cancelled_with_another_time_is_cancelled() {
    let before = seen(Status::Booked, "NEW", AT);
    let action = on(&ours(Status::Booked, AT, 0), &theirs("LOSE", AT + HOUR, 9), &before);
    assert_eq!(action, Action::Change(Step::Become(Status::Cancelled)));
}

fn any_status() -> impl Strategy<Value = Status> {
    let all: Vec<Status> = Status::ALL.iter().copied().filter(|status| *status != Status::Moved).collect();
    prop::sample::select(all)
}

fn any_stage() -> impl Strategy<Value = String> {
    let all = ["NEW", "CONFIRMED", "ARRIVED", "WON", "LOSE", "APOLOGY", "CALLED", "UC_OWN"];
    prop::sample::select(all.to_vec()).prop_map(str::to_owned)
}

fn any_time() -> impl Strategy<Value = i64> {
    (-3..30i64).prop_map(|hours| NOW + hours * HOUR)
}

proptest! {
    /// Whatever the two sides and the memory of them are, following the decisions ends soon, with both saying the same,
    /// having taken allowed steps only.
    #[test]
    fn every_difference_is_settled(
        status in any_status(), start in any_time(), changed in 0..9i64, by_person: bool,
        stage in any_stage(), their_start in prop::option::of(any_time()), their_change in 0..9i64,
        seen_status in any_status(), seen_stage in any_stage(), seen_start in any_time(),
        pushing in prop::collection::vec((any_stage(), any_time()), 0..3), taken: bool,
    ) {
        let mut ours = Ours { status, start_ms: start, changed_ms: changed, by_person };
        let mut theirs = Theirs { stage, start_ms: their_start, changed_ms: their_change };
        let pushing = pushing.into_iter().map(|(stage, start)| Pushed { stage, start_ms: Some(start) }).collect();
        let mut seen = Seen { pushing, ..seen(seen_status, &seen_stage, seen_start) };
        let stages = stages();
        let mut refused_ms = None;
        for _ in 0..6 {
            let rules = Rules { stages: &stages, times: true, now_ms: NOW, refused_ms };
            match decide(&ours, &theirs, &seen, rules) {
                Action::Equal => break,
                Action::Change(Step::Become(next)) => {
                    prop_assert!(ours.status.may_become(next), "{} became {next}", ours.status);
                    ours.status = next;
                }
                Action::Change(Step::Start(start_ms)) => {
                    prop_assert!(ours.status.may_become(Status::Moved) && start_ms > NOW);
                    if taken {
                        refused_ms = Some(start_ms);
                    } else {
                        ours.start_ms = start_ms;
                        ours.status = Status::Booked;
                    }
                }
                Action::Push(push) => {
                    prop_assert!(push.stage.is_some() || push.start_ms.is_some());
                    theirs.stage = push.stage.unwrap_or(theirs.stage);
                    theirs.start_ms = push.start_ms.or(theirs.start_ms);
                    let pushed = Pushed { stage: theirs.stage.clone(), start_ms: theirs.start_ms };
                    seen = Seen {
                        status: ours.status, start_ms: ours.start_ms, theirs: pushed, pushing: Vec::new(), gone: false,
                    };
                }
            }
        }
        let rules = Rules { stages: &stages, times: true, now_ms: NOW, refused_ms };
        prop_assert_eq!(decide(&ours, &theirs, &seen, rules), Action::Equal);
        prop_assert!(theirs.start_ms == Some(ours.start_ms));
        prop_assert!(stages.agree(&theirs.stage, ours.status) || stages.status_of(&theirs.stage).is_none());
    }
}
