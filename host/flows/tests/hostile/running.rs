//! Stopped while it runs: what burns, swells, recurses, floods, lies across the boundary, or does not let go.

use flows::TrapKind::{CpuLimit, HostCallFlood, IgnoredHangup, MemoryLimit, Other, StackOverflow, Unreachable};

use crate::support::{ASK, VOICE, World, component, module, run};
use crate::table::{Caller, End, Hostile};
use crate::upload::bare;

const OK: &str = "(i32.const 0)";
const FOREVER: &str = "(loop $again (br $again))";
/// Returns a text, so the host allocates inside the flow.
const CALL_NOW: &str = "(call $now (i32.const 1024)) (i32.const 0)";
const PARSE_CHOICE: &str = r#"(import "gudok:understanding/understanding@0.1.0" "parse-choice"
    (func $choose (param i32 i32 i32 i32 i32)))"#;
const SET_OUTCOME: &str = r#"(import "gudok:notes/notes@0.1.0" "tag" (func $tag (param i32 i32 i32)))"#;

/// A flow whose allocator, which the host calls, is this.
fn allocator(body: &str) -> Vec<u8> {
    let text = module(VOICE, "", &run(CALL_NOW));
    let (before, rest) = text.split_once("(func (export \"cabi_realloc\")").expect("an allocator");
    let (_, after) = rest.split_once("(data").expect("the data after it");
    let text =
        format!("{before}(func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) {body}) (data{after}");
    World::shipped().component(&text)
}

/// A flow that comes out of `run` well, and does this when the host says it has read the result.
fn after_return(body: &str) -> Vec<u8> {
    let run = format!("{} (func (export \"cabi_post_run\") (param i32) {body})", run(OK));
    World::shipped().component(&module("", "", &run))
}

/// A start function: runs while the instance is made.
fn at_start(body: &str) -> Vec<u8> {
    bare(&format!("(func $start {body}) (start $start)"), OK, "")
}

