//! Each rule of the schedule by itself: what is offered, and that nothing else can be booked.

use desk::{Booking, Desk, Slot, SlotQuery, VisitAction, Visitor, free_slots};
use jiff::civil::{Date, date, time};
use records::{Absence, Busy};

use crate::{BIG, clinic, desk, now, visitor};

fn on(day: Date, service: &str) -> SlotQuery {
    SlotQuery {
        service: Some(service.to_owned()),
        date_from: Some(day),
        date_to: Some(day),
        limit: 1000,
        ..SlotQuery::default()
    }
}

fn of(doctor: &str, query: SlotQuery) -> SlotQuery {
    SlotQuery { doctor: Some(doctor.to_owned()), ..query }
}

fn times(slots: &[Slot]) -> Vec<String> {
    slots.iter().map(|slot| slot.start.strftime("%H:%M").to_string()).collect()
}

async fn book(desk: &Desk, slot: &Slot) -> Booking {
    desk.book(&slot.id, &visitor("кот Барсик"), None, now()).await.unwrap()
}

const TUESDAY: Date = date(2026, 11, 24);

#[test]
fn breaks_branches_and_holidays_shape_the_day() {
    let big = clinic(BIG);
    let free = |query: SlotQuery| free_slots(&big, &[], &query, now()).unwrap();
    let orlov = times(&free(of("orlov", on(TUESDAY, "vaccine"))));
    assert!(orlov.contains(&"12:45".to_owned()) && orlov.contains(&"13:30".to_owned()));
    assert!(!orlov.contains(&"13:00".to_owned()) && !orlov.contains(&"13:15".to_owned()));

    // Monday in the centre until noon, in the north from one; the doctor goes from one to the other.
    let zueva = free(of("zueva", on(date(2026, 11, 23), "vaccine")));
    let north: Vec<&Slot> = zueva.iter().filter(|slot| slot.branch_id == "north").collect();
    assert_eq!((north[0].branch_name.as_str(), times(&[north[0].clone()])[0].as_str()), ("Север", "13:00"));
    assert_eq!(zueva.first().unwrap().branch_id, "center");
    let only = SlotQuery { branch: Some("Север".to_owned()), ..on(date(2026, 11, 23), "vaccine") };
    assert!(free(only).iter().all(|slot| slot.branch_id == "north" && slot.doctor_id == "zueva"));
    assert!(free(of("zueva", on(date(2026, 11, 27), "vaccine"))).is_empty(), "the north is closed that day");
    assert!(free(on(date(2026, 11, 30), "vaccine")).is_empty(), "a holiday");
    // The machine is under repair, and the north has none.
    assert!(free(on(date(2026, 11, 25), "ultrasound")).is_empty());
    assert!(free(on(date(2026, 11, 26), "ultrasound")).iter().all(|slot| slot.branch_id == "center"));
    let surgeons = SlotQuery { speciality: Some("Хирург".to_owned()), ..on(TUESDAY, "vaccine") };
    assert!(free(surgeons).iter().all(|slot| slot.doctor_id == "petrov"));
}

#[test]
fn who_does_not_see_such_animals_is_not_offered() {
    let big = clinic(BIG);
    let free = |query: SlotQuery| free_slots(&big, &[], &query, now());
    let asked = |species: &str| SlotQuery { species: Some(species.to_owned()), ..on(TUESDAY, "vaccine") };
    assert!(free(asked("кошка")).unwrap().iter().any(|slot| slot.doctor_id == "orlov"));
    let rabbits = free(asked("кролик")).unwrap();
    assert!(!rabbits.is_empty() && rabbits.iter().all(|slot| slot.doctor_id != "orlov"));
    let by_animal = SlotQuery { animal: "кролик Степан".into(), ..on(TUESDAY, "vaccine") };
    assert_eq!(free(by_animal).unwrap(), rabbits);
    assert_eq!(free(asked("ёлка")).unwrap_err().code(), "unknown-species");
    let elsewhere = SlotQuery { branch: Some("юг".to_owned()), ..asked("кошка") };
    assert_eq!(free(elsewhere).unwrap_err().code(), "unknown-branch");
}

#[tokio::test]
async fn one_machine_two_doctors() {
    let (_folder, desk) = desk(BIG).await;
    let query = on(TUESDAY, "ultrasound");
    let slots = desk.find(&query, now()).await.unwrap();
    let at = |doctor: &str, start: &str| {
        slots.iter().find(|slot| slot.doctor_id == doctor && times(&[(*slot).clone()])[0] == start).unwrap()
    };
    assert!(matches!(book(&desk, at("orlov", "10:00")).await, Booking::Booked(_)));
    // Twenty minutes and ten of cleaning: the other doctor has the time, and not the machine.
    for taken in ["10:00", "10:15"] {
        assert_eq!(book(&desk, at("petrov", taken)).await, Booking::Taken, "{taken}");
    }
    let left = times(&desk.find(&of("petrov", query.clone()), now()).await.unwrap());
    for (start, free) in [("09:30", true), ("09:45", false), ("10:00", false), ("10:15", false), ("10:30", true)] {
        assert_eq!(left.contains(&start.to_owned()), free, "{start}");
    }
    assert!(matches!(book(&desk, at("petrov", "10:30")).await, Booking::Booked(_)));
}

