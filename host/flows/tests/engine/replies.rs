//! Every function of the interface, through a real component and through the journal's form.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use async_trait::async_trait;
use flows::host::appointments::{Appointment, Booking, Slot, SlotQuery, Status, Visitor};
use flows::host::callbacks::{Callback, Promise};
use flows::host::clinic::{ClinicInfo, DayHours, Doctor, Kind, Service};
use flows::host::faq::{Entry as FaqEntry, Hit};
use flows::host::notes::Outcome;
use flows::host::routing::{Destination, QueueState, TransferOutcome};
use flows::host::understanding::{
    Animal, DateTime, Intent, IntentKind, Offered, PersonName, ServiceMention, Wish, YesNo,
};
use flows::host::voice::{Answer, AnswerKind, BargeIn, Heard, Question, Said};
use flows::host::{Error, HostCall, HostReply, Money};
use flows::journal::{Entries, Entry, FORMAT, Header, Journal, Recording};
use flows::replay::Verdict;
use flows::{FlowEnd, Port, PortError, RunOptions, TrapKind};
use wit_parser::WorldItem;
use wit_parser::abi::{AbiVariant, WasmType};

use crate::support::{ENGINE, World, call_info, module, run};

fn slot() -> Slot {
    Slot {
        id: "petrova|vaccination|2026-11-25T16:30".into(),
        start: "2026-11-25T16:30".into(),
        minutes: 30,
        doctor_id: "petrova".into(),
        doctor_name: "Петрова Анна Сергеевна".into(),
        service_id: "vaccination".into(),
        service_name: "прививка".into(),
    }
}

fn visitor() -> Visitor {
    Visitor {
        phone: "+79030000000".into(),
        person: "Мария".into(),
        animal: "кошка Мурка".into(),
        reason: "нужна прививка".into(),
    }
}

fn visit(status: Status) -> Appointment {
    Appointment { id: "visit-1".into(), slot: slot(), visitor: visitor(), status }
}

