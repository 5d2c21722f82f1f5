//! For tests: a recorded booking, and flows that are lists of calls, held against it without any wasm.

use crate::host::appointments::{Appointment, Booking, Slot, SlotQuery, Status, Visitor};
use crate::host::clinic::Doctor;
use crate::host::notes::Outcome;
use crate::host::understanding::{DateTime, Intent, IntentKind, Wish};
use crate::host::voice::{Answer, AnswerKind, BargeIn, CallInfo, Channel, Heard, Question, Said};
use crate::host::{HostCall, HostReply};
use crate::journal::{Entry, FORMAT, Header, Journal};
use crate::replay::ReplayReport;
use crate::replay::matcher::{Ended, Matcher};
use crate::run::{FlowEnd, RunReport, TrapKind};

pub(crate) type Step = (HostCall, HostReply);

pub(crate) fn say(text: &str) -> HostCall {
    HostCall::VoiceSay { text: text.into(), barge_in: BargeIn::Speech }
}

pub(crate) fn said(text: &str) -> Step {
    (say(text), HostReply::VoiceSay(Ok(Said::Complete)))
}

pub(crate) fn ask(id: &str, text: &str) -> HostCall {
    let question = Question {
        id: id.into(),
        text: text.into(),
        expects: AnswerKind::Free,
        barge_in: BargeIn::Speech,
        answer_timeout_ms: 0,
        max_digits: 0,
        hints: Vec::new(),
        extra: Vec::new(),
    };
    HostCall::VoiceAsk { question }
}

pub(crate) fn asked(id: &str, text: &str, answer: &str) -> Step {
    (ask(id, text), HostReply::VoiceAsk(Ok(Answer::Speech(Heard { text: answer.into(), confidence: 0.9 }))))
}

pub(crate) fn find() -> HostCall {
    let query =
        SlotQuery { service: Some("check-up".into()), date_from: Some("2026-11-24".into()), ..SlotQuery::default() };
    HostCall::AppointmentsFind { query }
}

pub(crate) fn slot(time: &str) -> Slot {
    Slot {
        id: format!("slot-{time}"),
        start: format!("2026-11-24T{time}"),
        minutes: 30,
        doctor_id: "petrova".into(),
        doctor_name: "Петрова".into(),
        service_id: "check-up".into(),
        service_name: "осмотр".into(),
    }
}

pub(crate) fn visitor() -> Visitor {
    Visitor {
        phone: "+79031234567".into(),
        person: "Анна".into(),
        animal: "кот Барсик".into(),
        reason: "хромает".into(),
    }
}

pub(crate) fn book(time: &str) -> HostCall {
    HostCall::AppointmentsBook { slot_id: format!("slot-{time}"), visitor: visitor() }
}

pub(crate) fn booked(time: &str) -> Step {
    let visit = Appointment { id: "visit-1".into(), slot: slot(time), visitor: visitor(), status: Status::Booked };
    (book(time), HostReply::AppointmentsBook(Ok(Booking::Booked(visit))))
}

pub(crate) fn tag(category: &str) -> HostCall {
    HostCall::NotesTag { category: category.into() }
}

pub(crate) fn tagged(category: &str) -> Step {
    (tag(category), HostReply::NotesTag(Ok(())))
}

pub(crate) fn outcome(outcome: Outcome) -> HostCall {
    HostCall::NotesSetOutcome { outcome }
}

/// A caller books a visit for 10:30.
pub(crate) fn booking() -> Vec<Step> {
    let info = CallInfo {
        id: "call-1".into(),
        channel: Channel::Phone,
        caller: Some("+79031234567".into()),
        line: "main".into(),
        entry: "day".into(),
        started: "2026-11-23T18:00".into(),
    };
    let doctor = Doctor { id: "petrova".into(), name: "Петрова".into(), speciality: "терапевт".into() };
    let intent = Intent { kind: IntentKind::Book, confidence: 0.9, services: Vec::new(), doctor: None, urgent: false };
    let wish = Wish { date: Some("2026-11-24".into()), time_from: Some("10:30".into()), ..Wish::default() };
    vec![
        (HostCall::VoiceCall, HostReply::VoiceCall(info)),
        (HostCall::ClinicDoctors, HostReply::ClinicDoctors(vec![doctor])),
        (HostCall::ClinicNow, HostReply::ClinicNow("2026-11-23T18:00".into())),
        said("Здравствуйте! Клиника «Лапа»."),
        asked("intent", "Чем помочь?", "хочу записать кота на осмотр"),
        (HostCall::ParseIntent { text: "хочу записать кота на осмотр".into() }, HostReply::ParseIntent(intent)),
        (find(), HostReply::AppointmentsFind(Ok(vec![slot("10:00"), slot("10:30")]))),
        asked("time", "Завтра есть десять и половина одиннадцатого. Когда удобно?", "в половине одиннадцатого"),
        (
            HostCall::ParseDateTime { text: "в половине одиннадцатого".into() },
            HostReply::ParseDateTime(DateTime::Resolved(wish)),
        ),
        booked("10:30"),
        said("Записала вас на завтра, на половину одиннадцатого. До свидания!"),
        tagged("запись"),
        (outcome(Outcome::Booked), HostReply::NotesSetOutcome(Ok(()))),
    ]
}

pub(crate) fn calls(steps: &[Step]) -> Vec<HostCall> {
    steps.iter().map(|(call, _)| call.clone()).collect()
}

pub(crate) fn trap(kind: TrapKind) -> FlowEnd {
    FlowEnd::Trapped { kind, message: "not to be compared".into() }
}

pub(crate) fn journal(steps: Vec<Step>, end: Option<FlowEnd>) -> Journal {
    let entries = steps.into_iter().enumerate().map(|(seq, (call, reply))| {
        let seq = seq as u32;
        Entry { v: FORMAT, seq, at_ms: 1_000 * u64::from(seq), took_ms: 500, call, reply }
    });
    let header = Header {
        format: FORMAT,
        call: "call-1".into(),
        flow: "vet-desk".into(),
        digest: "00".repeat(32),
        seed: 7,
        started_ms: 1_795_446_000_000,
    };
    Journal { header, entries: entries.collect(), end }
}

/// Hold a flow that makes these calls, whatever it is told, against a journal. The replies it got come too.
pub(crate) fn play_with_replies(journal: &Journal, new: &[HostCall], end: FlowEnd) -> (ReplayReport, Vec<HostReply>) {
    let mut matcher = Matcher::default();
    let ended = Some(Ended::of(journal.end.as_ref()));
    let (mut replies, mut end) = (Vec::new(), end);
    for call in new {
        let choice = matcher.decide(&journal.entries, ended, call).expect("a whole journal decides");
        match matcher.take(&journal.entries, call.clone(), choice) {
            Ok(reply) => {
                assert_eq!(reply.function(), call.function(), "a reply fits its call");
                replies.push(reply);
            }
            Err(_) => {
                end = trap(TrapKind::Port);
                break;
            }
        }
    }
    let run = RunReport { end, cpu_ms: 0.0, memory_bytes: 0, host_calls: 0, output: String::new() };
    (matcher.report(&journal.entries, journal.end.as_ref(), run), replies)
}

/// The same, for a flow that returns.
pub(crate) fn play(journal: &Journal, new: &[HostCall]) -> ReplayReport {
    play_with_replies(journal, new, FlowEnd::Finished).0
}
