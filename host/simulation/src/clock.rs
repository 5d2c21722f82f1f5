//! Virtual time: what it is, and what the program's clock shows.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// Shared by everything that asks for the time.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    now_ms: Arc<AtomicI64>,
    /// The machine's clock is off by so much.
    off_ms: Arc<AtomicI64>,
}

impl Clock {
    pub(crate) fn at(now_ms: i64) -> Self {
        Self { now_ms: Arc::new(AtomicI64::new(now_ms)), off_ms: Arc::default() }
    }

    /// What time it is.
    pub(crate) fn true_ms(&self) -> i64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    /// What the machine believes.
    pub(crate) fn shown(&self) -> Timestamp {
        let shown = self.true_ms() + self.off_ms.load(Ordering::Relaxed);
        Timestamp::from_millisecond(shown).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Time goes on; never back.
    pub(crate) fn go_to(&self, now_ms: i64) {
        self.now_ms.fetch_max(now_ms, Ordering::Relaxed);
    }

    /// Somebody, or a time server, sets the machine's clock.
    pub(crate) fn set_off(&self, off_ms: i64) {
        self.off_ms.store(off_ms, Ordering::Relaxed);
    }
}
