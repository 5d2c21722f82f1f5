//! The desk with real records: schedules, clock changes, and many hands at once.

// Functions that tests share are tests too; clippy.toml exempts only those marked `#[test]`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::time::Instant;

use desk::{Booking, CallbackRequest, Clinic, Desk, DeskError, SlotQuery, Status, Visitor, free_slots};
use jiff::civil::{date, time};
use jiff::{Timestamp, ToSpan as _};
use proptest::prelude::*;
use records::{Added, Busy, CallbackStatus, ContactKind, NewContact, Store};
use tempfile::TempDir;

const TWO_DOCTORS: &str = r#"
id = "vet_lapa"
name = "ветклиника «Лапа»"
kind = "veterinary"
timezone = "Europe/Moscow"

[[services]]
id = "therapy"
name = "терапия"

[[services]]
id = "surgery"
name = "операция"
minutes = 90
doctors = ["gromov"]

[[services]]
id = "pharmacy"
name = "ветаптека"
bookable = false

[[exceptions]]
date = 2026-11-25
closed = true
note = "санитарный день"

[[exceptions]]
date = 2026-11-26
hours = "12:00-14:00"

[[doctors]]
id = "gromov"
name = "Громов Павел Сергеевич"
services = ["therapy"]
minutes = { therapy = 60 }
hours = { mon-fri = ["10:00-13:00", "14:00-18:00"] }

[[doctors]]
id = "belov"
name = "Белов Андрей Николаевич"
services = ["therapy"]
hours = { mon-sat = "08:00-12:00" }
exceptions = [{ date = 2026-11-24, closed = true, note = "отпуск" }]
"#;

/// Monday 2026-11-23, 09:10 in Moscow.
fn now() -> Timestamp {
    "2026-11-23T06:10:00Z".parse().unwrap()
}

async fn desk(text: &str) -> (TempDir, Desk) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("gudok.db")).await.unwrap();
    (folder, Desk::new(Arc::new(Clinic::parse(text, "test.toml").unwrap()), store))
}

fn visitor() -> Visitor {
    Visitor {
        phone: "8 (903) 123-45-67".into(),
        person: "Анна".into(),
        animal: "кот Барсик".into(),
        reason: "чихает".into(),
    }
}

fn therapy() -> SlotQuery {
    SlotQuery { service: Some("therapy".to_owned()), limit: 100, ..SlotQuery::default() }
}

/// `belov 09:30` for every slot.
fn told(slots: &[desk::Slot]) -> Vec<String> {
    slots.iter().map(|slot| format!("{} {}", slot.doctor_id, slot.start.strftime("%H:%M"))).collect()
}

fn on(day: jiff::civil::Date) -> SlotQuery {
    SlotQuery { date_from: Some(day), date_to: Some(day), ..therapy() }
}

#[tokio::test]
async fn times_are_within_hours_exceptions_and_lengths() {
    let (_folder, desk) = desk(TWO_DOCTORS).await;
    let today = desk.find(&on(date(2026, 11, 23)), now()).await.unwrap();
    // Belov works from eight, the clinic opens at nine, it is ten past nine; Gromov takes an hour and rests at one.
    let expected = [
        "belov 09:30",
        "belov 10:00",
        "gromov 10:00",
        "gromov 10:30",
        "belov 10:30",
        "gromov 11:00",
        "belov 11:00",
        "belov 11:30",
        "gromov 11:30",
        "gromov 12:00",
        "gromov 14:00",
        "gromov 14:30",
        "gromov 15:00",
        "gromov 15:30",
        "gromov 16:00",
        "gromov 16:30",
        "gromov 17:00",
    ];
    let mut sorted: Vec<String> = expected.iter().map(|text| (*text).to_owned()).collect();
    let mut found = told(&today);
    let by_time = |text: &String| (text[text.len() - 5..].to_owned(), text.clone());
    sorted.sort_by_key(by_time);
    found.sort_by_key(by_time);
    assert_eq!(found, sorted);
    assert!(today.windows(2).all(|pair| pair[0].start <= pair[1].start), "not earliest first");

    let on_vacation = desk.find(&on(date(2026, 11, 24)), now()).await.unwrap();
    assert!(on_vacation.iter().all(|slot| slot.doctor_id == "gromov"));
    assert!(desk.find(&on(date(2026, 11, 25)), now()).await.unwrap().is_empty());
    assert_eq!(told(&desk.find(&on(date(2026, 11, 26)), now()).await.unwrap()), ["gromov 12:00"]);
    assert!(desk.find(&on(date(2026, 11, 22)), now()).await.unwrap().is_empty(), "the past");
    assert!(desk.find(&on(date(2027, 3, 1)), now()).await.unwrap().is_empty(), "past the horizon");
}

