//! How each kind of difference is graded, and what the flow is told then.

use super::*;
use crate::host::notes::Outcome;
use crate::host::routing::{Destination, TransferOutcome};
use crate::replay::play::{
    Step, ask, asked, book, booked, booking, calls, find, journal, outcome, play, play_with_replies, said, say, tag,
    tagged, trap, visitor,
};

fn finished(steps: &[Step]) -> crate::journal::Journal {
    journal(steps.to_vec(), Some(FlowEnd::Finished))
}

/// The booking with its calls changed.
fn changed(change: impl FnOnce(&mut Vec<HostCall>)) -> ReplayReport {
    let mut new = calls(&booking());
    change(&mut new);
    play(&finished(&booking()), &new)
}

fn gravest(report: &ReplayReport) -> Vec<(Option<&HostCall>, Option<&HostCall>)> {
    let found = report.divergences.iter().filter(|found| found.verdict == report.verdict);
    found.map(|found| (found.recorded.as_ref(), found.replayed.as_ref())).collect()
}

#[test]
fn the_same_is_identical() {
    let report = changed(|_| ());
    assert_eq!((report.verdict, report.reached), (Verdict::Identical, 13));
    assert!(report.divergences.is_empty());
    let numbers: Vec<_> = (0..13).map(Answered::Entry).collect();
    assert_eq!(report.calls.iter().map(|replayed| replayed.answer).collect::<Vec<_>>(), numbers);
}

#[test]
fn other_words_are_passed_over_with_the_recorded_answer() {
    for change in [
        (|new| new[3] = say("Добрый день!")) as fn(&mut Vec<HostCall>),
        |new| new[4] = ask("intent", "Слушаю вас."),
        |new| {
            new.remove(3);
        },
        |new| new.insert(4, say("Разговор записывается.")),
        |new| new.insert(5, HostCall::NotesLog { line: "intent".into() }),
        |new| new.push(HostCall::VoiceHangUp),
        |new| new.push(say("Всего доброго!")),
    ] {
        let report = changed(change);
        assert_eq!(report.verdict, Verdict::WordingOnly, "{:?}", report.divergences);
        assert_eq!(report.divergences.len(), 1);
        assert_eq!(report.reached, 13);
    }
}

#[test]
fn a_prompt_played_where_a_text_was_said_is_answered_as_a_prompt() {
    let mut new = calls(&booking());
    new[3] = HostCall::VoicePlay { prompt: "greeting".into(), barge_in: crate::host::voice::BargeIn::Speech };
    let (report, replies) = play_with_replies(&finished(&booking()), &new, FlowEnd::Finished);
    assert_eq!(report.verdict, Verdict::WordingOnly);
    assert_eq!(replies[3], HostReply::VoicePlay(Ok(crate::host::voice::Said::Complete)));
}

#[test]
fn reads_may_come_in_another_order() {
    let report = changed(|new| new.swap(0, 2));
    assert_eq!((report.verdict, report.reached), (Verdict::ReadsReordered, 13));
    assert!(report.divergences.iter().all(|found| found.recorded == found.replayed), "moved, not new");
    // After the greeting instead of before it.
    let report = changed(|new| new.swap(2, 3));
    assert_eq!((report.verdict, report.divergences.len()), (Verdict::ReadsReordered, 1));
}

#[test]
fn reads_may_be_left_out() {
    let report = changed(|new| {
        new.remove(1);
    });
    assert_eq!((report.verdict, report.reached), (Verdict::ReadsReordered, 13));
    assert_eq!(gravest(&report), [(Some(&HostCall::ClinicDoctors), None)]);
}

#[test]
fn what_cannot_have_changed_is_answered_from_anywhere_in_the_journal() {
    for (place, call) in [
        // Long after, and long before, it was recorded.
        (9, HostCall::ClinicDoctors),
        (9, HostCall::VoiceCall),
        (1, HostCall::ParseDateTime { text: "в половине одиннадцатого".into() }),
        // Time goes on, but the last look will do.
        (9, HostCall::ClinicNow),
    ] {
        let report = changed(|new| new.insert(place, call.clone()));
        assert_eq!((report.verdict, report.reached), (Verdict::ReadsReordered, 13), "{call:?}");
        assert_eq!(gravest(&report), [(None, Some(&call))]);
        assert!(matches!(report.calls[place].answer, Answered::Like(_)));
    }
}

