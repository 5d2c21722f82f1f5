//! Recording and replaying: what is written, when, and how a changed flow is judged against it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use flows::host::{HostCall, HostReply};
use flows::journal::{Entries, Entry, Header, Journal, JournalError, JournalSink, JsonLines, Recording};
use flows::replay::{ReplayReport, Verdict};
use flows::{Flow, FlowEnd, Port, PortError, RunOptions, TrapKind};
use proptest::prelude::*;

use crate::support::{
    ASK, Agreeable, ENGINE, IS_OPEN, LOG, NOW, SAY, SAY_MORE, TAG, VOICE, World, echo, module, run, steps,
};

async fn record(flow: &Arc<Flow>) -> Journal {
    record_with(flow, Agreeable).await
}

async fn record_with(flow: &Arc<Flow>, port: impl Port + 'static) -> Journal {
    let entries = Entries::default();
    let options = RunOptions { call_id: "call-1".into(), seed: 7, started: 1_000, wall_limit: None };
    let port = Recording::new(port, Box::new(entries.clone()));
    let report = ENGINE.run(flow, Box::new(port), options.clone()).await;
    Journal { header: Header::new(flow, &options), entries: entries.to_vec(), end: Some(report.end) }
}

fn echo_flow(turns: u32) -> Arc<Flow> {
    ENGINE.compile("echo", &echo(turns)).expect("compiles")
}

async fn replayed(recorded: &Arc<Flow>, new: &Arc<Flow>) -> ReplayReport {
    ENGINE.replay(new, &record(recorded).await).await
}

/// Orders of events seen by a test.
type Events = Arc<Mutex<Vec<String>>>;

struct Loud(Events);

#[async_trait]
impl JournalSink for Loud {
    async fn append(&mut self, entry: &Entry) -> Result<(), PortError> {
        tokio::task::yield_now().await;
        self.0.lock().expect("not poisoned").push(format!("written {}", entry.seq));
        Ok(())
    }
}

struct Noting(Agreeable, Events, u32);

#[async_trait]
impl Port for Noting {
    async fn call(&mut self, call: HostCall) -> Result<HostReply, PortError> {
        self.1.lock().expect("not poisoned").push(format!("asked {}", self.2));
        self.2 += 1;
        self.0.call(call).await
    }
}

#[tokio::test]
async fn an_entry_is_written_before_the_flow_goes_on() {
    let events = Events::default();
    let port = Recording::new(Noting(Agreeable, Arc::clone(&events), 0), Box::new(Loud(Arc::clone(&events))));
    ENGINE.run(&echo_flow(2), Box::new(port), RunOptions::default()).await;
    let expected: Vec<_> = (0..4).flat_map(|seq| [format!("asked {seq}"), format!("written {seq}")]).collect();
    assert_eq!(*events.lock().expect("not poisoned"), expected);
}

struct Full;

#[async_trait]
impl JournalSink for Full {
    async fn append(&mut self, _entry: &Entry) -> Result<(), PortError> {
        Err(PortError::Journal("no space left on device".into()))
    }
}

#[tokio::test]
async fn a_flow_whose_journal_cannot_be_written_is_ended() {
    let port = Recording::new(Agreeable, Box::new(Full));
    let report = ENGINE.run(&echo_flow(2), Box::new(port), RunOptions::default()).await;
    let FlowEnd::Trapped { kind: TrapKind::Port, message } = &report.end else { panic!("{report:?}") };
    assert!(message.contains("no space left"), "{message}");
    assert_eq!(report.host_calls, 1);
}

#[tokio::test]
async fn a_journal_in_lines_is_a_journal() {
    let flow = echo_flow(2);
    let journal = record(&flow).await;
    let mut lines = JsonLines::begin(Vec::new(), &journal.header).expect("written");
    for entry in &journal.entries {
        lines.append(entry).await.expect("written");
    }
    let text = lines.end(&FlowEnd::Finished).expect("written");
    assert_eq!(Journal::parse(&String::from_utf8(text).expect("text")), Ok(journal));
}

#[tokio::test]
async fn a_damaged_journal_is_refused_with_the_line() {
    let text = record(&echo_flow(2)).await.to_text();
    let lines: Vec<_> = text.lines().collect();
    let parse = |lines: &[&str]| Journal::parse(&lines.join("\n")).expect_err("refused");
    let line = |error: JournalError| match error {
        JournalError::Line { line, .. } => line,
        other => panic!("{other}"),
    };
    assert_eq!(parse(&[]), JournalError::Empty);
    assert_eq!(line(parse(&lines[1..])), 1, "no header");
    assert_eq!(line(parse(&[lines[0], lines[2]])), 2, "an entry is missing");
    assert_eq!(line(parse(&[lines[0], &lines[1][..40]])), 2, "cut in the middle");
    let later = lines[0].replace("\"format\":1", "\"format\":2");
    assert_eq!(parse(&[&later]), JournalError::Format { found: 2 });
    // Without its last lines it is a journal of a call that was cut off.
    assert_eq!(Journal::parse(&lines[..3].join("\n")).expect("parses").end, None);
}

