//! Extism's side: the same conversation as a plug-in with two host functions, `ask` and `say`.
//!
//! Extism passes bytes, so that questions and answers are JSON, as its guides advise; the host reads and writes it, the
//! plug-in copies it the way the plug-in kit does, eight bytes at a time through Extism's own memory, and lets it go after
//! use. Host functions are synchronous: a plug-in that waits holds a thread.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use extism::{CompiledPlugin, CurrentPlugin, Error, Manifest, PTR, Plugin, PluginBuilder, UserData, Val, Wasm};
use serde::{Deserialize, Serialize};

use crate::figures::{Result, private_kib};

/// The version the figures are of.
pub const VERSION: &str = "1.30.0";

const QUESTION: &str = r#"{"id":"name","text":"name?","expects":"free","barge_in":"speech","hints":[]}"#;

#[derive(Deserialize)]
struct Question {
    id: String,
    text: String,
    expects: String,
    barge_in: String,
    hints: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Heard {
    text: String,
    confidence: f64,
}

/// The plug-in: asks and says what it heard, `turns` times.
fn plug_in(turns: u32) -> Result<Vec<u8>> {
    let question = QUESTION.replace('"', "\\\"");
    let bytes = QUESTION.len();
    let text = format!(
        r#"(module
            (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
            (import "extism:host/env" "free" (func $free (param i64)))
            (import "extism:host/env" "length" (func $length (param i64) (result i64)))
            (import "extism:host/env" "store_u64" (func $store8 (param i64 i64)))
            (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
            (import "extism:host/env" "load_u64" (func $load8 (param i64) (result i64)))
            (import "extism:host/env" "load_u8" (func $load (param i64) (result i32)))
            (import "extism:host/user" "ask" (func $ask (param i64) (result i64)))
            (import "extism:host/user" "say" (func $say (param i64) (result i64)))
            (memory (export "memory") 1)
            (data (i32.const 64) "{question}")
            ;; Bytes of ours into a new block of Extism's.
            (func $give (param $at i32) (param $left i32) (result i64) (local $block i64) (local $to i64)
                (local.set $block (call $alloc (i64.extend_i32_u (local.get $left))))
                (local.set $to (local.get $block))
                (block $rest (loop $eight
                    (br_if $rest (i32.lt_u (local.get $left) (i32.const 8)))
                    (call $store8 (local.get $to) (i64.load (local.get $at)))
                    (local.set $at (i32.add (local.get $at) (i32.const 8)))
                    (local.set $to (i64.add (local.get $to) (i64.const 8)))
                    (local.set $left (i32.sub (local.get $left) (i32.const 8)))
                    (br $eight)))
                (block $done (loop $one
                    (br_if $done (i32.eqz (local.get $left)))
                    (call $store (local.get $to) (i32.load8_u (local.get $at)))
                    (local.set $at (i32.add (local.get $at) (i32.const 1)))
                    (local.set $to (i64.add (local.get $to) (i64.const 1)))
                    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                    (br $one)))
                (local.get $block))
            ;; A block of Extism's to 8192, and let it go; how many bytes there were.
            (func $take (param $block i64) (result i32) (local $at i32) (local $from i64) (local $left i32)
                (local.set $left (i32.wrap_i64 (call $length (local.get $block))))
                (local.set $from (local.get $block))
                (local.set $at (i32.const 8192))
                (block $rest (loop $eight
                    (br_if $rest (i32.lt_u (local.get $left) (i32.const 8)))
                    (i64.store (local.get $at) (call $load8 (local.get $from)))
                    (local.set $at (i32.add (local.get $at) (i32.const 8)))
                    (local.set $from (i64.add (local.get $from) (i64.const 8)))
                    (local.set $left (i32.sub (local.get $left) (i32.const 8)))
                    (br $eight)))
                (block $done (loop $one
                    (br_if $done (i32.eqz (local.get $left)))
                    (i32.store8 (local.get $at) (call $load (local.get $from)))
                    (local.set $at (i32.add (local.get $at) (i32.const 1)))
                    (local.set $from (i64.add (local.get $from) (i64.const 1)))
                    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                    (br $one)))
                (call $free (local.get $block))
                (i32.sub (local.get $at) (i32.const 8192)))
            (func (export "run") (result i32) (local $left i32) (local $block i64) (local $bytes i32)
                (local.set $left (i32.const {turns}))
                (loop $again
                    (local.set $block (call $give (i32.const 64) (i32.const {bytes})))
                    (local.set $bytes (call $take (call $ask (local.get $block))))
                    (call $free (local.get $block))
                    (local.set $block (call $give (i32.const 8192) (local.get $bytes)))
                    (drop (call $take (call $say (local.get $block))))
                    (call $free (local.get $block))
                    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                    (br_if $again (local.get $left)))
                (i32.const 0)))"#
    );
    Ok(wat::parse_str(text)?)
}

/// What the host does when it is called: says when, then answers, or waits until nobody holds the other end.
struct Host {
    called: Sender<Instant>,
    wait: Option<Arc<Mutex<Receiver<()>>>>,
}

/// A plug-in compiled with a time and a memory limit, as ours have.
fn compile(wasm: Vec<u8>, host: UserData<Host>, cache: Option<&std::path::Path>) -> Result<CompiledPlugin> {
    let manifest = Manifest::new([Wasm::data(wasm)]).with_timeout(Duration::from_secs(3_600)).with_memory_max(256);
    let builder = PluginBuilder::new(manifest);
    let builder = match cache {
        Some(file) => builder.with_cache_config(file),
        None => builder.with_cache_disabled(),
    };
    let ask = |plugin: &mut CurrentPlugin, inputs: &[Val], outputs: &mut [Val], host: UserData<Host>| -> Done {
        let question: Question = serde_json::from_str(&plugin.memory_get_val::<String>(&inputs[0])?)?;
        called(&host)?;
        if question.id != "name" || question.text != "name?" || question.expects != "free" {
            return Err(Error::msg("another question was asked"));
        }
        if question.barge_in != "speech" || !question.hints.is_empty() {
            return Err(Error::msg("the question was asked otherwise"));
        }
        let heard = serde_json::to_string(&Heard { text: "Барсик".into(), confidence: 0.75 })?;
        plugin.memory_set_val(&mut outputs[0], heard)
    };
    let say = |plugin: &mut CurrentPlugin, inputs: &[Val], outputs: &mut [Val], host: UserData<Host>| -> Done {
        let heard: Heard = serde_json::from_str(&plugin.memory_get_val::<String>(&inputs[0])?)?;
        called(&host)?;
        if heard.text != "Барсик" || heard.confidence != 0.75 {
            return Err(Error::msg("something else was said"));
        }
        plugin.memory_set_val(&mut outputs[0], "complete")
    };
    Ok(builder
        .with_function("ask", [PTR], [PTR], host.clone(), ask)
        .with_function("say", [PTR], [PTR], host, say)
        .compile()?)
}

/// What a host function comes to.
type Done = std::result::Result<(), Error>;

fn called(host: &UserData<Host>) -> Done {
    let now = Instant::now();
    let host = host.get()?;
    let wait = {
        let host = host.lock().map_err(|_| Error::msg("a host function panicked"))?;
        host.called.send(now).ok();
        host.wait.clone()
    };
    if let Some(wait) = wait {
        // Ends with an error when the other end is dropped.
        wait.lock().map_err(|_| Error::msg("a host function panicked"))?.recv().ok();
    }
    Ok(())
}

fn host() -> (UserData<Host>, Receiver<Instant>) {
    let (called, stamps) = channel();
    (UserData::new(Host { called, wait: None }), stamps)
}

/// From a compiled plug-in to its first host call, a new instance each time.
pub fn starts(times: usize) -> Result<Vec<Duration>> {
    let (host, stamps) = host();
    let compiled = compile(plug_in(1)?, host, None)?;
    let mut all = Vec::with_capacity(times);
    for _ in 0..times {
        let began = Instant::now();
        Plugin::new_from_compiled(&compiled)?.call::<&str, ()>("run", "")?;
        all.push(stamps.recv()?.duration_since(began));
        // What was said after it.
        stamps.recv()?;
    }
    Ok(all)
}

/// CPU of a whole conversation of one turn.
pub fn call_cpu(times: usize) -> Result<Duration> {
    let (host, _stamps) = host();
    let compiled = compile(plug_in(1)?, host, None)?;
    let before = crate::figures::cpu();
    for _ in 0..times {
        Plugin::new_from_compiled(&compiled)?.call::<&str, ()>("run", "")?;
    }
    Ok((crate::figures::cpu() - before) / u32::try_from(times)?)
}

/// From one host call to the next.
pub fn round_trips(conversations: usize, turns: u32) -> Result<Vec<Duration>> {
    let (host, stamps) = host();
    let compiled = compile(plug_in(turns)?, host, None)?;
    let mut all = Vec::new();
    for _ in 0..conversations {
        Plugin::new_from_compiled(&compiled)?.call::<&str, ()>("run", "")?;
        let conversation: Vec<Instant> = stamps.try_iter().collect();
        all.extend(conversation.windows(2).map(|pair| pair[1].duration_since(pair[0])));
    }
    Ok(all)
}

/// Private memory a plug-in takes while its caller thinks, its thread included, in KiB.
pub fn parked(calls: usize) -> Result<f64> {
    let (called, stamps) = channel();
    let (release, wait) = channel::<()>();
    let host = UserData::new(Host { called, wait: Some(Arc::new(Mutex::new(wait))) });
    let compiled = compile(plug_in(1)?, host, None)?;
    let mut threads = Vec::new();
    let mut before = 0;
    for call in 0..=calls {
        let compiled = compiled.clone();
        threads.push(std::thread::spawn(move || {
            Plugin::new_from_compiled(&compiled).and_then(|mut plugin| plugin.call::<&str, ()>("run", "")).err()
        }));
        stamps.recv_timeout(Duration::from_secs(30))?;
        if call == 0 {
            before = private_kib()?;
        }
    }
    let taken = private_kib()?.saturating_sub(before);
    drop(release);
    for thread in threads {
        if let Some(error) = thread.join().map_err(|_| "a plug-in's thread panicked")? {
            return Err(error.into());
        }
    }
    Ok(taken as f64 / calls as f64)
}

/// From the bytes of a plug-in to its first host call: compiled anew, or from wasmtime's cache of compiled modules.
pub fn deploys(times: usize, compiled: bool) -> Result<Vec<Duration>> {
    let mut all = Vec::with_capacity(times);
    for _ in 0..times {
        let folder = tempfile::tempdir()?;
        let config = folder.path().join("cache.toml");
        std::fs::write(&config, format!("[cache]\ndirectory = {:?}\n", folder.path().join("cache")))?;
        let (host, stamps) = host();
        if compiled {
            compile(plug_in(1)?, host.clone(), Some(&config))?;
        }
        let began = Instant::now();
        let version = compile(plug_in(1)?, host, Some(&config))?;
        Plugin::new_from_compiled(&version)?.call::<&str, ()>("run", "")?;
        all.push(stamps.recv()?.duration_since(began));
    }
    Ok(all)
}