#[test]
fn what_may_have_changed_is_not() {
    for (place, call) in [
        // Free times after a booking are other ones.
        (10, find()),
        (5, HostCall::ClinicIsOpen),
        (5, HostCall::ParseIntent { text: "нет".into() }),
    ] {
        let report = changed(|new| new.insert(place, call.clone()));
        assert_eq!((report.verdict, report.reached as usize), (Verdict::NewQuestion, place), "{call:?}");
        assert_eq!(report.calls.last().map(|last| last.answer), Some(Answered::Nobody));
    }
}

#[test]
fn a_look_at_the_clock_before_the_first_one_has_no_answer() {
    let recorded = [asked("intent", "Чем помочь?", "да"), booking()[2].clone()];
    let report = play(&finished(&recorded), &[HostCall::ClinicNow, ask("intent", "Чем помочь?")]);
    assert_eq!((report.verdict, report.reached), (Verdict::NewQuestion, 0));
}

#[test]
fn a_new_question_ends_the_comparison() {
    let report = changed(|new| new.insert(9, ask("sure", "Всё верно?")));
    assert_eq!((report.verdict, report.reached, report.calls.len()), (Verdict::NewQuestion, 9, 10));
    assert_eq!(gravest(&report), [(Some(&book("10:30")), Some(&ask("sure", "Всё верно?")))]);
    // The same name for another kind of answer is another question.
    let report = changed(|new| {
        if let HostCall::VoiceAsk { question } = &mut new[4] {
            question.expects = crate::host::voice::AnswerKind::YesNo;
        }
    });
    assert_eq!((report.verdict, report.reached), (Verdict::NewQuestion, 4));
}

#[test]
fn a_question_less_is_passed_over_where_the_next_one_is_known() {
    let recorded = [
        asked("intent", "Чем помочь?", "запись"),
        asked("phone", "Ваш номер?", "тот же"),
        asked("time", "Когда?", "в десять"),
        booked("10:00"),
    ];
    let new = [ask("intent", "Чем помочь?"), ask("time", "Когда?"), book("10:00")];
    let report = play(&finished(&recorded), &new);
    assert_eq!((report.verdict, report.reached), (Verdict::NewQuestion, 4), "{:?}", report.divergences);
    assert_eq!(gravest(&report), [(Some(&ask("phone", "Ваш номер?")), None)]);
}

/// The caller answers a question that is put again to the conversation they had, not to this one.
#[test]
fn a_question_put_again_is_not_the_one_recorded_later() {
    let recorded =
        [asked("more", "Что ещё?", "часы"), asked("day", "Какой день?", "завтра"), asked("more", "Что ещё?", "нет")];
    let report = play(&finished(&recorded), &[ask("more", "Что ещё?"), ask("more", "Что ещё?")]);
    assert_eq!((report.verdict, report.reached), (Verdict::NewQuestion, 1));
}

#[test]
fn another_effect_is_named_and_the_comparison_goes_on_where_the_answer_fits() {
    let report = changed(|new| new[9] = book("10:00"));
    assert_eq!((report.verdict, report.reached), (Verdict::EffectChanged, 13));
    assert_eq!(gravest(&report), [(Some(&book("10:30")), Some(&book("10:00")))]);

    let transfer = |summary: &str| HostCall::RoutingTransfer { to: Destination::Operator, summary: summary.into() };
    let report = changed(|new| new[9] = transfer("просит запись"));
    assert_eq!((report.verdict, report.reached, report.calls.len()), (Verdict::EffectChanged, 9, 10));
    assert_eq!(gravest(&report), [(Some(&book("10:30")), Some(&transfer("просит запись")))]);

    let recorded = [(transfer("а"), HostReply::RoutingTransfer(Ok(TransferOutcome::Connected)))];
    let report = play(&finished(&recorded), &[transfer("б")]);
    assert_eq!(report.verdict, Verdict::WordingOnly, "a summary is words");
}

