//! The rows of the state table about leaving: HandingOver, Failing, Closing, Ended, and hanging up anywhere.

mod harness;

use call::{
    AnswerKind, BargeIn, Command, Config, EndReason, Event, FailReason, FlowOutcome, Input, Output, Reply, State,
    SystemPrompt, TooLong, TransferResult,
};
use harness::*;

const NOBODY: Reply = Reply::Transferred(TransferResult::Nobody);

fn callbacks(h: &Harness) -> usize {
    h.at(|o| *o == Output::TakeCallback).len()
}

// ---- HandingOver

#[test]
fn a_transfer_that_succeeds_ends_the_call_with_the_flow() {
    let mut h = Harness::phone();
    h.flow(transfer());
    assert_eq!(h.state(), State::HandingOver);
    h.run_to(2_000);
    assert_eq!(h.replies(), [Reply::Transferred(TransferResult::Connected)]);
    assert_eq!(h.state(), State::Closing);
    h.flow(say("вы ещё тут?", BargeIn::None));
    assert_eq!(h.replies().last(), Some(&Reply::HungUp));
    h.give(Input::FlowEnded(FlowOutcome::Finished));
    assert_eq!(h.end(), Some(EndReason::Transferred));
}

#[test]
fn a_flow_that_lingers_after_a_transfer_is_not_waited_for() {
    let mut h = Harness::phone();
    h.flow(transfer());
    assert_eq!(h.run_to_end(60_000).0, 7_000);
    assert_eq!(h.end(), Some(EndReason::Transferred));
}

#[test]
fn a_transfer_that_fails_goes_back_to_the_flow() {
    for result in [TransferResult::Nobody, TransferResult::Refused("603 Decline".into())] {
        let mut h = Harness::phone();
        h.handings = [Handing::After(1_500, result.clone())].into();
        h.flow(transfer());
        h.run_to(1_500);
        assert_eq!((h.replies(), h.state()), (vec![Reply::Transferred(result)], State::Thinking));
        assert_eq!(callbacks(&h), 0, "that is the flow's to decide");
    }
}

#[test]
fn a_transfer_nobody_takes_is_cancelled_and_not_silent() {
    let mut h = Harness::phone();
    h.handings = [Handing::Vanishes].into();
    h.flow(transfer());
    let token = h.newest_token();
    h.run_to(30_000);
    assert_eq!(h.at(|o| *o == Output::CancelTransfer { token }), [30_000]);
    assert_eq!(h.replies(), [NOBODY]);
    assert!(h.worst_silence.0 <= 1_000);
    assert_eq!(h.prompts()[0], (6_000, system(SystemPrompt::PleaseHold)));
    // Somebody answers after all, into the next attempt.
    h.flow(transfer());
    h.give(Input::TransferResult { token, result: TransferResult::Connected });
    assert_eq!(h.state(), State::HandingOver);
}

#[test]
fn who_hangs_up_on_the_person_was_transferred_all_the_same() {
    let mut h = Harness::phone();
    h.flow(transfer());
    h.run_to(3_000);
    h.give(Input::CallerHungUp);
    h.give(Input::FlowEnded(FlowOutcome::Finished));
    assert_eq!(h.end(), Some(EndReason::Transferred));
}

#[test]
fn being_put_through_after_a_failure_is_no_answer_to_the_caller() {
    let mut h = Harness::asking(AnswerKind::Free, BargeIn::Speech);
    h.run_to(2_000);
    h.give(Input::Typed("да".into()));
    h.give(Input::FlowEnded(FlowOutcome::Failed));
    h.run_to_end(20_000);
    assert_eq!(h.turns(), []);
}

#[test]
fn being_connected_stops_the_notice_and_the_tone() {
    let mut h = Harness::phone();
    h.handings = [Handing::After(6_500, TransferResult::Connected)].into();
    h.flow(transfer());
    h.run_to(6_500);
    assert_eq!(h.at(|o| matches!(o, Output::StopPlayback { .. })), [6_500]);
}

// ---- Failing

fn fails_to_a_person(mut h: Harness, why: FailReason, at: u64) {
    h.run_to(at);
    assert_eq!(h.state(), State::Failing, "{why:?}");
    assert_eq!(h.at(|o| matches!(o, Output::Event(Event::Failing { why: w, .. }) if *w == why)), [at]);
    assert_eq!(h.prompts().last(), Some(&(at, system(SystemPrompt::HandingOver))));
    h.run_to(at + 1_040);
    let to_operator =
        |o: &Output| matches!(o, Output::Transfer { to, summary, .. } if to == "operator" && !summary.is_empty());
    assert_eq!(h.at(to_operator), [at + 1_040]);
    h.run_to_end(at + 20_000);
    assert_eq!(h.end(), Some(EndReason::Transferred));
    assert_eq!(callbacks(&h), 0);
}

