//! Sums by day equal what the calls themselves add up to, whatever happened to them and in whatever order; words are found.

use records::{
    BookingRecord, CallEnd, CallFilter, CallRecord, Change, Direction, NewTime, Outcome, Status, Store, Tag, Turn, Who,
};
use serde_json::json;

use crate::{NOW, booking, store};

const DAY: i64 = 86_400_000;
/// Midnight in Moscow before [`NOW`].
const MIDNIGHT: i64 = NOW - 10 * 3_600_000;
const TODAY: i64 = (MIDNIGHT + 3 * 3_600_000) / DAY;
/// Days of a history: several spans, and single days before and after them.
const DAYS: u64 = 150;
const FIRST: i64 = TODAY - DAYS as i64 + 1;
const CLINICS: [&str; 2] = ["vet_lapa", "vet_zoo"];

/// A small generator: the same seed gives the same history.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % sides) as i64
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.roll(choices.len() as u64) as usize]
    }
}

#[tokio::test]
async fn sums_by_day_equal_the_calls_after_any_history() {
    for seed in 0..6 {
        let (_folder, store) = store().await;
        let mut dice = Dice(seed);
        let mut calls: Vec<CallRecord> = Vec::new();
        let mut visits: Vec<String> = Vec::new();
        for step in 0..120 {
            match dice.roll(10) {
                0..=3 => calls.push(ring(&store, &mut dice, step).await),
                4 => hang_up(&store, &mut dice, &calls).await,
                5 | 6 => tag(&store, &mut dice, &calls).await,
                7 => visits.extend(book(&store, &mut dice, &calls, step).await),
                8 => change_visit(&store, &mut dice, &visits, step).await,
                // Read in between: from here on there are sums that can go stale.
                _ => compare(&store, &mut dice).await,
            }
        }
        for _ in 0..4 {
            compare(&store, &mut dice).await;
        }
        let before = store.rolled(CLINICS[0], FIRST..=TODAY).await.unwrap();
        assert!(store.rebuild_rollups(CLINICS[0]).await.unwrap() > 0);
        assert_eq!(store.rolled(CLINICS[0], FIRST..=TODAY).await.unwrap(), before, "seed {seed}");
        assert_eq!(store.refresh_rollups(CLINICS[0], FIRST..=TODAY).await.unwrap(), 0, "nothing is left to do");
    }
}

async fn compare(store: &Store, dice: &mut Dice) {
    let clinic = dice.one_of(&CLINICS);
    let first = TODAY - dice.roll(DAYS);
    let last = first + dice.roll((TODAY - first + 1) as u64);
    let (from, to) = (MIDNIGHT - (TODAY - first) * DAY, MIDNIGHT - (TODAY - last - 1) * DAY);
    let rolled = store.rolled(clinic, first..=last).await.unwrap();
    let (answer, short) = (Store::ROLLED_ANSWER_MS, Store::ROLLED_SHORT_MS);
    assert_eq!(rolled.totals, store.period_totals(clinic, from, to, answer, short).await.unwrap());
    assert_eq!(rolled.categories, store.category_totals(clinic, from, to).await.unwrap());
    assert_eq!(rolled.hours, store.hour_of_week(clinic, from, to).await.unwrap());
    assert_eq!(rolled.days, store.day_totals(clinic, from, to).await.unwrap());
    let facts = store.collect_call_facts(clinic, from, to).await.unwrap();
    assert_eq!(rolled.booked, facts.iter().filter(|fact| fact.booked).count() as i64);
    assert_eq!(rolled.arrived, facts.iter().filter(|fact| fact.arrived).count() as i64);
    assert_eq!(rolled.waits.iter().map(|bucket| bucket.answered + bucket.lost).sum::<i64>(), rolled.totals.offered);
    let in_time = rolled.waits.iter().filter(|bucket| bucket.up_to_ms.is_some_and(|up_to| up_to <= answer));
    assert_eq!(in_time.map(|bucket| bucket.answered).sum::<i64>(), rolled.totals.answered_in_time);
    let by_day = store.category_days(clinic, first..=last).await.unwrap();
    assert_eq!(by_day.iter().map(|day| day.calls).sum::<i64>(), rolled.days.iter().map(|day| day.calls).sum::<i64>());
}

