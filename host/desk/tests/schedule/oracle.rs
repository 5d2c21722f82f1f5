//! The search against a naive one that knows no shortcuts, on schedules made at random; and what it offers against what
//! can be booked.

use std::collections::BTreeSet;

use desk::{Booking, Clinic, Doctor, Minute, SlotQuery, Span, free_slots};
use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan as _};
use proptest::prelude::*;
use records::{Busy, Claims, ResourceClaim, Store};

use crate::{clinic, desk, visitor};

const MINUTE_MS: i64 = 60_000;

/// What is drawn; the clinic's text is made of it.
#[derive(Debug, Clone)]
struct Draw {
    zone: (&'static str, Date),
    step: u32,
    minutes: u32,
    first_minutes: u32,
    buffer: u32,
    rooms: u32,
    own_hours: bool,
    breaks: bool,
    species: bool,
    per_day: u32,
    closed: bool,
    repair: bool,
    first_visit: bool,
    asked_species: bool,
    booked: Vec<(usize, i64, i64, bool, bool)>,
}

fn draws() -> impl Strategy<Value = Draw> {
    let zones = prop_oneof![
        Just(("Europe/Moscow", date(2026, 11, 23))),
        // The clocks go back, and forward, on the second of the days that are looked at.
        Just(("Europe/Berlin", date(2026, 10, 24))),
        Just(("Europe/Berlin", date(2027, 3, 27))),
        Just(("America/New_York", date(2026, 10, 31))),
    ];
    let booked = proptest::collection::vec((0usize..3, 0i64..3 * 288, 1i64..30, any::<bool>(), any::<bool>()), 0..40);
    let numbers = (
        prop_oneof![Just(10u32), Just(15), Just(20), Just(30)],
        prop_oneof![Just(15u32), Just(20), Just(45), Just(90)],
        prop_oneof![Just(20u32), Just(60)],
        prop_oneof![Just(0u32), Just(5), Just(40)],
        1u32..3,
        1u32..6,
    );
    let flags = (any::<[bool; 7]>(),);
    (zones, numbers, flags, booked).prop_map(|(zone, numbers, (flags,), booked)| {
        let (step, minutes, first_minutes, buffer, rooms, per_day) = numbers;
        let [own_hours, breaks, species, closed, repair, first_visit, asked_species] = flags;
        Draw {
            zone,
            step,
            minutes,
            first_minutes,
            buffer,
            rooms,
            own_hours,
            breaks,
            species,
            per_day,
            closed,
            repair,
            first_visit,
            asked_species,
            booked,
        }
    })
}

fn text(draw: &Draw) -> String {
    let mut text = format!(
        "id = \"odd\"\nname = \"Случайная\"\nkind = \"veterinary\"\ntimezone = \"{}\"\nslot_step = {}\nhorizon_days = 2\n",
        draw.zone.0, draw.step
    );
    // From midnight on, so that a changed hour lies in the hours.
    text.push_str("hours = [\"00:00-06:00\", \"09:00-13:00\", \"14:00-24:00\"]\n");
    if draw.closed {
        let day = draw.zone.1.saturating_add(1.day());
        text.push_str(&format!("exceptions = [{{ date = {day}, hours = \"01:00-05:00\" }}]\n"));
    }
    let repair = draw.zone.1.saturating_add(2.days());
    let repair = if draw.repair {
        format!("exceptions = [{{ date = {repair}, hours = \"00:00-11:15\" }}]\n")
    } else {
        String::new()
    };
    text.push_str(&format!("[[resources]]\nid = \"rooms\"\nname = \"кабинет\"\ncount = {}\n{repair}", draw.rooms));
    text.push_str(&format!(
        "[[services]]\nid = \"s\"\nname = \"приём\"\nminutes = {}\nfirst_minutes = {}\nbuffer_minutes = {}\nneeds = [\"rooms\"]\n",
        draw.minutes, draw.first_minutes, draw.buffer
    ));
    text.push_str("[[doctors]]\nid = \"d0\"\nname = \"Первый\"\n");
    text.push_str("[[doctors]]\nid = \"d1\"\nname = \"Второй\"\n");
    if draw.own_hours {
        text.push_str("hours = { daily = [\"01:40-12:20\", \"15:00-23:10\"] }\n");
    }
    if draw.breaks {
        text.push_str("breaks = { daily = \"02:20-03:05\" }\n");
    }
    if draw.species {
        text.push_str("species = [\"кошки\"]\n");
    }
    text.push_str(&format!("[[doctors]]\nid = \"d2\"\nname = \"Третий\"\nper_day = {}\n", draw.per_day));
    text
}

/// What is booked: stretches of five-minute steps from the first day's midnight. Visits of one doctor do not overlap, and
/// never are more rooms in use than there are; whatever would break that is left out. Absences may lie anywhere.
fn booked(draw: &Draw, clinic: &Clinic) -> Vec<Busy> {
    let origin = clinic.instant(draw.zone.1, Minute::START).unwrap().as_millisecond();
    let mut taken: Vec<Busy> = Vec::new();
    for (doctor, start, length, room, away) in &draw.booked {
        let start_ms = origin + start * 5 * MINUTE_MS;
        let busy = Busy {
            doctor: format!("d{doctor}"),
            start_ms,
            end_ms: start_ms + length * 5 * MINUTE_MS,
            resources: if *room && !away { vec!["rooms".into()] } else { Vec::new() },
            away: *away,
        };
        let overlaps = |other: &&Busy| other.start_ms < busy.end_ms && busy.start_ms < other.end_ms;
        let own = |other: &Busy| other.doctor == busy.doctor && !other.away;
        let rooms = taken.iter().filter(overlaps).filter(|other| !other.resources.is_empty()).count();
        if busy.away || !(taken.iter().filter(overlaps).any(own) || (*room && rooms >= draw.rooms as usize)) {
            taken.push(busy);
        }
    }
    taken
}

/// Every start that the rules allow, found by trying every minute.
fn naive(draw: &Draw, clinic: &Clinic, busy: &[Busy], now: Timestamp) -> BTreeSet<(i64, String)> {
    let mut free = BTreeSet::new();
    let service = clinic.service("s").unwrap();
    let length =
        i64::from(if draw.first_visit { draw.minutes.max(draw.first_minutes) } else { draw.minutes }) * MINUTE_MS;
    let held = length + i64::from(draw.buffer) * MINUTE_MS;
    for day in 0..3 {
        let date = draw.zone.1.saturating_add(i64::from(day).days());
        for doctor in clinic.doctors.iter().filter(|doctor| !draw.asked_species || doctor.sees("кошки")) {
            let at = |minute: u16| clinic.instant(date, Minute::new(minute).unwrap()).unwrap().as_millisecond();
            let (midnight, next) = (at(0), at(1440));
            let that_day =
                |busy: &&Busy| busy.doctor == doctor.id && !busy.away && (midnight..next).contains(&busy.start_ms);
            if doctor.per_day.is_some_and(|most| busy.iter().filter(that_day).count() >= most as usize) {
                continue;
            }
            for (opens, closes) in runs(clinic, doctor, date) {
                for minute in (opens..closes).step_by(draw.step as usize) {
                    let start = at(minute);
                    // A minute that the clocks skip is no time of that day.
                    let local = clinic.local(Timestamp::from_millisecond(start).unwrap());
                    if Minute::from(local.time()).get() != minute || start < now.as_millisecond() {
                        continue;
                    }
                    let fits = start + length <= at(closes);
                    let own = |other: &Busy| {
                        let end = if other.away { start + length } else { start + held };
                        other.doctor == doctor.id && other.start_ms < end && start < other.end_ms
                    };
                    let used = |at: i64| {
                        let holds =
                            |other: &&Busy| !other.resources.is_empty() && other.start_ms <= at && at < other.end_ms;
                        busy.iter().filter(holds).count()
                    };
                    let room =
                        (start..start + held).step_by(MINUTE_MS as usize).all(|at| used(at) < draw.rooms as usize);
                    let repaired = !(draw.repair && day == 2) || start + length <= at(11 * 60 + 15);
                    if fits && room && repaired && !busy.iter().any(own) {
                        free.insert((start, format!("{}|{}", doctor.id, service.id)));
                    }
                }
            }
        }
    }
    free
}

/// The runs of minutes at which the doctor is there, minute by minute.
fn runs(clinic: &Clinic, doctor: &Doctor, date: Date) -> Vec<(u16, u16)> {
    let within = |spans: &[Span], minute: u16| spans.iter().any(|span| span.contains(Minute::new(minute).unwrap()));
    let open = clinic.hours(date).spans;
    let there = |minute: u16| {
        within(&open, minute)
            && doctor.spans(date).is_none_or(|spans| within(spans, minute))
            && !within(doctor.breaks.on(date), minute)
    };
    let mut runs: Vec<(u16, u16)> = Vec::new();
    for minute in (0..1440).filter(|minute| there(*minute)) {
        match runs.last_mut() {
            Some((_, closes)) if *closes == minute => *closes += 1,
            _ => runs.push((minute, minute + 1)),
        }
    }
    runs
}

fn asked(draw: &Draw) -> SlotQuery {
    SlotQuery {
        first_visit: draw.first_visit,
        species: draw.asked_species.then(|| "кот".to_owned()),
        limit: u32::MAX,
        ..SlotQuery::default()
    }
}

/// Some hours into the first day, so that some of it is past.
fn moment(draw: &Draw, clinic: &Clinic) -> Timestamp {
    clinic.instant(draw.zone.1, Minute::new(125).unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Nothing is offered that the rules forbid, and nothing that they allow is missed.
    #[test]
    fn the_search_finds_what_trying_everything_finds(draw in draws()) {
        let clinic = clinic(&text(&draw));
        let (busy, now) = (booked(&draw, &clinic), moment(&draw, &clinic));
        let found = free_slots(&clinic, &busy, &asked(&draw), now).unwrap();
        let starts: Vec<i64> = found.iter().map(desk::Slot::start_ms).collect();
        prop_assert!(starts.is_sorted());
        let found: BTreeSet<(i64, String)> =
            found.iter().map(|slot| (slot.start_ms(), format!("{}|{}", slot.doctor_id, slot.service_id))).collect();
        prop_assert_eq!(&found, &naive(&draw, &clinic, &busy, now));
        let once = free_slots(&clinic, &busy, &SlotQuery { each_time_once: true, ..asked(&draw) }, now).unwrap();
        let different: BTreeSet<i64> = starts.into_iter().collect();
        prop_assert_eq!(once.iter().map(desk::Slot::start_ms).collect::<Vec<_>>(), different.into_iter().collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever is offered can be booked, and the store, asked behind the search's back, refuses what is not offered any more.
    #[test]
    fn what_is_offered_can_be_booked_and_then_is_gone(draw in draws(), picks in proptest::collection::vec(any::<prop::sample::Index>(), 1..8)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            // Every visitor of this test is a first one, by number.
            let draw = Draw { first_visit: true, asked_species: false, booked: Vec::new(), ..draw };
            let (folder, desk) = desk(&text(&draw)).await;
            let store = Store::open(folder.path().join("gudok.db")).await.unwrap();
            let now = moment(&draw, desk.clinic());
            for (n, pick) in picks.iter().enumerate() {
                let slots = desk.find(&asked(&draw), now).await.unwrap();
                if slots.is_empty() {
                    break;
                }
                let slot = &slots[pick.index(slots.len())];
                let who = desk::Visitor { phone: format!("+7903123{n:04}").into(), ..visitor("") };
                let booked = desk.book(&slot.id, &who, None, now).await.unwrap();
                let Booking::Booked(visit) = booked else { panic!("{} was offered and is taken", slot.id) };
                assert_eq!(&visit.slot, slot);
                let after = desk.find(&asked(&draw), now).await.unwrap();
                // One more room in use at that time: where none was left, every doctor's time is gone.
                let claims = Claims { resources: vec![ResourceClaim { resource: "rooms".into(), there_are: draw.rooms }], per_day: None };
                for gone in slots.iter().filter(|slot| !after.contains(slot)).take(3) {
                    let record = records::BookingRecord {
                        id: records::id(),
                        clinic: "odd".into(),
                        doctor: gone.doctor_id.clone(),
                        start_ms: gone.start_ms(),
                        end_ms: gone.start_ms() + i64::from(gone.minutes) * MINUTE_MS,
                        held_until_ms: gone.start_ms() + i64::from(gone.minutes + draw.buffer) * MINUTE_MS,
                        ..records::BookingRecord::default()
                    };
                    let full = gone.doctor_id == "d2";
                    let outcome = store.book_with(&record, &claims, "test").await.unwrap();
                    assert!(full || outcome == records::BookOutcome::Taken, "{} is not offered, and was booked", gone.id);
                    if outcome != records::BookOutcome::Taken {
                        store.cancel(&record.id, &records::Change::default()).await.unwrap();
                    }
                }
            }
        });
    }
}
