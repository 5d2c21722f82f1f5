//! Our side: flows as shipped, limits on.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use flows::host::clinic::{ClinicInfo, Kind};
use flows::host::voice::Answer;
use flows::host::{HostCall, HostReply};
use flows::journal::{Entries, Recording};
use flows::{Engine, Flow, FlowEnd, Options, Port, PortError, RunOptions};
use tokio::sync::{mpsc, oneshot};

use crate::engine_tests as support;
use crate::figures::{Result, cpu, private_kib};

/// Asks and says `turns` times, hand-written: the cost of the seam alone.
pub fn echo(turns: u32) -> Vec<u8> {
    support::echo(turns)
}

/// From `Engine::run` to the flow's first host call, again and again.
pub async fn starts(wasm: &[u8], times: usize) -> Result<Vec<Duration>> {
    let engine = Engine::with_options(Options::default())?;
    let flow = engine.compile("measured", wasm)?;
    let mut all = Vec::with_capacity(times);
    for _ in 0..times {
        let began = Instant::now();
        all.push(first_call(&engine, &flow).await?.duration_since(began));
    }
    Ok(all)
}

/// What a kit's front desk costs.
pub struct Kit {
    /// From the bytes to a flow that can be started, nothing cached.
    pub compile: Duration,
    /// From `Engine::run` to the first host call.
    pub starts: Vec<Duration>,
    /// CPU of the whole process per call: start, the host calls until nobody answers, and the end.
    pub cpu: Duration,
    /// From one host call to the next, the flow's own work between them included.
    pub steps: Vec<Duration>,
}

/// A kit's front desk, called `times` times by somebody who never says a word.
pub async fn kit(wasm: &[u8], times: usize) -> Result<Kit> {
    let engine = Engine::with_options(Options { parallel_compilation: true, ..Options::default() })?;
    let began = Instant::now();
    let flow = engine.compile("measured", wasm)?;
    let compile = began.elapsed();
    let (mut starts, mut steps) = (Vec::new(), Vec::new());
    let before = cpu();
    for _ in 0..times {
        let (sender, mut stamps) = mpsc::unbounded_channel();
        let began = Instant::now();
        engine.run(&flow, Box::new(Silent(sender)), RunOptions::default()).await;
        let first = stamps.try_recv().map_err(|_| "the flow ended before its first host call")?;
        starts.push(first.duration_since(began));
        let mut last = first;
        while let Ok(at) = stamps.try_recv() {
            steps.push(at.duration_since(last));
            last = at;
        }
    }
    let cpu = (cpu() - before) / u32::try_from(times)?;
    Ok(Kit { compile, starts, cpu, steps })
}

/// CPU of a call of the hand-written guest that has one turn, from start to end.
pub async fn call_cpu(wasm: &[u8], times: usize) -> Result<Duration> {
    let engine = Engine::with_options(Options::default())?;
    let flow = engine.compile("measured", wasm)?;
    let before = cpu();
    for _ in 0..times {
        let (sender, _stamps) = mpsc::unbounded_channel();
        engine.run(&flow, Box::new(Stamped(sender)), RunOptions::default()).await;
    }
    Ok((cpu() - before) / u32::try_from(times)?)
}

/// From one host call in the port to the next: the reply into the flow, its few instructions, the next call out.
pub async fn round_trips(conversations: usize, turns: u32, journal: bool) -> Result<Vec<Duration>> {
    let engine = Engine::with_options(Options::default())?;
    let flow = engine.compile("echo", &echo(turns))?;
    let mut all = Vec::new();
    for _ in 0..conversations {
        let (sender, mut stamps) = mpsc::unbounded_channel();
        let stamped = Stamped(sender);
        let port: Box<dyn Port> =
            if journal { Box::new(Recording::new(stamped, Box::new(Entries::default()))) } else { Box::new(stamped) };
        let report = engine.run(&flow, port, RunOptions::default()).await;
        if report.end != FlowEnd::Finished {
            return Err(format!("the echo flow did not finish: {:?}", report.end).into());
        }
        let mut before: Option<Instant> = None;
        while let Ok(at) = stamps.try_recv() {
            all.extend(before.map(|before| at.duration_since(before)));
            before = Some(at);
        }
    }
    Ok(all)
}

