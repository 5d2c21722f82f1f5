//! Resident memory of calls that wait for their callers: `cargo run --release -p flows --example parked_calls -- 1000`.

#[path = "../tests/engine/support.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use async_trait::async_trait;
use flows::host::{HostCall, HostReply};
use flows::{Engine, Options, Port, PortError, RunOptions};

/// Counts the asked, and answers nobody.
struct Parked(Arc<AtomicUsize>);

#[async_trait]
impl Port for Parked {
    async fn call(&mut self, _call: HostCall) -> Result<HostReply, PortError> {
        self.0.fetch_add(1, SeqCst);
        std::future::pending().await
    }
}

/// A line of `/proc/self/status`, in KiB.
fn status(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with(name)).expect("the line");
    line.split_whitespace().nth(1).and_then(|value| value.parse().ok()).expect("a number")
}

fn maps() -> usize {
    std::fs::read_to_string("/proc/self/maps").expect("Linux").lines().count()
}

#[tokio::main]
async fn main() {
    let calls = std::env::args().nth(1).map_or(1_000, |text| text.parse().expect("a number of calls"));
    let engine = Engine::with_options(Options { max_calls: calls, ..Options::default() }).expect("an engine");
    let flow = engine.compile("echo", &support::echo(10)).expect("compiles");
    let asked = Arc::new(AtomicUsize::new(0));
    let (before, maps_before) = (status("VmRSS:"), maps());
    let began = std::time::Instant::now();
    for _ in 0..calls {
        let (engine, flow, port) = (engine.clone(), Arc::clone(&flow), Box::new(Parked(Arc::clone(&asked))));
        tokio::spawn(async move { engine.run(&flow, port, RunOptions::default()).await });
    }
    while asked.load(SeqCst) < calls as usize {
        tokio::task::yield_now().await;
    }
    let (after, maps_after) = (status("VmRSS:"), maps());
    println!("pooled: {}; {calls} calls parked after {:?}", engine.info().pooled, began.elapsed());
    println!("resident: {before} KiB before, {after} KiB with the calls: {:.1} KiB a call", {
        after.saturating_sub(before) as f64 / f64::from(calls)
    });
    println!("memory maps: {maps_before} before, {maps_after} with the calls");
}
