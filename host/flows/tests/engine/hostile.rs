//! Flows that break, burn, swell and recurse: each ends alone, soon, and is named for what it did.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use async_trait::async_trait;
use flows::host::{HostCall, HostReply};
use flows::{Allocation, Engine, Flow, FlowEnd, Limits, Options, Port, PortError, RunOptions, RunReport, TrapKind};

use crate::support::{ASK, Agreeable, ENGINE, Gone, VOICE, World, component, echo, engine, flow, module, run};

const TRAP: &str = "unreachable";
const ENDLESS_LOOP: &str = "(loop $again (br $again)) (i32.const 0)";
/// Takes a MiB and writes to it, again and again.
const MEMORY_BOMB: &str = r#"(local $at i32)
    (loop $again
        (local.set $at (i32.mul (memory.grow (i32.const 16)) (i32.const 65536)))
        (memory.fill (local.get $at) (i32.const 170) (i32.const 1048576))
        (br $again))
    (i32.const 0)"#;

async fn end(flow: &Arc<Flow>) -> RunReport {
    ENGINE.run(flow, Box::new(Agreeable), RunOptions::default()).await
}

fn kind(report: &RunReport) -> TrapKind {
    match &report.end {
        FlowEnd::Trapped { kind, .. } => *kind,
        other => panic!("the flow should have been stopped, but: {other:?}"),
    }
}

fn message(report: &RunReport) -> &str {
    match &report.end {
        FlowEnd::Trapped { message, .. } => message,
        other => panic!("the flow should have been stopped, but: {other:?}"),
    }
}

fn recursion() -> Arc<Flow> {
    let deep = "(func $deep (param i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1)))";
    let text = module("", "", &format!("{deep} {}", run("(drop (call $deep (i32.const 0))) (i32.const 0)")));
    ENGINE.compile("recursion", &World::shipped().component(&text)).expect("compiles")
}

#[tokio::test]
async fn a_trap_names_the_functions_it_happened_in() {
    let text = module("", "", &format!("(func $book_visit unreachable) {}", run("call $book_visit i32.const 0")));
    let flow = ENGINE.compile("trap", &World::shipped().component(&text)).expect("compiles");
    let report = end(&flow).await;
    assert_eq!(kind(&report), TrapKind::Unreachable);
    assert!(message(&report).contains("book_visit"), "{}", message(&report));
}

#[tokio::test]
async fn an_endless_loop_ends_within_its_budget_of_cpu() {
    let report = end(&flow("", "", ENDLESS_LOOP)).await;
    assert_eq!(kind(&report), TrapKind::CpuLimit);
    assert!((500.0..600.0).contains(&report.cpu_ms), "{} ms", report.cpu_ms);
    assert!(message(&report).contains("since the last host call"), "{}", message(&report));
}

#[tokio::test]
async fn a_memory_bomb_stops_at_the_limit() {
    let report = end(&flow("", "", MEMORY_BOMB)).await;
    assert_eq!(kind(&report), TrapKind::MemoryLimit);
    assert!(report.cpu_ms < 600.0, "{} ms", report.cpu_ms);
    assert!(report.memory_bytes <= Limits::default().memory_bytes, "{}", report.memory_bytes);
    assert!(report.memory_bytes > Limits::default().memory_bytes - (2 << 20), "{}", report.memory_bytes);
}

#[tokio::test]
async fn a_recursion_without_end_stops_at_the_stack() {
    let report = end(&recursion()).await;
    assert_eq!(kind(&report), TrapKind::StackOverflow);
    assert!(report.cpu_ms < 600.0, "{} ms", report.cpu_ms);
}

/// Counts the neighbours that are through.
struct Counting(Agreeable, Arc<AtomicUsize>);

#[async_trait]
impl Port for Counting {
    async fn call(&mut self, call: HostCall) -> Result<HostReply, PortError> {
        self.0.call(call).await
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.1.fetch_add(1, SeqCst);
    }
}

