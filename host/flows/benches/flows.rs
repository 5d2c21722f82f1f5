//! How long a call takes to start, and a host call to come back. `cargo bench -p flows`.

#[path = "../tests/engine/support.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod support;

use std::sync::{Arc, LazyLock};

use divan::Bencher;
use flows::{Allocation, Engine, Flow, Options, RunOptions};
use support::{Agreeable, component, echo};
use tokio::runtime::Runtime;

fn main() {
    divan::main();
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

fn engine(allocation: Allocation) -> Engine {
    Engine::with_options(Options { allocation, ..Options::default() }).expect("an engine")
}

fn run(bencher: Bencher, engine: &Engine, flow: &Arc<Flow>) {
    bencher.bench(|| RUNTIME.block_on(engine.run(flow, Box::new(Agreeable), RunOptions::default())));
}

/// From `Engine::run` to its report, for a flow that returns at once: instance, stack, task, and their end.
#[divan::bench(args = [Allocation::Pool, Allocation::OnDemand])]
fn start(bencher: Bencher, allocation: Allocation) {
    let engine = engine(allocation);
    let flow = engine.compile("empty", &component("", "", "(i32.const 0)")).expect("compiles");
    run(bencher, &engine, &flow);
}

/// A thousand asks and a thousand says, each through the port, the limits and the meter: divide by 2,000.
#[divan::bench]
fn two_thousand_host_calls(bencher: Bencher) {
    let engine = engine(Allocation::Pool);
    let flow = engine.compile("echo", &echo(1_000)).expect("compiles");
    run(bencher, &engine, &flow);
}

/// What upload costs for a small flow.
#[divan::bench]
fn compile(bencher: Bencher) {
    let engine = engine(Allocation::OnDemand);
    let wasm = echo(10);
    bencher.bench(|| engine.compile("echo", &wasm).expect("compiles"));
}