#[tokio::test]
async fn the_first_three_spread_over_doctors_and_a_part_of_the_day_can_be_asked_for() {
    let (_folder, desk) = desk(TWO_DOCTORS).await;
    let query = SlotQuery { limit: 0, time_from: Some(time(10, 0, 0, 0)), ..therapy() };
    let found = desk.find(&query, now()).await.unwrap();
    assert_eq!(found.len(), 3);
    assert_ne!(found[0].doctor_id, found[1].doctor_id);
    let query =
        SlotQuery { time_from: Some(time(14, 0, 0, 0)), time_to: Some(time(14, 30, 0, 0)), ..on(date(2026, 11, 23)) };
    assert_eq!(told(&desk.find(&query, now()).await.unwrap()), ["gromov 14:00", "gromov 14:30"]);
    let belov = SlotQuery { doctor: Some("belov".to_owned()), service: Some("терапия".to_owned()), ..query };
    assert!(desk.find(&belov, now()).await.unwrap().is_empty());

    let wrong = SlotQuery { service: Some("мрт".to_owned()), ..SlotQuery::default() };
    let error = desk.find(&wrong, now()).await.unwrap_err();
    assert_eq!(error.code(), "unknown-service");
    assert!(error.to_string().contains("therapy, surgery"), "{error}");
    let pharmacy = SlotQuery { service: Some("pharmacy".to_owned()), ..SlotQuery::default() };
    assert!(desk.find(&pharmacy, now()).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hundred_callers_after_one_slot_exactly_one_gets_it() {
    let (_folder, desk) = desk(TWO_DOCTORS).await;
    let slot = desk.find(&therapy(), now()).await.unwrap().remove(0);
    let callers = (0..200).map(|n| {
        let (desk, slot) = (desk.clone(), slot.id.clone());
        let visitor = Visitor { phone: format!("+7903000{n:04}").into(), ..visitor() };
        tokio::spawn(async move { desk.book(&slot, &visitor, None, now()).await.unwrap() })
    });
    let mut booked = 0;
    for caller in callers.collect::<Vec<_>>() {
        booked += usize::from(matches!(caller.await.unwrap(), Booking::Booked(_)));
    }
    assert_eq!(booked, 1);
    let left = desk.find(&therapy(), now()).await.unwrap();
    assert!(left.iter().all(|other| other.id != slot.id), "it is still offered");
}

#[tokio::test]
async fn a_visit_is_booked_found_moved_and_called_off() {
    let (_folder, desk) = desk(TWO_DOCTORS).await;
    let slots = desk.find(&on(date(2026, 11, 23)), now()).await.unwrap();
    let Booking::Booked(first) = desk.book(&slots[0].id, &visitor(), None, now()).await.unwrap() else { panic!() };
    assert_eq!((first.slot.clone(), first.status), (slots[0].clone(), Status::Booked));
    assert_eq!(first.visitor.phone.as_str(), "+79031234567");
    assert_eq!(desk.book(&slots[0].id, &visitor(), None, now()).await.unwrap(), Booking::Taken);

    let later = slots.iter().find(|slot| slot.doctor_id == "gromov").unwrap();
    let Booking::Booked(other) = desk.book(&later.id, &visitor(), None, now()).await.unwrap() else { panic!() };
    // To a time somebody has: nothing changes.
    assert_eq!(desk.reschedule(&first.id, &later.id, None, now()).await.unwrap(), Booking::Taken);
    let mine = desk.mine("+7 903 123 45 67", now()).await.unwrap();
    assert_eq!(mine, [(*first).clone(), (*other).clone()]);

    desk.cancel(&other.id, "передумали", None, now()).await.unwrap();
    desk.cancel(&other.id, "", None, now()).await.unwrap();
    let Booking::Booked(moved) = desk.reschedule(&first.id, &later.id, None, now()).await.unwrap() else { panic!() };
    assert_eq!(moved.visitor, first.visitor);
    assert_eq!(desk.mine("89031234567", now()).await.unwrap(), [(*moved).clone()]);
    let free = desk.find(&on(date(2026, 11, 23)), now()).await.unwrap();
    assert!(free.contains(&slots[0]), "the old time was not released");

    let closed = desk.reschedule(&first.id, &slots[1].id, None, now()).await.unwrap_err();
    assert_eq!(closed.code(), "appointment-closed");
    assert_eq!(desk.cancel("nobody", "", None, now()).await.unwrap_err().code(), "unknown-appointment");
    let after = now() + 10.hours();
    assert!(desk.mine("89031234567", after).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_slot_id_is_a_wish_not_a_permission() {
    let (_folder, desk) = desk(TWO_DOCTORS).await;
    let sixty_one_days = "gromov|therapy|2027-01-25T08:00Z";
    for (id, code) in [
        ("", "bad-slot"),
        ("gromov|therapy", "bad-slot"),
        ("gromov|therapy|завтра", "bad-slot"),
        ("gromov|therapy|2026-11-24T08:00Z|x", "bad-slot"),
        ("gromov|therapy|2026-11-24T08:00:00Z", "bad-slot"),
        ("ivanov|therapy|2026-11-24T08:00Z", "unknown-doctor"),
        ("gromov|mrt|2026-11-24T08:00Z", "unknown-service"),
        ("belov|surgery|2026-11-23T08:00Z", "slot-not-offered"),
        ("gromov|pharmacy|2026-11-24T08:00Z", "slot-not-offered"),
        ("gromov|therapy|2026-11-23T06:00Z", "slot-not-offered"),
        ("gromov|therapy|2026-11-22T08:00Z", "slot-not-offered"),
        ("gromov|therapy|2026-11-25T08:00Z", "slot-not-offered"),
        ("gromov|therapy|2026-11-24T10:00Z", "slot-not-offered"),
        ("gromov|therapy|2026-11-24T14:30Z", "slot-not-offered"),
        ("gromov|therapy|2026-11-24T08:10Z", "slot-not-offered"),
        (sixty_one_days, "slot-not-offered"),
    ] {
        let error = desk.book(id, &visitor(), None, now()).await.unwrap_err();
        assert_eq!(error.code(), code, "{id}: {error}");
    }
    let nameless = Visitor { phone: "не скажу".into(), ..visitor() };
    let error = desk.book("gromov|therapy|2026-11-24T08:00Z", &nameless, None, now()).await.unwrap_err();
    assert!(matches!(error, DeskError::BadPhone));
    assert!(matches!(
        desk.book("gromov|therapy|2026-11-24T08:00Z", &visitor(), None, now()).await,
        Ok(Booking::Booked(_))
    ));
}

#[tokio::test]
async fn another_clinics_appointment_does_not_exist() {
    let (_folder, lapa) = desk(TWO_DOCTORS).await;
    let zoo = Clinic::parse(&TWO_DOCTORS.replace("vet_lapa", "vet_zoo"), "zoo.toml").unwrap();
    let store = Store::open(_folder.path().join("gudok.db")).await.unwrap();
    let zoo = Desk::new(Arc::new(zoo), store);
    let slot = lapa.find(&therapy(), now()).await.unwrap().remove(0);
    let Booking::Booked(appointment) = lapa.book(&slot.id, &visitor(), None, now()).await.unwrap() else { panic!() };
    assert_eq!(zoo.cancel(&appointment.id, "", None, now()).await.unwrap_err().code(), "unknown-appointment");
    assert!(zoo.mine("89031234567", now()).await.unwrap().is_empty());
    assert!(matches!(zoo.book(&slot.id, &visitor(), None, now()).await.unwrap(), Booking::Booked(_)));
}

#[tokio::test]
async fn call_backs_are_due_when_somebody_is_there() {
    let (_folder, desk) = desk(TWO_DOCTORS).await;
    let request = |at| CallbackRequest { phone: "89031234567".into(), at, ..CallbackRequest::default() };
    let cases = [
        // (now, asked for, due), on Moscow's clock; the clinic is open 09:00-21:00, closed on the 25th.
        ("2026-11-23T10:00", None, "2026-11-23T10:30"),
        ("2026-11-23T20:50", None, "2026-11-24T09:30"),
        ("2026-11-23T23:00", None, "2026-11-24T09:30"),
        ("2026-11-24T23:00", None, "2026-11-26T12:30"),
        ("2026-11-23T10:00", Some("2026-11-23T17:00"), "2026-11-23T17:00"),
        ("2026-11-23T10:00", Some("2026-11-25T17:00"), "2026-11-26T12:30"),
        ("2026-11-23T10:00", Some("2026-11-22T17:00"), "2026-11-23T10:30"),
    ];
    for (now, at, due) in cases {
        let local = |text: &str| text.parse::<jiff::civil::DateTime>().unwrap();
        let moment = desk.clinic().zone.to_timestamp(local(now)).unwrap();
        let promise = desk.request_callback(&request(at.map(local)), None, moment).await.unwrap();
        assert_eq!(promise.due.datetime(), local(due), "now {now}, asked for {at:?}");
    }
    let nobody = CallbackRequest::default();
    assert!(matches!(desk.request_callback(&nobody, None, now()).await, Err(DeskError::BadPhone)));
}

#[tokio::test]
async fn whoever_is_on_the_list_is_called_once() {
    let (_folder, desk) = desk(TWO_DOCTORS).await;
    let store = Store::open(_folder.path().join("gudok.db")).await.unwrap();
    let asked = NewContact {
        id: "form".into(),
        clinic: "vet_lapa".into(),
        timezone: "Europe/Moscow".into(),
        kind: ContactKind::Request,
        phone: "+79031234567".into(),
        person: "Анна".into(),
        reason: "прививка".into(),
        due_ms: now().as_millisecond() + 3 * 3_600_000,
        deadline_ms: now().as_millisecond() + 4 * 3_600_000,
        visit: None,
        call: None,
        message: None,
        dedup: None,
        created_ms: now().as_millisecond(),
    };
    assert_eq!(store.add_contact(&asked).await.unwrap(), Added::New);
    let request = |phone: &str, reason: &str| CallbackRequest {
        phone: phone.into(),
        reason: reason.into(),
        ..CallbackRequest::default()
    };
    let promise = desk.request_callback(&request("8 (903) 123-45-67", "кашель"), Some("c1"), now()).await.unwrap();
    assert_eq!(promise.id, "form");
    let list = store.contacts("vet_lapa").await.unwrap();
    assert_eq!((list.len(), list[0].reason.as_str(), list[0].kind), (1, "прививка / кашель", ContactKind::Request));
    assert_eq!(list[0].next_ms, promise.due.timestamp().as_millisecond(), "called when it was promised, not later");
    // Promised again in the same call, and to somebody else.
    assert_eq!(desk.request_callback(&request("+79031234567", ""), Some("c1"), now()).await.unwrap().id, "form");
    let other = desk.request_callback(&request("+79035550000", ""), Some("c2"), now()).await.unwrap();
    let open = store.callbacks("vet_lapa", CallbackStatus::Open).await.unwrap();
    assert!(open.len() == 2 && ["form", &other.id].iter().all(|id| open.iter().any(|one| one.id == *id)), "{open:?}");
}

#[test]
fn clock_changes_move_no_visit_and_lose_none() {
    // Berlin leaves summer time on 2026-10-25 at 03:00 and enters it on 2027-03-28 at 02:00.
    let text = r#"
        id = "tierarzt"
        name = "Tierarzt"
        kind = "veterinary"
        timezone = "Europe/Berlin"
        services = ["приём"]
        hours = "00:00-06:00"
        horizon_days = 366
    "#;
    let clinic = Clinic::parse(text, "berlin.toml").unwrap();
    let now: Timestamp = "2026-10-20T00:00:00Z".parse().unwrap();
    let on = |day| SlotQuery { date_from: Some(day), date_to: Some(day), limit: 100, ..SlotQuery::default() };
    let ordinary = free_slots(&clinic, &[], &on(date(2026, 10, 24)), now).unwrap();
    assert_eq!(ordinary.len(), 12);

    // The hour from two to three happens twice; it is offered once, and no two visits overlap.
    let autumn = free_slots(&clinic, &[], &on(date(2026, 10, 25)), now).unwrap();
    assert_eq!(autumn.len(), 12);
    assert_eq!(autumn[8].id, "duty|priem|2026-10-25T03:00Z");
    assert_eq!(autumn[8].start.strftime("%H:%M").to_string(), "04:00");
    // The hour from two to three does not happen.
    let spring = free_slots(&clinic, &[], &on(date(2027, 3, 28)), now).unwrap();
    let times: Vec<String> = spring.iter().map(|slot| slot.start.strftime("%H:%M").to_string()).collect();
    assert_eq!(times, ["00:00", "00:30", "01:00", "01:30", "03:00", "03:30", "04:00", "04:30", "05:00", "05:30"]);
    for slots in [autumn, spring] {
        let apart = slots.windows(2).all(|pair| pair[1].start_ms() - pair[0].start_ms() >= 30 * 60_000);
        assert!(apart, "visits overlap on the day of the change");
    }
}

#[test]
fn open_and_next_open_follow_the_wall_clock() {
    let clinic = Clinic::parse(TWO_DOCTORS, "test.toml").unwrap();
    let at = |text: &str| clinic.zone.to_timestamp(text.parse().unwrap()).unwrap();
    assert!(clinic.is_open(at("2026-11-23T09:00")));
    assert!(!clinic.is_open(at("2026-11-23T21:00")));
    assert!(!clinic.is_open(at("2026-11-25T12:00")));
    assert_eq!(clinic.next_open(at("2026-11-24T21:30")), Some(at("2026-11-26T12:00")));
    assert_eq!(clinic.next_open(at("2026-11-24T20:30")), Some(at("2026-11-24T20:30")));
}

#[test]
fn sixty_days_of_fifty_full_doctors_are_searched_quickly() {
    let mut text = String::from(
        "id = \"big\"\nname = \"Большая\"\nkind = \"medical\"\ntimezone = \"Europe/Moscow\"\nservices = [\"приём\"]\n",
    );
    for n in 0..50 {
        text.push_str(&format!("[[doctors]]\nid = \"d{n}\"\nname = \"Врач {n}\"\n"));
    }
    let clinic = Clinic::parse(&text, "big.toml").unwrap();
    // Everything is taken but the very last time.
    let mut busy = Vec::new();
    for day in 0..=60i64 {
        for doctor in 0..50 {
            for half_hour in 0..24i64 {
                let start =
                    clinic.instant(date(2026, 11, 23).saturating_add(day.days()), desk::Minute::new(540).unwrap());
                let start_ms = start.unwrap().as_millisecond() + half_hour * 1_800_000;
                busy.push(Busy {
                    doctor: format!("d{doctor}"),
                    start_ms,
                    end_ms: start_ms + 1_800_000,
                    ..Busy::default()
                });
            }
        }
    }
    let free = busy.pop().unwrap();
    let clock = Instant::now();
    let found = free_slots(&clinic, &busy, &SlotQuery::default(), now()).unwrap();
    println!("full search over {} bookings: {:?}", busy.len(), clock.elapsed());
    assert_eq!(found.iter().map(|slot| slot.start_ms()).collect::<Vec<_>>(), [free.start_ms]);
    let clock = Instant::now();
    assert_eq!(free_slots(&clinic, &[], &SlotQuery::default(), now()).unwrap().len(), 3);
    println!("empty schedule: {:?}", clock.elapsed());
    let clock = Instant::now();
    let all = SlotQuery { limit: u32::MAX, ..SlotQuery::default() };
    println!("all {} free times: {:?}", free_slots(&clinic, &[], &all, now()).unwrap().len(), clock.elapsed());
}

#[derive(Debug, Clone)]
enum Step {
    Book(usize),
    Move(usize, usize),
    Cancel(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0usize..40).prop_map(Step::Book),
        2 => (0usize..20, 0usize..40).prop_map(|(who, to)| Step::Move(who, to)),
        1 => (0usize..20).prop_map(Step::Cancel),
    ];
    proptest::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is booked, moved and called off: no two live visits of a doctor overlap, and every visit that was not called
    /// off holds exactly one time.
    #[test]
    fn no_two_visits_of_a_doctor_overlap(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (folder, desk) = desk(TWO_DOCTORS).await;
            // Times that are really free and, with a step of half an hour and visits of an hour and more, often overlap.
            let mut slots = desk.find(&on(date(2026, 11, 23)), now()).await.unwrap();
            slots.extend(desk.find(&SlotQuery { service: Some("surgery".to_owned()), ..on(date(2026, 11, 23)) }, now()).await.unwrap());
            let mut held: Vec<Option<String>> = Vec::new();
            for step in steps {
                match step {
                    Step::Book(n) => {
                        let slot = &slots[n % slots.len()];
                        if let Booking::Booked(visit) = desk.book(&slot.id, &visitor(), None, now()).await.unwrap() {
                            held.push(Some(visit.id));
                        }
                    }
                    Step::Move(who, to) => {
                        let count = held.len().max(1);
                        let Some(Some(id)) = held.get(who % count).cloned() else { continue };
                        let slot = &slots[to % slots.len()];
                        if let Booking::Booked(visit) = desk.reschedule(&id, &slot.id, None, now()).await.unwrap() {
                            held[who % count] = Some(visit.id);
                        }
                    }
                    Step::Cancel(who) => {
                        let count = held.len().max(1);
                        let Some(Some(id)) = held.get(who % count).cloned() else { continue };
                        desk.cancel(&id, "", None, now()).await.unwrap();
                        held[who % count] = None;
                    }
                }
            }
            let store = Store::open(folder.path().join("gudok.db")).await.unwrap();
            let busy = store.busy("vet_lapa", 0, i64::MAX).await.unwrap();
            assert_eq!(busy.len(), held.iter().flatten().count());
            for (n, a) in busy.iter().enumerate() {
                for b in &busy[n + 1..] {
                    let apart = a.doctor != b.doctor || a.end_ms <= b.start_ms || b.end_ms <= a.start_ms;
                    assert!(apart, "{a:?} and {b:?} overlap");
                }
            }
        });
    }
}