/// On a single thread the neighbours can only get through if every hostile flow is made to share it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbours_go_on_beside_all_four() {
    let options = Options { threads: 1, max_calls: 64, allocation: Allocation::Pool, ..Options::default() };
    let engine = Engine::with_options(options).expect("an engine");
    let compile = |wasm: &[u8]| engine.compile("test", wasm).expect("compiles");
    let good = compile(&echo(5));
    let hostile = [ENDLESS_LOOP, MEMORY_BOMB, TRAP].map(|body| compile(&component("", "", body)));
    let through = Arc::new(AtomicUsize::new(0));

    // The loops first: they have the thread when the neighbours come.
    let mut burning = Vec::new();
    for flow in [&hostile[0], &hostile[0], &hostile[1], &hostile[2]] {
        let (engine, flow, through) = (engine.clone(), Arc::clone(flow), Arc::clone(&through));
        burning.push(tokio::spawn(async move {
            let report = engine.run(&flow, Box::new(Agreeable), RunOptions::default()).await;
            (report, through.load(SeqCst))
        }));
    }
    let neighbours: Vec<_> = (0..20)
        .map(|_| {
            let (engine, good) = (engine.clone(), Arc::clone(&good));
            let port = Counting(Agreeable, Arc::clone(&through));
            tokio::spawn(async move { engine.run(&good, Box::new(port), RunOptions::default()).await })
        })
        .collect();
    for neighbour in neighbours {
        let report = neighbour.await.expect("no panic");
        assert_eq!((&report.end, report.host_calls), (&FlowEnd::Finished, 10));
    }
    let mut kinds = Vec::new();
    for (place, flow) in burning.into_iter().enumerate() {
        let (report, neighbours_through) = flow.await.expect("no panic");
        assert!(report.cpu_ms < 600.0, "{} ms", report.cpu_ms);
        if place < 2 {
            assert_eq!(neighbours_through, 20, "all were through before the loop's half second of CPU was over");
        }
        kinds.push(kind(&report));
    }
    use TrapKind::{CpuLimit, MemoryLimit, Unreachable};
    assert_eq!(kinds, [CpuLimit, CpuLimit, MemoryLimit, Unreachable]);
    assert_eq!(engine.room(), 64, "every place was given back");
}

#[tokio::test]
async fn a_flood_of_host_calls_is_cut_off() {
    let report = end(&flow(VOICE, "", "(loop $again (call $now (i32.const 1024)) (br $again)) (i32.const 0)")).await;
    assert_eq!((kind(&report), report.host_calls), (TrapKind::HostCallFlood, 1_000));

    let limits = Limits { host_calls_per_call: 300, ..Limits::default() };
    let engine = engine(limits);
    let endless = engine.compile("chatterbox", &echo(u32::MAX)).expect("compiles");
    let report = engine.run(&endless, Box::new(Agreeable), RunOptions::default()).await;
    assert_eq!((kind(&report), report.host_calls), (TrapKind::HostCallFlood, 300));
}