pub fn hostile() -> Vec<Hostile> {
    let deep = "(func $deep (param i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1)))";
    let mutual = "(func $ping (param i32) (result i32) (i32.add (call $pong (local.get 0)) (i32.const 1)))
                  (func $pong (param i32) (result i32) (i32.add (call $ping (local.get 0)) (i32.const 1)))";
    let large_frames = format!(
        "(func $deep (param i32) (result i32) {} (i32.add (call $deep (local.get 0)) (i32.const 1)))",
        "(local i64 i64 i64 i64 i64 i64 i64 i64)".repeat(100)
    );
    let swell = "(local $at i32) (loop $again
        (local.set $at (i32.mul (memory.grow (i32.const 16)) (i32.const 65536)))
        (memory.fill (local.get $at) (i32.const 170) (i32.const 1048576)) (br $again)) (i32.const 0)";
    let by_pages = "(loop $again (drop (memory.grow (i32.const 1))) (br $again)) (i32.const 0)";
    let tables = "(loop $again (drop (table.grow 0 (ref.null func) (i32.const 1000))) (br $again)) (i32.const 0)";
    let fill = "(drop (memory.grow (i32.const 900))) (loop $again
        (memory.fill (i32.const 0) (i32.const 1) (i32.const 58000000)) (br $again)) (i32.const 0)";
    let choose = |count: u32| {
        format!("(drop (memory.grow (i32.const 300)))
            (call $choose (i32.const 64) (i32.const 4) (i32.const 65536) (i32.const {count}) (i32.const 1024)) (i32.const 0)")
    };
    let says = "(local $left i32) (local.set $left (i32.const 100000)) (loop $again
        (call $say (i32.const 64) (i32.const 4) (i32.const 0) (i32.const 1024))
        (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1))))) (i32.const 0)";
    let tags = "(loop $again (call $tag (i32.const 64) (i32.const 4) (i32.const 1024)) (br $again)) (i32.const 0)";
    let voice = |body: &str| component(VOICE, "name?", body);
    let result_at = |address: u32, bytes: &str| bare("", &format!("{bytes} (i32.const {address})"), "");

    let list: Vec<(&'static str, Vec<u8>, _)> = vec![
        // Computing.
        ("an abort", bare("", "unreachable", ""), Unreachable),
        ("an endless loop", bare("", &format!("{FOREVER} {OK}"), ""), CpuLimit),
        ("endless recursion", bare(deep, "(call $deep (i32.const 0))", ""), StackOverflow),
        ("endless mutual recursion", bare(mutual, "(call $ping (i32.const 0))", ""), StackOverflow),
        ("endless recursion with large frames", bare(&large_frames, "(call $deep (i32.const 0))", ""), StackOverflow),
        ("a division by zero", bare("", "(i32.div_u (i32.const 1) (i32.const 0))", ""), Other),
        ("an integer overflow", bare("", "(i32.div_s (i32.const 0x80000000) (i32.const -1))", ""), Other),
        ("a number that is none", bare("", "(i32.trunc_f64_s (f64.const nan))", ""), Other),
        ("a read outside its memory", bare("", "(i32.load (i32.const 65536))", ""), Other),
        (
            "a write at the end of addresses",
            bare("", "(i64.store offset=4294967295 (i32.const -1) (i64.const 1)) (i32.const 0)", ""),
            Other,
        ),
        (
            "a call through an empty table",
            bare("(type $f (func (result i32))) (table 1 funcref)", "(call_indirect (type $f) (i32.const 0))", ""),
            Other,
        ),
        (
            "a call outside its table",
            bare("(type $f (func (result i32))) (table 1 funcref)", "(call_indirect (type $f) (i32.const 9))", ""),
            Other,
        ),
        (
            "a call with the wrong signature",
            bare(
                "(type $f (func (result i32))) (table 1 funcref) (func $g) (elem (i32.const 0) $g)",
                "(call_indirect (type $f) (i32.const 0))",
                "",
            ),
            Other,
        ),
        // Memory.
        ("memory without end", bare("", swell, ""), MemoryLimit),
        ("memory without end, page by page", bare("", by_pages, ""), MemoryLimit),
        ("a table without end", bare("(table 1 funcref)", tables, ""), MemoryLimit),
        ("fills 58 MB again and again", bare("", fill, ""), CpuLimit),
        // While the instance is made.
        ("aborts in its start function", at_start("unreachable"), Unreachable),
        ("a start function without end", at_start(FOREVER), CpuLimit),
        ("recursion in its start function", at_start("(call $start)"), StackOverflow),
        (
            "memory without end in its start function",
            at_start("(loop $again (drop (memory.grow (i32.const 1))) (br $again))"),
            MemoryLimit,
        ),
        ("data outside its memory", bare("(data (i32.const 65530) \"much too long\")", OK, ""), Other),
        // The conversation.
        (
            "a flood of questions to the host",
            voice("(loop $again (call $now (i32.const 1024)) (br $again)) (i32.const 0)"),
            HostCallFlood,
        ),
        ("a flood of effects", component(SET_OUTCOME, "name", tags), HostCallFlood),
        ("a hundred thousand says", voice(says), HostCallFlood),
        ("questions without end", voice(&format!("(loop $again {ASK} (br $again)) (i32.const 0)")), HostCallFlood),
        // Lies across the boundary.
        (
            "a string of three megabytes",
            voice("(drop (memory.grow (i32.const 100))) (call $log (i32.const 0) (i32.const 3000000)) (i32.const 0)"),
            Other,
        ),
        ("a string of four gigabytes", voice("(call $log (i32.const 64) (i32.const -1)) (i32.const 0)"), Other),
        ("a string outside its memory", voice("(call $log (i32.const 65530) (i32.const 100)) (i32.const 0)"), Other),
        (
            "a string that is no UTF-8",
            component(VOICE, "\\ff\\fe", "(call $log (i32.const 64) (i32.const 2)) (i32.const 0)"),
            Other,
        ),
        ("a list of a million texts", component(PARSE_CHOICE, "name", &choose(1_000_000)), Other),
        ("a list of four billion texts", component(PARSE_CHOICE, "name", &choose(u32::MAX)), Other),
        (
            "an enum value that does not exist",
            voice("(call $say (i32.const 64) (i32.const 4) (i32.const 200) (i32.const 1024)) (i32.const 0)"),
            Other,
        ),
        ("a result to be written outside its memory", voice("(call $now (i32.const 65534)) (i32.const 0)"), Other),
        ("a result to be written askew", voice("(call $now (i32.const 1025)) (i32.const 0)"), Other),
        ("an allocator that aborts", allocator("unreachable"), Unreachable),
        ("an allocator without end", allocator(&format!("{FOREVER} {OK}")), CpuLimit),
        ("an allocator that points outside its memory", allocator("(i32.const 0x7ffffff0)"), Other),
        (
            "an allocator that recurses",
            allocator("(call 4 (local.get 0) (local.get 1) (local.get 2) (local.get 3))"),
            StackOverflow,
        ),
        (
            "an allocator that calls the host",
            allocator("(call $log (i32.const 64) (i32.const 0)) (i32.const 8192)"),
            Other,
        ),
        ("returns a case that does not exist", result_at(16, "(i32.store8 (i32.const 16) (i32.const 7))"), Other),
        ("returns a result outside its memory", result_at(0x7fff_fff0, ""), Other),
        ("returns a result askew", result_at(17, ""), Other),
        (
            "returns an error of two gigabytes",
            result_at(
                16,
                "(i32.store8 (i32.const 16) (i32.const 1)) (i32.store (i32.const 20) (i32.const 64)) (i32.store (i32.const 24) (i32.const 0x7fffffff))",
            ),
            Other,
        ),
        (
            "returns an error that is no UTF-8",
            result_at(
                16,
                "(i32.store8 (i32.const 16) (i32.const 1)) (i32.store (i32.const 20) (i32.const 64)) (i32.store (i32.const 24) (i32.const 1)) (i32.store8 (i32.const 64) (i32.const 255))",
            ),
            Other,
        ),
        ("aborts after it has returned", after_return("unreachable"), Unreachable),
        ("does not end after it has returned", after_return(FOREVER), CpuLimit),
    ];
    let stopped = |(name, wasm, kind)| Hostile { name, wasm, caller: Caller::Agreeable, end: End::Stopped(kind) };
    let mut hostile: Vec<_> = list.into_iter().map(stopped).collect();
    hostile.push(Hostile {
        name: "does not notice that the caller has gone",
        wasm: voice(&format!("(loop $again {ASK} (br $again)) (i32.const 0)")),
        caller: Caller::Gone,
        end: End::Stopped(IgnoredHangup),
    });
    hostile
}
