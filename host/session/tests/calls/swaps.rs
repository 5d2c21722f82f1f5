//! A thousand calls in progress while the clinic switches flows two hundred times: nobody notices.
//!
//! The versions are the flow that ships with one letter of its prompts changed, so that every line the robot says tells
//! which version said it.

use std::collections::{BTreeMap, HashSet};
use std::future::{Future, poll_fn};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Instant;

use ::records::Outcome;
use call::EndReason;
use flows::{Engine, FlowEnd, Options};
use lines::caller::Caller;
use rollout::{Act, AddOptions, Allow, Entry, How, Library, Routes, Switchboard};
use session::{Held, Stage, Trace, trace::Tracer};
use tokio::sync::watch;

use crate::support::{DAY, House, at, says};

const CALLS: usize = 1_000;
const SWITCHES: usize = 200;
/// What stands for the soft sign of «помочь» in each version; all of two bytes.
const LETTERS: [&str; 8] = ["ь", "ъ", "ы", "э", "ю", "я", "щ", "ш"];

/// A caller who asks four things: five prompts of the flow's own.
const QUESTIONS: &[(&str, &str)] = &[
    ("need", "подскажите до скольки вы сегодня работаете"),
    ("more", "а парковка у вас есть"),
    ("more", "какой у вас адрес"),
    ("more", "а до скольки вы завтра работаете"),
    ("more", "нет спасибо до свидания"),
];

/// The flow that ships, saying «помоч» with another last letter: digest → letter.
async fn add_versions(library: &Library) -> BTreeMap<String, &'static str> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest-flows/target/components/vet-desk.wasm");
    let wasm = std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}: build the flows first (make flows)", path.display()));
    let from = "помочь".as_bytes();
    let places: Vec<usize> = (0..wasm.len() - from.len()).filter(|&at| wasm[at..].starts_with(from)).collect();
    assert!(!places.is_empty(), "the flow does not say «помочь» any more: choose another word");
    let mut versions = BTreeMap::new();
    for letter in LETTERS {
        let mut changed = wasm.clone();
        for &at in &places {
            changed[at..at + from.len()].copy_from_slice(format!("помоч{letter}").as_bytes());
        }
        let options = AddOptions { allow: Allow::All, by: "a test".into(), ..AddOptions::default() };
        let added = library.add("vet-desk", &changed, options).await.unwrap();
        versions.insert(added.version.digest, letter);
    }
    versions
}

/// The version that a line of the robot betrays.
fn letter_of(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("помоч")?;
    rest.chars().next().map(String::from)
}

/// One call, which stops after its second line until the gate opens.
async fn call(
    stage: Stage,
    number: usize,
    mut gate: watch::Receiver<bool>,
    waiting: Arc<AtomicUsize>,
) -> (Held, Vec<Trace>) {
    let setup = at(DAY, Some(&format!("+7903{number:07}")));
    let (tracer, mut traces) = Tracer::channel();
    let script = says(QUESTIONS);
    let mut call = Box::pin(session::typed(&stage, setup, Caller::new(&script), tracer));
    let mut seen = Vec::new();
    let lines = |seen: &[Trace]| seen.iter().filter(|trace| matches!(trace, Trace::Robot { .. })).count();
    poll_fn(|context| {
        assert!(call.as_mut().poll(context).is_pending(), "the call ended before its second line");
        while let Ok(trace) = traces.try_recv() {
            seen.push(trace);
        }
        if lines(&seen) >= 2 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    waiting.fetch_add(1, Ordering::Relaxed);
    gate.wait_for(|open| *open).await.unwrap();
    let held = call.await.unwrap();
    while let Ok(trace) = traces.try_recv() {
        seen.push(trace);
    }
    (held, seen)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_notices_two_hundred_switches() {
    let options = Options { max_calls: CALLS as u32 + 8, threads: 2, ..Options::default() };
    let engine = Engine::with_options(options).unwrap();
    let house = House::vet_lapa().await;
    let folder = tempfile::tempdir().unwrap();
    let library = Library::open(folder.path(), house.stage.store.clone(), engine.clone()).unwrap();
    let versions = add_versions(&library).await;
    let digests: Vec<&String> = versions.keys().collect();
    let routes = Routes::new(library);
    let act = Act { by: "a test", reason: "", now_ms: 1 };
    routes.deploy("vet_lapa", Entry::Day, digests[0], How::All, None, act).await.unwrap();
    let board = Switchboard::open(routes.clone(), None).await.unwrap();
    let stage = Stage { engine, flows: Arc::clone(&board), ..house.stage.clone() };

    // Four in five begin before the first switch, the others one by one with each. All stop in the middle of the
    // conversation until the last switch but a few has been made.
    let (gate, closed) = watch::channel(false);
    let waiting = Arc::new(AtomicUsize::new(0));
    let begin = |number: usize| tokio::spawn(call(stage.clone(), number, closed.clone(), Arc::clone(&waiting)));
    let mut calls: Vec<_> = (0..CALLS - SWITCHES).map(&begin).collect();
    let all_wait = async |calls: usize| {
        while waiting.load(Ordering::Relaxed) < calls {
            tokio::task::yield_now().await;
        }
    };
    all_wait(calls.len()).await;

    let began = Instant::now();
    let switch = async |number: usize| {
        let act = Act { by: "a test", reason: "", now_ms: number as i64 };
        let digest = digests[number % digests.len()];
        routes.deploy("vet_lapa", Entry::Day, digest, How::All, None, act).await.unwrap();
        board.refresh().await.unwrap();
    };
    for number in 1..=SWITCHES {
        switch(number).await;
        calls.push(begin(CALLS - SWITCHES + number - 1));
    }
    all_wait(CALLS).await;
    let took = began.elapsed();
    assert!(board.stats().live_versions > 1, "calls hold on to the versions they began with");
    gate.send(true).unwrap();
    // They speak on while the clinic goes on switching.
    let mut more = 0;
    while calls.iter().any(|call| !call.is_finished()) {
        more += 1;
        switch(SWITCHES + more).await;
    }
    assert!(more > 0);

    let mut used = HashSet::new();
    for call in calls {
        let (held, seen) = call.await.unwrap();
        let report = held.flow.as_ref().expect("the flow's end was seen");
        assert_eq!(report.end, FlowEnd::Finished);
        assert_eq!((held.end, held.outcome), (EndReason::FlowFinished, Some(Outcome::Answered)));
        let digest = house.record(&held).await.flow_digest.expect("pinned");
        let spoken: HashSet<String> = seen
            .iter()
            .filter_map(|trace| if let Trace::Robot { text, .. } = trace { letter_of(text) } else { None })
            .collect();
        assert_eq!(spoken, HashSet::from([versions[&digest].to_owned()]), "a call changed its version");
        // A gap would be a word of the house's own: «одну минуту», a hand-over.
        assert!(!seen.iter().any(|trace| matches!(trace, Trace::Failing(_))), "the house had to step in");
        used.insert(digest);
    }
    assert_eq!(used.len(), versions.len(), "every version answered somebody");
    println!("{CALLS} calls, {SWITCHES} switches in {took:.1?}, {more} more until the last call ended");

    // Only the version that answers now is still in memory.
    drop(stage);
    assert_eq!(board.stats().live_versions, 1, "code of the versions before is gone with their calls");
}