/// Many short bursts, each within its budget, are still bounded as a whole.
#[tokio::test]
async fn cpu_of_the_whole_call_is_bounded_too() {
    let limits = Limits { cpu_per_call: Duration::from_millis(40), ..Limits::default() };
    let engine = engine(limits);
    let body = r#"(local $left i32)
        (loop $again
            (local.set $left (i32.const 1000000))
            (loop $burn (br_if $burn (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
            (call $say (i32.const 64) (i32.const 4) (i32.const 0) (i32.const 1024))
            (br $again))
        (i32.const 0)"#;
    let flow = engine.compile("bursts", &component(VOICE, "name", body)).expect("compiles");
    let report = engine.run(&flow, Box::new(Agreeable), RunOptions::default()).await;
    assert_eq!(kind(&report), TrapKind::CpuLimit);
    assert!(message(&report).contains("in this call"), "{}", message(&report));
    assert!(report.host_calls > 1 && report.cpu_ms < 100.0, "{report:?}");
}

#[tokio::test]
async fn a_flow_that_ignores_the_hang_up_is_stopped() {
    let deaf = flow(VOICE, "name?", &format!("(loop $again {ASK} (br $again)) (i32.const 0)"));
    let report = ENGINE.run(&deaf, Box::new(Gone), RunOptions::default()).await;
    assert_eq!(kind(&report), TrapKind::IgnoredHangup);
    assert_eq!(report.host_calls, 1 + Limits::default().calls_after_hangup);

    let polite = ENGINE.compile("polite", &echo(3)).expect("compiles");
    let report = ENGINE.run(&polite, Box::new(Gone), RunOptions::default()).await;
    assert_eq!((report.end, report.host_calls), (FlowEnd::Finished, 1));
}

#[tokio::test]
async fn a_huge_string_is_not_carried_over() {
    let body = r#"(drop (memory.grow (i32.const 100)))
        (call $log (i32.const 0) (i32.const 3000000)) (i32.const 0)"#;
    let report = end(&flow(VOICE, "", body)).await;
    assert_eq!((kind(&report), report.host_calls), (TrapKind::Other, 0));
}

#[tokio::test]
async fn text_that_is_no_text_is_a_trap() {
    let report = end(&flow(VOICE, "\\ff\\fe", "(call $log (i32.const 64) (i32.const 2)) (i32.const 0)")).await;
    assert_eq!((kind(&report), report.host_calls), (TrapKind::Other, 0));
}

struct Panics;

#[async_trait]
impl Port for Panics {
    async fn call(&mut self, call: HostCall) -> Result<HostReply, PortError> {
        tokio::task::yield_now().await;
        panic!("no such table: {}", call.function());
    }
}

#[tokio::test]
async fn a_panic_in_a_port_ends_its_own_call() {
    let flow = ENGINE.compile("echo", &echo(3)).expect("compiles");
    let report = ENGINE.run(&flow, Box::new(Panics), RunOptions::default()).await;
    assert_eq!(kind(&report), TrapKind::Port);
    assert!(message(&report).contains("no such table: voice.ask"), "{}", message(&report));
    assert_eq!(end(&flow).await.end, FlowEnd::Finished);
}

struct Answers(HostReply);

#[async_trait]
impl Port for Answers {
    async fn call(&mut self, _call: HostCall) -> Result<HostReply, PortError> {
        Ok(self.0.clone())
    }
}

#[tokio::test]
async fn a_reply_to_another_function_is_the_ports_fault() {
    let flow = ENGINE.compile("echo", &echo(3)).expect("compiles");
    let port = Answers(HostReply::ClinicIsOpen(true));
    let report = ENGINE.run(&flow, Box::new(port), RunOptions::default()).await;
    assert_eq!(kind(&report), TrapKind::Port);
    assert!(message(&report).contains("clinic.is-open"), "{}", message(&report));
}

/// Never answers; says when it was asked, and when it was dropped.
struct Parked(Option<tokio::sync::oneshot::Sender<()>>, Arc<AtomicUsize>);

#[async_trait]
impl Port for Parked {
    async fn call(&mut self, _call: HostCall) -> Result<HostReply, PortError> {
        self.0.take().map(|asked| asked.send(()));
        std::future::pending().await
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        self.1.fetch_add(1, SeqCst);
    }
}

#[tokio::test]
async fn dropping_the_run_ends_a_parked_flow() {
    let engine = engine(Limits::default());
    let flow = engine.compile("echo", &echo(3)).expect("compiles");
    let (asked, was_asked) = tokio::sync::oneshot::channel();
    let dropped = Arc::new(AtomicUsize::new(0));
    let port = Box::new(Parked(Some(asked), Arc::clone(&dropped)));
    tokio::select! {
        report = engine.run(&flow, port, RunOptions::default()) => panic!("{report:?}"),
        _ = was_asked => {}
    }
    while dropped.load(SeqCst) == 0 || engine.room() < 64 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_wall_limit_ends_a_parked_flow() {
    let flow = ENGINE.compile("echo", &echo(3)).expect("compiles");
    let (asked, _was_asked) = tokio::sync::oneshot::channel();
    let port = Box::new(Parked(Some(asked), Arc::default()));
    let options = RunOptions { wall_limit: Some(Duration::from_millis(5)), ..RunOptions::default() };
    let report = ENGINE.run(&flow, port, options).await;
    assert_eq!((kind(&report), report.host_calls), (TrapKind::WallLimit, 1));
}

#[tokio::test]
async fn a_full_engine_says_so_at_once() {
    let options = Options { max_calls: 1, threads: 1, ..Options::default() };
    let engine = Engine::with_options(options).expect("an engine");
    let flow = engine.compile("echo", &echo(3)).expect("compiles");
    let (asked, was_asked) = tokio::sync::oneshot::channel();
    let port = Box::new(Parked(Some(asked), Arc::default()));
    let parked = engine.run(&flow, port, RunOptions::default());
    tokio::select! {
        report = parked => panic!("{report:?}"),
        second = async {
            was_asked.await.expect("asked");
            engine.run(&flow, Box::new(Agreeable), RunOptions::default()).await
        } => assert_eq!(kind(&second), TrapKind::EngineFull),
    }
}