#[test]
fn every_failure_of_a_flow_ends_at_a_person() {
    let mut h = Harness::phone();
    h.run_to(100);
    h.flow(say("", BargeIn::None));
    h.give(Input::FlowEnded(FlowOutcome::Failed));
    fails_to_a_person(h, FailReason::FlowFailed, 100);

    let mut h = Harness::phone();
    h.run_to(100);
    h.give(Input::FlowEnded(FlowOutcome::Finished));
    fails_to_a_person(h, FailReason::FlowDidNothing, 100);

    fails_to_a_person(Harness::phone(), FailReason::FlowOverdue, 10_000);

    let config = Config { flow_timeout_ms: 60_000, max_call_ms: 20_000, ..Config::default() };
    fails_to_a_person(Harness::new(config), FailReason::CallTooLong, 20_000);
}

#[test]
fn a_flow_that_fails_in_the_middle_of_anything_is_answered_and_replaced() {
    // Speaking, Listening, CallerSpeaking, Recognising.
    for at in [500, 1_500, 2_300, 3_500] {
        let mut h = Harness::asking(AnswerKind::Free, BargeIn::Speech);
        h.speech = vec![(2_000, 2_500)];
        h.hearings = [Hearing::Words(3_000, "поздно")].into();
        h.run_to(at);
        h.give(Input::FlowEnded(FlowOutcome::Failed));
        assert_eq!((h.replies(), h.state()), (vec![Reply::HungUp], State::Failing), "at {at}");
        h.give(Input::Digit('5'));
        h.give(Input::Typed("алло".into()));
        h.run_to_end(20_000);
        assert_eq!(h.end(), Some(EndReason::Transferred));
        assert_eq!(h.replies().len(), 1);
    }
}

#[test]
fn a_flow_that_fails_while_it_hands_over_does_not_break_the_transfer() {
    let mut h = Harness::phone();
    h.flow(transfer());
    h.run_to(1_000);
    h.give(Input::FlowEnded(FlowOutcome::Failed));
    assert_eq!(h.state(), State::Failing);
    assert_eq!(h.run_to_end(20_000).0, 2_000);
    assert_eq!(h.at(|o| matches!(o, Output::Transfer { .. })).len(), 1);
}

#[test]
fn if_nobody_is_there_a_call_back_is_written_down_and_promised() {
    let cases = [
        (Handing::After(500, TransferResult::Nobody), 500),
        (Handing::After(500, TransferResult::Refused("486".into())), 500),
        (Handing::Vanishes, 30_000),
    ];
    for (handing, after) in cases {
        let mut h = Harness::phone();
        h.handings = [handing].into();
        h.give(Input::FlowEnded(FlowOutcome::Failed));
        let end = h.run_to_end(60_000);
        assert_eq!(h.at(|o| *o == Output::TakeCallback), [1_040 + after]);
        let promise = h.prompts().pop().expect("a promise");
        assert_eq!(promise.1, system(SystemPrompt::WillCallBack));
        assert_eq!(end.0, promise.0 + 1_040);
        assert_eq!(h.end(), Some(EndReason::CallBackTaken));
        assert!(h.worst_silence.0 <= 1_000);
    }
}

#[test]
fn a_dead_voice_does_not_keep_the_caller_from_a_person() {
    for playback in [Playback::Fails(100), Playback::Vanishes] {
        let mut h = Harness::phone();
        h.playbacks = [playback].into();
        h.handings = [Handing::After(500, TransferResult::Nobody)].into();
        h.give(Input::FlowEnded(FlowOutcome::Failed));
        h.run_to_end(60_000);
        assert_eq!(h.end(), Some(EndReason::CallBackTaken));
        assert_eq!(callbacks(&h), 1);
        assert!(h.worst_silence.0 <= 1_000);
    }
}

#[test]
fn an_overdue_flow_that_wakes_up_is_told_to_go() {
    let mut h = Harness::phone();
    h.run_to(10_500);
    h.flow(say("я вернулся", BargeIn::None));
    assert_eq!((h.replies(), h.state()), (vec![Reply::HungUp], State::Failing));
}

