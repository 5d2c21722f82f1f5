//! Runs flows: the programs, compiled to WebAssembly components, that hold a clinic's conversations.
//!
//! The only room that knows wasmtime. It compiles and checks flows, runs each call in a sandbox of its own with limits
//! on CPU, memory and host calls, and passes every host call through a [`Port`].
//!
//! | module | what |
//! |---|---|
//! | [`Engine`] | wasmtime set up, the guests' own threads; [`Engine::compile`], [`Engine::run`], [`Engine::replay`] |
//! | [`Inspection`] | what an upload finds out: [`Engine::inspect`] |
//! | [`Compiler`] | who compiles: this process, or a child with bounds |
//! | [`host`] | host calls and replies as plain data: one module per package of `wit/` |
//! | [`port`] | the seam where calls are answered |
//! | [`journal`] | a port that writes every call down before the flow sees its result |
//! | [`replay`] | a port that answers from a journal; how far a new version goes from it |
//! | [`compare`] | a call and its replay side by side, for people |
//! | [`shadow`] | a candidate beside a live call |
//! | [`script`] | a port that plays a caller and a clinic, for authors' tests |
//! | [`Limits`] | what one call may use |
//!
//! # Invariants
//!
//! - A flow sees no file, no socket, no environment, not the machine's clock, and no other call.
//! - One call, one store; a store is never used again.
//! - Whatever a flow does, its run ends with a [`RunReport`]; nothing here panics because of a flow or a port.
//! - The same flow, seed, start and replies give the same calls, on any machine.
//!
//! # Hostile flows
//!
//! Nothing about a flow is trusted, and each way to do harm ends at a wall of its own:
//!
//! | a flow that | ends |
//! |---|---|
//! | is broken, foreign, built against another contract, or greedy from the start | refused by [`Engine::compile`] with a [`FlowError`] |
//! | is a bomb for the compiler | [`FlowError::CompileTimeout`], [`FlowError::CompileTooBig`]: a child compiles, see [`Compiler`] |
//! | breaks before its first host call | refused by [`Engine::inspect`] with [`FlowError::DiesAtStart`] |
//! | computes, swells, recurses, floods the host, does not let go of a caller who has gone | [`TrapKind`], by [`Limits`] |
//! | lies across the boundary: bad text, bad pointers, bad cases, a lying allocator | [`TrapKind::Other`] |
//! | tries the machine: files, network, exits, endless sleep, endless output | denied; time and output cost nothing |
//!
//! Two walls keep the neighbours from noticing: flows run on threads of their own, where each gives way every few
//! milliseconds, and a store dies with its call. `tests/hostile` has more than a hundred such flows by name, runs them
//! one after the other, and weighs the process afterwards; it also measures how late the timers of 200 calls come
//! beside four flows that burn.
//!
//! # Example
//!
//! A flow that writes one line into its own log, here as text; authors write Rust, Python or JavaScript.
//!
//! ```
//! use flows::host::voice::{CallInfo, Channel};
//! use flows::script::{Clinic, Exact, Scripted};
//! use flows::{Engine, FlowEnd, Limits, RunOptions};
//! # let clinic: Clinic = serde_json::from_value(serde_json::json!({
//! #     "info": { "id": "vet", "name": "Лапа", "kind": "veterinary", "address": "", "phone": "", "timezone": "Europe/Moscow" },
//! #     "week": [null, null, null, null, null, null, null], "exceptions": [], "services": [], "absent": [], "doctors": [],
//! #     "faq": [], "slots": [], "appointments": [], "prompts": [], "categories": [], "lines": [], "people": []
//! # }))?;
//!
//! let wasm = wat::parse_str(r#"
//!     (component
//!       (import "gudok:notes/notes@0.1.0" (instance $notes (export "log" (func (param "line" string)))))
//!       (core module $memory (memory (export "memory") 1) (data (i32.const 64) "the phone rang"))
//!       (core instance $memory (instantiate $memory))
//!       (core func $log (canon lower (func $notes "log") (memory $memory "memory")))
//!       (core module $program
//!         (import "notes" "log" (func $log (param i32 i32)))
//!         (func (export "run") (result i32) (call $log (i32.const 64) (i32.const 14)) (i32.const 0)))
//!       (core instance $program (instantiate $program
//!         (with "notes" (instance (export "log" (func $log))))))
//!       (func (export "run") (result (result (error string)))
//!         (canon lift (core func $program "run") (memory $memory "memory"))))
//! "#)?;
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let engine = Engine::new(Limits::default())?;
//! let flow = engine.compile("first", &wasm)?;
//! assert_eq!(flow.capabilities(), ["gudok:notes/notes@0.1.0"]);
//!
//! let call = CallInfo {
//!     id: "call-1".into(),
//!     channel: Channel::Script,
//!     caller: None,
//!     line: "main".into(),
//!     entry: "day".into(),
//!     started: "2026-11-24T10:00".into(),
//! };
//! let port = Scripted::new(clinic, call, Vec::new(), Box::new(Exact))?;
//! let story = port.story();
//! let report = engine.run(&flow, Box::new(port), RunOptions::default()).await;
//! assert_eq!(report.end, FlowEnd::Finished);
//! assert_eq!(story.lock().expect("not poisoned").log, ["the phone rang"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cache;
pub mod compare;
mod compiler;
mod cpu;
mod engine;
mod error;
mod flow;
mod guest;
pub mod host;
mod inspect;
pub mod journal;
mod limits;
pub mod port;
pub mod replay;
mod run;
pub mod script;
pub mod shadow;
mod wasi;

pub use compiler::{CompileLimits, Compiler, compile_stdin};
pub use engine::{Allocation, Engine, EngineInfo, Options, WASMTIME_VERSION};
pub use error::FlowError;
pub use flow::{Flow, INTERFACE_VERSION};
pub use inspect::Inspection;
pub use limits::Limits;
pub use port::{Port, PortError};
pub use run::{FlowEnd, RunOptions, RunReport, TrapKind};
