//! Recording and replaying: what is written, when, and how a changed flow is judged against it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use flows::host::{HostCall, HostReply};
use flows::journal::{Entries, Entry, Header, Journal, JournalError, JournalSink, JsonLines, Recording};
use flows::replay::{ReplayReport, Verdict};
use flows::{Flow, FlowEnd, Port, PortError, RunOptions, TrapKind};

use crate::support::{ASK, Agreeable, ENGINE, VOICE, World, echo, flow, module, run};

async fn record(flow: &Arc<Flow>) -> Journal {
    let entries = Entries::default();
    let options = RunOptions { call_id: "call-1".into(), seed: 7, started: 1_000, wall_limit: None };
    let port = Recording::new(Agreeable, Box::new(entries.clone()));
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

const MORE: &str = r#"
    (import "gudok:clinic/clinic@0.1.0" "is-open" (func $is_open (result i32)))
    (import "gudok:notes/notes@0.1.0" "tag" (func $tag (param i32 i32 i32)))"#;
const SAY: &str = "(call $say (i32.const 64) (i32.const 4) (i32.const 0) (i32.const 1024))";
const SAY_MORE: &str = "(call $say (i32.const 64) (i32.const 5) (i32.const 0) (i32.const 1024))";
const NOW: &str = "(call $now (i32.const 1024))";
const TAG: &str = "(call $tag (i32.const 64) (i32.const 4) (i32.const 1024))";
const LOG: &str = "(call $log (i32.const 64) (i32.const 4))";

fn steps(steps: &[&str]) -> Arc<Flow> {
    flow(&format!("{VOICE}{MORE}"), "name?", &format!("{} (i32.const 0)", steps.join("\n")))
}

/// Name, steps recorded, steps of the new version, verdict, entries reached.
type Case<'a> = (&'a str, &'a [&'a str], &'a [&'a str], Verdict, u32);

#[tokio::test]
async fn differences_are_graded() {
    let asked_otherwise = ASK.replace("(i32.const 64) (i32.const 4)", "(i32.const 64) (i32.const 3)");
    let worded_otherwise = ASK.replace("(i32.const 64) (i32.const 5)", "(i32.const 64) (i32.const 4)");
    let parse_like = "(drop (call $is_open))";
    let cases: &[Case] = &[
        ("other words", &[SAY, ASK, TAG], &[SAY_MORE, ASK, TAG], Verdict::WordingOnly, 3),
        ("a question in other words", &[ASK, TAG], &[&worded_otherwise, TAG], Verdict::WordingOnly, 2),
        ("a new line in the log", &[ASK, TAG], &[LOG, ASK, LOG, TAG, LOG], Verdict::WordingOnly, 2),
        ("a line less in the log", &[LOG, ASK, LOG, TAG], &[ASK, TAG], Verdict::WordingOnly, 4),
        ("another question", &[ASK, TAG], &[&asked_otherwise, TAG], Verdict::NewQuestion, 0),
        ("a question more", &[ASK, TAG], &[ASK, ASK, TAG], Verdict::EffectChanged, 1),
        ("a look it never took", &[ASK, TAG], &[ASK, parse_like, TAG], Verdict::NewQuestion, 1),
        ("an effect more", &[ASK], &[ASK, TAG], Verdict::EffectChanged, 1),
        ("an effect less", &[ASK, TAG], &[ASK], Verdict::EffectChanged, 1),
        ("a question less at the end", &[ASK, ASK], &[ASK], Verdict::NewQuestion, 1),
        ("a goodbye less", &[ASK, SAY], &[ASK], Verdict::WordingOnly, 1),
        ("an effect first", &[ASK, TAG], &[TAG, ASK], Verdict::EffectChanged, 0),
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
    journal.entries.push(second);
    let report = ENGINE.replay(&build(&[&hours(4), NOW]), &journal).await;
    assert_eq!(report.verdict, Verdict::ReadsReordered);
    let divergence = report.divergences.first().expect("one");
    assert_eq!((divergence.seq, &divergence.recorded), (0, &Some(HostCall::ClinicNow)));
    let report = ENGINE.replay(&build(&[&hours(3), NOW]), &journal).await;
    assert_eq!(report.verdict, Verdict::NewQuestion);
}
