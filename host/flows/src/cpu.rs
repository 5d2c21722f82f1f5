//! CPU time of one flow: what its own code burns, not what the host does for it.
//!
//! The clock is the thread's CPU clock, read when the flow's task is polled, when it enters and leaves a host call and
//! at every epoch tick. Wall ticks would charge a flow for the time the kernel gave to its neighbours.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Shared by the task (which sees polls) and the store (which sees host calls). Only the thread that polls the task
/// touches it, so the orderings are relaxed.
#[derive(Default)]
pub(crate) struct CpuMeter {
    total_ns: AtomicU64,
    since_call_ns: AtomicU64,
    resumed_at_ns: AtomicU64,
    in_host: AtomicBool,
}

fn thread_cpu_ns() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

impl CpuMeter {
    /// CPU of the flow since its last host call.
    pub(crate) fn since_call(&self) -> Duration {
        Duration::from_nanos(self.since_call_ns.load(Relaxed) + self.running_ns())
    }

    /// CPU of the flow since the call started.
    pub(crate) fn total(&self) -> Duration {
        Duration::from_nanos(self.total_ns.load(Relaxed) + self.running_ns())
    }

    fn running_ns(&self) -> u64 {
        match self.resumed_at_ns.load(Relaxed) {
            0 => 0,
            resumed => thread_cpu_ns().saturating_sub(resumed),
        }
    }

    pub(crate) fn enter_host(&self) {
        self.pause();
        self.in_host.store(true, Relaxed);
    }

    /// Back in the flow, with a fresh budget.
    pub(crate) fn leave_host(&self) {
        self.in_host.store(false, Relaxed);
        self.since_call_ns.store(0, Relaxed);
        self.resume();
    }

    fn resume(&self) {
        if !self.in_host.load(Relaxed) {
            // The clock of a thread that has run at all is not 0; 0 stands for "not running".
            self.resumed_at_ns.store(thread_cpu_ns().max(1), Relaxed);
        }
    }

    fn pause(&self) {
        let ran = self.running_ns();
        self.resumed_at_ns.store(0, Relaxed);
        self.total_ns.fetch_add(ran, Relaxed);
        self.since_call_ns.fetch_add(ran, Relaxed);
    }
}

/// A future whose polls are on the meter.
pub(crate) struct Metered<F> {
    meter: Arc<CpuMeter>,
    inner: Pin<Box<F>>,
}

impl<F> Metered<F> {
    pub(crate) fn new(meter: Arc<CpuMeter>, inner: F) -> Self {
        Self { meter, inner: Box::pin(inner) }
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.meter.resume();
        let polled = self.inner.as_mut().poll(cx);
        self.meter.pause();
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn burn() {
        let until = thread_cpu_ns() + 3_000_000;
        while thread_cpu_ns() < until {}
    }

    #[tokio::test]
    async fn only_the_flows_own_work_counts() {
        let meter = Arc::new(CpuMeter::default());
        let inner = Arc::clone(&meter);
        Metered::new(Arc::clone(&meter), async move {
            burn();
            inner.enter_host();
            burn();
            tokio::task::yield_now().await;
            burn();
            inner.leave_host();
            assert!(inner.since_call() < Duration::from_millis(3), "a host call renews the budget");
            burn();
            tokio::task::yield_now().await;
            assert!(inner.since_call() >= Duration::from_millis(3), "a yield does not");
        })
        .await;
        let total = meter.total();
        assert!(total >= Duration::from_millis(6), "{total:?}: the flow burnt twice");
        assert!(total < Duration::from_millis(12), "{total:?}: the host's share is not in it");
    }
}
