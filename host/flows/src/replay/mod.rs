//! Running a flow against the journal of an earlier call: what would it have done?
//!
//! Nothing is said, booked or looked up: answers come from the journal. Where the flow does something else the
//! difference is graded ([`Verdict`]) and the comparison goes on as long as the journal knows what the flow would have
//! been told: other words, reads in another order, a question or an effect less, an effect with other arguments. It
//! ends where nobody knows what the caller, or the clinic's data, would have answered.
//!
//! | module | what |
//! |---|---|
//! | `matcher` | which recorded call answers a call; what that makes of the whole |
//! | `grade` | two calls beside each other: the same, the same in other words, something else |
//! | `summary` | many replays together |

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

mod grade;
pub(crate) mod matcher;
#[cfg(test)]
pub(crate) mod play;
mod summary;

pub use summary::{ReplaySummary, SummaryLine};

use crate::engine::Engine;
use crate::flow::Flow;
use crate::host::{HostCall, HostReply};
use crate::journal::{Header, Journal};
use crate::port::{Port, PortError};
use crate::run::{FlowEnd, RunOptions, RunReport};
use matcher::{Ended, Matcher};

/// How far a flow goes from a recorded call, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The same calls with the same arguments, and the same end.
    Identical,
    /// The same steps in other words (prompts, summaries and reasons for a person, the author's log).
    WordingOnly,
    /// It looks things up in another order, more often or less often; all it wants to know the journal knows.
    ReadsReordered,
    /// It wants to know something the journal has no answer to, and the comparison ends there; or it no longer asks
    /// something. All it did was the same.
    NewQuestion,
    /// It does something else: books, moves, cancels, promises, transfers, notes, or ends otherwise.
    EffectChanged,
    /// It broke.
    Trapped,
}

impl Verdict {
    /// All of them, mildest first.
    pub const ALL: [Self; 6] = [
        Self::Identical,
        Self::WordingOnly,
        Self::ReadsReordered,
        Self::NewQuestion,
        Self::EffectChanged,
        Self::Trapped,
    ];
}

/// A place where the flow left the journal.
///
/// A call that is on both sides and equal was moved: the flow makes it at another place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Divergence {
    /// How grave.
    pub verdict: Verdict,
    /// Entry of the journal at that place.
    pub seq: u32,
    /// What the journal has there; `None`: nothing that this call could be measured by.
    pub recorded: Option<HostCall>,
    /// What the flow did; `None`: it left this out, or it ended.
    pub replayed: Option<HostCall>,
}

/// One call of the replayed flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// What it asked for.
    pub call: HostCall,
    /// Where the answer came from.
    pub answer: Answered,
}

/// Where the answer to a replayed call came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answered {
    /// From its counterpart, the entry of this number.
    Entry(u32),
    /// From another call with the same arguments, the entry of this number: a look the recorded flow did not take
    /// here.
    Like(u32),
    /// There is no counterpart, but only one answer is possible (a text was said to its end, a note was taken).
    Assumed,
    /// By a port for reads, beside the journal (a shadow may have one).
    Looked,
    /// Not at all: the comparison ended here.
    Nobody,
    /// Not at all: the recorded call was cut off here, as calls are when the caller hangs up or the machine stops.
    CutOff,
}

/// What came of a replay.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplayReport {
    /// The gravest difference.
    pub verdict: Verdict,
    /// All differences met, in order. The last one may have ended the comparison.
    pub divergences: Vec<Divergence>,
    /// Every call the flow made, in its order.
    pub calls: Vec<Replayed>,
    /// Entries of the journal that were reached.
    pub reached: u32,
    /// The run itself.
    pub run: RunReport,
}

/// A journal replayed twice: whatever differs between two runs with the same answers is not in the journal, and the
/// flow's verdict is worth nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Twice {
    /// Of the first run.
    pub report: ReplayReport,
    /// Did both runs agree, call for call, and in their end?
    pub deterministic: bool,
    /// Where they parted.
    pub first_difference: Option<RunsDiffer>,
}

/// Where two runs of one flow with the same answers parted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunsDiffer {
    /// Number of the call, from 0.
    pub call: u32,
    /// What the first run did; `None`: it had ended.
    pub first: Option<HostCall>,
    /// What the second run did; `None`: it had ended. Both `None`: they ended differently.
    pub second: Option<HostCall>,
}

impl Engine {
    /// Run a flow against a journal. No I/O.
    pub async fn replay(&self, flow: &Arc<Flow>, journal: &Journal) -> ReplayReport {
        self.replay_shared(flow, Arc::new(journal.clone())).await
    }

    /// Run a flow against a journal twice, and compare the runs. Copies nothing of the journal.
    pub async fn replay_twice(&self, flow: &Arc<Flow>, journal: &Arc<Journal>) -> Twice {
        let report = self.replay_shared(flow, Arc::clone(journal)).await;
        let second = self.replay_shared(flow, Arc::clone(journal)).await;
        let first_difference = first_difference(&report, &second);
        Twice { deterministic: first_difference.is_none(), first_difference, report }
    }

    async fn replay_shared(&self, flow: &Arc<Flow>, journal: Arc<Journal>) -> ReplayReport {
        let port = Replay::new(Arc::clone(&journal));
        let matcher = Arc::clone(&port.matcher);
        let run = self.run(flow, Box::new(port), options(&journal.header)).await;
        let mut matcher = lock(&matcher);
        std::mem::take(&mut *matcher).report(&journal.entries, journal.end.as_ref(), run)
    }
}

/// A run as the recorded one began.
pub(crate) fn options(header: &Header) -> RunOptions {
    RunOptions { call_id: header.call.clone(), seed: header.seed, started: header.started_ms, wall_limit: None }
}

/// Compares calls and ends; answers, being the journal's, need no comparing.
fn first_difference(first: &ReplayReport, second: &ReplayReport) -> Option<RunsDiffer> {
    let call = |report: &ReplayReport, at: usize| report.calls.get(at).map(|replayed| replayed.call.clone());
    let length = first.calls.len().max(second.calls.len());
    let apart = (0..length).find(|at| first.calls.get(*at) != second.calls.get(*at));
    let ends_apart = match (&first.run.end, &second.run.end) {
        // Messages of traps are for the author and not stable.
        (FlowEnd::Trapped { kind: a, .. }, FlowEnd::Trapped { kind: b, .. }) => a != b,
        (a, b) => a != b,
    };
    let at = apart.or(ends_apart.then_some(length))?;
    Some(RunsDiffer { call: at as u32, first: call(first, at), second: call(second, at) })
}

/// The port that answers from a journal.
pub struct Replay {
    journal: Arc<Journal>,
    ended: Ended,
    matcher: Arc<Mutex<Matcher>>,
}

impl Replay {
    /// A port for one run.
    pub fn new(journal: Arc<Journal>) -> Self {
        let ended = Ended::of(journal.end.as_ref());
        let matcher = Arc::new(Mutex::new(Matcher::with_capacity(journal.entries.len())));
        Self { journal, ended, matcher }
    }
}

#[async_trait]
impl Port for Replay {
    async fn call(&mut self, call: HostCall) -> Result<HostReply, PortError> {
        let mut matcher = lock(&self.matcher);
        match matcher.decide(&self.journal.entries, Some(self.ended), &call) {
            Some(choice) => matcher.take(&self.journal.entries, call, choice),
            None => Err(PortError::Fault("invariant: a whole journal decides every call".into())),
        }
    }

    fn elapsed_ms(&self) -> Option<u64> {
        Some(lock(&self.matcher).elapsed_ms())
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
