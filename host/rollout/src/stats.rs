//! Figures for metrics: versions in memory, calls per version, roll-backs by cause.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use records::{ChangeKind, Entry, FlowChange, Role};
use serde::Serialize;

/// Figures since the program started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RolloutStats {
    /// Versions in memory: those on routes, and those that calls in progress still hold.
    pub live_versions: usize,
    /// Calls that started, by version.
    pub calls: Vec<CallCount>,
    /// Roll-backs by cause: `operator`, `traps`, `handovers`.
    pub rollbacks: BTreeMap<String, u64>,
}

/// Calls that started on a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallCount {
    /// The clinic.
    pub clinic: String,
    /// The entry of the route.
    pub entry: Entry,
    /// The version.
    pub digest: String,
    /// As what.
    pub role: Role,
    /// How many.
    pub calls: u64,
}

type Place = (String, Entry, String, Role);

/// The counters behind the figures. Calls count without a lock; the maps are locked when tables are made and read.
#[derive(Default)]
pub(crate) struct Counters {
    calls: Mutex<BTreeMap<Place, Arc<AtomicU64>>>,
    rollbacks: Mutex<BTreeMap<String, u64>>,
}

impl Counters {
    /// The counter of a version on a route; the same one however often it comes and goes.
    pub(crate) fn of(&self, clinic: &str, entry: Entry, digest: &str, role: Role) -> Arc<AtomicU64> {
        let place = (clinic.to_owned(), entry, digest.to_owned(), role);
        Arc::clone(self.calls.lock().unwrap_or_else(PoisonError::into_inner).entry(place).or_default())
    }

    pub(crate) fn changed(&self, change: &FlowChange) {
        let cause = match change.kind {
            ChangeKind::RolledBack => "operator",
            ChangeKind::RolledBackItself => change.cause.as_deref().unwrap_or("unknown"),
            _ => return,
        };
        *self.rollbacks.lock().unwrap_or_else(PoisonError::into_inner).entry(cause.to_owned()).or_default() += 1;
    }

    pub(crate) fn stats(&self, live_versions: usize) -> RolloutStats {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |(place, calls): (&Place, &Arc<AtomicU64>)| CallCount {
            clinic: place.0.clone(),
            entry: place.1,
            digest: place.2.clone(),
            role: place.3,
            calls: calls.load(Ordering::Relaxed),
        };
        let rollbacks = self.rollbacks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        RolloutStats { live_versions, calls: calls.iter().map(count).collect(), rollbacks }
    }
}
