//! Flows written as WebAssembly text, made into components against the real WIT, and ports to run them with.
//!
//! No wasm toolchain is needed: `wit-component` (the line that wasmtime itself uses) wraps a core module.

use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use flows::host::notes::Outcome;
use flows::host::voice::{Answer, CallInfo, Channel, Heard, Said};
use flows::host::{Error, HostCall, HostReply};
use flows::{Allocation, Engine, Flow, Limits, Options, Port, PortError};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

/// `wit/` at the root of the project.
pub const WIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit");

/// One engine for all tests that need nothing special: two threads, no pool, so that tests may run side by side.
pub static ENGINE: LazyLock<Engine> = LazyLock::new(|| engine(Limits::default()));

/// An engine with other limits.
pub fn engine(limits: Limits) -> Engine {
    let options = Options { limits, max_calls: 64, threads: 2, allocation: Allocation::Pool, ..Options::default() };
    Engine::with_options(options).expect("an engine with a small pool")
}

/// A world to build against.
pub struct World {
    /// Its types.
    pub resolve: Resolve,
    /// Its id.
    pub world: WorldId,
}

impl World {
    /// The one that ships.
    pub fn shipped() -> Self {
        Self::of(Path::new(WIT))
    }

    fn of(dir: &Path) -> Self {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(dir).expect("valid WIT");
        let world = resolve.select_world(&[package], Some("flow")).expect("world `flow`");
        Self { resolve, world }
    }

    /// The one that ships, with every file passed through `change`.
    pub fn changed(change: impl Fn(&str) -> String) -> Self {
        let copy = tempfile::tempdir().expect("a directory");
        copy_changed(Path::new(WIT), copy.path(), &change);
        Self::of(copy.path())
    }

    /// The one that ships, with more imports: `source` is a package, `imports` its interfaces.
    pub fn with(source: &str, imports: &[&str]) -> Self {
        let mut this = Self::shipped();
        this.resolve.push_str("more.wit", source).expect("valid WIT");
        let imports: String = imports.iter().map(|import| format!("import {import};")).collect();
        let world = format!("package test:flow; world more {{ include gudok:flow/flow@0.1.0; {imports} }}");
        let package = this.resolve.push_str("world.wit", &world).expect("valid WIT");
        this.world = this.resolve.select_world(&[package], Some("more")).expect("world `more`");
        this
    }

    /// Make a component of a core module.
    pub fn component(&self, module: &str) -> Vec<u8> {
        let mut module = wat::parse_str(module).expect("valid text");
        embed_component_metadata(&mut module, &self.resolve, self.world, StringEncoding::UTF8).expect("metadata");
        let mut encoder = ComponentEncoder::default().validate(true).module(&module).expect("fits the world");
        encoder.encode().expect("a component")
    }
}

/// Copy a folder of text, with every file passed through `change`.
pub fn copy_changed(from: &Path, to: &Path, change: &impl Fn(&str) -> String) {
    fs::create_dir_all(to).expect("created");
    for entry in fs::read_dir(from).expect("readable") {
        let path = entry.expect("readable").path();
        let target = to.join(path.file_name().expect("named"));
        if path.is_dir() {
            copy_changed(&path, &target, change);
        } else {
            fs::write(target, change(&fs::read_to_string(&path).expect("text"))).expect("written");
        }
    }
}

/// A core module with what every flow needs: a memory, an allocator, `run`.
///
/// Layout: 0 the result of `run` (0 = ok), 64 the flow's own strings, 1024 results of host calls, from 8192 what the
/// host allocates (it begins anew at 60,000: nobody keeps anything).
pub fn module(imports: &str, data: &str, run: &str) -> String {
    format!(
        r#"(module
            {imports}
            (memory (export "memory") 1)
            (global $top (mut i32) (i32.const 8192))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (if (i32.gt_u (i32.add (global.get $top) (local.get 3)) (i32.const 60000))
                    (then (global.set $top (i32.const 8192))))
                (global.set $top (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
                (global.get $top)
                (global.set $top (i32.add (global.get $top) (local.get 3))))
            (data (i32.const 64) "{data}")
            {run})"#
    )
}

/// `run` and nothing beside it.
pub fn run(body: &str) -> String {
    format!("(func (export \"run\") (result i32) {body})")
}

/// Imports that several flows use. `$ask` takes only what matters here; the rest of a question is empty.
pub const VOICE: &str = r#"
    (import "gudok:voice/voice@0.1.0" "say" (func $say (param i32 i32 i32 i32)))
    (import "gudok:voice/voice@0.1.0" "ask"
        (func $ask (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "gudok:clinic/clinic@0.1.0" "now" (func $now (param i32)))
    (import "gudok:notes/notes@0.1.0" "log" (func $log (param i32 i32)))"#;

/// Ask “name?” with the id `name`, the result at 1024.
pub const ASK: &str = r#"(call $ask (i32.const 64) (i32.const 4) (i32.const 64) (i32.const 5) (i32.const 0) (i32.const 2)
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1024))"#;