/// Every function once, with arguments and a reply that fill every field; then every kind of error.
fn conversation() -> Vec<(HostCall, HostReply)> {
    use {HostCall as C, HostReply as R};
    let entry =
        || FaqEntry {
            id: "parking".into(), question: "Есть ли парковка?".into(), answer: "Да, во дворе.".into()
        };
    let question = Question {
        id: "visit-time".into(),
        text: "На какое время?".into(),
        expects: AnswerKind::DateTime,
        barge_in: BargeIn::Speech,
        answer_timeout_ms: 7_000,
        max_digits: 4,
        hints: vec!["завтра".into()],
        extra: vec![("tone".into(), "calm".into())],
    };
    let wish = Wish { date: Some("2026-11-25".into()), time_from: Some("16:30".into()), ..Wish::default() };
    let text = || "в среду в половине пятого".to_owned();
    vec![
        (C::VoiceCall, R::VoiceCall(call_info())),
        (C::VoiceSay { text: "Здравствуйте!".into(), barge_in: BargeIn::None }, R::VoiceSay(Ok(Said::Complete))),
        (C::VoicePlay { prompt: "greeting".into(), barge_in: BargeIn::Digits }, R::VoicePlay(Ok(Said::Interrupted))),
        (
            C::VoiceAsk { question: question.clone() },
            R::VoiceAsk(Ok(Answer::Speech(Heard { text: text(), confidence: 0.75 }))),
        ),
        (C::VoiceHangUp, R::VoiceHangUp(Ok(()))),
        (
            C::ClinicInfo,
            R::ClinicInfo(ClinicInfo {
                id: "vet".into(),
                name: "Лапа".into(),
                kind: Kind::Veterinary,
                address: "улица Мира, дом 3".into(),
                phone: "+74950000000".into(),
                timezone: "Europe/Moscow".into(),
            }),
        ),
        (C::ClinicNow, R::ClinicNow("2026-11-24T10:00".into())),
        (
            C::ClinicHours { date: "2026-11-25".into() },
            R::ClinicHours(Ok(DayHours {
                date: "2026-11-25".into(),
                open: true,
                opens: "09:00".into(),
                closes: "21:00".into(),
                note: String::new(),
            })),
        ),
        (C::ClinicIsOpen, R::ClinicIsOpen(true)),
        (
            C::ClinicServices,
            R::ClinicServices(vec![Service {
                id: "vaccination".into(),
                name: "прививка".into(),
                minutes: 30,
                price: Some(Money { minor: 150_000, currency: "RUB".into() }),
                doctors: vec!["petrova".into()],
            }]),
        ),
        (C::ClinicAbsentServices, R::ClinicAbsentServices(vec!["МРТ".into()])),
        (
            C::ClinicDoctors,
            R::ClinicDoctors(vec![Doctor {
                id: "petrova".into(),
                name: "Петрова Анна Сергеевна".into(),
                speciality: "терапевт".into(),
            }]),
        ),
        (
            C::FaqFind { question: "где поставить машину".into() },
            R::FaqFind(Ok(vec![Hit { entry: entry(), confidence: 0.5 }])),
        ),
        (C::FaqEntries, R::FaqEntries(vec![entry()])),
        (
            C::AppointmentsFind {
                query: SlotQuery {
                    service: Some("vaccination".into()),
                    doctor: Some("petrova".into()),
                    date_from: Some("2026-11-25".into()),
                    date_to: Some("2026-11-27".into()),
                    time_from: Some("16:00".into()),
                    time_to: Some("19:00".into()),
                    limit: 3,
                },
            },
            R::AppointmentsFind(Ok(vec![slot()])),
        ),
        (
            C::AppointmentsBook { slot_id: slot().id, visitor: visitor() },
            R::AppointmentsBook(Ok(Booking::Booked(visit(Status::Booked)))),
        ),
        (
            C::AppointmentsReschedule { appointment_id: "visit-1".into(), slot_id: slot().id },
            R::AppointmentsReschedule(Ok(Booking::Taken)),
        ),
        (
            C::AppointmentsCancel { appointment_id: "visit-1".into(), reason: "выздоровела".into() },
            R::AppointmentsCancel(Ok(())),
        ),
        (C::AppointmentsMine { phone: "+79030000000".into() }, R::AppointmentsMine(Ok(vec![visit(Status::NoShow)]))),
        (
            C::CallbacksRequest {
                callback: Callback {
                    phone: "+79030000000".into(),
                    person: "Мария".into(),
                    reason: "перенос".into(),
                    at: Some("2026-11-24T12:00".into()),
                },
            },
            R::CallbacksRequest(Ok(Promise { id: "callback-1".into(), due: "2026-11-24T12:00".into() })),
        ),
        (
            C::RoutingTransfer { to: Destination::Line("lab".into()), summary: "анализы Мурки".into() },
            R::RoutingTransfer(Ok(TransferOutcome::Refused("486".into()))),
        ),
        (
            C::RoutingQueue { to: Destination::Operator },
            R::RoutingQueue(Ok(QueueState { open: true, waiting: 2, expected_wait_s: 90 })),
        ),
        (C::ParseDateTime { text: text() }, R::ParseDateTime(DateTime::Ambiguous(vec![wish.clone(), wish]))),
        (C::ParseYesNo { text: "да-да".into() }, R::ParseYesNo(YesNo::Yes)),
        (C::ParsePhone { text: "восемь девятьсот три".into() }, R::ParsePhone(Some("+79030000000".into()))),
        (
            C::ParseName { text: "Мария Петровна".into() },
            R::ParseName(Some(PersonName {
                last: None,
                first: Some("Мария".into()),
                patronymic: Some("Петровна".into()),
            })),
        ),
        (
            C::ParseAnimal { text: "мейн-кун Мурка".into() },
            R::ParseAnimal(Some(Animal {
                species: Some("кошка".into()),
                breed: Some("мейн-кун".into()),
                name: Some("Мурка".into()),
            })),
        ),
        (
            C::ParseIntent { text: "запишите на прививку".into() },
            R::ParseIntent(Intent {
                kind: IntentKind::Book,
                confidence: 0.875,
                services: vec![ServiceMention {
                    name: "прививка".into(),
                    offered: Offered::Offered,
                    service_id: Some("vaccination".into()),
                }],
                doctor: Some("petrova".into()),
                urgent: false,
            }),
        ),
        (
            C::ParseChoice { text: "второе".into(), options: vec!["утро".into(), "вечер".into()] },
            R::ParseChoice(Some(1)),
        ),
        (C::NotesTag { category: "target".into() }, R::NotesTag(Ok(()))),
        (C::NotesNote { name: "animal".into(), value: "кошка".into() }, R::NotesNote(Ok(()))),
        (C::NotesSetOutcome { outcome: Outcome::NotOffered }, R::NotesSetOutcome(Ok(()))),
        (C::NotesLog { line: "offered 3 slots".into() }, R::NotesLog(())),
        (C::VoiceAsk { question: question.clone() }, R::VoiceAsk(Ok(Answer::Digits("12".into())))),
        (C::VoiceAsk { question: question.clone() }, R::VoiceAsk(Ok(Answer::Silence))),
        (C::VoiceHangUp, R::VoiceHangUp(Err(Error::Timeout))),
        (C::NotesTag { category: "x".into() }, R::NotesTag(Err(Error::Denied("not in this clinic".into())))),
        (C::RoutingQueue { to: Destination::Ward }, R::RoutingQueue(Err(Error::Unavailable("no line".into())))),
        (
            C::VoicePlay { prompt: "x".into(), barge_in: BargeIn::Speech },
            R::VoicePlay(Err(Error::other("unknown-prompt", "there is no prompt `x`"))),
        ),
        (C::VoiceAsk { question }, R::VoiceAsk(Err(Error::Hangup))),
    ]
}