#[tokio::test]
async fn the_same_flow_is_identical() {
    let flow = echo_flow(3);
    let report = replayed(&flow, &flow).await;
    assert_eq!((report.verdict, report.reached, report.run.end), (Verdict::Identical, 6, FlowEnd::Finished));
    assert!(report.divergences.is_empty());
}

#[tokio::test]
async fn a_cut_off_call_is_judged_by_what_there_is() {
    let flow = echo_flow(3);
    let mut journal = record(&flow).await;
    journal.entries.truncate(3);
    journal.end = None;
    let report = ENGINE.replay(&flow, &journal).await;
    assert_eq!((report.verdict, report.reached), (Verdict::Identical, 3));
}

/// Name, steps recorded, steps of the new version, verdict, entries reached.
type Case<'a> = (&'a str, &'a [&'a str], &'a [&'a str], Verdict, u32);

#[tokio::test]
async fn differences_are_graded() {
    let asked_otherwise = ASK.replace("(i32.const 64) (i32.const 4)", "(i32.const 64) (i32.const 3)");
    let worded_otherwise = ASK.replace("(i32.const 64) (i32.const 5)", "(i32.const 64) (i32.const 4)");
    let cases: &[Case] = &[
        ("other words", &[SAY, ASK, TAG], &[SAY_MORE, ASK, TAG], Verdict::WordingOnly, 3),
        ("a question in other words", &[ASK, TAG], &[&worded_otherwise, TAG], Verdict::WordingOnly, 2),
        ("a new line in the log", &[ASK, TAG], &[LOG, ASK, LOG, TAG, LOG], Verdict::WordingOnly, 2),
        ("a line less in the log", &[LOG, ASK, LOG, TAG], &[ASK, TAG], Verdict::WordingOnly, 4),
        ("another question", &[ASK, TAG], &[&asked_otherwise, TAG], Verdict::NewQuestion, 0),
        ("a question more", &[ASK, TAG], &[ASK, ASK, TAG], Verdict::NewQuestion, 1),
        ("a look it never took", &[ASK, TAG], &[ASK, IS_OPEN, TAG], Verdict::NewQuestion, 1),
        ("a look taken later", &[NOW, SAY, ASK], &[SAY, NOW, ASK], Verdict::ReadsReordered, 3),
        ("a look taken again", &[NOW, ASK], &[NOW, ASK, NOW], Verdict::ReadsReordered, 2),
        ("a look less", &[NOW, ASK], &[ASK], Verdict::ReadsReordered, 2),
        ("an effect more", &[ASK], &[ASK, TAG], Verdict::EffectChanged, 1),
        ("an effect less", &[ASK, TAG], &[ASK], Verdict::EffectChanged, 1),
        ("a question less at the end", &[ASK, ASK], &[ASK], Verdict::NewQuestion, 1),
        ("a goodbye less", &[ASK, SAY], &[ASK], Verdict::WordingOnly, 1),
        ("an effect first", &[ASK, TAG], &[TAG, ASK], Verdict::EffectChanged, 2),
        ("it breaks", &[ASK, TAG], &[ASK, "unreachable"], Verdict::Trapped, 1),
    ];
    for (name, recorded, new, verdict, reached) in cases {
        let report = replayed(&steps(recorded), &steps(new)).await;
        assert_eq!((report.verdict, report.reached), (*verdict, *reached), "{name}: {:?}", report.divergences);
    }
}

