//! What one call may use, and the limiter that holds it to its memory.

use std::time::Duration;

use wasmtime::ResourceLimiter;

use crate::guest::Stop;

/// What one call may use. Every value counts per call; none is shared between calls.
///
/// ```
/// use flows::Limits;
/// let for_python = Limits { memory_bytes: 128 << 20, ..Limits::default() };
/// assert!(for_python.memory_bytes > Limits::default().memory_bytes);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of all instances of a flow together. Rust and C flows use 1–2 MiB, JavaScript about 4, Python
    /// from 14.
    pub memory_bytes: usize,
    /// Elements of one table. Interpreters have large ones (CPython about 12,000).
    pub table_elements: usize,
    /// Core instances inside one component (several belong to every component: adapters, shims).
    pub instances: usize,
    /// Memories inside one component.
    pub memories: usize,
    /// Tables inside one component.
    pub tables: usize,
    /// Pure CPU between two host calls. Host calls, and waiting in them, cost nothing of it.
    pub cpu_between_calls: Duration,
    /// Pure CPU of the whole call.
    pub cpu_per_call: Duration,
    /// Host calls between two turns (a turn: something was said, asked, or a transfer was tried).
    pub host_calls_per_turn: u32,
    /// Host calls of the whole call.
    pub host_calls_per_call: u32,
    /// Host calls a flow may still make after the first one that told it the caller has gone: enough to write down
    /// how the call ended.
    pub calls_after_hangup: u32,
    /// Bytes a flow may hand over in one host call.
    pub host_call_bytes: usize,
    /// Open WASI resources (streams, pollables).
    pub wasi_resources: usize,
    /// Bytes of a component that is offered for compilation.
    pub component_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            table_elements: 20_000,
            instances: 64,
            memories: 4,
            tables: 16,
            cpu_between_calls: Duration::from_millis(500),
            cpu_per_call: Duration::from_secs(20),
            host_calls_per_turn: 1_000,
            host_calls_per_call: 20_000,
            calls_after_hangup: 16,
            host_call_bytes: 1 << 20,
            wasi_resources: 256,
            component_bytes: 64 << 20,
        }
    }
}

/// Holds a store to its memory and counts what it took.
///
/// Growth beyond the limit ends the flow at once rather than failing `memory.grow`: what a language's allocator does
/// with that failure is its own affair (abort, spin, throw), and a replay must end at the same instruction.
pub(crate) struct Limiter {
    limits: Limits,
    /// Bytes of all memories now; they never shrink.
    pub(crate) memory: usize,
}

impl Limiter {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, memory: 0 }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let grown = self.memory.saturating_add(desired.saturating_sub(current));
        if grown > self.limits.memory_bytes {
            return Err(Stop::Memory { asked: grown, allowed: self.limits.memory_bytes, what: "bytes" }.into());
        }
        self.memory = grown;
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        if desired > self.limits.table_elements {
            let allowed = self.limits.table_elements;
            return Err(Stop::Memory { asked: desired, allowed, what: "table elements" }.into());
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.limits.instances
    }

    fn tables(&self) -> usize {
        self.limits.tables
    }

    fn memories(&self) -> usize {
        self.limits.memories
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_of_one_call_count_together() {
        let mut limiter = Limiter::new(Limits { memory_bytes: 3 << 16, ..Limits::default() });
        assert!(limiter.memory_growing(0, 1 << 16, None).expect("first memory fits"));
        assert!(limiter.memory_growing(0, 2 << 16, None).expect("second memory fits"));
        let error = limiter.memory_growing(1 << 16, 2 << 16, None).expect_err("together they are too much");
        assert!(matches!(error.downcast_ref(), Some(Stop::Memory { .. })), "{error}");
        assert_eq!(limiter.memory, 3 << 16);
    }
}
