//! Flows of a few instructions, and a clinic to call.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use desk::Clinic;
use flows::{Engine, Flow, Options};
use lines::script::Script;
use rehearsal::{Case, House};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

pub static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::with_options(Options { max_calls: 16, threads: 2, ..Options::default() }).unwrap());

pub static HOUSE: LazyLock<Arc<House>> = LazyLock::new(|| {
    let text = r#"
        id = "vet"
        name = "Проба"
        kind = "veterinary"
        timezone = "Europe/Moscow"
        services = ["терапия"]
        [lines]
        operator = "101"
    "#;
    House::new(Arc::new(Clinic::parse(text, "vet.toml").unwrap()))
});

/// Strings of the flows below, each with its place in memory.
const DATA: &str = r#"(data (i32.const 64) "need") (data (i32.const 80) "Hello, why?") (data (i32.const 96) "again?")
    (data (i32.const 112) "Goodbye!") (data (i32.const 128) "again")"#;

/// A flow with this `run`. `$ask` takes id and text, the result lies at 1024: 0 at its first byte means that the caller
/// answered; the kind of answer is at 1032 (0 speech, 1 digits, 2 silence).
pub fn flow(run: &str) -> Arc<Flow> {
    let module = format!(
        r#"(module
            (import "gudok:voice/voice@0.1.0" "say" (func $wit-say (param i32 i32 i32 i32)))
            (import "gudok:voice/voice@0.1.0" "ask"
                (func $wit-ask (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
            (import "gudok:routing/routing@0.1.0" "transfer"
                (func $wit-transfer (param i32 i32 i32 i32 i32 i32)))
            (import "gudok:notes/notes@0.1.0" "set-outcome" (func $wit-outcome (param i32 i32)))
            (memory (export "memory") 1)
            (global $top (mut i32) (i32.const 8192))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (if (i32.gt_u (i32.add (global.get $top) (local.get 3)) (i32.const 60000))
                    (then (global.set $top (i32.const 8192))))
                (global.set $top (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
                (global.get $top)
                (global.set $top (i32.add (global.get $top) (local.get 3))))
            {DATA}
            (func $ask (param $id i32) (param $id-len i32) (param $text i32) (param $text-len i32) (result i32)
                (call $wit-ask (local.get $id) (local.get $id-len) (local.get $text) (local.get $text-len) (i32.const 0)
                    (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                    (i32.const 1024))
                ;; did the caller hang up?
                (i32.load8_u (i32.const 1024)))
            (func $say (param $text i32) (param $len i32)
                (call $wit-say (local.get $text) (local.get $len) (i32.const 2) (i32.const 1200)))
            (func $transfer (call $wit-transfer (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64) (i32.const 4)
                (i32.const 1300)))
            (func $outcome (param i32) (call $wit-outcome (local.get 0) (i32.const 1400)))
            (func (export "run") (result i32) {run}))"#
    );
    let mut module = wat::parse_str(&module).expect("valid text");
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let (package, _) = resolve.push_dir(&wit).expect("valid WIT");
    let world = resolve.select_world(&[package], Some("flow")).expect("world `flow`");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("metadata");
    let component = ComponentEncoder::default().validate(true).module(&module).expect("fits").encode().expect("fits");
    ENGINE.compile("test", &component).expect("compiles")
}

/// Asks «need»; whoever answers in words is told good-bye with the outcome `answered`, whoever presses keys is put
/// through, whoever is silent is left alone.
pub const DESK: &str = r#"
    (if (call $ask (i32.const 64) (i32.const 4) (i32.const 80) (i32.const 11)) (then (return (i32.const 0))))
    (if (i32.eqz (i32.load8_u (i32.const 1032)))
        (then (call $say (i32.const 112) (i32.const 8)) (call $outcome (i32.const 3)) (return (i32.const 0))))
    (if (i32.eq (i32.load8_u (i32.const 1032)) (i32.const 1)) (then (call $transfer)))
    (i32.const 0)"#;

/// A case of this script.
pub fn case(script: &str) -> Case {
    let script = Script::toml(script, "test.toml").unwrap();
    Case { file: "test.toml".into(), script: Arc::new(script), house: Arc::clone(&HOUSE), seed: 1 }
}
