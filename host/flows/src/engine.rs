//! The engine: wasmtime set up for thousands of parked conversations, the guests' own runtime, and the tick.
//!
//! Three decisions shape it:
//!
//! - **One store per call**, never reused. A flow that breaks takes its own store with it and nothing else.
//! - **Guests run on their own tokio runtime.** tokio looks at its timers and sockets only every few polls; a flow that
//!   computes would make every packet of every other call late.
//! - **The CPU budget is CPU, not time.** A tick every 2 ms interrupts running flows (not parked ones); there the
//!   flow's own CPU is compared with its budget, and it goes to the back of the queue. Waiting in `ask` costs nothing.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails};

use crate::cache::Cache;
use crate::compiler::Compiler;
use crate::error::FlowError;
use crate::guest::Guest;
use crate::host::bindings;
use crate::limits::Limits;
use crate::wasi;

/// The exact wasmtime below, as cached code must know it (pinned in the workspace's `Cargo.toml`).
pub const WASMTIME_VERSION: &str = "48.0.8";

/// Wasm stack of one call. Rust and C need little; interpreters of Python and JavaScript recurse deep.
const WASM_STACK: usize = 512 << 10;
/// Native stack of one call: the wasm stack, and as much again for host functions, which run on it too.
const CALL_STACK: usize = 1 << 20;

/// How to set up the engine.
#[derive(Clone, Debug)]
pub struct Options {
    /// What one call may use.
    pub limits: Limits,
    /// Calls at the same time, draining versions and replays included. The next one gets
    /// [`TrapKind::EngineFull`](crate::TrapKind::EngineFull).
    pub max_calls: u32,
    /// Where compiled flows are kept; `None` compiles at every start. Made with mode 0700 if it is not there.
    pub cache_dir: Option<PathBuf>,
    /// Threads that run flows.
    pub threads: usize,
    /// Compile one flow on all cores. Right for a command line; on a machine with calls in progress it takes the
    /// cores from their media.
    pub parallel_compilation: bool,
    /// Where flows are compiled. [`Compiler::Child`] is right wherever calls are held.
    pub compiler: Compiler,
    /// Where the memory of calls comes from.
    pub allocation: Allocation,
    /// How often running flows are interrupted.
    pub tick: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            max_calls: 1_000,
            cache_dir: None,
            threads: thread::available_parallelism().map_or(2, usize::from),
            parallel_compilation: false,
            compiler: Compiler::InProcess,
            allocation: Allocation::Auto,
            tick: Duration::from_millis(2),
        }
    }
}

/// Where the memory of calls comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// A pool if the address space allows one, else on demand.
    Auto,
    /// Reserved once: a call starts in microseconds. An error if the machine does not allow it.
    Pool,
    /// Mapped for each call: some 10 µs slower, no reservation.
    OnDemand,
}

/// What the engine turned out to be, for `doctor` and the start of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineInfo {
    /// wasmtime's version.
    pub wasmtime: &'static str,
    /// Is memory reserved in a pool?
    pub pooled: bool,
    /// Calls at the same time.
    pub max_calls: u32,
    /// Memory maps the process may need at that many calls; the kernel allows `vm.max_map_count` (65,530 as shipped).
    pub memory_maps: u64,
}

/// Compiles and runs flows. Cheap to clone; one per process is right (each reserves its own pool).
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) wasm: wasmtime::Engine,
    pub(crate) linker: Linker<Guest>,
    pub(crate) limits: Limits,
    pub(crate) cache: Option<Cache>,
    pub(crate) compiler: Compiler,
    pub(crate) parallel_compilation: bool,
    pub(crate) room: Arc<Semaphore>,
    info: EngineInfo,
    guests: Option<Runtime>,
}

impl Engine {
    /// An engine as shipped, with these limits and no cache.
    ///
    /// # Errors
    ///
    /// [`FlowError::Engine`]: the machine does not give it threads or memory.
    pub fn new(limits: Limits) -> Result<Self, FlowError> {
        Self::with_options(Options { limits, ..Options::default() })
    }

