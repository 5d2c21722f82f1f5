//! Refused before a caller is on the line: broken, foreign, lying, greedy, or built against another host.

use crate::support::{VOICE, World, module, run};
use crate::table::{Caller, End, Hostile};

const CALL_NOW: &str = "(call $now (i32.const 1024)) (i32.const 0)";

/// A component without imports: fields of its module, the body of `run`, fields of the component.
pub fn bare(fields: &str, body: &str, outer: &str) -> Vec<u8> {
    let text = format!(
        r#"(component
             {outer}
             (core module $program
               (memory (export "memory") 1)
               {fields}
               (func (export "run") (result i32) {body}))
             (core instance $program (instantiate $program))
             (func (export "run") (result (result (error string)))
               (canon lift (core func $program "run") (memory $program "memory"))))"#
    );
    wat::parse_str(text).expect("valid text")
}

/// The shipped world with its text changed, and a flow that says at which version it was built.
fn built_against(version: &str) -> Vec<u8> {
    let world = World::changed(|text| text.replace("0.1.0", version));
    world.component(&module(&VOICE.replace("0.1.0", version), "", &run(CALL_NOW)))
}

fn world_with(package: &str, interface: &str) -> Vec<u8> {
    let world = World::with(&format!("package {package}; interface people {{ who: func(); }}"), &[interface]);
    let imports = format!(r#"(import "{interface}" "who" (func $who))"#);
    world.component(&module(&imports, "", &run("(call $who) (i32.const 0)")))
}

/// Functions of a later version that this host does not have.
fn functions_from_the_future() -> Vec<u8> {
    let world = World::changed(|text| {
        text.replace("0.1.0", "0.1.99")
            .replace("now: func() -> iso-moment;", "now: func() -> iso-moment; moon: func();")
    });
    let imports =
        format!(r#"{} (import "gudok:clinic/clinic@0.1.99" "moon" (func $moon))"#, VOICE.replace("0.1.0", "0.1.99"));
    world.component(&module(&imports, "", &run("(call $moon) (i32.const 0)")))
}

fn other_type() -> Vec<u8> {
    let world = World::changed(|text| text.replace("now: func() -> iso-moment;", "now: func() -> u32;"));
    let imports = r#"(import "gudok:clinic/clinic@0.1.0" "now" (func $now (result i32)))"#;
    world.component(&module(imports, "", &run("(drop (call $now)) (i32.const 0)")))
}

fn other_run(signature: &str) -> Vec<u8> {
    let world = World::changed(|text| text.replace("-> result<_, string>", signature));
    world.component(&module("", "", &run("(i32.const 0)")))
}

/// `count` imports of interfaces nobody has, by their bytes: the text format takes minutes for so many.
fn many_imports(count: usize) -> Vec<u8> {
    let empty_instance = section(7, vec![1, 0x42, 0]);
    let import = |at: usize| {
        let name = format!("gudok:nothing/n{at}@0.1.0");
        [vec![0], leb(name.len()), name.into_bytes(), vec![5, 0]].concat()
    };
    let imports = section(10, [leb(count), (0..count).flat_map(import).collect()].concat());
    [PREAMBLE.to_vec(), empty_instance, imports].concat()
}

fn gigabyte() -> Vec<u8> {
    let text = module("", "", &run("(i32.const 0)")).replace("(export \"memory\") 1", "(export \"memory\") 16384");
    World::shipped().component(&text)
}

/// How a component begins.
const PREAMBLE: &[u8] = b"\0asm\x0d\0\x01\0";

fn section(id: u8, body: Vec<u8>) -> Vec<u8> {
    [vec![id], leb(body.len()), body].concat()
}

/// LEB128, as in the binary format.
fn leb(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// A component in a component in a component …, by its bytes: the text format would not let us.
fn nested(depth: usize) -> Vec<u8> {
    const COMPONENT_SECTION: u8 = 4;
    let mut sizes = vec![PREAMBLE.len()];
    for level in 0..depth {
        let inner = sizes[level];
        sizes.push(PREAMBLE.len() + 1 + leb(inner).len() + inner);
    }
    let mut bytes = Vec::new();
    for level in (0..depth).rev() {
        bytes.extend_from_slice(PREAMBLE);
        bytes.push(COMPONENT_SECTION);
        bytes.extend(leb(sizes[level]));
    }
    bytes.extend_from_slice(PREAMBLE);
    bytes
}

/// Types that double with each line: 2^60 fields if anybody wrote them out.
fn doubling_types() -> Vec<u8> {
    let types: String = (1..60).map(|at| format!("(type $t{at} (tuple $t{0} $t{0}))", at - 1)).collect();
    let outer = format!("(type $t0 (tuple u8 u8)) {types} (import \"big\" (func (param \"big\" $t59)))");
    bare("", "(i32.const 0)", &outer)
}

/// Lists of lists of lists …
fn deep_types() -> Vec<u8> {
    let types: String = (1..2_000).map(|at| format!("(type $t{at} (list $t{}))", at - 1)).collect();
    bare("", "(i32.const 0)", &format!("(type $t0 (list u8)) {types} (import \"deep\" (func (param \"deep\" $t1999)))"))
}

/// More functions than a module may have, all of the same one byte.
fn too_many_functions() -> Vec<u8> {
    let count = 1_000_001;
    let types = section(1, vec![1, 0x60, 0, 0]);
    let functions = section(3, [leb(count), vec![0; count]].concat());
    let code = section(10, [leb(count), [2, 0, 0x0b].repeat(count)].concat());
    let module = [b"\0asm\x01\0\0\0".to_vec(), types, functions, code].concat();
    [PREAMBLE.to_vec(), section(1, module)].concat()
}

pub fn hostile() -> Vec<Hostile> {
    let many = |what: &str, count: usize| what.repeat(count);
    let whole = bare("", "(i32.const 0)", "");
    let core = wat::parse_str(module("", "", &run("(i32.const 0)"))).expect("valid text");
    let instances: String = (0..70).map(|_| "(core instance (instantiate $small))".to_owned()).collect();
    let inner = format!("(core module $small (memory 1)) {instances}");
    let small = "(core module $small) ";
    let no_memories: String = small.to_owned() + &many("(core instance (instantiate $small))", 70);
    let ok = "(i32.const 0)";
    let list: Vec<(&'static str, Vec<u8>, &'static str)> = vec![
        ("nothing at all", Vec::new(), "NotWasm"),
        ("a text instead of a program", b"(component)".to_vec(), "NotWasm"),
        ("a core module", core, "CoreModule"),
        ("half a component", whole[..whole.len() / 2].to_vec(), "Invalid"),
        ("a component with its last byte missing", whole[..whole.len() - 1].to_vec(), "Invalid"),
        ("more bytes than allowed", vec![0; (8 << 20) + 1], "TooLarge"),
        (
            "an interface of ours that does not exist",
            world_with("gudok:payments@0.1.0", "gudok:payments/people@0.1.0"),
            "UnknownImport",
        ),
        ("an interface of somebody else", world_with("acme:crm@1.0.0", "acme:crm/people@1.0.0"), "UnknownImport"),
        ("the network through wasi:http", world_with("wasi:http@0.2.0", "wasi:http/people@0.2.0"), "UnknownImport"),
        ("a part of WASI that does not exist", world_with("wasi:cli@0.2.0", "wasi:cli/people@0.2.0"), "WrongType"),
        ("claims to be built against gudok 9.9.9", built_against("9.9.9"), "UnknownImport"),
        ("claims a version that is no version", built_against("0.0.0-0"), "UnknownImport"),
        ("functions from the future under an old name", functions_from_the_future(), "MissingFunction"),
        ("another type under a known name", other_type(), "WrongType"),
        ("exports run with another type", other_run("-> u32"), "WrongType"),
        ("does not export run", wat::parse_str("(component)").expect("valid text"), "NoRun"),
        (
            "exports a thing that is no function as run",
            wat::parse_str("(component (component $c) (export \"run\" (component $c)))").expect("valid text"),
            "Invalid",
        ),
        ("five memories", bare(&many("(memory 1)", 4), ok, ""), "Invalid"),
        ("seventeen tables", bare(&many("(table 1 funcref)", 17), ok, ""), "Invalid"),
        ("seventy instances with a memory each", bare("", ok, &inner), "Invalid"),
        ("seventy instances", bare("", ok, &no_memories), "Invalid"),
        ("a gigabyte of memory from the start", gigabyte(), "TooHungry"),
        ("ten million table elements from the start", bare("(table 10000000 funcref)", ok, ""), "Invalid"),
        ("64-bit memory", bare("(memory i64 1)", ok, ""), "Invalid"),
        ("shared memory", bare("(memory 1 1 shared)", ok, ""), "Invalid"),
        ("atomics", bare("(func (drop (i32.atomic.load (i32.const 0))))", ok, ""), "Invalid"),
        ("garbage-collected types", bare("(type (struct (field i32)))", ok, ""), "Invalid"),
        ("exceptions", bare("(tag $e) (func (throw $e))", ok, ""), "Invalid"),
        (
            "relaxed SIMD",
            bare("(func (param v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 0)))", ok, ""),
            "Invalid",
        ),
        ("nine hundred imports that nobody offers", many_imports(900), "UnknownImport"),
        ("a hundred thousand imports", many_imports(100_001), "Invalid"),
        ("components nested fifty deep", nested(50), "NoRun"),
        ("components nested a hundred thousand deep", nested(100_000), "CompileTooBig"),
        ("types that double sixty times", doubling_types(), "Invalid"),
        ("types nested two thousand deep", deep_types(), "Invalid"),
        ("a million and one functions", too_many_functions(), "Invalid"),
    ];
    let hostile = |(name, wasm, variant)| Hostile { name, wasm, caller: Caller::Agreeable, end: End::Refused(variant) };
    list.into_iter().map(hostile).collect()
}
