//! The parent's side: start a child, feed it, wait for it, and say in one error what it died of.

use std::io::{self, BufWriter, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::wire::{Outcome, Task, read_answer};
use super::{CompileLimits, Compiler, child};
use crate::cache::fingerprint;
use crate::error::FlowError;

/// What is kept of a child's last words.
const LAST_WORDS: usize = 4 << 10;
/// After its answer, or after its output ended, a child has nothing left to do.
const GOODBYE: Duration = Duration::from_secs(5);

const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;

/// Compiled code of a component, wherever it is compiled.
pub(crate) fn compile(
    compiler: &Compiler,
    engine: &wasmtime::Engine,
    parallel: bool,
    name: &str,
    wasm: &[u8],
) -> Result<Vec<u8>, FlowError> {
    let outcome = match compiler {
        Compiler::InProcess => child::code(engine, wasm),
        Compiler::Child { program, args, limits } => {
            let mut command = Command::new(program);
            command.args(args);
            Errand { name, wasm, limits, fingerprint: fingerprint(engine) }.run(command, parallel)?
        }
    };
    outcome.map_err(|reason| FlowError::Invalid { name: name.into(), reason })
}

/// One component on its way through a child.
struct Errand<'a> {
    name: &'a str,
    wasm: &'a [u8],
    limits: &'a CompileLimits,
    fingerprint: String,
}

impl Errand<'_> {
    fn run(&self, mut command: Command, parallel: bool) -> Result<Outcome, FlowError> {
        let began = Instant::now();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().map_err(|error| self.failed(format!("{}: {error}", command.get_program().display())))?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(self.failed("its pipes are missing".to_owned()));
        };
        let task = Task::new(self.limits, parallel, self.wasm);
        // Three threads, because any of the pipes may be the full one. All end when the child does.
        let (answer, status, words) = thread::scope(|scope| {
            let (done, answered) = mpsc::channel();
            scope.spawn(move || -> io::Result<()> {
                let mut stdin = BufWriter::new(stdin);
                task.write(&mut stdin)?;
                stdin.write_all(self.wasm)?;
                stdin.flush()
            });
            let words = scope.spawn(move || last_words(stderr));
            scope.spawn(move || {
                let mut stdout = stdout;
                let answer = read_answer(&mut stdout, &self.fingerprint, self.limits.memory_bytes);
                done.send(answer).ok();
            });
            let left = self.limits.wall.saturating_sub(began.elapsed());
            let answer = match answered.recv_timeout(left) {
                Ok(answer) => Some(answer),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(Err(io::Error::other("it was not read"))),
            };
            let status = if answer.is_some() { end_soon(&mut child) } else { end_now(&mut child) };
            (answer, status, words.join().unwrap_or_default())
        });
        let status = status.map_err(|error| self.failed(error.to_string()))?;
        let Some(answer) = answer else {
            return Err(self.took_too_long(format!("{} s of time", self.limits.wall.as_secs_f64())));
        };
        match answer {
            Ok(Err(reason)) if no_memory(&reason) => Err(self.too_big()),
            Ok(outcome) if status.success() => Ok(outcome),
            Ok(_) => Err(self.failed(format!("it answered, and then: {}", cause(status, &words)))),
            Err(broken) => Err(self.died(status, &words, &broken)),
        }
    }

    /// The answer is not whole; mostly because the child is dead.
    fn died(&self, status: ExitStatus, words: &str, broken: &io::Error) -> FlowError {
        match status.signal() {
            Some(SIGXCPU) => self.took_too_long(format!("{} s of CPU", self.limits.cpu_seconds)),
            _ if no_memory(words) => self.too_big(),
            // Nobody else sends it but the kernel, when the whole machine has no memory left.
            Some(SIGKILL) => self.too_big(),
            None if status.success() => self.failed(format!("its answer is not to be trusted: {broken}")),
            _ => self.failed(cause(status, words)),
        }
    }

    fn took_too_long(&self, limit: String) -> FlowError {
        FlowError::CompileTimeout { name: self.name.into(), size: self.wasm.len(), limit }
    }

    fn too_big(&self) -> FlowError {
        let limit = self.limits.memory_bytes >> 20;
        FlowError::CompileTooBig { name: self.name.into(), size: self.wasm.len(), limit_mib: limit }
    }

    fn failed(&self, reason: String) -> FlowError {
        FlowError::CompilerFailed { name: self.name.into(), size: self.wasm.len(), reason }
    }
}

/// Rust's allocator, C's and the kernel's words for it.
fn no_memory(words: &str) -> bool {
    ["memory allocation of", "Cannot allocate memory", "out of memory", "os error 12"]
        .iter()
        .any(|sign| words.contains(sign))
}

fn cause(status: ExitStatus, words: &str) -> String {
    let end = match status.signal() {
        Some(SIGABRT) => "it aborted".to_owned(),
        Some(signal) => format!("it died of signal {signal}"),
        None => format!("it ended with {status}"),
    };
    let words = words.trim();
    if words.is_empty() { end } else { format!("{end}, saying: {words}") }
}

/// The end of what it wrote, in bounded memory.
fn last_words(mut stderr: impl Read) -> String {
    let (mut kept, mut chunk) = (Vec::new(), [0; 1024]);
    while let Ok(read @ 1..) = stderr.read(&mut chunk) {
        kept.extend_from_slice(&chunk[..read]);
        let excess = kept.len().saturating_sub(LAST_WORDS);
        kept.drain(..excess);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// Wait for a child that should be on its way out; end it if it is not.
fn end_soon(child: &mut Child) -> io::Result<ExitStatus> {
    let by = Instant::now() + GOODBYE;
    while Instant::now() < by {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        thread::sleep(Duration::from_millis(1));
    }
    end_now(child)
}

fn end_now(child: &mut Child) -> io::Result<ExitStatus> {
    child.kill()?;
    child.wait()
}