/// Private memory a call takes while it waits for its caller, with its journal, in KiB. The first call is not counted: what
/// calls share comes with it.
pub async fn parked(path: &Path, calls: usize) -> Result<f64> {
    let engine = Engine::with_options(Options { max_calls: (calls as u32 + 1).max(64), ..Options::default() })?;
    let flow = engine.compile("parked", &std::fs::read(path)?)?;
    let (sender, mut asked) = mpsc::unbounded_channel();
    let mut waiting = tokio::task::JoinSet::new();
    let mut before = 0;
    for call in 0..=calls {
        let port = Box::new(Recording::new(Parked(sender.clone()), Box::new(Entries::default())));
        let (engine, flow) = (engine.clone(), Arc::clone(&flow));
        waiting.spawn(async move { engine.run(&flow, port, RunOptions::default()).await });
        tokio::select! {
            asked = asked.recv() => asked.ok_or("no call asked")?,
            Some(ended) = waiting.join_next() => return Err(format!("a call ended: {:?}", ended?.end).into()),
        }
        if call == 0 {
            before = private_kib()?;
        }
    }
    Ok((private_kib()?.saturating_sub(before)) as f64 / calls as f64)
}

/// From the bytes of a new version to the first host call of a call on it: compiled anew, or taken from the cache of
/// compiled flows.
pub async fn deploys(wasm: &[u8], times: usize, compiled: bool) -> Result<Vec<Duration>> {
    let mut all = Vec::with_capacity(times);
    for _ in 0..times {
        let cache = tempfile::tempdir()?;
        // A folder that is nobody else's: the cache believes no other.
        let options = Options { cache_dir: Some(cache.path().join("compiled")), ..Options::default() };
        if compiled {
            Engine::with_options(options.clone())?.compile("version", wasm)?;
        }
        let engine = Engine::with_options(options)?;
        let began = Instant::now();
        let flow = engine.compile("version", wasm)?;
        all.push(first_call(&engine, &flow).await?.duration_since(began));
    }
    Ok(all)
}

async fn first_call(engine: &Engine, flow: &Arc<Flow>) -> Result<Instant> {
    let (sender, first) = oneshot::channel();
    tokio::select! {
        at = first => Ok(at?),
        report = engine.run(flow, Box::new(First(Some(sender))), RunOptions::default()) =>
            Err(format!("the flow ended before its first host call: {:?}", report.end).into()),
    }
}

/// Says when it was called first, and never answers.
struct First(Option<oneshot::Sender<Instant>>);

#[async_trait]
impl Port for First {
    async fn call(&mut self, _call: HostCall) -> std::result::Result<HostReply, PortError> {
        if let Some(sender) = self.0.take() {
            sender.send(Instant::now()).ok();
        }
        std::future::pending().await
    }
}

/// Says when it was called, and answers at once.
struct Stamped(mpsc::UnboundedSender<Instant>);

#[async_trait]
impl Port for Stamped {
    async fn call(&mut self, call: HostCall) -> std::result::Result<HostReply, PortError> {
        self.0.send(Instant::now()).ok();
        support::agreeable(&call).ok_or(PortError::Closed)
    }
}

/// Says when it was called; knows the clinic, hears nobody, and nobody is there.
struct Silent(mpsc::UnboundedSender<Instant>);

#[async_trait]
impl Port for Silent {
    async fn call(&mut self, call: HostCall) -> std::result::Result<HostReply, PortError> {
        self.0.send(Instant::now()).ok();
        match call {
            HostCall::VoiceAsk { .. } => Ok(HostReply::VoiceAsk(Ok(Answer::Silence))),
            HostCall::ClinicInfo => Ok(HostReply::ClinicInfo(clinic())),
            other => support::agreeable(&other).ok_or(PortError::Closed),
        }
    }
}

fn clinic() -> ClinicInfo {
    ClinicInfo {
        id: "vet".into(),
        name: "Лапа".into(),
        kind: Kind::Veterinary,
        address: "улица Садовая, дом один".into(),
        phone: "+74951204567".into(),
        timezone: "Europe/Moscow".into(),
    }
}

/// Tells what a flow wants to know first, and leaves it with its first question.
struct Parked(mpsc::UnboundedSender<()>);

#[async_trait]
impl Port for Parked {
    async fn call(&mut self, call: HostCall) -> std::result::Result<HostReply, PortError> {
        match call {
            HostCall::VoiceAsk { .. } => {
                self.0.send(()).ok();
                std::future::pending().await
            }
            HostCall::ClinicInfo => Ok(HostReply::ClinicInfo(clinic())),
            other => support::agreeable(&other).ok_or(PortError::Closed),
        }
    }
}