async fn ring(store: &Store, dice: &mut Dice, step: i64) -> CallRecord {
    let clinic = dice.one_of(&CLINICS);
    let at = MIDNIGHT - dice.roll(DAYS) * DAY + dice.roll(DAY as u64);
    let mut call = CallRecord::live(format!("call-{step}"), clinic, "Europe/Moscow", at);
    call.caller = dice.one_of(&[None, Some("+79030000001"), Some("+79030000002")]).map(Into::into);
    if dice.roll(8) == 0 {
        call.direction = Direction::Outgoing;
    }
    store.start_call(&call).await.unwrap();
    if dice.roll(5) > 0 {
        end(store, dice, &call).await;
    }
    call
}

async fn end(store: &Store, dice: &mut Dice, call: &CallRecord) {
    let wait = dice.one_of(&[0, 4_999, 5_000, 20_000, 20_001, 700_000]);
    let answered = dice.roll(3) > 0;
    let end = CallEnd {
        ended_ms: call.started_ms + wait + 60_000,
        answered_ms: answered.then_some(call.started_ms + wait),
        queue_wait_ms: dice.one_of(&[None, Some(wait)]),
        agent: dice.one_of(&[None, Some("robot"), Some("201")]).map(str::to_owned),
        outcome: dice.one_of(&[None, Some(Outcome::Callback), Some(Outcome::Booked)]),
        hold_ms: dice.one_of(&[None, Some(3_000)]),
        acw_ms: dice.one_of(&[None, Some(7_000)]),
        ..CallEnd::default()
    };
    store.end_call(&call.id, &end).await.unwrap();
}

async fn hang_up(store: &Store, dice: &mut Dice, calls: &[CallRecord]) {
    if !calls.is_empty() {
        let call = calls[dice.roll(calls.len() as u64) as usize].clone();
        end(store, dice, &call).await;
    }
}

async fn tag(store: &Store, dice: &mut Dice, calls: &[CallRecord]) {
    let Some(call) = calls.get(dice.roll(calls.len().max(1) as u64) as usize) else { return };
    let tag = Tag {
        call: call.id.clone(),
        category: dice.one_of(&["target", "doctor", "inpatient"]).to_owned(),
        confidence: 0.7,
        evidence: json!([]),
        taxonomy_version: "1".into(),
        model_version: "m".into(),
        review: dice.roll(2) == 0,
        by: "classifier".into(),
        at_ms: NOW,
    };
    store.add_tag(&tag).await.unwrap();
}

async fn book(store: &Store, dice: &mut Dice, calls: &[CallRecord], step: i64) -> Option<String> {
    let call = calls.get(dice.roll(calls.len().max(1) as u64) as usize)?;
    let visit = BookingRecord {
        call: Some(call.id.clone()),
        clinic: call.clinic.clone(),
        created_ms: call.started_ms,
        ..booking(&format!("visit-{step}"), "ivanov", NOW + step * 3_600_000)
    };
    store.book(&visit, "robot").await.unwrap();
    Some(visit.id)
}

async fn change_visit(store: &Store, dice: &mut Dice, visits: &[String], step: i64) {
    let Some(id) = visits.get(dice.roll(visits.len().max(1) as u64) as usize) else { return };
    let change = Change { at_ms: NOW, by: "desk".into(), ..Change::default() };
    // What a visit may not become any more is refused; that, too, is a history.
    let _ = match dice.roll(4) {
        0 => store.cancel(id, &change).await.map(|_| ()),
        1 => store.set_booking_status(id, Status::Arrived, &change).await.map(|_| ()),
        2 => store.set_booking_status(id, Status::NoShow, &change).await.map(|_| ()),
        _ => {
            let start_ms = NOW + 1_000 * 3_600_000 + step * 3_600_000;
            let to = NewTime {
                id: format!("{id}-{step}"),
                doctor: "petrov".into(),
                service: "terapiya".into(),
                start_ms,
                end_ms: start_ms + 1_800_000,
                ..NewTime::default()
            };
            store.move_booking(id, &to, &change).await.map(|_| ())
        }
    };
}

