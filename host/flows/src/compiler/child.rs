//! The child's side: bound this process, read a component, compile it, send the code back.

use std::io::{self, BufReader, BufWriter, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::process::{Resource, Rlimit, nice, setrlimit};

use super::wire::{Outcome, Task, write_answer};
use crate::cache::fingerprint;
use crate::engine::config;
use crate::guest::panic_message;

/// The whole life of a child that compiles: a task on standard input, the answer on standard output. `gudok` has a
/// hidden command for it; any other program that sets [`Compiler::Child`](crate::Compiler::Child) needs one too.
///
/// The process bounds itself before it reads a byte of the component, and nothing takes the bounds off again: call
/// this first thing, and end when it returns.
///
/// # Errors
///
/// Standard input or output broke, or the bounds could not be set. That a component does not compile is no error: the
/// answer says so.
pub fn compile_stdin() -> io::Result<()> {
    let mut input = BufReader::new(io::stdin().lock());
    let task = Task::read(&mut input)?;
    bound(&task)?;
    let mut wasm = Vec::new();
    input.take(task.wasm_bytes).read_to_end(&mut wasm)?;
    if wasm.len() as u64 != task.wasm_bytes {
        return Err(io::Error::other(format!("{} bytes were promised, {} came", task.wasm_bytes, wasm.len())));
    }
    let engine =
        wasmtime::Engine::new(&config(task.parallel)).map_err(|error| io::Error::other(format!("{error:#}")))?;
    let outcome = code(&engine, &wasm);
    let mut output = BufWriter::new(io::stdout().lock());
    write_answer(&mut output, &fingerprint(&engine), &outcome)?;
    output.flush()
}

/// Compile; a panic of the compiler is its bug, and becomes a refusal.
pub(crate) fn code(engine: &wasmtime::Engine, wasm: &[u8]) -> Outcome {
    match catch_unwind(AssertUnwindSafe(|| engine.precompile_component(wasm))) {
        Ok(Ok(code)) => Ok(code),
        Ok(Err(error)) => Err(format!("{error:#}")),
        Err(panic) => Err(format!("the compiler failed: {}", panic_message(&*panic))),
    }
}

/// Addresses and CPU as told; no core dump (it would be as large as the bomb), no files. Calls go first.
fn bound(task: &Task) -> io::Result<()> {
    let set = |resource, soft, hard| {
        let limit = Rlimit { current: Some(soft), maximum: Some(hard) };
        setrlimit(resource, limit).map_err(|error| io::Error::other(format!("{resource:?} cannot be bounded: {error}")))
    };
    set(Resource::As, task.memory_bytes, task.memory_bytes)?;
    // The soft limit ends it with a signal of its own, which the parent can tell from others; the hard one with KILL.
    set(Resource::Cpu, task.cpu_seconds, task.cpu_seconds.saturating_add(1))?;
    set(Resource::Core, 0, 0)?;
    set(Resource::Fsize, 0, 0)?;
    nice(10).ok();
    Ok(())
}