#[test]
fn who_hangs_up_because_we_failed_is_called_back() {
    for at in [500, 2_000] {
        let mut h = Harness::phone();
        h.handings = [Handing::Vanishes].into();
        h.give(Input::FlowEnded(FlowOutcome::Failed));
        h.run_to(at);
        h.give(Input::CallerHungUp);
        assert_eq!((h.end(), callbacks(&h)), (Some(EndReason::CallerHungUp), 1));
    }
    let mut h = Harness::phone();
    h.handings = [Handing::After(10, TransferResult::Nobody)].into();
    h.give(Input::FlowEnded(FlowOutcome::Failed));
    h.run_to(1_500);
    h.give(Input::CallerHungUp);
    assert_eq!(callbacks(&h), 1, "it was written down already");
}

#[test]
fn a_clinic_may_prefer_goodbye_to_a_call_without_end() {
    let config = Config { max_call_ms: 3_000, too_long: TooLong::Goodbye, ..Config::default() };
    let mut h = Harness::new(config);
    h.flow(ask(AnswerKind::Free, BargeIn::Speech));
    h.run_to(3_000);
    assert_eq!(h.prompts().last(), Some(&(3_000, system(SystemPrompt::Goodbye))));
    assert_eq!(h.replies(), [Reply::HungUp]);
    assert_eq!(h.run_to_end(60_000).0, 5_040, "the goodbye, and a second for the flow");
    assert_eq!(h.end(), Some(EndReason::TooLong));

    let mut h = Harness::new(Config { max_call_ms: 3_000, too_long: TooLong::Goodbye, ..Config::default() });
    h.run_to(3_500);
    h.give(Input::CallerHungUp);
    assert_eq!(callbacks(&h), 0, "nobody waits for us");
}

#[test]
fn a_person_being_called_is_waited_for_past_the_longest_call() {
    let mut h = Harness::new(Config { max_call_ms: 1_000, ..Config::default() });
    h.handings = [Handing::After(2_000, TransferResult::Nobody), Handing::After(0, TransferResult::Connected)].into();
    h.flow(transfer());
    h.run_to(1_999);
    assert_eq!(h.state(), State::HandingOver);
    h.run_to(2_000);
    assert_eq!((h.replies(), h.state()), (vec![NOBODY], State::Failing));
}

// ---- Closing, Ended

#[test]
fn hanging_up_ends_with_the_flow_or_a_second_later() {
    let mut h = Harness::phone();
    h.flow(Command::HangUp);
    assert_eq!((h.replies(), h.state()), (vec![Reply::HungUp], State::Closing));
    h.run_to(300);
    h.give(Input::FlowEnded(FlowOutcome::Finished));
    assert_eq!(h.end(), Some(EndReason::FlowHungUp));

    let mut h = Harness::phone();
    h.flow(Command::HangUp);
    h.flow(Command::HangUp);
    assert_eq!(h.run_to_end(60_000).0, 1_000);
    assert_eq!(h.replies().len(), 2);
}

#[test]
fn what_the_caller_is_hearing_is_heard_out_before_we_hang_up() {
    let mut h = Harness::phone();
    h.run_to(6_100);
    h.flow(Command::HangUp);
    h.give(Input::FlowEnded(FlowOutcome::Finished));
    assert_eq!(h.state(), State::Closing);
    assert_eq!(h.run_to_end(20_000).0, 7_040);
}

#[test]
fn a_flow_that_returns_ends_the_call() {
    let mut h = Harness::phone();
    h.flow(say("До свидания", BargeIn::None));
    h.run_to(1_500);
    h.give(Input::FlowEnded(FlowOutcome::Finished));
    assert_eq!(h.end(), Some(EndReason::FlowFinished));
}

#[test]
fn a_caller_who_hangs_up_anywhere_ends_the_call_and_tells_the_flow() {
    // Thinking, Speaking, Listening, CallerSpeaking, Recognising.
    for (at, state) in [
        (0, State::Speaking),
        (1_500, State::Listening),
        (2_300, State::CallerSpeaking),
        (3_500, State::Recognising),
        (6_500, State::Thinking),
    ] {
        let mut h = Harness::asking(AnswerKind::Free, BargeIn::Speech);
        h.speech = vec![(2_000, 2_500)];
        h.hearings = [Hearing::Words(3_000, "поздно")].into();
        h.run_to(at);
        assert_eq!(h.state(), state);
        h.give(Input::CallerHungUp);
        assert_eq!(h.state(), State::Closing);
        assert_eq!(h.at(|o| matches!(o, Output::StopPlayback { .. })).len(), usize::from(state == State::Speaking));
        assert_eq!(h.replies().last() == Some(&Reply::HungUp), state != State::Thinking);
        h.flow(say("кто здесь?", BargeIn::None));
        assert_eq!(h.replies().len(), 2);
        assert_eq!(h.replies()[1], Reply::HungUp);
        let left = h.run_to_end(60_000);
        assert_eq!((left.0, h.end()), (at + 5_000, Some(EndReason::CallerHungUp)));
        assert_eq!(callbacks(&h), 0);
    }
}