#[test]
fn reasons_are_words_and_names_are_not() {
    let with = |change: fn(&mut crate::host::appointments::Visitor)| {
        let mut visitor = visitor();
        change(&mut visitor);
        changed(|new| new[9] = HostCall::AppointmentsBook { slot_id: "slot-10:30".into(), visitor })
    };
    assert_eq!(with(|visitor| visitor.reason = "осмотр".into()).verdict, Verdict::WordingOnly);
    assert_eq!(with(|visitor| visitor.person = "Анна Петрова".into()).verdict, Verdict::EffectChanged);
}

#[test]
fn an_effect_more_or_less_is_a_change() {
    let report = changed(|new| new.push(tag("кот")));
    assert_eq!(gravest(&report), [(None, Some(&tag("кот")))]);
    assert_eq!((report.verdict, report.calls.len()), (Verdict::EffectChanged, 14), "a note can only succeed");
    let report = changed(|new| {
        new.remove(9);
    });
    assert_eq!((report.verdict, gravest(&report)), (Verdict::EffectChanged, vec![(Some(&book("10:30")), None)]));
    let report = changed(|new| new.push(book("10:00")));
    assert_eq!(report.calls.last().map(|last| last.answer), Some(Answered::Nobody));
    assert_eq!(report.verdict, Verdict::EffectChanged);
}

#[test]
fn effects_in_another_order_are_a_change_told_once() {
    for (from, to) in [(11, 12), (9, 10)] {
        let report = changed(|new| new.swap(from, to));
        let verdict = if from == 11 { Verdict::EffectChanged } else { Verdict::WordingOnly };
        assert_eq!((report.verdict, report.reached), (verdict, 13), "{:?}", report.divergences);
        assert_eq!(report.divergences.len(), 1);
    }
    // Before or after a question.
    for (recorded, new) in [
        (vec![asked("a", "А?", "да"), tagged("x")], vec![tag("x"), ask("a", "А?")]),
        (vec![tagged("x"), asked("a", "А?", "да")], vec![ask("a", "А?"), tag("x")]),
    ] {
        let report = play(&finished(&recorded), &new);
        assert_eq!(gravest(&report), [(Some(&tag("x")), Some(&tag("x")))], "{:?}", report.divergences);
        assert_eq!((report.verdict, report.divergences.len()), (Verdict::EffectChanged, 1));
    }
}

#[test]
fn a_cut_off_call_is_judged_by_what_there_is() {
    let all = booking();
    for kept in 0..all.len() {
        for end in [None, Some(trap(TrapKind::Port))] {
            let report = play(&journal(all[..kept].to_vec(), end), &calls(&all));
            assert_eq!(
                (report.verdict, report.reached as usize),
                (Verdict::Identical, kept),
                "{:?}",
                report.divergences
            );
        }
    }
}

#[test]
fn behind_the_place_where_the_recorded_flow_broke_there_is_no_blame() {
    let broke = journal(booking()[..8].to_vec(), Some(trap(TrapKind::Unreachable)));
    let going_on = play(&broke, &calls(&booking()));
    assert_eq!((going_on.verdict, going_on.reached), (Verdict::NewQuestion, 8));
    let ending = play(&broke, &calls(&booking()[..8]));
    assert_eq!(ending.verdict, Verdict::NewQuestion);
    let again = play_with_replies(&broke, &calls(&booking()[..8]), trap(TrapKind::Unreachable)).0;
    assert_eq!(again.verdict, Verdict::Identical);
    let earlier = play_with_replies(&broke, &calls(&booking()[..4]), trap(TrapKind::Unreachable)).0;
    assert_eq!((earlier.verdict, earlier.reached), (Verdict::Trapped, 4));
    let otherwise = play_with_replies(&broke, &calls(&booking()[..8]), trap(TrapKind::CpuLimit)).0;
    assert_eq!(otherwise.verdict, Verdict::Trapped);
}

