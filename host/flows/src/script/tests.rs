//! The scripted port keeps to the contract.

use super::*;
use crate::host::appointments::{Booking, Slot, SlotQuery, Visitor};
use crate::host::clinic::{ClinicInfo, DayHours, Doctor, Kind, Service};
use crate::host::voice::{AnswerKind, BargeIn, Channel, Question};

fn slot(id: &str, start: &str, doctor: &str) -> Slot {
    Slot {
        id: id.into(),
        start: start.into(),
        minutes: 30,
        doctor_id: doctor.into(),
        doctor_name: doctor.into(),
        service_id: "check-up".into(),
        service_name: "осмотр".into(),
    }
}

fn clinic() -> Clinic {
    let opening = Some(Opening { opens: "09:00".into(), closes: "21:00".into() });
    let doctor = |id: &str| Doctor { id: id.into(), name: id.into(), speciality: "терапевт".into() };
    Clinic {
        info: ClinicInfo {
            id: "vet".into(),
            name: "Лапа".into(),
            kind: Kind::Veterinary,
            address: String::new(),
            phone: String::new(),
            timezone: "Europe/Moscow".into(),
        },
        week: [opening.clone(), opening.clone(), opening.clone(), opening.clone(), opening, None, None],
        exceptions: vec![DayHours {
            date: "2026-11-25".into(),
            open: false,
            opens: String::new(),
            closes: String::new(),
            note: "санитарный день".into(),
        }],
        services: vec![Service {
            id: "check-up".into(),
            name: "осмотр".into(),
            minutes: 30,
            price: None,
            doctors: vec!["petrova".into(), "ivanov".into()],
        }],
        absent: Vec::new(),
        doctors: vec![doctor("petrova"), doctor("ivanov")],
        faq: Vec::new(),
        slots: vec![
            slot("c", "2026-11-27T16:30", "petrova"),
            slot("a", "2026-11-24T09:00", "petrova"),
            slot("b", "2026-11-26T10:00", "ivanov"),
        ],
        appointments: Vec::new(),
        prompts: vec!["greeting".into()],
        categories: vec!["target".into()],
        lines: vec!["lab".into()],
        people: vec![Destination::Operator],
    }
}

fn port(caller: Vec<CallerTurn>) -> Scripted {
    let call = CallInfo {
        id: "call-1".into(),
        channel: Channel::Script,
        caller: None,
        line: "main".into(),
        entry: "day".into(),
        started: "2026-11-24T10:00".into(),
    };
    Scripted::new(clinic(), call, caller, Box::new(Exact)).expect("a moment")
}

fn ask() -> HostCall {
    HostCall::VoiceAsk {
        question: Question {
            id: "q".into(),
            text: "Да?".into(),
            expects: AnswerKind::YesNo,
            barge_in: BargeIn::Speech,
            answer_timeout_ms: 7_000,
            max_digits: 0,
            hints: Vec::new(),
            extra: Vec::new(),
        },
    }
}

fn find(port: &mut Scripted, query: SlotQuery) -> Vec<String> {
    match port.reply(HostCall::AppointmentsFind { query }) {
        HostReply::AppointmentsFind(Ok(slots)) => slots.into_iter().map(|slot| slot.id).collect(),
        other => panic!("{other:?}"),
    }
}

