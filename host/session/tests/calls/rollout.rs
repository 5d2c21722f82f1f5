//! Routes as callers meet them: a canary that breaks goes back by itself, a shadow is heard by nobody, the night has a
//! flow of its own, and where none answers a person does.

use std::path::Path;
use std::sync::Arc;

use ::records::{ChangeKind, Keyring, Outcome};
use call::EndReason;
use flows::compare::Language;
use flows::replay::Verdict;
use rollout::trial::{Recorded, Refused, trial};
use rollout::{Act, AddOptions, Allow, Entry, How, Library, Routes, Switchboard, journal_of};
use session::{Setup, Stage};
use tempfile::TempDir;

use crate::support::{BOOKING, DAY, ENGINE, House, NIGHT, VET_DESK, at, says};

const CALLER: Option<&str> = Some("+79031234567");
const ACT: Act<'static> = Act { by: "a test", reason: "", now_ms: 1 };

/// Two short turns.
const QUESTION: &[(&str, &str)] =
    &[("need", "подскажите до скольки вы сегодня работаете"), ("more", "нет спасибо до свидания")];

/// A house whose calls follow routes.
struct Routed {
    house: House,
    routes: Routes,
    board: Arc<Switchboard>,
    _library: TempDir,
}

impl Routed {
    async fn new() -> Routed {
        let mut house = House::vet_lapa().await;
        let folder = tempfile::tempdir().unwrap();
        let library = Library::open(folder.path(), house.stage.store.clone(), ENGINE.clone()).unwrap();
        let routes = Routes::new(library);
        let board = Switchboard::open(routes.clone(), None).await.unwrap();
        house.stage = Stage { flows: Arc::clone(&board), ..house.stage.clone() };
        Routed { house, routes, board, _library: folder }
    }

    async fn add(&self, name: &str, wasm: &[u8]) -> String {
        let options = AddOptions { allow: Allow::All, by: "a test".into(), ..AddOptions::default() };
        self.routes.library().add(name, wasm, options).await.unwrap().version.digest
    }

    async fn deploy(&self, entry: Entry, digest: &str, how: How) {
        self.routes.deploy("vet_lapa", entry, digest, how, None, ACT).await.unwrap();
        self.board.refresh().await.unwrap();
    }

    async fn call(&self, setup: Setup) -> session::Held {
        self.house.call(setup, &says(QUESTION)).await.0
    }
}

fn shipped() -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest-flows/target/components/vet-desk.wasm"))
        .unwrap_or_else(|error| panic!("build the flows first (make flows): {error}"))
}

/// The flow that ships, in other words of the same length.
fn reworded(from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut wasm = shipped();
    let places: Vec<usize> =
        (0..wasm.len() - from.len()).filter(|&at| wasm[at..].starts_with(from.as_bytes())).collect();
    assert!(!places.is_empty(), "the flow does not say «{from}» any more: choose other words");
    for at in places {
        wasm[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    wasm
}

/// A flow that breaks at its first step.
fn broken() -> Vec<u8> {
    let text = r#"(component
        (core module $program (memory (export "memory") 1) (func (export "run") (result i32) unreachable))
        (core instance $program (instantiate $program))
        (func (export "run") (result (result (error string)))
          (canon lift (core func $program "run") (memory $program "memory"))))"#;
    wat::parse_str(text).unwrap()
}

/// A flow that writes a line into its log and gives up, as one with a mistake in its first question might.
fn gives_up() -> Vec<u8> {
    let text = r#"(component
        (import "gudok:notes/notes@0.1.0" (instance $notes (export "log" (func (param "line" string)))))
        (core module $memory (memory (export "memory") 1) (data (i32.const 64) "no idea"))
        (core instance $memory (instantiate $memory))
        (core func $log (canon lower (func $notes "log") (memory $memory "memory")))
        (core module $program
          (import "notes" "log" (func $log (param i32 i32)))
          (import "memory" "memory" (memory 1))
          (func (export "run") (result i32)
            (call $log (i32.const 64) (i32.const 7))
            (i32.store (i32.const 0) (i32.const 1)) (i32.store (i32.const 4) (i32.const 64))
            (i32.store (i32.const 8) (i32.const 7)) (i32.const 0)))
        (core instance $program (instantiate $program
          (with "notes" (instance (export "log" (func $log))))
          (with "memory" (instance $memory))))
        (func (export "run") (result (result (error string)))
          (canon lift (core func $program "run") (memory $memory "memory"))))"#;
    wat::parse_str(text).unwrap()
}

#[tokio::test]
async fn a_canary_that_sends_everybody_to_a_person_goes_back_by_itself() {
    let routed = Routed::new().await;
    let good = routed.add("vet-desk", &shipped()).await;
    let bad = routed.add("vet-desk", &gives_up()).await;
    routed.deploy(Entry::Day, &good, How::All).await;
    routed.deploy(Entry::Day, &bad, How::Canary(50)).await;

    let mut on_canary = 0;
    for number in 0..200 {
        let held = routed.call(at(DAY, CALLER)).await;
        let digest = routed.house.record(&held).await.flow_digest.unwrap();
        if digest == bad {
            on_canary += 1;
            assert_eq!(held.end, EndReason::Transferred, "its callers reach a person all the same");
        } else {
            assert_eq!(held.outcome, Some(Outcome::Answered));
        }
        routed.board.refresh().await.unwrap();
        let route = routed.routes.get("vet_lapa", Entry::Day).await.unwrap().unwrap();
        if route.candidate.is_none() {
            assert_eq!(route.stable, good);
            assert!((20..=40).contains(&on_canary), "it spoke after {on_canary} calls of the canary");
            let changes = routed.routes.changes(Some("vet_lapa"), 0, 100).await.unwrap();
            let last = changes.last().unwrap();
            assert_eq!(last.kind, ChangeKind::RolledBackItself);
            assert!(!last.reason.is_empty() && last.digest == bad, "{last:?}");
            // And from now on nobody meets it.
            for _ in 0..10 {
                let held = routed.call(at(DAY, CALLER)).await;
                assert_eq!(routed.house.record(&held).await.flow_digest.as_deref(), Some(good.as_str()));
            }
            return;
        }
        assert!(number < 199, "{on_canary} calls were handed over, and it was not rolled back");
    }
}

