//! How long a flow takes to start and a host call to come back, as p50 and p99:
//! `cargo run --release -p flows --example latency -- [FLOW.wasm]`.
//!
//! A start is from `Engine::run` to the flow's first host call in the port: an instance from the pool, its stack and
//! task, and the guest's first lines. A round trip is from one host call in the port to the next: our reply lowered into
//! the guest, its few instructions, and the next call with its strings lifted and metered. The echo flow asks and says
//! what it heard, in turn.

#[path = "../tests/engine/support.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod support;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use flows::host::{HostCall, HostReply};
use flows::journal::{Entry, JournalSink, Recording};
use flows::{Engine, Flow, FlowEnd, Options, Port, PortError, RunOptions};

/// Writes down when it was called, and answers at once.
struct Stamped(Arc<Mutex<Vec<Instant>>>);

#[async_trait]
impl Port for Stamped {
    async fn call(&mut self, call: HostCall) -> Result<HostReply, PortError> {
        let now = Instant::now();
        self.0.lock().expect("invariant: nobody panics with the lock").push(now);
        support::agreeable(&call).ok_or(PortError::Closed)
    }
}

/// A journal that forgets: what is left is the cost of writing its lines as JSON.
struct Forgetful(Vec<u8>);

#[async_trait]
impl JournalSink for Forgetful {
    async fn append(&mut self, entry: &Entry) -> Result<(), PortError> {
        self.0.clear();
        serde_json::to_writer(&mut self.0, entry).map_err(|error| PortError::Journal(error.to_string()))
    }
}

const STARTS: usize = 5_000;
const CONVERSATIONS: usize = 100;
const TURNS: u32 = 500;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::with_options(Options::default())?;
    println!("pooled: {}", engine.info().pooled);
    let echo = engine.compile("echo", &support::echo(TURNS))?;
    starts("start of a hand-written flow", &engine, &echo).await;
    if let Some(path) = std::env::args().nth(1) {
        let shipped = engine.compile("shipped", &std::fs::read(&path)?)?;
        starts("start of the shipped vet-desk flow", &engine, &shipped).await;
    }
    round_trips("host call round trip", &engine, &echo, false).await;
    round_trips("the same with its journal entry as JSON", &engine, &echo, true).await;
    Ok(())
}

/// Starts a flow again and again, and lets it go at its first host call.
async fn starts(what: &str, engine: &Engine, flow: &Arc<Flow>) {
    let mut times = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let (sender, first) = tokio::sync::oneshot::channel();
        let port = Box::new(First(Some(sender)));
        let began = Instant::now();
        let run = engine.run(flow, port, RunOptions::default());
        tokio::select! {
            at = first => times.push(at.map_or(Duration::MAX, |at| at.duration_since(began))),
            report = run => panic!("invariant: a flow makes a host call before it ends: {report:?}"),
        }
    }
    print(what, &mut times[STARTS / 10..]);
}

/// Says when it was called first, and never answers.
struct First(Option<tokio::sync::oneshot::Sender<Instant>>);

#[async_trait]
impl Port for First {
    async fn call(&mut self, _call: HostCall) -> Result<HostReply, PortError> {
        if let Some(sender) = self.0.take() {
            sender.send(Instant::now()).ok();
        }
        std::future::pending().await
    }
}

async fn round_trips(what: &str, engine: &Engine, flow: &Arc<Flow>, journal: bool) {
    let mut times = Vec::new();
    for _ in 0..CONVERSATIONS {
        let stamps = Arc::new(Mutex::new(Vec::with_capacity(2 * TURNS as usize)));
        let inner = Stamped(Arc::clone(&stamps));
        let options = RunOptions::default();
        let port: Box<dyn Port> =
            if journal { Box::new(Recording::new(inner, Box::new(Forgetful(Vec::new())))) } else { Box::new(inner) };
        let report = engine.run(flow, port, options).await;
        assert_eq!(report.end, FlowEnd::Finished, "invariant: the echo flow finishes");
        let stamps = stamps.lock().expect("invariant: nobody panics with the lock");
        times.extend(stamps.windows(2).map(|pair| pair[1].duration_since(pair[0])));
    }
    let warm = times.len() / 10;
    print(what, &mut times[warm..]);
}

fn print(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    println!("{what}: p50 {:.2} µs, p99 {:.2} µs ({} times)", at(0.50), at(0.99), times.len());
}