fn book(port: &mut Scripted, slot: &str) -> Booking {
    let visitor =
        Visitor {
            phone: "+79030000000".into(), person: "Мария".into(), animal: String::new(), reason: String::new()
        };
    match port.reply(HostCall::AppointmentsBook { slot_id: slot.into(), visitor }) {
        HostReply::AppointmentsBook(Ok(booking)) => booking,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_caller_speaks_in_virtual_time_and_then_hangs_up() {
    let mut port = port(vec![CallerTurn::Says("да".into()), CallerTurn::Presses("0".into()), CallerTurn::IsSilent]);
    let answers: Vec<_> = (0..5).map(|_| port.reply(ask())).collect();
    let HostReply::VoiceAsk(Ok(Answer::Speech(heard))) = &answers[0] else { panic!("{answers:?}") };
    assert_eq!(heard.text, "да");
    assert_eq!(answers[1], HostReply::VoiceAsk(Ok(Answer::Digits("0".into()))));
    assert_eq!(answers[2], HostReply::VoiceAsk(Ok(Answer::Silence)));
    assert_eq!(answers[3..], [HostReply::VoiceAsk(Err(Error::Hangup)), HostReply::VoiceAsk(Err(Error::Hangup))]);
    // Four questions of 400 + 3 × 65 ms, answers of 530 and 595 ms, a silence of 7 s.
    assert_eq!(port.elapsed_ms(), Some(4 * 595 + 530 + 595 + 7_000));
    // Nothing is done for a caller who has gone; what was learned may still be written down.
    let transfer = HostCall::RoutingTransfer { to: Destination::Operator, summary: String::new() };
    assert_eq!(port.reply(transfer), HostReply::RoutingTransfer(Err(Error::Hangup)));
    assert_eq!(port.reply(HostCall::NotesTag { category: "target".into() }), HostReply::NotesTag(Ok(())));
    assert!(matches!(port.reply(HostCall::VoiceCall), HostReply::VoiceCall(_)));
}

#[test]
fn free_times_are_those_that_fit_and_are_still_to_come() {
    let mut port = port(Vec::new());
    assert_eq!(find(&mut port, SlotQuery::default()), ["b", "c"], "“a” is past");
    let by_doctor = SlotQuery { doctor: Some("petrova".into()), ..SlotQuery::default() };
    assert_eq!(find(&mut port, by_doctor), ["c"]);
    let by_time = SlotQuery { time_to: Some("12:00".into()), ..SlotQuery::default() };
    assert_eq!(find(&mut port, by_time), ["b"]);
    let by_date = SlotQuery { date_from: Some("2026-11-27".into()), ..SlotQuery::default() };
    assert_eq!(find(&mut port, by_date), ["c"]);
    assert_eq!(find(&mut port, SlotQuery { limit: 1, ..SlotQuery::default() }), ["b"]);
    let query = SlotQuery { doctor: Some("house".into()), ..SlotQuery::default() };
    let HostReply::AppointmentsFind(Err(Error::Other { code, .. })) = port.reply(HostCall::AppointmentsFind { query })
    else {
        panic!("an unknown doctor")
    };
    assert_eq!(code, "unknown-doctor");
}

#[test]
fn a_time_is_taken_moved_and_given_back() {
    let mut port = port(Vec::new());
    let Booking::Booked(visit) = book(&mut port, "b") else { panic!("free") };
    assert_eq!(book(&mut port, "b"), Booking::Taken);
    let (appointment_id, slot_id) = (visit.id.clone(), "c".into());
    let moved = port.reply(HostCall::AppointmentsReschedule { appointment_id, slot_id });
    let HostReply::AppointmentsReschedule(Ok(Booking::Booked(moved))) = moved else { panic!("{moved:?}") };
    assert_eq!((moved.id.as_str(), moved.slot.id.as_str()), (visit.id.as_str(), "c"));
    assert_eq!(find(&mut port, SlotQuery::default()), ["b"]);

    let mine = |port: &mut Scripted| match port.reply(HostCall::AppointmentsMine { phone: "+79030000000".into() }) {
        HostReply::AppointmentsMine(Ok(visits)) => visits.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(mine(&mut port), 1);
    let cancel = HostCall::AppointmentsCancel { appointment_id: visit.id, reason: String::new() };
    assert_eq!(port.reply(cancel.clone()), HostReply::AppointmentsCancel(Ok(())));
    assert_eq!(mine(&mut port), 0);
    assert_eq!(find(&mut port, SlotQuery::default()), ["b", "c"]);
    assert!(port.reply(cancel).error().is_some(), "there is nothing left to cancel");
}

#[test]
fn hours_follow_the_week_and_its_exceptions() {
    let mut port = port(Vec::new());
    assert_eq!(port.reply(HostCall::ClinicIsOpen), HostReply::ClinicIsOpen(true));
    assert_eq!(port.reply(HostCall::ClinicNow), HostReply::ClinicNow("2026-11-24T10:00".into()));
    let open = |port: &mut Scripted, date: &str| match port.reply(HostCall::ClinicHours { date: date.into() }) {
        HostReply::ClinicHours(Ok(day)) => (day.open, day.note),
        other => panic!("{other:?}"),
    };
    assert_eq!(open(&mut port, "2026-11-24"), (true, String::new()));
    assert_eq!(open(&mut port, "2026-11-25"), (false, "санитарный день".into()));
    assert_eq!(open(&mut port, "2026-11-28"), (false, String::new()), "a Saturday");
    assert!(port.reply(HostCall::ClinicHours { date: "завтра".into() }).error().is_some());
}

#[test]
fn a_transfer_ends_the_flows_part_only_when_somebody_picks_up() {
    let mut port = port(Vec::new());
    let transfer = |to| HostCall::RoutingTransfer { to, summary: "кошка".into() };
    let nobody = HostReply::RoutingTransfer(Ok(TransferOutcome::Nobody));
    assert_eq!(port.reply(transfer(Destination::Line("lab".into()))), nobody);
    assert!(port.reply(transfer(Destination::Line("bar".into()))).error().is_some());
    let connected = HostReply::RoutingTransfer(Ok(TransferOutcome::Connected));
    assert_eq!(port.reply(transfer(Destination::Operator)), connected);
    assert_eq!(port.reply(ask()), HostReply::VoiceAsk(Err(Error::Hangup)));
    assert_eq!(port.write().transfers.len(), 2);
}

#[test]
fn what_is_written_down_is_in_the_story() {
    let mut port = port(Vec::new());
    let callback =
        Callback { phone: "+79030000000".into(), person: String::new(), reason: "перенос".into(), at: None };
    let HostReply::CallbacksRequest(Ok(promise)) = port.reply(HostCall::CallbacksRequest { callback }) else {
        panic!("promised")
    };
    assert_eq!(promise.due, "2026-11-24T10:30");
    for (name, value) in [("animal", "кошка"), ("animal", "кот")] {
        port.reply(HostCall::NotesNote { name: name.into(), value: value.into() });
    }
    assert!(port.reply(HostCall::NotesTag { category: "spam".into() }).error().is_some());
    port.reply(HostCall::NotesTag { category: "target".into() });
    port.reply(HostCall::NotesSetOutcome { outcome: Outcome::Callback });
    let story = port.write();
    assert_eq!(story.notes, BTreeMap::from([("animal".into(), "кот".into())]), "the last value stands");
    assert_eq!((story.tags.as_slice(), story.outcome), (["target".to_owned()].as_slice(), Some(Outcome::Callback)));
    assert_eq!(story.callbacks.len(), 1);
}

#[test]
fn exact_understanding_reads_exact_forms_only() {
    use crate::host::understanding::{DateTime, IntentKind, Wish, YesNo};
    let wish = Wish {
        date: Some("2026-11-24".into()),
        time_from: Some("16:30".into()),
        time_to: Some("16:30".into()),
        ..Wish::default()
    };
    assert_eq!(Exact.date_time("2026-11-24 16:30", ""), DateTime::Resolved(wish));
    assert_eq!(Exact.date_time("завтра", ""), DateTime::Nothing);
    assert_eq!(Exact.yes_no("Да"), YesNo::Yes);
    assert_eq!(Exact.phone("+79030000000").as_deref(), Some("+79030000000"));
    assert_eq!(Exact.phone("+7903"), None);
    assert_eq!(Exact.intent("my-visit").kind, IntentKind::MyVisit);
    assert_eq!(Exact.intent("хочу").kind, IntentKind::Unknown);
    assert_eq!(Exact.choice("вечер", &["утро".into(), "вечер".into()]), Some(1));
}

#[test]
fn a_bad_start_is_refused() {
    let mut call = port(Vec::new()).call;
    call.started = "yesterday".into();
    assert!(Scripted::new(clinic(), call, Vec::new(), Box::new(Exact)).is_err());
}