/// A component of these parts, against the shipped world.
pub fn component(imports: &str, data: &str, body: &str) -> Vec<u8> {
    World::shipped().component(&module(imports, data, &run(body)))
}

/// The same, compiled by the common engine.
pub fn flow(imports: &str, data: &str, body: &str) -> Arc<Flow> {
    ENGINE.compile("test", &component(imports, data, body)).expect("compiles")
}

/// Asks for a name `turns` times and says each answer.
pub fn echo(turns: u32) -> Vec<u8> {
    let body = format!(
        r#"(local $left i32) (local.set $left (i32.const {turns}))
        (loop $again
            {ASK}
            ;; the caller is gone: finish
            (if (i32.load8_u (i32.const 1024)) (then (return (i32.const 0))))
            (call $say (i32.load (i32.const 1040)) (i32.load (i32.const 1044)) (i32.const 2) (i32.const 1200))
            (local.set $left (i32.sub (local.get $left) (i32.const 1)))
            (br_if $again (local.get $left)))
        (i32.const 0)"#
    );
    component(VOICE, "name?", &body)
}

/// What is known of a test's call.
pub fn call_info() -> CallInfo {
    CallInfo {
        id: "call-1".into(),
        channel: Channel::Script,
        caller: Some("+79031234567".into()),
        line: "main".into(),
        entry: "day".into(),
        started: "2026-11-24T10:00".into(),
    }
}

/// A caller who always answers, in a clinic where all goes well; gives way to other tasks before each answer.
pub struct Agreeable;

#[async_trait]
impl Port for Agreeable {
    async fn call(&mut self, call: HostCall) -> Result<HostReply, PortError> {
        tokio::task::yield_now().await;
        agreeable(&call).ok_or_else(|| PortError::Fault(format!("{} is not in this test", call.function())))
    }
}

/// The replies of [`Agreeable`].
pub fn agreeable(call: &HostCall) -> Option<HostReply> {
    Some(match call {
        HostCall::VoiceCall => HostReply::VoiceCall(call_info()),
        HostCall::VoiceSay { .. } => HostReply::VoiceSay(Ok(Said::Complete)),
        HostCall::VoiceAsk { .. } => {
            HostReply::VoiceAsk(Ok(Answer::Speech(Heard { text: "Барсик".into(), confidence: 0.75 })))
        }
        HostCall::ClinicNow => HostReply::ClinicNow("2026-11-24T10:00".into()),
        HostCall::NotesTag { .. } => HostReply::NotesTag(Ok(())),
        HostCall::NotesSetOutcome { outcome: Outcome::Nothing } => HostReply::NotesSetOutcome(Ok(())),
        HostCall::NotesLog { .. } => HostReply::NotesLog(()),
        _ => return None,
    })
}

/// A caller who has gone.
pub struct Gone;

#[async_trait]
impl Port for Gone {
    async fn call(&mut self, call: HostCall) -> Result<HostReply, PortError> {
        Ok(match call {
            HostCall::VoiceAsk { .. } => HostReply::VoiceAsk(Err(Error::Hangup)),
            HostCall::VoiceSay { .. } => HostReply::VoiceSay(Err(Error::Hangup)),
            other => agreeable(&other).ok_or(PortError::Closed)?,
        })
    }
}

/// Imports of [`steps`].
const MORE: &str = r#"
    (import "gudok:clinic/clinic@0.1.0" "is-open" (func $is_open (result i32)))
    (import "gudok:notes/notes@0.1.0" "tag" (func $tag (param i32 i32 i32)))"#;

/// Say “name”.
pub const SAY: &str = "(call $say (i32.const 64) (i32.const 4) (i32.const 0) (i32.const 1024))";
/// Say “name?”.
pub const SAY_MORE: &str = "(call $say (i32.const 64) (i32.const 5) (i32.const 0) (i32.const 1024))";
/// Look at the clock.
pub const NOW: &str = "(call $now (i32.const 1024))";
/// Look whether it is open.
pub const IS_OPEN: &str = "(drop (call $is_open))";
/// Tag the call “name”.
pub const TAG: &str = "(call $tag (i32.const 64) (i32.const 4) (i32.const 1024))";
/// Tag the call “name?”.
pub const TAG_MORE: &str = "(call $tag (i32.const 64) (i32.const 5) (i32.const 1024))";
/// Log “name”.
pub const LOG: &str = "(call $log (i32.const 64) (i32.const 4))";

/// A flow that takes these steps and returns.
pub fn steps(steps: &[&str]) -> Arc<Flow> {
    flow(&format!("{VOICE}{MORE}"), "name?", &format!("{} (i32.const 0)", steps.join("\n")))
}
