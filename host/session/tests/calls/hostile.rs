//! Flows that break, burn, swell, recurse or do nothing: the caller ends at a person, or at a call-back written down, and
//! nobody else notices. What the engine does to them is tested in `flows`; here it is what becomes of the caller.

use std::collections::HashSet;
use std::sync::Arc;

use ::records::{CallbackStatus, Outcome};
use call::EndReason;
use flows::{Allocation, Engine, Flow, FlowEnd, Limits, Options, TrapKind};
use lines::caller::Caller;
use session::trace::Tracer;

use crate::support::{BOOKING, DAY, ENGINE, House, NIGHT, VET_LAPA, at, says};

const CALLER: &str = "+79031234567";

/// What is wrong with a flow, its body, how the engine names its end (none: it finishes), and the calls to the host it
/// made. One of every kind that a flow can bring about while somebody is on the line.
const HOSTILE: [(&str, &str, Option<TrapKind>, usize); 8] = [
    ("traps", "unreachable", Some(TrapKind::Unreachable), 0),
    ("loops", "(loop $again (br $again)) (i32.const 0)", Some(TrapKind::CpuLimit), 0),
    (
        "swells",
        "(loop $again
             (memory.fill
                 (i32.mul (memory.grow (i32.const 16)) (i32.const 65536)) (i32.const 170) (i32.const 1048576))
             (br $again))
         (i32.const 0)",
        Some(TrapKind::MemoryLimit),
        0,
    ),
    ("recurses", "(i32.add (call $run) (i32.const 1))", Some(TrapKind::StackOverflow), 0),
    (
        "floods the host",
        "(loop $again (call $log (i32.const 64) (i32.const 3)) (br $again)) (i32.const 0)",
        Some(TrapKind::HostCallFlood),
        1_000,
    ),
    ("reads outside its memory", "(i32.load (i32.const -4))", Some(TrapKind::Other), 0),
    ("says what is no text", "(call $log (i32.const 67) (i32.const 1)) (i32.const 0)", Some(TrapKind::Other), 0),
    ("returns at once", "(i32.const 0)", None, 0),
];

/// A flow with this body, which may call `$log` and `$hang_up`; at 64 stands “abc” and a byte that is no text.
fn flow_text(body: &str) -> String {
    format!(
        r#"(component
             (import "gudok:types/types@0.1.0" (instance $types
               (type $info-fields (record (field "code" string) (field "message" string)))
               (export "error-info" (type $info (eq $info-fields)))
               (type $error-cases (variant (case "hangup") (case "timeout") (case "denied" string)
                 (case "unavailable" string) (case "other" $info)))
               (export "error" (type (eq $error-cases)))))
             (alias export $types "error" (type $error))
             (import "gudok:voice/voice@0.1.0" (instance $voice
               (export "error" (type $e (eq $error)))
               (type $done (result (error $e)))
               (export "hang-up" (func (result $done)))))
             (import "gudok:notes/notes@0.1.0" (instance $notes
               (export "log" (func (param "line" string)))))
             (core module $memory
               (memory (export "memory") 1)
               (data (i32.const 64) "abc\ff")
               (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096)))
             (core instance $memory (instantiate $memory))
             (alias core export $memory "memory" (core memory $m))
             (core func $log (canon lower (func $notes "log") (memory $m)))
             (core func $hang_up (canon lower (func $voice "hang-up") (memory $m)
               (realloc (func $memory "realloc"))))
             (core module $program
               (import "host" "memory" (memory 1))
               (import "host" "log" (func $log (param i32 i32)))
               (import "host" "hang-up" (func $hang_up (param i32)))
               (func $run (export "run") (result i32) {body}))
             (core instance $program (instantiate $program (with "host" (instance
               (export "memory" (memory $m)) (export "log" (func $log)) (export "hang-up" (func $hang_up))))))
             (func (export "run") (result (result (error string)))
               (canon lift (core func $program "run") (memory $m))))"#
    )
}

fn flow(name: &str, body: &str) -> Arc<Flow> {
    ENGINE.compile(name, &wat::parse_str(flow_text(body)).unwrap()).unwrap()
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
    for (name, body, kind, calls) in HOSTILE {
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
        assert_eq!(house.journal(&held).await.len(), calls, "{name}: what it asked for is written down");
        assert!(house.stage.store.callbacks("vet_lapa", CallbackStatus::Open).await.unwrap().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn at_night_the_caller_is_promised_a_call() {
    let mut house = House::vet_lapa().await;
    for (name, body, ..) in HOSTILE {
        house.stage = house.with(&flow(name, body));
        let (held, _) = house.call(at(NIGHT, Some(CALLER)), &says(BOOKING)).await;

        assert_eq!((held.end, held.outcome), (EndReason::CallBackTaken, Some(Outcome::Callback)), "{name}");
        let record = house.record(&held).await;
        assert_eq!(record.end_reason.as_deref(), Some("call-back-taken"), "{name}");
        assert_eq!(record.outcome, Some(Outcome::Callback), "{name}");
        let promised = house.stage.store.callbacks("vet_lapa", CallbackStatus::Open).await.unwrap();
        // Who is on the list already is not put there a second time.
        let [promise] = promised.as_slice() else { panic!("{name}: {} entries of one number", promised.len()) };
        assert_eq!(promise.phone.as_str(), CALLER, "{name}");
        assert!(promise.due_ms > at(NIGHT, None).started.timestamp().as_millisecond(), "{name}");
    }
}

/// A machine with no room for one more flow answers the telephone all the same.
#[tokio::test]
async fn without_room_for_a_flow_the_caller_still_reaches_a_person() {
    let options = Options { max_calls: 0, threads: 1, allocation: Allocation::OnDemand, ..Options::default() };
    let full = Engine::with_options(options).unwrap();
    let mut house = House::vet_lapa().await;
    let wasm = wat::parse_str(flow_text("(i32.const 0)")).unwrap();
    house.stage = house.with(&full.compile("no room", &wasm).unwrap());
    house.stage.engine = full;
    let (held, _) = house.call(at(DAY, Some(CALLER)), &says(BOOKING)).await;
    assert_eq!(trap(&held.flow.as_ref().unwrap().end), Some(TrapKind::EngineFull));
    assert_eq!((held.end, held.outcome), (EndReason::Transferred, Some(Outcome::Transferred)));
}

/// A flow that has ended the call and does not let go is stopped; for the caller it is over.
#[tokio::test]
async fn a_flow_that_goes_on_after_the_end_is_stopped() {
    let house = House::open(
        VET_LAPA,
        &flow("clings", "(loop $again (call $hang_up (i32.const 128)) (br $again)) (i32.const 0)"),
    )
    .await;
    let (held, _) = house.call(at(DAY, Some(CALLER)), &says(BOOKING)).await;
    let report = held.flow.as_ref().unwrap();
    assert_eq!(trap(&report.end), Some(TrapKind::IgnoredHangup), "{report:?}");
    assert!(report.host_calls <= 2 + Limits::default().calls_after_hangup, "{report:?}");
    assert!(house.record(&held).await.ended_ms.is_some(), "the call is over");
}

/// Nobody can be called back whose number is not known, so nobody says so.
#[tokio::test]
async fn at_night_a_hidden_number_is_promised_nothing() {
    let (name, body, ..) = HOSTILE[0];
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
    for (name, body, kind, _) in &HOSTILE[..4] {
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