#[tokio::test]
async fn reads_in_another_order_are_told_from_new_ones() {
    // `now` twice with a question between them cannot be told from itself; two different reads can.
    let info = r#"(import "gudok:clinic/clinic@0.1.0" "hours" (func $hours (param i32 i32 i32)))"#;
    let hours = |length: u32| format!("(call $hours (i32.const 64) (i32.const {length}) (i32.const 1024))");
    let build = |steps: &[&str]| {
        let text = module(&format!("{VOICE}{info}"), "name?", &run(&format!("{} (i32.const 0)", steps.join("\n"))));
        ENGINE.compile("reads", &World::shipped().component(&text)).expect("compiles")
    };
    let mut journal = record(&build(&[NOW])).await;
    let mut second = journal.entries[0].clone();
    second.seq = 1;
    second.call = HostCall::ClinicHours { date: "name".into() };
    second.reply = HostReply::ClinicHours(Err(flows::host::Error::Timeout));
    journal.entries.push(second);
    let report = ENGINE.replay(&build(&[&hours(4), NOW]), &journal).await;
    assert_eq!((report.verdict, report.reached), (Verdict::ReadsReordered, 2));
    let divergence = report.divergences.first().expect("one");
    let moved = Some(HostCall::ClinicNow);
    assert_eq!((divergence.seq, &divergence.recorded, &divergence.replayed), (0, &moved, &moved));
    let report = ENGINE.replay(&build(&[&hours(3), NOW]), &journal).await;
    assert_eq!((report.verdict, report.reached), (Verdict::NewQuestion, 0));
}

#[tokio::test]
async fn two_replays_of_one_journal_agree() {
    let journal = Arc::new(record(&echo_flow(3)).await);
    for flow in [echo_flow(3), echo_flow(2), steps(&[SAY, "unreachable"])] {
        let twice = ENGINE.replay_twice(&flow, &journal).await;
        assert!(twice.deterministic, "{:?}", twice.first_difference);
        assert_eq!(twice.report, ENGINE.replay(&flow, &journal).await.with_cpu_of(&twice.report));
    }
}

trait WithCpu {
    fn with_cpu_of(self, other: &ReplayReport) -> ReplayReport;
}

impl WithCpu for ReplayReport {
    /// CPU is the one thing that differs between two runs.
    fn with_cpu_of(mut self, other: &ReplayReport) -> ReplayReport {
        self.run.cpu_ms = other.run.cpu_ms;
        self
    }
}

const CHANCE_AND_TIME: &str = r#"package test:wasi;
package wasi:random@0.2.0 {
    interface random { get-random-u64: func() -> u64; }
    interface insecure { get-insecure-random-u64: func() -> u64; }
    interface insecure-seed { insecure-seed: func() -> tuple<u64, u64>; }
}
package wasi:clocks@0.2.0 {
    interface monotonic-clock { now: func() -> u64; }
    interface wall-clock { record datetime { seconds: u64, nanoseconds: u32 } now: func() -> datetime; }
}
"#;

/// A flow that writes down, where it counts, all it can learn of chance and time: after each answer of the caller a tag
/// of eight letters for every source.
fn gambler() -> Arc<Flow> {
    let imports = format!(
        r#"{VOICE}
        (import "gudok:notes/notes@0.1.0" "tag" (func $tag (param i32 i32 i32)))
        (import "wasi:random/random@0.2.0" "get-random-u64" (func $random (result i64)))
        (import "wasi:random/insecure@0.2.0" "get-insecure-random-u64" (func $insecure (result i64)))
        (import "wasi:random/insecure-seed@0.2.0" "insecure-seed" (func $seed (param i32)))
        (import "wasi:clocks/monotonic-clock@0.2.0" "now" (func $monotonic (result i64)))
        (import "wasi:clocks/wall-clock@0.2.0" "now" (func $wall (param i32)))"#
    );
    // Sixteen letters from `a` for the sixteen half-bytes of a number.
    let tell = r#"(func $tell (param $number i64) (local $at i32)
        (local.set $at (i32.const 16))
        (loop $letter
            (local.set $at (i32.sub (local.get $at) (i32.const 1)))
            (i32.store8 (i32.add (i32.const 256) (local.get $at))
                (i32.add (i32.const 97) (i32.wrap_i64 (i64.and (local.get $number) (i64.const 15)))))
            (local.set $number (i64.shr_u (local.get $number) (i64.const 4)))
            (br_if $letter (local.get $at)))
        (call $tag (i32.const 256) (i32.const 16) (i32.const 1024)))"#;
    let look = r#"(call $tell (call $random)) (call $tell (call $insecure)) (call $tell (call $monotonic))
        (call $seed (i32.const 512)) (call $tell (i64.load (i32.const 512))) (call $tell (i64.load (i32.const 520)))
        (call $wall (i32.const 512)) (call $tell (i64.load (i32.const 512)))
        (call $tell (i64.extend_i32_u (i32.load (i32.const 520))))"#;
    let run = format!("{tell} (func (export \"run\") (result i32) {look} {ASK} {look} (i32.const 0))");
    let world = World::with(
        CHANCE_AND_TIME,
        &[
            "wasi:random/random@0.2.0",
            "wasi:random/insecure@0.2.0",
            "wasi:random/insecure-seed@0.2.0",
            "wasi:clocks/monotonic-clock@0.2.0",
            "wasi:clocks/wall-clock@0.2.0",
        ],
    );
    let wasm = world.component(&module(&imports, "name?", &run));
    ENGINE.compile("gambler", &wasm).expect("compiles")
}