#[test]
fn a_caller_who_hangs_up_during_a_transfer_or_keys_ends_the_call() {
    let mut h = Harness::phone();
    h.flow(transfer());
    h.give(Input::CallerHungUp);
    assert_eq!(h.replies(), [Reply::HungUp]);
    assert_eq!(h.at(|o| matches!(o, Output::CancelTransfer { .. })).len(), 1);
    h.give(Input::FlowEnded(FlowOutcome::Failed));
    assert_eq!(h.end(), Some(EndReason::CallerHungUp), "a flow that fails afterwards changes nothing");

    let mut h = Harness::asking(AnswerKind::Digits, BargeIn::Digits);
    h.give(Input::Digit('1'));
    assert_eq!(h.state(), State::CollectingDigits);
    h.give(Input::CallerHungUp);
    assert_eq!((h.replies(), h.state()), (vec![Reply::HungUp], State::Closing));
}

#[test]
fn nothing_follows_the_end() {
    let mut h = Harness::phone();
    h.give(Input::CallerHungUp);
    h.give(Input::FlowEnded(FlowOutcome::Finished));
    let outputs = h.log.len();
    assert_eq!(h.end(), Some(EndReason::CallerHungUp));
    for input in [
        Input::Flow(Command::HangUp),
        Input::Digit('0'),
        Input::Typed("алло".into()),
        Input::Frame { speech: true },
        Input::FlowEnded(FlowOutcome::Failed),
        Input::CallerHungUp,
        Input::Tick,
    ] {
        h.give(input);
    }
    assert_eq!((h.log.len(), h.call.deadline()), (outputs, None));
}

#[test]
fn after_a_driver_that_was_late_everything_has_its_full_time() {
    let mut h = Harness::phone();
    h.frames = false;
    h.now = call::Millis(300_000);
    h.give(Input::Digit('0'));
    assert_eq!(h.state(), State::Failing, "the flow was overdue before the key came");
    assert_eq!(h.prompts(), [(300_000, system(SystemPrompt::HandingOver))]);
    h.run_to_end(400_000);
    assert_eq!(h.end(), Some(EndReason::Transferred));
}

// ---- taken over

#[test]
fn a_person_who_takes_the_caller_over_is_called_and_the_flow_is_out() {
    let take = || Input::TakeOver { to: "@Анна".into(), summary: "забирает Анна".into() };
    let mut h = Harness::asking(AnswerKind::Free, BargeIn::Speech);
    h.run_to(500);
    h.give(take());
    assert_eq!((h.replies(), h.state()), (vec![Reply::HungUp], State::Failing));
    assert!(h.at(|o| matches!(o, Output::Event(Event::Failing { .. }))).is_empty(), "nothing has failed");
    assert_eq!(h.prompts().last().map(|(_, prompt)| prompt.clone()), Some(system(SystemPrompt::HandingOver)));
    h.run_to(1_700);
    let asked = |h: &Harness| h.at(|o| matches!(o, Output::Transfer { to, .. } if to == "@Анна")).len();
    assert_eq!(asked(&h), 1);
    h.run_to_end(60_000);
    assert_eq!(h.end(), Some(EndReason::Transferred));

    // One who is being put through already is put through to whoever takes them.
    let mut h = Harness::phone();
    h.handings = [Handing::Vanishes, Handing::After(500, TransferResult::Nobody)].into();
    h.flow(transfer());
    h.run_to(1_000);
    h.give(take());
    assert_eq!(h.at(|o| matches!(o, Output::CancelTransfer { .. })), [1_000]);
    // Twice is once.
    h.give(take());
    h.run_to_end(60_000);
    assert_eq!((asked(&h), callbacks(&h)), (1, 1), "nobody there: they are promised a call");
    assert_eq!(h.end(), Some(EndReason::CallBackTaken));
    h.give(take());
    assert_eq!(h.state(), State::Ended);
}