fn golden_journal() -> Journal {
    let header = Header {
        format: FORMAT,
        call: "call-1".into(),
        flow: "vet-desk".into(),
        digest: "00".repeat(32),
        seed: u64::MAX,
        started_ms: 1_795_503_600_000,
    };
    let entries = conversation().into_iter().enumerate().map(|(seq, (call, reply))| Entry {
        v: FORMAT,
        seq: seq as u32,
        at_ms: 100 * seq as u64,
        took_ms: 40,
        call,
        reply,
    });
    let end = FlowEnd::Trapped { kind: TrapKind::IgnoredHangup, message: "it went on".into() };
    Journal { header, entries: entries.collect(), end: Some(end) }
}

/// Journals are kept for years. If this fails, the form has changed: that takes a new `FORMAT` and a reader for the
/// old one, not a new golden file.
#[test]
fn the_journals_form_is_what_it_was() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/journal-1.jsonl");
    let golden = std::fs::read_to_string(path).expect("the golden journal");
    let journal = golden_journal();
    for (number, (ours, theirs)) in journal.to_text().lines().zip(golden.lines()).enumerate() {
        assert_eq!(ours, theirs, "line {}", number + 1);
    }
    assert_eq!(journal.to_text(), golden);
    assert_eq!(Journal::parse(&golden), Ok(journal));
}

#[test]
fn the_golden_journal_has_every_function() {
    let there: BTreeSet<_> = conversation().iter().map(|(call, _)| call.function()).collect();
    assert_eq!(there, HostCall::FUNCTIONS.iter().copied().collect());
    for (call, reply) in conversation() {
        assert_eq!(call.function(), reply.function());
    }
}

/// `interface.function` and its core signature, as the WIT has them, in its order.
fn functions_of_the_wit() -> Vec<(String, String, Vec<WasmType>, bool, usize)> {
    let World { resolve, world } = World::shipped();
    let mut functions = Vec::new();
    for (key, item) in &resolve.worlds[world].imports {
        let WorldItem::Interface { id, .. } = item else { panic!("a world of interfaces") };
        let interface = &resolve.interfaces[*id];
        for (name, function) in &interface.functions {
            let signature = resolve.wasm_signature(AbiVariant::GuestImport, function);
            let short = format!("{}.{name}", interface.name.as_deref().expect("named"));
            let import = format!("\"{}\" \"{name}\"", resolve.name_world_key(key));
            functions.push((short, import, signature.params, signature.retptr, signature.results.len()));
        }
    }
    functions
}

#[test]
fn calls_and_the_wit_have_the_same_functions() {
    let wit: Vec<_> = functions_of_the_wit().into_iter().map(|function| function.0).collect();
    assert_eq!(wit, HostCall::FUNCTIONS);
}

/// A flow that calls every function once, with empty arguments.
fn sweep() -> Vec<u8> {
    let (mut imports, mut body) = (String::new(), String::new());
    for (index, (_, import, params, retptr, results)) in functions_of_the_wit().into_iter().enumerate() {
        let types: Vec<_> = params.iter().map(|ty| if *ty == WasmType::F64 { "f64" } else { "i32" }).collect();
        let result = if results == 1 { "(result i32)" } else { "" };
        writeln!(imports, "(import {import} (func $f{index} (param {}) {result}))", types.join(" ")).expect("a string");
        let last = types.len().saturating_sub(1);
        for (place, ty) in types.iter().enumerate() {
            let value = if retptr && place == last { 1024 } else { 0 };
            writeln!(body, "({ty}.const {value})").expect("a string");
        }
        writeln!(body, "(call $f{index})").expect("a string");
        body += if results == 1 { "drop\n" } else { "" };
    }
    World::shipped().component(&module(&imports, "", &run(&format!("{body} (i32.const 0)"))))
}

/// Replies as in [`conversation`], by function.
struct Samples;

#[async_trait]
impl Port for Samples {
    async fn call(&mut self, call: HostCall) -> Result<HostReply, PortError> {
        let mut samples = conversation().into_iter();
        let sample = samples.find(|(sample, _)| sample.function() == call.function());
        sample.map(|(_, reply)| reply).ok_or(PortError::Closed)
    }
}

#[tokio::test]
async fn every_function_works_through_a_component_and_replays() {
    let flow = ENGINE.compile("sweep", &sweep()).expect("compiles");
    assert_eq!(flow.capabilities().len(), 8);
    let entries = Entries::default();
    let options = RunOptions::default();
    let port = Recording::new(Samples, Box::new(entries.clone()));
    let report = ENGINE.run(&flow, Box::new(port), options.clone()).await;
    assert_eq!(report.end, FlowEnd::Finished, "{report:?}");
    let entries = entries.to_vec();
    let called: Vec<_> = entries.iter().map(|entry| entry.call.function()).collect();
    assert_eq!(called, HostCall::FUNCTIONS);

    let journal = Journal { header: Header::new(&flow, &options), entries, end: Some(report.end) };
    let replay = ENGINE.replay(&flow, &Journal::parse(&journal.to_text()).expect("parses")).await;
    assert_eq!((replay.verdict, replay.reached), (Verdict::Identical, HostCall::FUNCTIONS.len() as u32));
}
