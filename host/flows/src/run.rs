//! Running one call of a flow, and what came of it.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use wasmtime::{PoolConcurrencyLimitError, Store, Trap, UpdateDeadline, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::cpu::{CpuMeter, Metered};
use crate::engine::Engine;
use crate::flow::Flow;
use crate::guest::{Guest, Stop, panic_message};
use crate::limits::Limits;
use crate::port::{Port, PortError};
use crate::wasi::Tail;

/// What is particular to one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// The call's id, for traces.
    pub call_id: String,
    /// Where the flow's random numbers come from. Keep it with the journal.
    pub seed: u64,
    /// Start of the call, milliseconds since 1970 UTC: where the flow's clock begins.
    pub started: u64,
    /// End the flow after this much real time, waiting included; `None`: as long as the caller stays.
    pub wall_limit: Option<Duration>,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunReport {
    /// How it ended.
    pub end: FlowEnd,
    /// CPU the flow's own code took.
    pub cpu_ms: f64,
    /// Linear memory at its end (it never shrinks).
    pub memory_bytes: usize,
    /// Host calls it made.
    pub host_calls: u32,
    /// The last 16 KiB of what it printed, tracebacks included. May hold personal data: not for the log.
    pub output: String,
}

/// How a flow ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlowEnd {
    /// `run` returned.
    Finished,
    /// `run` returned an error: the flow says why. The caller goes to a person.
    GaveUp(String),
    /// The host ended it. The caller goes to a person.
    Trapped {
        /// Which wall it hit.
        kind: TrapKind,
        /// For the flow's author. Not stable, not to be compared.
        message: String,
    },
}

/// Why the host ended a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrapKind {
    /// A panic, an abort, an uncaught exception.
    Unreachable,
    /// Too much computing between two host calls, or in all.
    CpuLimit,
    /// Too much memory, or too large a table.
    MemoryLimit,
    /// Recursion without end.
    StackOverflow,
    /// Too many host calls.
    HostCallFlood,
    /// It went on calling after the caller had gone.
    IgnoredHangup,
    /// The run's time was over.
    WallLimit,
    /// The port failed: ours, not the flow's.
    Port,
    /// No room for another call. The flow never started.
    EngineFull,
    /// Anything else: out-of-bounds access, division by zero, a bad value across the boundary.
    Other,
}

impl TrapKind {
    /// Its name as it is serialised: `cpu-limit`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::CpuLimit => "cpu-limit",
            Self::MemoryLimit => "memory-limit",
            Self::StackOverflow => "stack-overflow",
            Self::HostCallFlood => "host-call-flood",
            Self::IgnoredHangup => "ignored-hangup",
            Self::WallLimit => "wall-limit",
            Self::Port => "port",
            Self::EngineFull => "engine-full",
            Self::Other => "other",
        }
    }
}

impl Engine {
    /// Run a flow from its first line to its last, answering its calls through `port`.
    ///
    /// The flow runs on the engine's own threads; the returned future may be awaited on any runtime. Dropping it ends
    /// the flow where it stands.
    pub async fn run(&self, flow: &Arc<Flow>, port: Box<dyn Port>, options: RunOptions) -> RunReport {
        self.timed(flow, port, options).await.report
    }

    /// [`Engine::run`], with the time the flow took to its first host call.
    pub(crate) async fn timed(&self, flow: &Arc<Flow>, port: Box<dyn Port>, options: RunOptions) -> Timed {
        let Ok(permit) = Arc::clone(&self.inner.room).try_acquire_owned() else {
            return Timed::not_started(
                TrapKind::EngineFull,
                format!("all {} places for calls are taken (`max_calls`)", self.info().max_calls),
            );
        };
        let (flow, limits) = (Arc::clone(flow), self.inner.limits.clone());
        let task = AbortOnDrop(self.inner.guests().spawn(async move {
            let timed = converse(flow, limits, port, options).await;
            drop(permit);
            timed
        }));
        task.join().await
    }
}

/// A report, and how long the flow took from its instantiation to its first host call, if it made one.
pub(crate) struct Timed {
    pub(crate) report: RunReport,
    pub(crate) first_call: Option<Duration>,
}

impl Timed {
    fn not_started(kind: TrapKind, message: String) -> Self {
        let end = FlowEnd::Trapped { kind, message };
        let report = RunReport { end, cpu_ms: 0.0, memory_bytes: 0, host_calls: 0, output: String::new() };
        Self { report, first_call: None }
    }
}

