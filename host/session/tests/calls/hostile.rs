//! Flows that break, burn, swell, recurse or do nothing: the caller ends at a person, or at a call-back written down, and
//! nobody else notices. What the engine does to them is tested in `flows`; here it is what becomes of the caller.

use std::collections::HashSet;
use std::sync::Arc;

use ::records::{CallbackStatus, Outcome};
use call::EndReason;
use flows::{Flow, FlowEnd, TrapKind};
use lines::caller::Caller;
use session::trace::Tracer;

use crate::support::{BOOKING, DAY, ENGINE, House, NIGHT, VET_LAPA, at, says};

const CALLER: &str = "+79031234567";

/// What is wrong with a flow, its body, and how the engine names its end; none: it finishes.
const HOSTILE: [(&str, &str, Option<TrapKind>); 5] = [
    ("traps", "unreachable", Some(TrapKind::Unreachable)),
    ("loops", "(loop $again (br $again)) (i32.const 0)", Some(TrapKind::CpuLimit)),
    (
        "swells",
        "(local $at i32)
         (loop $again
             (local.set $at (i32.mul (memory.grow (i32.const 16)) (i32.const 65536)))
             (memory.fill (local.get $at) (i32.const 170) (i32.const 1048576))
             (br $again))
         (i32.const 0)",
        Some(TrapKind::MemoryLimit),
    ),
    ("recurses", "(i32.add (call $run) (i32.const 1))", Some(TrapKind::StackOverflow)),
    ("returns at once", "(i32.const 0)", None),
];

/// A flow that imports nothing, with this body.
fn flow(name: &str, body: &str) -> Arc<Flow> {
    let text = format!(
        r#"(component
             (core module $program
               (memory (export "memory") 1)
               (func $run (export "run") (result i32) {body}))
             (core instance $program (instantiate $program))
             (func (export "run") (result (result (error string)))
               (canon lift (core func $program "run") (memory $program "memory"))))"#
    );
    ENGINE.compile(name, &wat::parse_str(text).unwrap()).unwrap()
}

fn trap(end: &FlowEnd) -> Option<TrapKind> {
    match end {
        FlowEnd::Trapped { kind, .. } => Some(*kind),
        FlowEnd::Finished | FlowEnd::GaveUp(_) => None,
    }
}

