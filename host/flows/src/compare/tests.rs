//! What people read, verdict by verdict: golden files in `snapshots/`.

use super::*;
use crate::host::HostReply;
use crate::host::routing::{Destination, TransferOutcome};
use crate::replay::play::{ask, book, booking, calls, find, journal, play, play_with_replies, said, say, tag, trap};
use crate::run::TrapKind;

fn recorded() -> Journal {
    journal(booking(), Some(FlowEnd::Finished))
}

fn changed(change: impl FnOnce(&mut Vec<HostCall>)) -> Comparison {
    let mut new = calls(&booking());
    change(&mut new);
    Comparison::of(&recorded(), &play(&recorded(), &new))
}

fn text(comparison: &Comparison) -> String {
    let text = comparison.to_text(100);
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    text
}

#[test]
fn identical() {
    insta::assert_snapshot!(text(&changed(|_| ())));
}

#[test]
fn wording_only() {
    insta::assert_snapshot!(text(&changed(|new| {
        new[3] = say("Добрый день, клиника «Лапа», слушаю вас.");
        new.insert(10, say("Готово!"));
    })));
}

#[test]
fn reads_reordered() {
    insta::assert_snapshot!(text(&changed(|new| {
        new.swap(0, 2);
        new.remove(1);
        new.insert(9, HostCall::ClinicNow);
    })));
}

#[test]
fn new_question() {
    insta::assert_snapshot!(text(&changed(
        |new| new.insert(9, ask("sure", "Записываю на 10:30 к Петровой, всё верно?"))
    )));
}

#[test]
fn a_question_less() {
    insta::assert_snapshot!(text(&changed(|new| {
        new.remove(4);
    })));
}

#[test]
fn new_read() {
    insta::assert_snapshot!(text(&changed(|new| new.insert(10, find()))));
}

#[test]
fn another_time_is_booked() {
    let comparison = changed(|new| {
        new[9] = book("10:00");
        new[10] = say("Записала вас на завтра, на десять. До свидания!");
    });
    assert_eq!(comparison.line, "вместо 10:30 записал на 10:00");
    insta::assert_snapshot!(text(&comparison));
}

#[test]
fn effects_in_another_order_and_one_more() {
    insta::assert_snapshot!(text(&changed(|new| {
        new.swap(11, 12);
        new.push(tag("кот"));
    })));
}

#[test]
fn a_transfer_instead_of_a_booking() {
    let transfer = HostCall::RoutingTransfer { to: Destination::Operator, summary: "просит запись".into() };
    insta::assert_snapshot!(text(&changed(|new| new[9] = transfer)));
}

#[test]
fn trapped() {
    let (report, _) = play_with_replies(&recorded(), &calls(&booking()[..8]), trap(TrapKind::CpuLimit));
    insta::assert_snapshot!(text(&Comparison::of(&recorded(), &report)));
}

#[test]
fn cut_off() {
    let cut = journal(booking()[..7].to_vec(), None);
    let mut new = calls(&booking());
    new[3] = say("Добрый день!");
    insta::assert_snapshot!(text(&Comparison::of(&cut, &play(&cut, &new))));
}

#[test]
fn ends_otherwise() {
    let transfer = |to| HostCall::RoutingTransfer { to, summary: String::new() };
    let steps = vec![
        said("Соединяю."),
        (transfer(Destination::Operator), HostReply::RoutingTransfer(Ok(TransferOutcome::Nobody))),
    ];
    let recorded = journal(steps, Some(FlowEnd::GaveUp("никого нет".into())));
    let new = [say("Соединяю."), transfer(Destination::Ward)];
    insta::assert_snapshot!(text(&Comparison::of(&recorded, &play(&recorded, &new))));
}

#[test]
fn in_english_and_narrow() {
    let mut new = calls(&booking());
    new[9] = book("10:00");
    let comparison = Comparison::in_language(&recorded(), &play(&recorded(), &new), Language::English);
    let text = comparison.to_text(60);
    assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
    insta::assert_snapshot!(text);
}

/// The data that a page gets.
#[test]
fn as_json() {
    let short = journal(booking()[9..11].to_vec(), Some(FlowEnd::Finished));
    let report = play(&short, &[book("10:00"), say("Готово.")]);
    insta::assert_json_snapshot!(Comparison::of(&short, &report));
}

/// A name of our own choosing for each function: none may be forgotten, none may look like another.
#[test]
fn every_difference_has_a_line() {
    let recorded = recorded();
    for place in 0..recorded.entries.len() {
        let mut new = calls(&booking());
        let removed = new.remove(place);
        let report = play(&recorded, &new);
        let comparison = Comparison::of(&recorded, &report);
        assert!(comparison.verdict > Verdict::Identical, "without {removed:?}");
        assert!(!comparison.line.is_empty() && !comparison.line.contains("  "), "{}", comparison.line);
        let lost = comparison.rows.iter().filter(|row| row.right.is_none()).count();
        assert!(lost >= 1, "{comparison:#?}");
    }
}
