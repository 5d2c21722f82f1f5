//! Flows that attack the compiler, and children that do not do as they should.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use flows::{CompileLimits, Compiler, Engine, FlowEnd, FlowError, Options, RunOptions};

use crate::support::Agreeable;
use crate::table::{child, variant};
use crate::upload::bare;

const FRONT_DESK: &[u8] = include_bytes!("../contracts/0.1.0/front-desk-0.1.0.wasm");

/// One function in which every one of many loops carries every one of many variables: the compiler's own tables grow
/// with their product, while the flow itself stays small.
fn bomb() -> Vec<u8> {
    const LOOPS: usize = 6_000;
    const VARIABLES: usize = 3_000;
    let locals = "i32 ".repeat(VARIABLES);
    let changes: String =
        (0..VARIABLES).map(|at| format!("local.get {at} i32.const {at} i32.add local.set {at} ")).collect();
    let open = "loop ".repeat(LOOPS);
    let close: String = (0..LOOPS).map(|at| format!("local.get {} br_if 0 end ", at % VARIABLES)).collect();
    bare(&format!("(func (local {locals}) {open} {changes} {close})"), "(i32.const 0)", "")
}

/// Far more blocks inside each other than any person writes.
fn deep_blocks() -> Vec<u8> {
    const DEPTH: usize = 200_000;
    bare(&format!("(func {} {})", "block ".repeat(DEPTH), "end ".repeat(DEPTH)), "(i32.const 0)", "")
}

fn engine(compiler: Compiler) -> Engine {
    Engine::with_options(Options { max_calls: 4, threads: 1, compiler, ..Options::default() }).expect("an engine")
}

pub fn compile_bombs_end_in_one_clear_error() {
    let (wide, deep) = (bomb(), deep_blocks());
    let ample = CompileLimits { memory_bytes: 64 << 30, cpu_seconds: 300, wall: Duration::from_secs(600) };
    let cases: [(&str, &[u8], CompileLimits, &[&str]); 4] = [
        ("a bomb, two seconds of CPU", &wide, CompileLimits { cpu_seconds: 2, ..ample }, &["CompileTimeout"]),
        (
            "a bomb, two seconds of time",
            &wide,
            CompileLimits { wall: Duration::from_secs(2), ..ample },
            &["CompileTimeout"],
        ),
        ("a bomb, 256 MiB of memory", &wide, CompileLimits { memory_bytes: 256 << 20, ..ample }, &["CompileTooBig"]),
        // What the compiler makes of it is its own affair, as long as it is one of these.
        (
            "blocks two hundred thousand deep",
            &deep,
            CompileLimits { cpu_seconds: 3, memory_bytes: 2 << 30, ..ample },
            &["compiled", "Invalid", "CompileTimeout", "CompileTooBig", "CompilerFailed"],
        ),
    ];
    for (name, wasm, limits, expected) in cases {
        let began = Instant::now();
        let engine = engine(child(limits));
        let end = match engine.compile("bomb", wasm) {
            Ok(_) => "compiled",
            Err(error) => {
                let text = error.to_string();
                println!("    {text}");
                assert!(text.contains("bomb") && text.contains(&wasm.len().to_string()), "name and size: {text}");
                variant(&error)
            }
        };
        println!("  {name} ({} kB): {end} in {:.1} s", wasm.len() / 1_000, began.elapsed().as_secs_f64());
        assert!(expected.contains(&end), "{name}: {end}");
    }
}

/// `sh` plays children that are dead, silent, talkative or liars.
pub fn a_child_that_fails_is_one_clear_error() {
    let limits = CompileLimits { wall: Duration::from_secs(20), ..CompileLimits::default() };
    let refusal = |program: &str, args: &[&str], limits| {
        let args = args.iter().map(OsString::from).collect();
        let engine = engine(Compiler::Child { program: program.into(), args, limits });
        engine.compile("desk", FRONT_DESK).expect_err("nothing was compiled")
    };
    for (script, says) in [
        ("exit 3", "exit status: 3"),
        ("echo disk full >&2; exit 1", "disk full"),
        ("kill -SEGV $$", "signal 11"),
        ("cat >/dev/null; echo hello", "not to be trusted"),
        ("cat >/dev/null; printf 'gudok compiled1\\n0123456789abcdef................'", "another engine"),
        ("head -c 1000000 /dev/zero >&2; exit 1", "exit status: 1"),
    ] {
        let error = refusal("/bin/sh", &["-c", script], limits);
        assert!(matches!(error, FlowError::CompilerFailed { .. }), "{script}: {error}");
        let text = error.to_string();
        assert!(text.contains(says), "{script}: {text}");
        assert!(text.len() < 6_000, "{script}: {} bytes of error", text.len());
    }
    let error = refusal("/nonexistent/gudok", &[], limits);
    assert!(error.to_string().contains("/nonexistent/gudok"), "{error}");
    let soon = CompileLimits { wall: Duration::from_millis(200), ..limits };
    // `exec`, so that it is the child itself that hangs.
    let error = refusal("/bin/sh", &["-c", "exec sleep 3600"], soon);
    assert!(matches!(error, FlowError::CompileTimeout { .. }), "{error}");
}

pub fn child_and_parent_make_the_same_code() {
    // One fills the cache, the other finds it there: they agree on the engine, and on the code.
    let dir = tempfile::tempdir().expect("a directory");
    let code = |compiler, place: &str| {
        let cache_dir = Some(dir.path().join(place));
        let options = Options { max_calls: 4, threads: 1, compiler, cache_dir, ..Options::default() };
        let engine = Engine::with_options(options).expect("an engine");
        let began = Instant::now();
        let flow = engine.compile("front-desk", FRONT_DESK).expect("compiles");
        let took = began.elapsed();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let report = runtime.block_on(engine.run(&flow, Box::new(Agreeable), RunOptions::default()));
        // The port of this test does not know the clinic: the flow got as far as asking for it.
        assert!(report.host_calls > 0 && report.end != FlowEnd::Finished, "{report:?}");
        let files: Vec<_> = std::fs::read_dir(dir.path().join(place)).expect("made").flatten().collect();
        assert_eq!(files.len(), 1);
        (files[0].file_name(), std::fs::read(files[0].path()).expect("readable"), took)
    };
    let (name_here, code_here, here) = code(Compiler::InProcess, "here");
    let (name_there, code_there, there) = code(child(CompileLimits::default()), "there");
    assert_eq!(name_here, name_there);
    assert!(code_here == code_there, "the same bytes");
    println!(
        "  front desk, {} kB: compiled here in {} ms, by a child in {} ms",
        FRONT_DESK.len() / 1_000,
        here.as_millis(),
        there.as_millis()
    );
}