#[tokio::test]
async fn in_the_daytime_the_caller_is_put_through_to_a_person() {
    let mut house = House::vet_lapa().await;
    for (name, body, kind) in HOSTILE {
        house.stage = house.with(&flow(name, body));
        let (held, _) = house.call(at(DAY, Some(CALLER)), &says(BOOKING)).await;

        assert_eq!((held.end, held.outcome), (EndReason::Transferred, Some(Outcome::Transferred)), "{name}");
        let report = held.flow.as_ref().unwrap_or_else(|| panic!("{name}: the flow's end was not seen"));
        assert_eq!(trap(&report.end), kind, "{name}");
        assert!(report.cpu_ms < 600.0, "{name}: {} ms of CPU", report.cpu_ms);

        let record = house.record(&held).await;
        assert_eq!(record.end_reason.as_deref(), Some("transferred"), "{name}");
        assert_eq!(record.outcome, Some(Outcome::Transferred), "{name}");
        assert!(record.ended_ms.is_some_and(|ended| ended > record.started_ms), "{name}");
        let told = house.stage.store.turns(&held.id).await.unwrap();
        assert_eq!(told.len(), 1, "{name}: the caller is told what happens, and nothing else");
        assert!(house.journal(&held).await.is_empty(), "{name}: it asked for nothing");
        assert!(house.stage.store.callbacks("vet_lapa", CallbackStatus::Open).await.unwrap().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn at_night_the_caller_is_promised_a_call() {
    let mut house = House::vet_lapa().await;
    for (nights, (name, body, _)) in HOSTILE.into_iter().enumerate() {
        house.stage = house.with(&flow(name, body));
        let (held, _) = house.call(at(NIGHT, Some(CALLER)), &says(BOOKING)).await;

        assert_eq!((held.end, held.outcome), (EndReason::CallBackTaken, Some(Outcome::Callback)), "{name}");
        let record = house.record(&held).await;
        assert_eq!(record.end_reason.as_deref(), Some("call-back-taken"), "{name}");
        assert_eq!(record.outcome, Some(Outcome::Callback), "{name}");
        let promised = house.stage.store.callbacks("vet_lapa", CallbackStatus::Open).await.unwrap();
        assert_eq!(promised.len(), nights + 1, "{name}");
        let promise = promised.iter().find(|promise| promise.call.as_ref() == Some(&held.id));
        let promise = promise.unwrap_or_else(|| panic!("{name}: no call-back of this call"));
        assert_eq!(promise.phone.as_str(), CALLER, "{name}");
        assert!(promise.due_ms > record.started_ms, "{name}");
    }
}

/// Nobody can be called back whose number is not known, so nobody says so.
#[tokio::test]
async fn at_night_a_hidden_number_is_promised_nothing() {
    let (name, body, _) = HOSTILE[0];
    let house = House::open(VET_LAPA, &flow(name, body)).await;
    let (held, _) = house.call(at(NIGHT, None), &says(BOOKING)).await;
    assert!(house.stage.store.callbacks("vet_lapa", CallbackStatus::Open).await.unwrap().is_empty());
    assert_eq!(held.outcome, Some(Outcome::Nothing));
    let told = house.told(&held).await;
    assert!(told.contains("позвоните нам ещё раз") && !told.contains("перезвоним"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_callers_book_beside_four_hostile_flows() {
    let house = House::vet_lapa().await;
    let mut hostile = Vec::new();
    for (name, body, kind) in &HOSTILE[..4] {
        let stage = house.with(&flow(name, body));
        hostile.push(tokio::spawn(async move {
            let caller = Caller::new(&says(BOOKING));
            let held = session::typed(&stage, at(DAY, Some("+79030000000")), caller, Tracer::none()).await.unwrap();
            (held, *name, *kind)
        }));
    }
    let healthy: Vec<_> = (0..20)
        .map(|number| {
            let stage = house.stage.clone();
            tokio::spawn(async move {
                // Each wants a doctor and a day of their own, so that all find room.
                let (doctor, days) = match number % 2 {
                    0 => ("доктор Соколова", [1, 2, 3, 5, 7, 8, 9, 10, 12, 14]),
                    _ => ("доктор Белов", [1, 2, 3, 4, 6, 7, 8, 9, 10, 11]),
                };
                let day = format!("{} декабря", days[number / 2]);
                let mut answers = BOOKING.to_vec();
                (answers[2].1, answers[3].1) = (doctor, &day);
                let setup = at(DAY, Some(&format!("+790312345{number:02}")));
                session::typed(&stage, setup, Caller::new(&says(&answers)), Tracer::none()).await.unwrap()
            })
        })
        .collect();

    let mut booked = HashSet::new();
    for call in healthy {
        let held = call.await.unwrap();
        assert_eq!(held.flow.as_ref().map(|report| &report.end), Some(&FlowEnd::Finished));
        assert_eq!(held.outcome, Some(Outcome::Booked), "{}", house.told(&held).await);
        booked.insert(held.id);
    }
    let visits = house.bookings().await;
    assert_eq!(visits.len(), 20);
    assert!(visits.iter().all(|visit| visit.call.as_ref().is_some_and(|call| booked.contains(call))), "one a call");
    for call in hostile {
        let (held, name, kind) = call.await.unwrap();
        assert_eq!((held.end, held.outcome), (EndReason::Transferred, Some(Outcome::Transferred)), "{name}");
        assert_eq!(trap(&held.flow.unwrap().end), kind, "{name}");
    }
}
