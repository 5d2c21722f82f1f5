//! What a flow sees of the machine: a clock that follows the call, chance that follows from a seed, and nothing else.

use std::sync::Arc;
use std::time::Instant;

use flows::journal::{Entries, Header, Journal, Recording};
use flows::replay::Verdict;
use flows::script::{CallerTurn, Clinic, Exact, Scripted};
use flows::{Flow, FlowEnd, Options, RunOptions, TrapKind};

use crate::support::{ENGINE, World, call_info, component, echo, module};

const WASI: &str = r#"package test:wasi;
package wasi:io@0.2.0 { interface poll { resource pollable { block: func(); } } }
package wasi:random@0.2.0 {
    interface random { get-random-u64: func() -> u64; }
    interface insecure-seed { insecure-seed: func() -> tuple<u64, u64>; }
}
package wasi:clocks@0.2.0 {
    interface monotonic-clock {
        use wasi:io/poll@0.2.0.{pollable};
        type instant = u64; type duration = u64;
        now: func() -> instant;
        subscribe-duration: func(when: duration) -> pollable;
    }
    interface wall-clock { record datetime { seconds: u64, nanoseconds: u32 } now: func() -> datetime; }
}
package wasi:filesystem@0.2.0 {
    interface preopens { resource descriptor; get-directories: func() -> list<tuple<descriptor, string>>; }
}
package wasi:cli@0.2.0 {
    interface environment {
        get-environment: func() -> list<tuple<string, string>>;
        get-arguments: func() -> list<string>;
    }
}
"#;

/// Imports of WASI, and `$tell`: log a number in hexadecimal.
fn looking_around(body: &str) -> Arc<Flow> {
    let imports = r#"
        (import "wasi:random/random@0.2.0" "get-random-u64" (func $random (result i64)))
        (import "wasi:clocks/monotonic-clock@0.2.0" "now" (func $monotonic (result i64)))
        (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $alarm (param i64) (result i32)))
        (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
        (import "wasi:clocks/wall-clock@0.2.0" "now" (func $wall (param i32)))
        (import "wasi:cli/environment@0.2.0" "get-environment" (func $environment (param i32)))
        (import "gudok:voice/voice@0.1.0" "say" (func $say (param i32 i32 i32 i32)))
        (import "gudok:notes/notes@0.1.0" "log" (func $log (param i32 i32)))"#;
    let tell = r#"(func $tell (param $number i64) (local $at i32)
        (local.set $at (i32.const 16))
        (loop $digit
            (local.set $at (i32.sub (local.get $at) (i32.const 1)))
            (i32.store8 (i32.add (i32.const 256) (local.get $at))
                (i32.load8_u (i32.add (i32.const 64) (i32.wrap_i64 (i64.and (local.get $number) (i64.const 15))))))
            (local.set $number (i64.shr_u (local.get $number) (i64.const 4)))
            (br_if $digit (local.get $at)))
        (call $log (i32.const 256) (i32.const 16)))"#;
    let run = format!("{tell} (func (export \"run\") (result i32) {body} (i32.const 0))");
    let world = World::with(
        WASI,
        &[
            "wasi:random/random@0.2.0",
            "wasi:clocks/monotonic-clock@0.2.0",
            "wasi:clocks/wall-clock@0.2.0",
            "wasi:io/poll@0.2.0",
            "wasi:cli/environment@0.2.0",
        ],
    );
    let wasm = world.component(&module(imports, "0123456789abcdef", &run));
    ENGINE.compile("curious", &wasm).expect("compiles")
}

fn nobody() -> Clinic {
    serde_json::from_value(serde_json::json!({
        "info": { "id": "vet", "name": "Лапа", "kind": "veterinary", "address": "", "phone": "", "timezone": "UTC" },
        "week": [null, null, null, null, null, null, null], "exceptions": [], "services": [], "absent": [],
        "doctors": [], "faq": [], "slots": [], "appointments": [], "prompts": [], "categories": [], "lines": [],
        "people": []
    }))
    .expect("a clinic")
}

/// Run with a scripted call; the numbers the flow told.
async fn told(flow: &Arc<Flow>, seed: u64) -> (Vec<u64>, Journal) {
    let port = Scripted::new(nobody(), call_info(), Vec::<CallerTurn>::new(), Box::new(Exact)).expect("a port");
    let story = port.story();
    let entries = Entries::default();
    let options = RunOptions { seed, started: 1_795_503_600_000, ..RunOptions::default() };
    let port = Recording::new(port, Box::new(entries.clone()));
    let report = ENGINE.run(flow, Box::new(port), options.clone()).await;
    assert_eq!(report.end, FlowEnd::Finished, "{report:?}");
    let log = story.lock().expect("not poisoned").log.clone();
    let numbers = log.iter().map(|line| u64::from_str_radix(line, 16).expect("a number")).collect();
    let header = Header::new(flow, &options);
    (numbers, Journal { header, entries: entries.to_vec(), end: Some(report.end) })
}