/// One store, one instance, one `run`.
async fn converse(flow: Arc<Flow>, limits: Limits, port: Box<dyn Port>, options: RunOptions) -> Timed {
    let (meter, output) = (Arc::new(CpuMeter::default()), Tail::default());
    let guest = Guest::new(port, limits.clone(), &options, Arc::clone(&meter), &output);
    let mut store = Store::new(flow.ready.engine(), guest);
    store.limiter(|guest| &mut guest.limiter);
    store.set_hostcall_fuel(limits.host_call_bytes);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|store| {
        store.data().check_cpu()?;
        // tokio's own yield goes to the back of the queue; wasmtime's plain `Yield` would be polled again at once.
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
    });

    let conversation = Metered::new(Arc::clone(&meter), async {
        let instance = flow.ready.instantiate_async(&mut store).await?;
        instance.call_run(&mut store).await
    });
    let ended = match options.wall_limit {
        Some(limit) => tokio::time::timeout(limit, conversation).await.map_err(|_| limit),
        None => Ok(conversation.await),
    };
    let stopped_by_us = matches!(
        &ended,
        Ok(Err(error)) if matches!(error.downcast_ref(), Some(Stop::Port(PortError::Diverged(_) | PortError::Closed)))
    );
    let end = match ended {
        Ok(Ok(Ok(()))) => FlowEnd::Finished,
        Ok(Ok(Err(reason))) => FlowEnd::GaveUp(reason),
        Ok(Err(error)) => end_of(&error),
        Err(limit) => FlowEnd::Trapped {
            kind: TrapKind::WallLimit,
            message: format!("the call's limit of {} s was reached (`wall_limit`)", limit.as_secs_f64()),
        },
    };
    let guest = store.data();
    let first_call = guest.first_call;
    let report = RunReport {
        end,
        cpu_ms: meter.total().as_secs_f64() * 1e3,
        memory_bytes: guest.limiter.memory,
        host_calls: guest.calls.total,
        output: output.text(),
    };
    // That a replay was stopped, or that the session was over first, is no event of the flow's.
    if let (FlowEnd::Trapped { kind, message }, false) = (&report.end, stopped_by_us) {
        // A flow's panic message may quote the caller; ours do not.
        let why = if *kind == TrapKind::Unreachable { "" } else { message };
        tracing::warn!(
            call = options.call_id,
            flow = flow.name(),
            digest = flow.digest(),
            ?kind,
            why,
            "flow ended early"
        );
    }
    Timed { report, first_call }
}

fn end_of(error: &wasmtime::Error) -> FlowEnd {
    if let Some(I32Exit(0)) = error.downcast_ref() {
        return FlowEnd::Finished;
    }
    let kind = if let Some(stop) = error.downcast_ref::<Stop>() {
        match stop {
            Stop::Cpu { .. } => TrapKind::CpuLimit,
            Stop::Memory { .. } => TrapKind::MemoryLimit,
            Stop::Flood { .. } => TrapKind::HostCallFlood,
            Stop::IgnoredHangup { .. } => TrapKind::IgnoredHangup,
            Stop::Port(_) | Stop::Panic { .. } | Stop::WrongReply { .. } => TrapKind::Port,
        }
    } else if error.is::<PoolConcurrencyLimitError>() {
        TrapKind::EngineFull
    } else {
        match error.downcast_ref::<Trap>() {
            Some(Trap::UnreachableCodeReached) => TrapKind::Unreachable,
            Some(Trap::StackOverflow) => TrapKind::StackOverflow,
            _ => TrapKind::Other,
        }
    };
    FlowEnd::Trapped { kind, message: message(error) }
}

/// The root cause, and the innermost functions of the flow that led to it.
fn message(error: &wasmtime::Error) -> String {
    let cause = error.root_cause().to_string();
    let frames = error.downcast_ref::<WasmBacktrace>().map(WasmBacktrace::frames).unwrap_or_default();
    let names: Vec<_> = frames.iter().filter_map(|frame| frame.func_name()).take(5).collect();
    if names.is_empty() { cause } else { format!("{cause}; in {}", names.join(" ← ")) }
}

/// Ends the flow when nobody waits for it any more.
struct AbortOnDrop(JoinHandle<Timed>);

impl AbortOnDrop {
    async fn join(mut self) -> Timed {
        match (&mut self.0).await {
            Ok(report) => report,
            Err(error) if error.is_panic() => Timed::not_started(
                TrapKind::Other,
                format!("the engine panicked: {}", panic_message(&*error.into_panic())),
            ),
            Err(_) => Timed::not_started(TrapKind::Other, "the engine was shut down".to_owned()),
        }
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