#[tokio::test]
async fn a_version_that_breaks_at_once_is_not_taken() {
    let routed = Routed::new().await;
    let added = routed.routes.library().add("vet-desk", &broken(), AddOptions::default()).await;
    let refused = added.expect_err("it breaks before its first host call").to_string();
    assert!(refused.contains("vet-desk"), "{refused}");
}

#[tokio::test]
async fn a_shadow_is_heard_by_nobody_and_its_verdict_is_kept() {
    let routed = Routed::new().await;
    let good = routed.add("vet-desk", &shipped()).await;
    let other = routed.add("vet-desk", &reworded("помочь", "помогу")).await;
    routed.deploy(Entry::Day, &good, How::All).await;
    routed.deploy(Entry::Day, &other, How::Shadow).await;

    let (held, _) = routed.house.call(at(DAY, CALLER), &says(BOOKING)).await;
    assert_eq!(held.outcome, Some(Outcome::Booked));
    assert_eq!(routed.house.bookings().await.len(), 1, "the shadow books nothing");
    assert!(!routed.house.told(&held).await.contains("помогу"));
    // The shadow may still be on its last step.
    let run = loop {
        let run = routed.house.stage.store.flow_run(&held.id).await.unwrap();
        if run.shadow_verdict.is_some() {
            break run;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(run.shadow_digest.as_deref(), Some(other.as_str()));
    assert_eq!(run.shadow_verdict.as_deref(), Some("wording-only"));
}

#[tokio::test]
async fn the_night_may_have_a_flow_of_its_own() {
    let routed = Routed::new().await;
    let day = routed.add("vet-desk", &shipped()).await;
    let night = routed.add("night", &reworded("помочь", "помогу")).await;
    routed.deploy(Entry::Day, &day, How::All).await;
    let by_hours = |moment| at(moment, CALLER).entry_by_hours(routed.house.stage.desk.clinic());

    let held = routed.call(by_hours(NIGHT)).await;
    assert_eq!(routed.house.record(&held).await.flow_digest.as_ref(), Some(&day), "without one the day's answers");
    routed.deploy(Entry::Night, &night, How::All).await;
    let held = routed.call(by_hours(NIGHT)).await;
    assert_eq!(routed.house.record(&held).await.flow_digest, Some(night));
    let held = routed.call(by_hours(DAY)).await;
    assert_eq!(routed.house.record(&held).await.flow_digest, Some(day));
}

#[tokio::test]
async fn where_no_flow_answers_a_person_does() {
    let routed = Routed::new().await;
    let held = routed.call(at(DAY, CALLER)).await;
    assert_eq!((held.end, held.outcome), (EndReason::Transferred, Some(Outcome::Transferred)));
    assert_eq!(routed.house.record(&held).await.flow_digest, None);
}

#[tokio::test]
async fn recorded_calls_judge_a_version_and_the_gate_refuses_other_effects() {
    let mut house = House::vet_lapa().await;
    let keys = tempfile::tempdir().unwrap();
    house.stage.store = house.stage.store.clone().with_keyring(Keyring::new(keys.path()));
    house.stage = house.with(&VET_DESK);
    let (booked, _) = house.call(at(DAY, CALLER), &says(BOOKING)).await;
    house.call(at(DAY, CALLER), &says(QUESTION)).await;
    let journal = journal_of(&house.stage.store, &booked.id).await.unwrap();
    assert!(journal.end.is_some() && journal.entries.len() > 20);

    let all = Recorded { clinic: "vet_lapa".into(), from_ms: 0, to_ms: i64::MAX, calls: Vec::new(), limit: 100 };
    let tried = async |wasm: &[u8]| {
        let flow = ENGINE.compile("candidate", wasm).unwrap();
        let tried = trial(&ENGINE, &house.stage.store, &flow, &all, Language::Russian, |_, _| {}).await.unwrap();
        (tried.summary.worst(), tried.gate("vet_lapa", &[]), tried)
    };
    let (worst, gate, same) = tried(&shipped()).await;
    assert_eq!((worst, gate, same.summary.total()), (Some(Verdict::Identical), Ok(()), 2));
    let (worst, gate, _) = tried(&reworded("помочь", "помогу")).await;
    assert_eq!((worst, gate), (Some(Verdict::WordingOnly), Ok(())));

    // It breaks where the other held a conversation.
    let (worst, gate, trapped) = tried(&broken()).await;
    assert_eq!(worst, Some(Verdict::Trapped));
    let Err(Refused::Effects { calls }) = gate else { panic!("{gate:?}") };
    assert_eq!(calls.len(), 2);
    assert_eq!(trapped.gate("vet_lapa", &calls), Ok(()), "who names them may have them");
    assert!(trapped.gate("vet_lapa", &calls[..1]).is_err());

    let nothing = Recorded { from_ms: i64::MAX - 1, ..all.clone() };
    let flow = ENGINE.compile("candidate", &shipped()).unwrap();
    let empty = trial(&ENGINE, &house.stage.store, &flow, &nothing, Language::Russian, |_, _| {}).await.unwrap();
    assert!(matches!(empty.gate("vet_lapa", &[]), Err(Refused::Nothing { .. })));
}
