//! The table: every hostile flow, what becomes of it, and that nothing stays behind.

use std::sync::Arc;
use std::time::{Duration, Instant};

use flows::{CompileLimits, Compiler, Engine, FlowEnd, FlowError, Limits, Options, Port, RunOptions, TrapKind};

use crate::support::{Agreeable, Gone, echo};
use crate::{running, upload, wasi};

/// A hostile flow.
pub struct Hostile {
    pub name: &'static str,
    pub wasm: Vec<u8>,
    pub caller: Caller,
    pub end: End,
}

/// Who is on the line.
#[derive(Clone, Copy)]
pub enum Caller {
    /// Answers everything.
    Agreeable,
    /// Has hung up.
    Gone,
}

/// What must become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Refused at upload, with this variant of [`FlowError`].
    Refused(&'static str),
    /// Stopped while it ran.
    Stopped(TrapKind),
    /// It runs to its end, because what it tried had no effect (it traps if it had one).
    InVain,
}

/// Calls at the same time.
const PLACES: usize = 256;

/// An engine as in a server: a pool, and a child of this very program that compiles.
pub fn engine() -> Engine {
    let options = Options {
        limits: Limits { component_bytes: 8 << 20, cpu_between_calls: Duration::from_millis(250), ..Limits::default() },
        max_calls: PLACES as u32,
        threads: 2,
        compiler: child(CompileLimits { memory_bytes: 512 << 20, cpu_seconds: 30, wall: Duration::from_secs(300) }),
        ..Options::default()
    };
    Engine::with_options(options).expect("an engine")
}

/// This very program as the child that compiles, under these bounds.
pub fn child(limits: CompileLimits) -> Compiler {
    match Compiler::this_program(["compile-flow"]) {
        Compiler::Child { program, args, .. } => Compiler::Child { program, args, limits },
        Compiler::InProcess => unreachable!("a program is a child"),
    }
}

pub fn every_hostile_flow_is_contained() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let engine = engine();
    let good = engine.compile("good", &echo(2)).expect("compiles");
    let hostile: Vec<Hostile> =
        [upload::hostile(), running::hostile(), wasi::hostile()].into_iter().flatten().collect();
    let mut failures = Vec::new();
    let mut resident = vec![resident_bytes()];
    for round in 0..2 {
        for flow in &hostile {
            let began = Instant::now();
            let end = runtime.block_on(end(&engine, flow));
            if round == 0 {
                println!("  {:<54} {end:?} in {} ms", flow.name, began.elapsed().as_millis());
            }
            if end.as_ref().ok() != Some(&flow.end) {
                failures.push(format!("{}: {end:?}, not {:?}", flow.name, flow.end));
            }
            if engine.room() != PLACES {
                failures.push(format!("{}: it still holds a place", flow.name));
            }
        }
        let report = runtime.block_on(engine.run(&good, Box::new(Agreeable), RunOptions::default()));
        assert_eq!(report.end, FlowEnd::Finished, "a good flow runs as before");
        resident.push(resident_bytes());
    }
    let mib: Vec<_> = resident.iter().map(|bytes| bytes >> 20).collect();
    println!("  {} hostile flows, twice; resident MiB before and after each: {mib:?}", hostile.len());
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(hostile.len() >= 25);
    // The first round fills what stays for good: the allocator's arenas, code of the runtime. After that nothing grows:
    // a flow of the suite that left even its smallest memory behind would show as 64 KiB, many of them as megabytes.
    let grown = resident[2].saturating_sub(resident[1]);
    assert!(grown < 8 << 20, "{} KiB stayed after a second round", grown >> 10);
}

/// Upload it, and if it is taken, have it hold a call.
async fn end(engine: &Engine, hostile: &Hostile) -> Result<End, String> {
    let flow = match engine.compile_async(hostile.name, &hostile.wasm).await {
        Ok(flow) => flow,
        Err(error) => return Ok(End::Refused(variant(&error))),
    };
    let port: Box<dyn Port> = match hostile.caller {
        Caller::Agreeable => Box::new(Agreeable),
        Caller::Gone => Box::new(Gone),
    };
    let options = RunOptions { wall_limit: Some(Duration::from_secs(120)), ..RunOptions::default() };
    let report = engine.run(&flow, port, options).await;
    assert_eq!(Arc::strong_count(&flow), 1, "{}: the call holds on to its flow", hostile.name);
    assert!(report.memory_bytes <= Limits::default().memory_bytes, "{}: {}", hostile.name, report.memory_bytes);
    assert!(report.output.len() <= 3 * (16 << 10), "{}: it printed {} bytes", hostile.name, report.output.len());
    match report.end {
        FlowEnd::Finished => Ok(End::InVain),
        FlowEnd::Trapped { kind: TrapKind::WallLimit, message } => Err(message),
        FlowEnd::Trapped { kind, .. } => Ok(End::Stopped(kind)),
        FlowEnd::GaveUp(reason) => Err(format!("gave up: {reason}")),
    }
}

/// The name of an error's variant.
pub fn variant(error: &FlowError) -> &'static str {
    match error {
        FlowError::TooLarge { .. } => "TooLarge",
        FlowError::NotWasm { .. } => "NotWasm",
        FlowError::CoreModule { .. } => "CoreModule",
        FlowError::Invalid { .. } => "Invalid",
        FlowError::UnknownImport { .. } => "UnknownImport",
        FlowError::MissingFunction { .. } => "MissingFunction",
        FlowError::WrongType { .. } => "WrongType",
        FlowError::NoRun { .. } => "NoRun",
        FlowError::TooHungry { .. } => "TooHungry",
        FlowError::CompileTooBig { .. } => "CompileTooBig",
        FlowError::CompileTimeout { .. } => "CompileTimeout",
        FlowError::CompilerFailed { reason, .. } => {
            println!("    {reason}");
            "CompilerFailed"
        }
        FlowError::DiesAtStart { .. } => "DiesAtStart",
        FlowError::Engine(_) => "Engine",
    }
}

/// Resident memory of this process, from the kernel.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("resident memory");
    let kib: usize = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib << 10
}
