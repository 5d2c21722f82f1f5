//! How many recorded calls a core replays in a second:
//! `cargo run --release -p flows --example replay_rate -- [JOURNAL WASM [N]]`.
//!
//! The journal is replayed N times against the flow, once each and twice each (as before an activation), from one task
//! and from as many as there are cores. Without arguments the flow is a small one with ten turns. The engine's CPU is
//! measured too: on a busy machine it says more than the clock.

#[path = "../tests/engine/support.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use flows::journal::{Entries, Header, Journal, Recording};
use flows::{Engine, Flow, Options, RunOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let engine = Engine::with_options(Options::default())?;
    let (journal, flow) = match arguments.as_slice() {
        [] => sample(&engine).await?,
        [journal, wasm, ..] => {
            (Journal::parse(&std::fs::read_to_string(journal)?)?, engine.compile("replayed", &std::fs::read(wasm)?)?)
        }
        [_] => return Err("give both a journal (JSON Lines) and a flow (.wasm), or nothing".into()),
    };
    let count: usize = arguments.get(2).map_or(Ok(2_000), |count| count.parse())?;

    let text = journal.to_text();
    let began = Instant::now();
    for _ in 0..count {
        Journal::parse(&text)?;
    }
    print("read from JSON Lines", count, began.elapsed(), None);

    let journal = Arc::new(journal);
    let first = engine.replay_twice(&flow, &journal).await;
    println!(
        "{} entries, {}; verdict {:?}, the same twice: {}",
        journal.entries.len(),
        flow.name(),
        first.report.verdict,
        first.deterministic
    );

    let began = (Instant::now(), cpu());
    for _ in 0..count {
        engine.replay(&flow, &journal).await;
    }
    print("replayed once, one after the other", count, began.0.elapsed(), Some(cpu() - began.1));

    let began = (Instant::now(), cpu());
    for _ in 0..count {
        engine.replay_twice(&flow, &journal).await;
    }
    print("replayed twice, one after the other", count, began.0.elapsed(), Some(cpu() - began.1));

    let cores = std::thread::available_parallelism()?.get();
    let began = (Instant::now(), cpu());
    let tasks: Vec<_> = (0..cores)
        .map(|_| {
            let (engine, flow, journal) = (engine.clone(), Arc::clone(&flow), Arc::clone(&journal));
            tokio::spawn(async move {
                for _ in 0..count / cores {
                    engine.replay_twice(&flow, &journal).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await?;
    }
    let (done, spent) = (count / cores * cores, cpu() - began.1);
    print(&format!("replayed twice, {cores} side by side"), done, began.0.elapsed(), Some(spent));
    Ok(())
}

async fn sample(engine: &Engine) -> Result<(Journal, Arc<Flow>), flows::FlowError> {
    let flow = engine.compile("echo", &support::echo(10))?;
    let (entries, options) = (Entries::default(), RunOptions::default());
    let port = Recording::new(support::Agreeable, Box::new(entries.clone()));
    let report = engine.run(&flow, Box::new(port), options.clone()).await;
    let header = Header::new(&flow, &options);
    Ok((Journal { header, entries: entries.to_vec(), end: Some(report.end) }, flow))
}

/// CPU of this process so far.
fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn print(what: &str, count: usize, took: Duration, cpu: Option<Duration>) {
    let rate = |time: Duration| count as f64 / time.as_secs_f64().max(1e-9);
    let cpu = cpu.map(|cpu| format!(", {:.0} per second of CPU", rate(cpu))).unwrap_or_default();
    println!("{what}: {:.0} calls a second{cpu}", rate(took));
}
