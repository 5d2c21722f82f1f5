//! What the endpoint has done since it started, for metrics and for `doctor`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// A snapshot of the counters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Calls offered to the program.
    pub calls_in: u64,
    /// Calls placed by the program (one a leg).
    pub calls_out: u64,
    /// INVITEs turned away before the program heard of them, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Messages read.
    pub received: u64,
    /// Messages written.
    pub sent: u64,
    /// Of those, copies of what had been sent before (UDP).
    pub retransmitted: u64,
    /// Messages the front check or the parser did not let through.
    pub malformed: u64,
    /// Messages ignored without an answer: scanners, banned addresses.
    pub ignored: u64,
    /// Registrations of phones that were accepted.
    pub registrations: u64,
    /// Wrong passwords.
    pub wrong_passwords: u64,
    /// Calls whose 200 was never acknowledged.
    pub never_acknowledged: u64,
    /// Calls alive now.
    pub calls_now: u64,
    /// Transactions, and answers kept for repeated requests. Falls to zero 64 × T1 after the last message.
    pub remembered_now: u64,
}

/// The counters themselves.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    pub calls_in: AtomicU64,
    pub calls_out: AtomicU64,
    pub received: AtomicU64,
    pub sent: AtomicU64,
    pub retransmitted: AtomicU64,
    pub malformed: AtomicU64,
    pub ignored: AtomicU64,
    pub registrations: AtomicU64,
    pub wrong_passwords: AtomicU64,
    pub never_acknowledged: AtomicU64,
    rejected: Mutex<BTreeMap<&'static str, u64>>,
}

impl Meter {
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn reject(&self, reason: &'static str) {
        *self.rejected.lock().unwrap_or_else(PoisonError::into_inner).entry(reason).or_default() += 1;
    }

    pub(crate) fn snapshot(&self, calls_now: u64, remembered_now: u64) -> Counters {
        let of = |c: &AtomicU64| c.load(Ordering::Relaxed);
        Counters {
            calls_in: of(&self.calls_in),
            calls_out: of(&self.calls_out),
            rejected: self.rejected.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            received: of(&self.received),
            sent: of(&self.sent),
            retransmitted: of(&self.retransmitted),
            malformed: of(&self.malformed),
            ignored: of(&self.ignored),
            registrations: of(&self.registrations),
            wrong_passwords: of(&self.wrong_passwords),
            never_acknowledged: of(&self.never_acknowledged),
            calls_now,
            remembered_now,
        }
    }
}
