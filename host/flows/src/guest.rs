//! The store of one call: its port, its budgets, its clock. Every host call goes through [`Guest::host_call`].

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};

use crate::cpu::CpuMeter;
use crate::host::{Error, HostCall, HostReply, Nature};
use crate::limits::{Limiter, Limits};
use crate::port::{Port, PortError};
use crate::run::RunOptions;
use crate::wasi::{self, LogicalClock, Tail};

/// Why the host stopped a flow. Travels through wasm as an error and is found again by its type.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    #[error("{spent_ms} ms of CPU {since} (limit {allowed_ms} ms): an endless loop?")]
    Cpu { spent_ms: u128, allowed_ms: u128, since: &'static str },
    #[error("it wanted {asked} {what} (limit {allowed})")]
    Memory { asked: usize, allowed: usize, what: &'static str },
    #[error("{made} host calls {since} (limit {made})")]
    Flood { made: u32, since: &'static str },
    #[error("it went on calling after the caller had hung up (last: {function}); return from `run` on `hangup`")]
    IgnoredHangup { function: &'static str },
    #[error(transparent)]
    Port(PortError),
    #[error("the port panicked in {function}: {message}")]
    Panic { function: &'static str, message: String },
    #[error("the port answered {expected} with {got}")]
    WrongReply { expected: &'static str, got: &'static str },
}

/// What a store holds.
pub(crate) struct Guest {
    port: Box<dyn Port>,
    limits: Limits,
    pub(crate) limiter: Limiter,
    pub(crate) cpu: Arc<CpuMeter>,
    pub(crate) calls: CallCounter,
    pub(crate) clock: LogicalClock,
    /// When the store was made, and how long the flow then took to its first host call.
    born: Instant,
    pub(crate) first_call: Option<Duration>,
    wasi: WasiCtx,
    table: ResourceTable,
}

impl Guest {
    pub(crate) fn new(
        port: Box<dyn Port>,
        limits: Limits,
        options: &RunOptions,
        cpu: Arc<CpuMeter>,
        output: &Tail,
    ) -> Self {
        let clock = LogicalClock::new(options.started);
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.wasi_resources);
        Self {
            port,
            limiter: Limiter::new(limits.clone()),
            cpu,
            calls: CallCounter::default(),
            wasi: wasi::context(options.seed, &clock, output),
            clock,
            born: Instant::now(),
            first_call: None,
            table,
            limits,
        }
    }

    /// The one road from a flow to the host: count, stop the meter, ask the port, set the flow's clock.
    pub(crate) async fn host_call(&mut self, call: HostCall) -> wasmtime::Result<HostReply> {
        let function = call.function();
        self.first_call.get_or_insert_with(|| self.born.elapsed());
        self.calls.count(&call, &self.limits)?;
        self.cpu.enter_host();
        let answered = CatchPanic(self.port.call(call)).await;
        let elapsed = self.port.elapsed_ms();
        self.cpu.leave_host();
        let reply = answered.map_err(|message| Stop::Panic { function, message })?.map_err(Stop::Port)?;
        self.clock.set_elapsed_ms(elapsed);
        self.calls.hung_up |= reply.error() == Some(&Error::Hangup);
        Ok(reply)
    }

    /// Called at every tick of the engine while the flow's code runs.
    pub(crate) fn check_cpu(&self) -> Result<(), Stop> {
        for (spent, allowed, since) in [
            (self.cpu.since_call(), self.limits.cpu_between_calls, "since the last host call"),
            (self.cpu.total(), self.limits.cpu_per_call, "in this call"),
        ] {
            if spent > allowed {
                return Err(Stop::Cpu { spent_ms: spent.as_millis(), allowed_ms: allowed.as_millis(), since });
            }
        }
        Ok(())
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// The error of a port that answers one function with the reply of another: a bug of the port, not of the flow.
pub(crate) fn wrong_reply(expected: &'static str, got: &HostReply) -> wasmtime::Error {
    Stop::WrongReply { expected, got: got.function() }.into()
}

/// Counts host calls. By number and not by time, so that a replay stops where the call stopped.
#[derive(Debug, Default)]
pub(crate) struct CallCounter {
    pub(crate) total: u32,
    this_turn: u32,
    hung_up: bool,
    after_hangup: u32,
}

impl CallCounter {
    fn count(&mut self, call: &HostCall, limits: &Limits) -> Result<(), Stop> {
        if self.hung_up {
            self.after_hangup += 1;
            if self.after_hangup > limits.calls_after_hangup {
                return Err(Stop::IgnoredHangup { function: call.function() });
            }
        }
        if self.total >= limits.host_calls_per_call {
            return Err(Stop::Flood { made: self.total, since: "in this call" });
        }
        let turn = matches!(call.nature(), Nature::Speech | Nature::Question)
            || matches!(call, HostCall::RoutingTransfer { .. });
        if turn {
            self.this_turn = 0;
        } else if self.this_turn >= limits.host_calls_per_turn {
            return Err(Stop::Flood { made: self.this_turn, since: "without a word to the caller" });
        }
        self.this_turn += 1;
        self.total += 1;
        Ok(())
    }
}

/// A port's panic becomes an error of its own call before it can unwind through wasm frames.
struct CatchPanic<F>(F);

impl<F: Future + Unpin> Future for CatchPanic<F> {
    type Output = Result<F::Output, String>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Unwind safety: after a panic the port is never called again, its store is dropped.
        match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.0).poll(cx))) {
            Ok(polled) => polled.map(Ok),
            Err(panic) => Poll::Ready(Err(panic_message(&*panic))),
        }
    }
}

/// The text of a panic.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::voice::BargeIn;

    fn say() -> HostCall {
        HostCall::VoiceSay { text: "Алло".into(), barge_in: BargeIn::None }
    }

    #[test]
    fn a_turn_renews_the_allowance() {
        let limits = Limits { host_calls_per_turn: 3, host_calls_per_call: 100, ..Limits::default() };
        let mut calls = CallCounter::default();
        for _ in 0..20 {
            calls.count(&say(), &limits).expect("speaking is always allowed");
            calls.count(&HostCall::ClinicNow, &limits).expect("second of three");
            calls.count(&HostCall::ClinicNow, &limits).expect("third of three");
        }
        let error = calls.count(&HostCall::ClinicNow, &limits).expect_err("fourth");
        assert!(matches!(error, Stop::Flood { made: 3, .. }), "{error}");
    }

    #[test]
    fn the_whole_call_is_bounded_too() {
        let limits = Limits { host_calls_per_call: 10, ..Limits::default() };
        let mut calls = CallCounter::default();
        let made = (0..).take_while(|_| calls.count(&say(), &limits).is_ok()).count();
        assert_eq!(made, 10);
    }

    #[test]
    fn a_hang_up_leaves_a_few_calls_to_write_things_down() {
        let limits = Limits { calls_after_hangup: 2, ..Limits::default() };
        let mut calls = CallCounter { hung_up: true, ..CallCounter::default() };
        let made = (0..).take_while(|_| calls.count(&HostCall::ClinicNow, &limits).is_ok()).count();
        assert_eq!(made, 2);
    }
}