#[tokio::test]
async fn chance_follows_from_the_seed() {
    let flow = looking_around("(call $tell (call $random)) (call $tell (call $random))");
    let (first, _) = told(&flow, 7).await;
    let (again, _) = told(&flow, 7).await;
    let (other, _) = told(&flow, 8).await;
    assert_eq!(first, again);
    assert_ne!(first, other);
    assert_ne!(first[0], first[1]);
}

#[tokio::test]
async fn time_is_the_calls_and_passes_only_in_host_calls() {
    // “0123” takes 400 + 4 × 65 ms to say.
    let flow = looking_around(
        "(call $tell (call $monotonic)) (call $tell (call $monotonic))
         (call $say (i32.const 64) (i32.const 4) (i32.const 0) (i32.const 1024))
         (call $tell (call $monotonic))
         (call $wall (i32.const 1024)) (call $tell (i64.load (i32.const 1024)))
         (call $tell (i64.extend_i32_u (i32.load (i32.const 1032))))",
    );
    let (numbers, journal) = told(&flow, 7).await;
    assert_eq!(numbers, [1, 1, 660_000_000, 1_795_503_600, 660_000_000]);
    let replay = ENGINE.replay(&flow, &journal).await;
    assert_eq!(replay.verdict, Verdict::Identical);
}

#[tokio::test]
async fn sleeping_takes_no_time_and_moves_the_clock() {
    let flow = looking_around("(call $block (call $alarm (i64.const 3600000000000))) (call $tell (call $monotonic))");
    let began = Instant::now();
    let (numbers, _) = told(&flow, 7).await;
    assert_eq!(numbers, [3_600_000_000_001]);
    assert!(began.elapsed().as_secs() < 3_600);
}

#[tokio::test]
async fn alarms_without_end_are_a_trap() {
    let flow = looking_around("(loop $again (drop (call $alarm (i64.const 1))) (br $again))");
    let port = Scripted::new(nobody(), call_info(), Vec::new(), Box::new(Exact)).expect("a port");
    let report = ENGINE.run(&flow, Box::new(port), RunOptions::default()).await;
    assert!(matches!(report.end, FlowEnd::Trapped { kind: TrapKind::Other, .. }), "{report:?}");
}

#[tokio::test]
async fn the_environment_is_empty() {
    assert!(std::env::vars().next().is_some(), "the machine has one");
    let flow = looking_around(
        "(call $environment (i32.const 1024)) (call $tell (i64.extend_i32_u (i32.load (i32.const 1028))))",
    );
    assert_eq!(told(&flow, 7).await.0, [0]);
}

#[tokio::test]
async fn an_error_of_the_flow_is_its_own_words() {
    let body = r#"(i32.store8 (i32.const 0) (i32.const 1)) (i32.store (i32.const 4) (i32.const 64))
        (i32.store (i32.const 8) (i32.const 10)) (i32.const 0)"#;
    let flow = ENGINE.compile("sorry", &component("", "no doctors", body)).expect("compiles");
    let port = Scripted::new(nobody(), call_info(), Vec::new(), Box::new(Exact)).expect("a port");
    let report = ENGINE.run(&flow, Box::new(port), RunOptions::default()).await;
    assert_eq!(report.end, FlowEnd::GaveUp("no doctors".into()));
    assert_eq!(report.memory_bytes, 65_536);
}

#[tokio::test]
async fn a_scripted_caller_is_heard_through_a_real_flow() {
    let caller = vec![CallerTurn::Says("Мурка".into()), CallerTurn::HangsUp];
    let port = Scripted::new(nobody(), call_info(), caller, Box::new(Exact)).expect("a port");
    let story = port.story();
    let flow = ENGINE.compile("echo", &echo(5)).expect("compiles");
    let report = ENGINE.run(&flow, Box::new(port), RunOptions::default()).await;
    assert_eq!(report.end, FlowEnd::Finished);
    let story = story.lock().expect("not poisoned");
    assert_eq!(story.said(), ["name?", "Мурка", "name?"]);
    assert!(story.over);
}

#[test]
fn compiled_flows_are_kept_between_engines() {
    let dir = tempfile::tempdir().expect("a directory");
    let cache_dir = Some(dir.path().join("compiled"));
    let wasm = echo(1);
    let files = || std::fs::read_dir(dir.path().join("compiled")).expect("made").count();
    for _ in 0..2 {
        let options = Options { max_calls: 4, threads: 1, cache_dir: cache_dir.clone(), ..Options::default() };
        let engine = flows::Engine::with_options(options).expect("an engine");
        let flow = engine.compile("echo", &wasm).expect("compiles");
        assert_eq!(files(), 1);
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let report = runtime.block_on(engine.run(&flow, Box::new(crate::support::Agreeable), RunOptions::default()));
        assert_eq!(report.end, FlowEnd::Finished);
    }
}
