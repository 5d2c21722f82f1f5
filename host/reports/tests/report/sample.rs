//! A made-up month of a busy veterinary clinic, the same every time: for tests, and for the pictures in the documentation.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use records::{BookingRecord, CallRecord, Change, Outcome, Status, Store, Tag};
use reports::Period;

pub const CLINIC: &str = "vet_lapa";
pub const ZONE: &str = "Europe/Moscow";

/// Category, how often out of 1000, usual talk in seconds.
pub const MIX: [(&str, u64, i64); 10] = [
    ("target", 560, 170),
    ("inpatient", 110, 150),
    ("test_results", 90, 95),
    ("doctor", 75, 210),
    ("reschedule", 60, 80),
    ("feed_drugs", 40, 70),
    ("not_our_service", 30, 60),
    ("callback_missed", 17, 45),
    ("advertising", 12, 65),
    ("no_topic", 6, 12),
];

/// Writes about `per_day` calls a day.
pub async fn fill(store: &Store, period: Period, per_day: u64, mix: &[(&str, u64, i64)], seed: u64) {
    let mut dice = Dice(seed);
    let zone = TimeZone::get(ZONE).unwrap();
    for date in period.from.series(jiff::ToSpan::day(1)).take_while(|date| *date <= period.to) {
        let weekday = usize::from(date.weekday().to_monday_zero_offset().unsigned_abs());
        let busy = [150, 110, 100, 95, 105, 85, 55][weekday];
        for n in 0..per_day * busy / 100 + dice.below(5) {
            let hour = dice.pick(&[
                (9, 60),
                (10, 95),
                (11, 90),
                (12, 70),
                (13, 55),
                (14, 55),
                (15, 60),
                (16, 70),
                (17, 85),
                (18, 90),
                (19, 60),
                (20, 30),
            ]);
            let at = date.at(hour as i8, dice.below(60) as i8, dice.below(60) as i8, 0).to_zoned(zone.clone()).unwrap();
            call(store, &mut dice, at.timestamp().as_millisecond(), &format!("{date}-{n}"), hour, mix).await;
        }
    }
}

async fn call(store: &Store, dice: &mut Dice, at: i64, key: &str, hour: u64, mix: &[(&str, u64, i64)]) {
    let crowded = matches!(hour, 10 | 11 | 17 | 18);
    let lost = dice.below(100) < if crowded { 14 } else { 5 };
    let wait = dice.below(if crowded { 34 } else { 20 }) as i64 * 1000 + if lost { 12_000 } else { 1_000 };
    let mut call = CallRecord::import(key, CLINIC, ZONE, at, key);
    call.first_time = Some(dice.below(100) < 42);
    call.queue_wait_ms = Some(wait);
    call.ended_ms = Some(at + wait);
    if lost {
        store.import_call(&call).await.unwrap();
        return;
    }
    let weights: Vec<(usize, u64)> = mix.iter().enumerate().map(|(i, kind)| (i, kind.1)).collect();
    let (category, _, usual) = mix[dice.pick(&weights)];
    let talk = usual * 1000 * (50 + dice.below(100) as i64) / 100;
    call.answered_ms = Some(at + wait);
    call.ended_ms = Some(at + wait + talk);
    call.talk_ms = Some(talk);
    call.hold_ms = Some(if dice.below(10) == 0 { 15_000 } else { 0 });
    call.acw_ms = Some(dice.below(35) as i64 * 1000);
    store.import_call(&call).await.unwrap();
    store.add_tag(&tag(key, category, at, dice.below(100) < 5)).await.unwrap();
    if category == "target" && dice.below(100) < 56 {
        let start = at + (1 + dice.below(9) as i64) * 86_400_000;
        store.book(&booking(key, start, at), "robot").await.unwrap();
        store.set_outcome(key, Outcome::Booked).await.unwrap();
        if dice.below(100) < 84 {
            let change = Change { at_ms: start, by: "desk".into(), ..Change::default() };
            store.set_booking_status(key, Status::Arrived, &change).await.unwrap();
        }
    }
}

pub fn tag(call: &str, category: &str, at_ms: i64, review: bool) -> Tag {
    Tag {
        call: call.to_owned(),
        category: category.to_owned(),
        confidence: if review { 0.48 } else { 0.93 },
        evidence: serde_json::Value::Null,
        taxonomy_version: "1".into(),
        model_version: "calls-1".into(),
        review,
        by: "classifier".into(),
        at_ms,
    }
}

/// A visit booked in a call, with a doctor of its own so that none clash.
pub fn booking(call: &str, start_ms: i64, created_ms: i64) -> BookingRecord {
    BookingRecord {
        id: call.to_owned(),
        visit: call.to_owned(),
        clinic: CLINIC.to_owned(),
        timezone: ZONE.to_owned(),
        doctor: format!("doctor-{call}"),
        service: "terapiya".into(),
        start_ms,
        end_ms: start_ms + 1_800_000,
        status: Status::Booked,
        phone: "+79031234567".into(),
        person: "Анна".into(),
        animal: "кот".into(),
        reason: "".into(),
        call: Some(call.to_owned()),
        created_ms,
        updated_ms: created_ms,
        ..BookingRecord::default()
    }
}

pub fn month(year: i16, month: i8) -> Period {
    Period::month(Date::constant(year, month, 1))
}

/// Numbers that look random and never change (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    fn pick<T: Copy>(&mut self, weighted: &[(T, u64)]) -> T {
        let mut left = self.below(weighted.iter().map(|choice| choice.1).sum());
        for (choice, weight) in weighted {
            if left < *weight {
                return *choice;
            }
            left -= weight;
        }
        weighted[0].0
    }
}
