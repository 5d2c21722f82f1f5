//! WASI 0.2 for flows: present, so that Python, JavaScript and Go flows load, and empty.
//!
//! No files, no sockets, no environment, no input. What they print goes to a bounded tail in the run's report (an
//! uncaught exception reaches the host only as `unreachable`; the traceback is there). Time is the call's logical
//! clock and randomness comes from the call's seed, so a replay sees what the call saw. Sleeping returns at once and
//! moves the logical clock: a flow waits by asking the caller, not by holding the line silent.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rand_core::TryRng;
use sha2::{Digest, Sha256};
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::{DynPollable, OutputStream, Pollable, StreamResult, subscribe};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiView, async_trait};

use crate::guest::Guest;

/// Define WASI in the linker, with our own sleep in place of the real one.
pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    linker.allow_shadowing(true);
    monotonic_clock::add_to_linker::<Guest, Clocks>(linker, |guest| {
        let clock = guest.clock.clone();
        ClockView { clock, table: guest.ctx().table }
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

/// The context of one call: everything denied.
pub(crate) fn context(seed: u64, clock: &LogicalClock, output: &Tail) -> WasiCtx {
    WasiCtxBuilder::new()
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .secure_random(SeededRandom::new(seed, "secure"))
        .insecure_random(SeededRandom::new(seed, "insecure"))
        .insecure_random_seed(SeededRandom::new(seed, "seed").next_u128())
        // A guest asks for random bytes by number, and the host allocates them.
        .max_random_size(64 << 10)
        .wall_clock(clock.clone())
        .monotonic_clock(clock.clone())
        .stdout(output.clone())
        .stderr(output.clone())
        .build()
}

/// The flow's time: the start of the call plus what had passed at the last reply. Never goes back.
#[derive(Clone)]
pub(crate) struct LogicalClock {
    started_ms: u64,
    began: Instant,
    elapsed_ns: Arc<AtomicU64>,
}

impl LogicalClock {
    pub(crate) fn new(started_ms: u64) -> Self {
        Self { started_ms, began: Instant::now(), elapsed_ns: Arc::default() }
    }

    /// Move on to the time of a reply; `None`: to real time.
    pub(crate) fn set_elapsed_ms(&self, elapsed: Option<u64>) {
        let elapsed = elapsed.unwrap_or_else(|| self.began.elapsed().as_millis() as u64);
        self.advance_to(elapsed.saturating_mul(1_000_000));
    }

    fn advance_to(&self, ns: u64) {
        self.elapsed_ns.fetch_max(ns, Relaxed);
    }

    fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.elapsed_ns.load(Relaxed))
    }
}

impl HostWallClock for LogicalClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.started_ms) + self.elapsed()
    }
}

impl HostMonotonicClock for LogicalClock {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        // Never zero: Go takes a monotonic clock that says zero for a broken one, and stops.
        self.elapsed_ns.load(Relaxed).max(1)
    }
}

struct Clocks;

impl HasData for Clocks {
    type Data<'a> = ClockView<'a>;
}

struct ClockView<'a> {
    clock: LogicalClock,
    table: &'a mut ResourceTable,
}

impl monotonic_clock::Host for ClockView<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(HostMonotonicClock::now(&self.clock))
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(HostMonotonicClock::resolution(&self.clock))
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let nap = self.table.push(Nap { clock: self.clock.clone(), until: when })?;
        subscribe(self.table, nap)
    }

    fn subscribe_duration(&mut self, duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.subscribe_instant(HostMonotonicClock::now(&self.clock).saturating_add(duration))
    }
}

/// A sleep in logical time.
struct Nap {
    clock: LogicalClock,
    until: u64,
}

#[async_trait]
impl Pollable for Nap {
    async fn ready(&mut self) {
        self.clock.advance_to(self.until);
        // A loop of naps is a busy loop: let the neighbours run.
        tokio::task::yield_now().await;
    }
}

/// Random bytes that follow from the call's seed: SHA-256 in counter mode. Written out here rather than taken from a
/// crate, because a replay years later must draw the same bytes, and crates do not promise that across versions.
struct SeededRandom {
    key: [u8; 32],
    counter: u64,
    block: [u8; 32],
    used: usize,
}

impl SeededRandom {
    fn new(seed: u64, stream: &str) -> Self {
        let key = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(stream).finalize().into();
        Self { key, counter: 0, block: [0; 32], used: 32 }
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| {
            if self.used == self.block.len() {
                let block = Sha256::new().chain_update(self.key).chain_update(self.counter.to_le_bytes());
                self.block = block.finalize().into();
                self.counter += 1;
                self.used = 0;
            }
            self.used += 1;
            self.block[self.used - 1]
        })
    }

    fn next_u128(&mut self) -> u128 {
        u128::from_le_bytes(self.take())
    }
}

impl TryRng for SeededRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.take()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.take()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill_with(|| self.take::<1>()[0]);
        Ok(())
    }
}

/// The last [`Tail::BYTES`] of what a flow printed.
#[derive(Clone, Default)]
pub(crate) struct Tail(Arc<Mutex<Vec<u8>>>);

impl Tail {
    const BYTES: usize = 16 << 10;

    fn push(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&bytes[bytes.len().saturating_sub(Self::BYTES)..]);
        let excess = kept.len().saturating_sub(Self::BYTES);
        kept.drain(..excess);
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl IsTerminal for Tail {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Tail {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // Only WASI 0.3 asks for this form, and that is not linked.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Tail {
    async fn ready(&mut self) {}
}

impl OutputStream for Tail {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(4 << 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn randomness_is_a_function_of_seed_and_stream() {
        let draw = |seed, stream| {
            let mut bytes = [0; 80];
            let Ok(()) = SeededRandom::new(seed, stream).try_fill_bytes(&mut bytes);
            bytes
        };
        assert_eq!(draw(7, "secure"), draw(7, "secure"));
        assert_ne!(draw(7, "secure"), draw(8, "secure"));
        assert_ne!(draw(7, "secure"), draw(7, "insecure"));
        // The stream is a promise to old journals: SHA-256(key ‖ counter), key = SHA-256(seed ‖ name).
        let key = Sha256::new().chain_update(7u64.to_le_bytes()).chain_update("secure").finalize();
        let second = Sha256::new().chain_update(key).chain_update(1u64.to_le_bytes()).finalize();
        assert_eq!(draw(7, "secure")[32..64], second[..]);
    }

    #[test]
    fn the_logical_clock_stands_still_and_never_goes_back() {
        let clock = LogicalClock::new(1_000);
        assert_eq!(HostWallClock::now(&clock), Duration::from_millis(1_000));
        assert_eq!(HostMonotonicClock::now(&clock), 1);
        clock.set_elapsed_ms(Some(250));
        clock.set_elapsed_ms(Some(40));
        assert_eq!(HostWallClock::now(&clock), Duration::from_millis(1_250));
        assert_eq!(HostMonotonicClock::now(&clock), 250_000_000);
    }

    #[test]
    fn output_keeps_its_tail() {
        let tail = Tail::default();
        tail.push(&vec![b'a'; Tail::BYTES]);
        tail.push(b"end");
        assert_eq!(tail.text().len(), Tail::BYTES);
        assert!(tail.text().ends_with("aaaend"));
    }
}