#[tokio::test]
async fn calls_are_found_by_words_in_any_ending() {
    let (_folder, store) = store().await;
    for (n, (caller, robot)) in
        [("Сколько стоит стрижка кота?", "Груминга у нас нет"), ("Хочу записать кошку", "Когда удобно?")]
            .iter()
            .enumerate()
    {
        let call = CallRecord::live(format!("call-{n}"), "vet_lapa", "Europe/Moscow", NOW + n as i64);
        store.start_call(&call).await.unwrap();
        for (seq, (who, text)) in [(Who::Caller, caller), (Who::Agent, robot)].into_iter().enumerate() {
            let seq = seq as i64;
            let turn = Turn {
                call: call.id.clone(),
                seq,
                who,
                text: (*text).into(),
                start_ms: seq * 1_000,
                end_ms: seq * 1_000 + 900,
                confidence: None,
                latency_ms: None,
            };
            store.add_turn(turn).await.unwrap();
        }
    }
    let found = async |said: &str| {
        let filter = CallFilter { clinic: Some("vet_lapa".into()), said: Some(said.into()), ..CallFilter::default() };
        let page = store.calls(&filter, 10, None).await.unwrap();
        page.calls.into_iter().map(|call| call.id).collect::<Vec<_>>()
    };
    assert_eq!(found("стрижку").await, ["call-0"]);
    assert_eq!(found("ГРУМИНГ кот").await, ["call-0"], "words of several turns");
    assert_eq!(found("кош").await, ["call-1"]);
    assert_eq!(found("собака").await, [""; 0]);
    assert_eq!(found("\" OR NOT * (").await, [""; 0], "nothing typed is a command");
    assert_eq!(found("  ").await.len(), 2);
}

#[tokio::test]
async fn calls_are_found_by_the_end_of_a_number_and_by_whether_they_were_answered() {
    let (_folder, store) = store().await;
    for (n, phone) in ["+79031234567", "+79031234500"].iter().enumerate() {
        let mut call = CallRecord::live(format!("call-{n}"), "vet_lapa", "Europe/Moscow", NOW);
        call.caller = Some((*phone).into());
        call.answered_ms = (n == 0).then_some(NOW);
        call.flow_digest = (n == 1).then(|| "a1b2".repeat(16));
        store.start_call(&call).await.unwrap();
    }
    let ids = async |filter: CallFilter| {
        let page = store.calls(&filter, 10, None).await.unwrap();
        page.calls.into_iter().map(|call| call.id).collect::<Vec<_>>()
    };
    for typed in ["45-67", "8 (903) 123-45-67", "+7 903 123-45-67"] {
        assert_eq!(
            ids(CallFilter { caller_ends: Some(typed.into()), ..CallFilter::default() }).await,
            ["call-0"],
            "{typed}"
        );
    }
    assert_eq!(ids(CallFilter { caller_ends: Some("anna".into()), ..CallFilter::default() }).await, [""; 0]);
    for (typed, expected) in [("A1b2", &["call-1"][..]), (&"a1b2".repeat(16), &["call-1"]), ("b2", &[]), ("%", &[])] {
        let filter = CallFilter { flow: Some(typed.to_owned()), ..CallFilter::default() };
        assert_eq!(ids(filter).await, expected, "{typed}");
    }
    assert_eq!(ids(CallFilter { answered: Some(false), ..CallFilter::default() }).await, ["call-1"]);
    store.end_call("call-1", &CallEnd { ended_ms: NOW + 1, ..CallEnd::default() }).await.unwrap();
    assert_eq!(ids(CallFilter { open: true, ..CallFilter::default() }).await, ["call-0"]);
    let open = CallFilter { clinic: Some("vet_lapa".into()), open: true, to_ms: Some(NOW), ..CallFilter::default() };
    assert_eq!(ids(open).await, [""; 0]);
}