#[tokio::test]
async fn a_first_visit_is_longer_and_a_day_has_its_limit() {
    let (_folder, desk) = desk(BIG).await;
    let query = of("orlov", SlotQuery { phone: "+79031234567".into(), ..on(TUESDAY, "therapy") });
    let slots = desk.find(&query, now()).await.unwrap();
    assert!(slots.iter().all(|slot| slot.minutes == 45));
    let Booking::Booked(first) = book(&desk, &slots[0]).await else { panic!() };
    assert_eq!((first.slot.minutes, first.first_visit, first.species.as_str()), (45, Some(true), "кошки"));
    let slots = desk.find(&query, now()).await.unwrap();
    assert!(slots.iter().all(|slot| slot.minutes == 30), "it is known by now");
    let other = SlotQuery { animal: "пёс Рекс".into(), ..query.clone() };
    assert!(desk.find(&other, now()).await.unwrap().iter().all(|slot| slot.minutes == 45), "this animal is not");

    for _ in 0..2 {
        let slots = desk.find(&query, now()).await.unwrap();
        assert!(matches!(book(&desk, &slots[0]).await, Booking::Booked(_)));
    }
    assert!(desk.find(&query, now()).await.unwrap().is_empty(), "three a day");
    assert_eq!(book(&desk, slots.last().unwrap()).await, Booking::Taken);
    // Moving within the full day is no fourth visit.
    let afternoon = slots.iter().find(|slot| times(&[(*slot).clone()])[0] == "16:00").unwrap();
    let to = VisitAction::Move { slot: afternoon.id.clone(), reason_code: None, reason: String::new() };
    let moved = desk.act(&first.id, &to, desk::Hand::person("olga", now())).await.unwrap();
    assert!(matches!(moved, desk::Acted::Done(_)));
}

#[tokio::test]
async fn every_time_once_whoever_has_it() {
    let (_folder, desk) = desk(BIG).await;
    let all = desk.find(&on(TUESDAY, "vaccine"), now()).await.unwrap();
    let once = desk.find(&SlotQuery { each_time_once: true, ..on(TUESDAY, "vaccine") }, now()).await.unwrap();
    let mut different = times(&all);
    different.dedup();
    assert!(all.len() > once.len());
    assert_eq!(times(&once), different);
    // It is not one doctor who is always named.
    let named = |doctor: &str| once.iter().filter(|slot| slot.doctor_id == doctor).count();
    assert!(named("petrov") > 5 && named("zueva") > 5 && named("orlov") > 5);
}

#[tokio::test]
async fn who_is_away_by_another_calendar_is_not_offered_and_not_booked() {
    let (folder, desk) = desk(BIG).await;
    let store = records::Store::open(folder.path().join("gudok.db")).await.unwrap();
    let slots = desk.find(&of("petrov", on(TUESDAY, "vaccine")), now()).await.unwrap();
    let (from, to) = (slots[4].start_ms(), slots[8].start_ms());
    let away = Absence { uid: "a".into(), start_ms: from, end_ms: to };
    store.replace_absences("big", "petrov", "test", &[away]).await.unwrap();
    let left = desk.find(&of("petrov", on(TUESDAY, "vaccine")), now()).await.unwrap();
    let expected: Vec<&Slot> = slots[..4].iter().chain(&slots[8..]).collect();
    assert_eq!(left.iter().collect::<Vec<_>>(), expected);
    assert_eq!(book(&desk, &slots[5]).await, Booking::Taken);
    assert!(matches!(book(&desk, &slots[3]).await, Booking::Booked(_)));
}

#[tokio::test]
async fn the_wrong_animal_cannot_be_booked_whoever_made_the_id() {
    let (_folder, desk) = desk(BIG).await;
    let slots = desk.find(&of("orlov", on(TUESDAY, "vaccine")), now()).await.unwrap();
    let rabbit = Visitor { animal: "кролик".into(), ..visitor("") };
    let error = desk.book(&slots[0].id, &rabbit, None, now()).await.unwrap_err();
    assert_eq!(error.code(), "slot-not-offered");
    assert!(error.to_string().contains("does not see such animals"), "{error}");
    // In the doctor's break; under repair; where the machine is not.
    for (id, why) in [
        ("orlov|vaccine|2026-11-24T10:00Z", "does not work"),
        ("orlov|ultrasound|2026-11-25T08:00Z", "not there"),
        ("zueva|ultrasound|2026-11-26T08:00Z", "not there"),
        ("petrov|vaccine|2026-11-30T08:00Z", "does not work"),
        ("petrov|therapy|2026-11-24T11:45Z", "would not end"),
    ] {
        let error = desk.book(id, &visitor(""), None, now()).await.unwrap_err();
        assert!(error.to_string().contains(why), "{id}: {error}");
    }
}

#[test]
fn a_buffer_may_run_past_closing_time() {
    let big = clinic(BIG);
    let query = SlotQuery { time_from: Some(time(17, 0, 0, 0)), ..of("orlov", on(TUESDAY, "ultrasound")) };
    let last = free_slots(&big, &[], &query, now()).unwrap().pop().unwrap();
    assert_eq!(times(std::slice::from_ref(&last)), ["17:30"]);
    // The next visit in the books begins right after the visit, within its buffer.
    let next = Busy {
        doctor: "orlov".into(),
        start_ms: last.start_ms() + 20 * 60_000,
        end_ms: last.start_ms() + 40 * 60_000,
        ..Busy::default()
    };
    let left = free_slots(&big, &[next], &query, now()).unwrap();
    assert!(!left.contains(&last));
}