/// A caller who takes a quarter of a second to answer, in virtual time; nothing else takes any.
struct Thinks(Agreeable, u64);

#[async_trait]
impl Port for Thinks {
    async fn call(&mut self, call: HostCall) -> Result<HostReply, PortError> {
        self.1 += if matches!(call, HostCall::VoiceAsk { .. }) { 250 } else { 0 };
        self.0.call(call).await
    }

    fn elapsed_ms(&self) -> Option<u64> {
        Some(self.1)
    }
}

/// Chance, both clocks and the seed come from the journal: the time of a reply is the recorded one, not today's.
#[tokio::test]
async fn chance_and_time_are_those_of_the_recorded_call() {
    let flow = gambler();
    let mut journal = record_with(&flow, Thinks(Agreeable, 0)).await;
    assert_eq!(journal.entries.len(), 15);
    let twice = ENGINE.replay_twice(&flow, &Arc::new(journal.clone())).await;
    assert_eq!((twice.report.verdict, twice.deterministic), (Verdict::Identical, true));

    // Each of them shows: with another seed, start, or time of an answer the same flow writes other things down.
    let told = |report: ReplayReport| report.divergences.len();
    journal.header.seed += 1;
    assert_eq!(told(ENGINE.replay(&flow, &journal).await), 8, "random, insecure and both halves of the seed, twice");
    journal.header.seed -= 1;
    journal.header.started_ms += 5_000;
    assert_eq!(told(ENGINE.replay(&flow, &journal).await), 2, "seconds of the wall clock, twice");
    journal.header.started_ms -= 5_000;
    journal.entries[7].took_ms += 3_000;
    assert_eq!(told(ENGINE.replay(&flow, &journal).await), 2, "both clocks after the answer");
}

/// Journals with calls of every kind, cut anywhere, with any words in them.
fn any_journal() -> impl Strategy<Value = Journal> {
    let golden = include_str!("../golden/journal-1.jsonl");
    let golden = Journal::parse(golden).expect("the golden journal");
    let end = prop_oneof![
        Just(None),
        Just(Some(FlowEnd::Finished)),
        ".*".prop_map(|why| Some(FlowEnd::GaveUp(why))),
        ".*".prop_map(|message| Some(FlowEnd::Trapped { kind: TrapKind::CpuLimit, message })),
    ];
    let entry = (0..golden.entries.len(), ".*", any::<u64>(), any::<u64>());
    (proptest::collection::vec(entry, 0..20), any::<u64>(), ".*", end).prop_map(move |(picks, seed, call, end)| {
        let entries = picks.into_iter().enumerate().map(|(seq, (pick, words, at_ms, took_ms))| {
            let mut entry = Entry { seq: seq as u32, at_ms, took_ms, ..golden.entries[pick].clone() };
            match &mut entry.call {
                HostCall::VoiceSay { text, .. } | HostCall::ParseIntent { text } => *text = words,
                HostCall::VoiceAsk { question } => question.text = words,
                HostCall::NotesNote { value, .. } => *value = words,
                _ => {}
            }
            entry
        });
        Journal { header: Header { seed, call, ..golden.header.clone() }, entries: entries.collect(), end }
    })
}

proptest! {
    #[test]
    fn a_journal_survives_its_text(journal in any_journal()) {
        prop_assert_eq!(Journal::parse(&journal.to_text()), Ok(journal));
    }

    #[test]
    fn any_text_is_a_journal_or_an_error(text in ".{0,200}") {
        Journal::parse(&text).ok();
    }

    /// Closer to the real thing: lines of a journal, doubled, lost, exchanged and bitten.
    #[test]
    fn a_damaged_journal_is_a_journal_or_an_error(
        journal in any_journal(),
        lines in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), ".{0,3}"), 0..8),
    ) {
        let text = journal.to_text();
        let all: Vec<_> = text.lines().collect();
        let damaged: Vec<_> = lines
            .into_iter()
            .map(|(line, place, bite)| {
                let mut letters: Vec<char> = all[line.index(all.len())].chars().collect();
                let place = place.index(letters.len());
                letters.splice(place..(place + bite.len()).min(letters.len()), bite.chars());
                letters.into_iter().collect::<String>()
            })
            .collect();
        if let Ok(parsed) = Journal::parse(&damaged.join("\n")) {
            prop_assert!(parsed.entries.len() < damaged.len());
        }
    }
}