    /// An engine set up otherwise.
    ///
    /// # Errors
    ///
    /// As for [`Engine::new`].
    pub fn with_options(options: Options) -> Result<Self, FlowError> {
        let (wasm, pooled) = open(&options)?;
        let linker = linker(&wasm).map_err(|error| FlowError::Engine(format!("{error:#}")))?;
        let guests = guests(options.threads).map_err(|error| FlowError::Engine(error.to_string()))?;
        start_ticking(&wasm, options.tick).map_err(|error| FlowError::Engine(error.to_string()))?;
        let cache = options.cache_dir.as_deref().and_then(|dir| Cache::open(dir, &wasm));
        let info = EngineInfo {
            wasmtime: WASMTIME_VERSION,
            pooled,
            max_calls: options.max_calls,
            memory_maps: u64::from(options.max_calls) * 6,
        };
        let room = Arc::new(Semaphore::new(options.max_calls as usize));
        let inner = Inner {
            wasm,
            linker,
            limits: options.limits,
            cache,
            compiler: options.compiler,
            parallel_compilation: options.parallel_compilation,
            room,
            info,
            guests: Some(guests),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What the engine turned out to be.
    pub fn info(&self) -> &EngineInfo {
        &self.inner.info
    }

    /// Calls that could start now.
    pub fn room(&self) -> usize {
        self.inner.room.available_permits()
    }
}

impl Inner {
    pub(crate) fn guests(&self) -> &Runtime {
        self.guests.as_ref().expect("invariant: taken only in drop")
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(guests) = self.guests.take() {
            // A runtime must not be dropped inside another one, and callers live in one.
            guests.shutdown_background();
        }
    }
}

/// A pool if it may be and can be, else memory on demand. The first answer of the machine decides.
fn open(options: &Options) -> Result<(wasmtime::Engine, bool), FlowError> {
    let on_demand = || {
        wasmtime::Engine::new(&config(options.parallel_compilation))
            .map(|wasm| (wasm, false))
            .map_err(|error| FlowError::Engine(format!("{error:#}")))
    };
    if options.allocation == Allocation::OnDemand {
        return on_demand();
    }
    let mut pooled = config(options.parallel_compilation);
    pooled.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(options)));
    match wasmtime::Engine::new(&pooled) {
        Ok(wasm) => Ok((wasm, true)),
        Err(error) if options.allocation == Allocation::Pool => Err(FlowError::Engine(format!(
            "no pool for {} calls ({error:#}); allow more address space (`ulimit -v`), fewer `max_calls`, or `Allocation::OnDemand`",
            options.max_calls
        ))),
        Err(error) => {
            tracing::warn!(max_calls = options.max_calls, "no memory pool, calls map their own: {error:#}");
            on_demand()
        }
    }
}

/// Everything that decides what compiled code looks like and how it runs, in one place: a child that compiles takes its
/// settings from here too. (Where memory comes from is not among them: code is the same with and without a pool.)
pub(crate) fn config(parallel_compilation: bool) -> Config {
    let mut config = Config::new();
    config.wasm_component_model(true);
    // Component-model async is not part of our WIT; without it a host call is some 40 % cheaper, and dropping the
    // future of a call ends everything in it.
    config.concurrency_support(false);

    // Determinism: what a flow computes must not depend on the machine it runs on, or a replay would lie.
    config.wasm_relaxed_simd(false);
    config.cranelift_nan_canonicalization(true);
    // Threads and shared memory are not compiled in (wasmtime's `threads` feature is off); 64-bit memories would need
    // explicit bounds checks and no toolchain for flows makes them.
    config.wasm_memory64(false);

    // Interruption by epochs: a counter compared at loop heads, a few per cent, against fuel's factor of two.
    config.epoch_interruption(true);

    config.max_wasm_stack(WASM_STACK);
    config.async_stack_size(CALL_STACK);
    // Stacks hold what callers said and are used again by other calls.
    config.async_stack_zeroing(true);

    // Calls of one flow share the pages of its initial memory until they write to them. A Python image has 12–14 MiB;
    // the limit (16 MiB as wasmtime ships it) says up to what size gaps in an image are worth filling.
    config.memory_init_cow(true);
    config.memory_guaranteed_dense_image_size(64 << 20);

    // A trap names its functions. No core dumps: they would hold what the caller said.
    config.wasm_backtrace_details(WasmBacktraceDetails::Disable);
    config.generate_address_map(true);
    config.parallel_compilation(parallel_compilation);
    config
}