#[test]
fn once_the_caller_has_gone_words_and_questions_reach_nobody() {
    let gone = (ask("time", "Когда?"), HostReply::VoiceAsk(Err(Error::Hangup)));
    let noted = (outcome(Outcome::Nothing), HostReply::NotesSetOutcome(Ok(())));
    let recorded = finished(&[gone, noted]);
    let new = [
        ask("time", "Когда?"),
        say("Алло?"),
        ask("there", "Вы здесь?"),
        HostCall::VoiceHangUp,
        outcome(Outcome::Nothing),
    ];
    let (report, replies) = play_with_replies(&recorded, &new, FlowEnd::Finished);
    assert_eq!((report.verdict, report.reached), (Verdict::WordingOnly, 2), "{:?}", report.divergences);
    assert!(replies[..4].iter().all(|reply| reply.error() == Some(&Error::Hangup)), "{replies:?}");
    // And to stop asking is no loss.
    let recorded = finished(&[
        (ask("time", "Когда?"), HostReply::VoiceAsk(Err(Error::Hangup))),
        (ask("time", "Когда?"), HostReply::VoiceAsk(Err(Error::Hangup))),
    ]);
    assert_eq!(play(&recorded, &[ask("time", "Когда?")]).verdict, Verdict::WordingOnly);
}

/// The host hangs up when a flow returns: to do it before the last notes, after them or not at all is one.
#[test]
fn a_hang_up_at_the_end_is_no_effect() {
    let done = || (HostCall::VoiceHangUp, HostReply::VoiceHangUp(Ok(())));
    let steps = [
        vec![said("Всего доброго!"), tagged("запись")],
        vec![said("Всего доброго!"), done(), tagged("запись")],
        vec![said("Всего доброго!"), tagged("запись"), done()],
    ];
    for (number, recorded) in steps.iter().enumerate() {
        for (other, new) in steps.iter().enumerate() {
            let verdict = if number == other { Verdict::Identical } else { Verdict::WordingOnly };
            let report = play(&finished(recorded), &calls(new));
            assert_eq!(report.verdict, verdict, "{number} {other}: {:?}", report.divergences);
        }
    }
    let report = changed(|new| new.insert(6, HostCall::VoiceHangUp));
    assert_eq!((report.verdict, report.reached), (Verdict::EffectChanged, 6));
}

#[test]
fn ends_are_compared() {
    let gave_up = |why: &str| FlowEnd::GaveUp(why.into());
    let steps = || vec![said("Минуту.")];
    let verdict =
        |recorded, new| play_with_replies(&journal(steps(), Some(recorded)), &[say("Минуту.")], new).0.verdict;
    assert_eq!(verdict(gave_up("нет врачей"), gave_up("нет врачей")), Verdict::Identical);
    assert_eq!(verdict(gave_up("нет врачей"), gave_up("нет слотов")), Verdict::WordingOnly);
    assert_eq!(verdict(gave_up("нет врачей"), FlowEnd::Finished), Verdict::EffectChanged);
    assert_eq!(verdict(FlowEnd::Finished, gave_up("нет врачей")), Verdict::EffectChanged);
    assert_eq!(verdict(FlowEnd::Finished, trap(TrapKind::MemoryLimit)), Verdict::Trapped);
    assert_eq!(verdict(FlowEnd::Finished, trap(TrapKind::EngineFull)), Verdict::NewQuestion);
}

/// A shadow's journal grows while the candidate waits; the verdict is the same.
#[test]
fn a_growing_journal_decides_as_the_whole_one() {
    let all = finished(&booking()).entries;
    for new in [calls(&booking()), {
        let mut new = calls(&booking());
        new.swap(0, 2);
        new[3] = say("Добрый день!");
        new[9] = book("10:00");
        new.swap(11, 12);
        new
    }] {
        let whole = play(&finished(&booking()), &new);
        let (mut matcher, mut known) = (Matcher::default(), 0);
        for call in &new {
            let choice = loop {
                let ended = (known == all.len()).then_some(Ended::Orderly);
                match matcher.decide(&all[..known], ended, call) {
                    Some(choice) => break choice,
                    None => known += 1,
                }
            };
            matcher.take(&all[..known], call.clone(), choice).expect("goes on");
        }
        let grown = matcher.report(&all, Some(&FlowEnd::Finished), whole.run.clone());
        assert_eq!(grown, whole);
    }
}
