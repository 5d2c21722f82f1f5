//! Clinic files: the four that ship, the shortest that works, and a golden file for every way to be wrong.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;

use desk::{Clinic, Currency, Kind, Minute, Money, SlotQuery, free_slots};
use jiff::Timestamp;
use jiff::civil::date;
use proptest::prelude::*;

fn shipped(id: &str) -> Clinic {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../clinics/{id}.toml"));
    Clinic::load(path).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn the_shipped_clinics_are_sound() {
    let now: Timestamp = "2026-11-23T05:00:00Z".parse().unwrap();
    for (id, kind) in [
        ("vet_lapa", Kind::Veterinary),
        ("vet_zoo", Kind::Veterinary),
        ("med_plus", Kind::Medical),
        ("dent_smile", Kind::Dental),
    ] {
        let clinic = shipped(id);
        assert_eq!((clinic.id.as_str(), clinic.kind), (id, kind));
        assert!((12..=18).contains(&clinic.faq.len()), "{id} has {} questions", clinic.faq.len());
        assert!(!clinic.absent.is_empty() && clinic.minute_cost.is_some());
        for line in ["operator", "doctor", "results"] {
            assert!(clinic.lines.contains_key(line), "{id} has no line {line}");
        }
        for service in clinic.services.iter().filter(|service| service.bookable) {
            let query = SlotQuery { service: Some(service.id.clone()), ..SlotQuery::default() };
            let slots = free_slots(&clinic, &[], &query, now).unwrap();
            assert_eq!(slots.len(), 3, "{id}: {} cannot be booked", service.name);
        }
        for doctor in &clinic.doctors {
            assert!(!doctor.services.is_empty(), "{id}: {} gives nothing", doctor.name);
        }
        for entry in &clinic.faq {
            let heard = !entry.answer.chars().any(|c| c.is_ascii_digit() || matches!(c, '(' | ')' | '/'));
            assert!(heard, "{id}: the answer {} is written to be read, not heard", entry.id);
        }
    }
}

#[test]
fn what_the_file_says_is_what_the_clinic_has() {
    let clinic = shipped("vet_lapa");
    assert_eq!(clinic.minute_cost, Some(Money { minor: 950, currency: Currency::RUB }));
    assert_eq!(clinic.phone, "+74951204567");
    let neutering = clinic.service("стерилизация/кастрация").unwrap();
    assert_eq!((neutering.id.as_str(), neutering.minutes, neutering.price_from), ("neutering", 90, true));
    assert_eq!(neutering.doctors, ["gromov"]);
    let gromov = clinic.doctor("gromov").unwrap();
    assert_eq!(gromov.services, ["surgery", "neutering", "xray", "dentistry"]);
    assert_eq!(gromov.spans(date(2026, 12, 15)), Some(&[][..]));
    assert_eq!(gromov.spans(date(2026, 12, 21)).unwrap().len(), 2);

    let eve = clinic.hours(date(2026, 12, 31));
    assert_eq!((eve.opens(), eve.closes()), (Minute::new(600), Minute::new(960)));
    assert!(!eve.note.is_empty());
    assert!(!clinic.hours(date(2027, 1, 2)).is_open());
    assert!(clinic.hours(date(2026, 11, 22)).note.is_empty());
}

#[test]
fn the_shortest_file_works() {
    let text = "id = \"a\"\nname = \"Клиника\"\nkind = \"dental\"\ntimezone = \"Asia/Tokyo\"\nservices = [\"гигиена\", \"снимок 3D\"]";
    let clinic = Clinic::parse(text, "short.toml").unwrap();
    assert_eq!(clinic.services.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["gigiena", "snimok_3d"]);
    assert_eq!(clinic.services[0].minutes, 30);
    assert_eq!((clinic.doctors.len(), clinic.doctors[0].id.as_str()), (1, "duty"));
    assert_eq!(clinic.services[0].doctors, ["duty"]);
    let sunday = clinic.hours(date(2026, 11, 22));
    assert_eq!((sunday.opens(), sunday.closes()), (Minute::new(540), Minute::new(1260)));
    assert_eq!((clinic.callback_minutes, clinic.slot_step, clinic.horizon_days), (30, 30, 60));
}

#[test]
fn rules_of_flows_and_privacy_are_read_or_have_their_defaults() {
    let shortest =
        "id = \"a\"\nname = \"А\"\nkind = \"veterinary\"\ntimezone = \"Europe/Moscow\"\nservices = [\"УЗИ\"]\n";
    let plain = Clinic::parse(shortest, "a.toml").unwrap();
    let rollback = &plain.flows.rollback;
    assert_eq!((rollback.min_calls, rollback.traps_more, rollback.handovers_more), (20, 0.02, 0.10));
    assert!(plain.flows.signed_by.is_empty() && plain.privacy.journal_key.is_none());
    assert_eq!(plain.privacy.journal_days, 90);
    assert_eq!((&shipped("vet_lapa").flows, &shipped("vet_lapa").privacy), (&plain.flows, &plain.privacy));

    let key = "GdMbRhbx3NoN03NTbZbTtZrVmdKqXcfXJVtKcPZVXTE=";
    let rules = format!(
        "{shortest}[flows]\nsigned_by = [\"{key}\"]\nrollback = {{ min_calls = 5, traps_more = 0, handovers_more = 0.5 }}\n\
         [privacy]\njournal_days = 7\njournal_key = \"keys/a.key\"\n"
    );
    let clinic = Clinic::parse(&rules, "a.toml").unwrap();
    let rollback = &clinic.flows.rollback;
    assert_eq!((rollback.min_calls, rollback.traps_more, rollback.handovers_more), (5, 0.0, 0.5));
    assert_eq!(clinic.flows.signed_by, [key]);
    assert_eq!((clinic.privacy.journal_days, clinic.privacy.journal_key), (7, Some("keys/a.key".into())));
}

#[test]
fn terms_and_canned_answers_are_read_with_their_mistakes() {
    let shortest =
        "id = \"a\"\nname = \"А\"\nkind = \"veterinary\"\ntimezone = \"Europe/Moscow\"\nservices = [\"УЗИ\"]\n";
    let plain = Clinic::parse(shortest, "a.toml").unwrap();
    assert_eq!((plain.privacy.terms().audio_days, plain.canned.len()), (180, 0));
    let text = format!(
        "{shortest}address = \"Садовая, 1\"\n[privacy]\naudio_days = 30\nchat_days = 14\n\
         [[canned]]\ntitle = \"Адрес\"\ntext = \"Здравствуйте, {{name}}! Мы на {{address}}, {{hours}}.\"\n"
    );
    let clinic = Clinic::parse(&text, "a.toml").unwrap();
    let terms = clinic.privacy.terms();
    assert_eq!((terms.audio_days, terms.chat_days, terms.contact_days), (30, 14, 1825));
    assert_eq!(clinic.canned[0].id, "adres");
    let values = desk::CannedValues { name: "Анна", hours: "с 9 до 21" };
    assert_eq!(clinic.canned[0].render(&clinic, &values), "Здравствуйте, Анна! Мы на Садовая, 1, с 9 до 21.");

    let wrong = format!(
        "{shortest}[privacy]\naudio_days = 0\nsound_days = 3\n[[canned]]\ntitle = \"Адрес\"\ntext = \"{{adress}}\"\n\
         [[canned]]\ntitle = \"Адрес\"\ntext = \"ещё\"\n"
    );
    let told = Clinic::parse(&wrong, "a.toml").unwrap_err().to_string();
    for part in ["audio_days", "sound_days", "{adress}", "two canned answers"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn every_mistake_is_told_with_its_line() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes");
    let mut seen = 0;
    for name in [
        "missing_everything",
        "outreach",
        "unknown_keys",
        "wrong_values",
        "hours",
        "references",
        "rules",
        "not_toml",
        "russian_key",
    ] {
        let text = std::fs::read_to_string(folder.join(format!("{name}.toml"))).unwrap();
        let errors = Clinic::parse(&text, &format!("{name}.toml")).unwrap_err();
        insta::with_settings!({ snapshot_path => "mistakes", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, errors.to_string());
        });
        seen += errors.mistakes.len();
        for mistake in &errors.mistakes {
            let russian = mistake.in_russian();
            let says = |english: &str| !english.is_empty() && russian.contains(english);
            assert!(
                !says(&mistake.problem) && !says(&mistake.hint),
                "not in the catalogue of src/russian.rs: {russian}"
            );
        }
        assert!(errors.mistakes.iter().all(|mistake| mistake.line > 0), "{errors}");
    }
    assert!(seen > 30, "only {seen} mistakes");
}

#[test]
fn a_file_that_is_not_there_is_one_sentence() {
    let errors = Clinic::load("/no/such/clinic.toml").unwrap_err();
    assert_eq!(errors.mistakes.len(), 1);
    assert!(errors.to_string().starts_with("/no/such/clinic.toml: 1 mistake\n  the file cannot be read"), "{errors}");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC*") {
        let _ = Clinic::parse(&text, "any.toml");
    }

    /// Cut and broken anywhere, a real file is either read or refused with lines that exist.
    #[test]
    fn a_broken_file_is_refused_in_order(cut in 0usize..12_000, junk in "[\\[\\]=\"a-z0-9\n{}.,-]{0,6}") {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clinics/vet_lapa.toml");
        let text = std::fs::read_to_string(path).unwrap();
        let at = (0..=cut.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let broken = format!("{}{junk}{}", &text[..at], &text[at..]);
        if let Err(errors) = Clinic::parse(&broken, "broken.toml") {
            let lines = broken.lines().count() + 1;
            prop_assert!(!errors.mistakes.is_empty());
            prop_assert!(errors.mistakes.iter().all(|mistake| (1..=lines).contains(&mistake.line)));
        }
    }
}