/// The pool. A slot for a memory is 4 GiB of *reserved addresses* (no bounds checks are needed then) and costs memory
/// only where a flow writes: 1,000 calls reserve 5 TiB of the 128 TiB that x86-64 has.
fn pool(options: &Options) -> PoolingAllocationConfig {
    let limits = &options.limits;
    let calls = options.max_calls;
    let mut pool = PoolingAllocationConfig::new();
    // One component and one stack per call; most components have one memory, some (QuickJS's adapter) two or three;
    // one or two tables; several core instances (the program, its shim, its adapter; Python has more than ten).
    pool.total_component_instances(calls);
    pool.total_stacks(calls);
    // However few the calls, one of the hungriest allowed must fit.
    pool.total_memories(memories(calls, limits.memories as u32));
    pool.total_tables(calls.saturating_mul(2).max(limits.tables as u32));
    pool.total_core_instances(calls.saturating_mul(16).max(limits.instances as u32));
    // The most one component may have of each; the store's limiter says the same at run time.
    pool.max_core_instances_per_component(limits.instances as u32);
    pool.max_memories_per_component(limits.memories as u32);
    pool.max_tables_per_component(limits.tables as u32);
    pool.max_tables_per_module(4);
    // The slot's whole 4 GiB: how much of it a call may use is the limiter's business, which can say so in words.
    pool.max_memory_size(1 << 32);
    pool.table_elements(limits.table_elements);
    // Room for the host's own record of an instance: large for components with thousands of functions.
    pool.max_core_instance_size(4 << 20);
    pool.max_component_instance_size(4 << 20);
    // A used slot goes back to the kernel at once and comes back as zeros: the next call never sees the last one's
    // pages. `pagemap_scan` would keep some, and may leave swapped-out ones readable. Of a stack, 32 KiB stay
    // resident, and are zeroed by hand.
    pool.max_unused_warm_slots(0);
    pool.linear_memory_keep_resident(0);
    pool.async_stack_keep_resident(32 << 10);
    pool.decommit_batch_size(1);
    pool.pagemap_scan(Enabled::No);
    pool
}

/// Memories for every call to have the most it may, as far as the address space reaches (4 GiB each of 128 TiB); beyond
/// that, for one call in four to have a second.
fn memories(calls: u32, each: u32) -> u32 {
    const AFFORDABLE: u32 = 12_000;
    let sparing = calls.saturating_add(calls.div_ceil(4)).max(AFFORDABLE);
    calls.saturating_mul(each).min(sparing).max(each)
}

/// All a flow may import. Built once: defining functions is generic code, and this room is where it is compiled.
fn linker(wasm: &wasmtime::Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(wasm);
    bindings::Flow::add_to_linker::<Guest, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    wasi::add_to_linker(&mut linker)?;
    Ok(linker)
}

fn guests(threads: usize) -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.max(1))
        .thread_name("flow")
        // Look at timers every 4 polls instead of 61: beside a computing flow, the others' waits end on time.
        .event_interval(4)
        // And take every other task from the queue that other threads fill (tokio's own choice: one in tens). New
        // calls and replies to parked ones come that way; two endless loops kept them out for half a second.
        .global_queue_interval(2)
        .enable_time()
        .build()
}

/// An OS thread, because a tick on a runtime would wait for the very flows it is to interrupt. It ends with the engine.
fn start_ticking(wasm: &wasmtime::Engine, tick: Duration) -> std::io::Result<()> {
    let engine = wasm.weak();
    thread::Builder::new().name("flow-tick".into()).spawn(move || {
        loop {
            thread::sleep(tick);
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => break,
            }
        }
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_named_is_the_version_used() {
        let lock =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock")).expect("lock file");
        assert!(lock.contains(&format!("name = \"wasmtime\"\nversion = \"{WASMTIME_VERSION}\"")));
    }

    #[test]
    fn too_large_a_pool_falls_back_to_memory_on_demand() {
        // 60,000 slots of 4 GiB are more than 47 bits of addresses.
        let large = Options { max_calls: 60_000, threads: 1, ..Options::default() };
        let engine = Engine::with_options(large.clone()).expect("falls back");
        assert!(!engine.info().pooled);
        let error = Engine::with_options(Options { allocation: Allocation::Pool, ..large }).err().expect("no pool");
        assert!(error.to_string().contains("OnDemand"), "{error}");
    }
}
