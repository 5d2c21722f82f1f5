//! Running a flow against the journal of an earlier call: what would it have done?
//!
//! Nothing is said, booked or looked up: answers come from the journal, in its order. Where the flow asks for
//! something else the difference is graded ([`Verdict`]); other wording is passed over with the recorded answer, anything
//! more ends the comparison, because from there on the caller would have answered something nobody knows.
//!
//! What this version does not do: look answers up out of order, so `ReadsReordered` also ends the comparison.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::engine::Engine;
use crate::flow::Flow;
use crate::host::{HostCall, HostReply, Nature};
use crate::journal::{Entry, Journal};
use crate::port::{Port, PortError};
use crate::run::{FlowEnd, RunOptions, RunReport, TrapKind};

/// How far a flow goes from a recorded call, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The same calls with the same arguments, and the same end.
    Identical,
    /// The same steps in other words (prompts, summaries for a person, the author's log).
    WordingOnly,
    /// It looks the same things up in another order.
    ReadsReordered,
    /// It wants to know something the journal has no answer to. The comparison ends there; all before was fine.
    NewQuestion,
    /// It does something else: books, moves, cancels, promises, transfers, notes, or ends otherwise.
    EffectChanged,
    /// It broke.
    Trapped,
}

/// A place where the flow left the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// How grave.
    pub verdict: Verdict,
    /// Entry of the journal at that place.
    pub seq: u32,
    /// What the journal has there; `None`: it is at its end.
    pub recorded: Option<HostCall>,
    /// What the flow did; `None`: it ended.
    pub replayed: Option<HostCall>,
}

/// What came of a replay.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplayReport {
    /// The gravest difference.
    pub verdict: Verdict,
    /// All differences met, in order. The last one may have ended the comparison.
    pub divergences: Vec<Divergence>,
    /// Entries of the journal that were reached.
    pub reached: u32,
    /// The run itself.
    pub run: RunReport,
}

impl Engine {
    /// Run a flow against a journal. No I/O.
    pub async fn replay(&self, flow: &Arc<Flow>, journal: &Journal) -> ReplayReport {
        let port = Replay::new(journal);
        let progress = Arc::clone(&port.progress);
        let options = RunOptions {
            call_id: journal.header.call.clone(),
            seed: journal.header.seed,
            started: journal.header.started_ms,
            wall_limit: None,
        };
        let run = self.run(flow, Box::new(port), options).await;
        let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = progress.close(journal, &run.end);
        ReplayReport { verdict, divergences: progress.divergences.clone(), reached: progress.next as u32, run }
    }
}

/// The port that answers from a journal.
pub struct Replay {
    entries: Vec<Entry>,
    /// A journal without an end was cut off while the flow was parked in a call that is not in it.
    cut_off: bool,
    elapsed_ms: u64,
    progress: Arc<Mutex<Progress>>,
}

#[derive(Default)]
struct Progress {
    next: usize,
    divergences: Vec<Divergence>,
    /// The flow was stopped by us, so its end says nothing.
    stopped: bool,
}

impl Replay {
    /// A port for one run.
    pub fn new(journal: &Journal) -> Self {
        Self {
            entries: journal.entries.clone(),
            cut_off: journal.end.is_none(),
            elapsed_ms: 0,
            progress: Arc::default(),
        }
    }
}

#[async_trait]
impl Port for Replay {
    async fn call(&mut self, call: HostCall) -> Result<HostReply, PortError> {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        // Lines for the author come and go between versions; they are no step of the conversation.
        if call.nature() == Nature::Remark && self.entries.get(progress.next).is_none_or(|entry| entry.call != call) {
            if self.entries.get(progress.next).is_some_and(|entry| entry.call.nature() == Nature::Remark) {
                progress.next += 1;
            }
            let seq = progress.next as u32;
            let replayed = Some(call);
            progress.divergences.push(Divergence { verdict: Verdict::WordingOnly, seq, recorded: None, replayed });
            return Ok(HostReply::NotesLog(()));
        }
        while call.nature() != Nature::Remark
            && self.entries.get(progress.next).is_some_and(|entry| entry.call.nature() == Nature::Remark)
        {
            let (seq, recorded) = (progress.next as u32, Some(self.entries[progress.next].call.clone()));
            progress.divergences.push(Divergence { verdict: Verdict::WordingOnly, seq, recorded, replayed: None });
            progress.next += 1;
        }

        let seq = progress.next as u32;
        let Some(entry) = self.entries.get(progress.next) else {
            progress.stopped = true;
            if self.cut_off {
                return Err(PortError::Closed);
            }
            let message = format!("{} after the end of the journal", call.function());
            let verdict = grade_new(&call);
            progress.divergences.push(Divergence { verdict, seq, recorded: None, replayed: Some(call) });
            return Err(PortError::Diverged(message));
        };
        if entry.call != call {
            let verdict = grade(&entry.call, &call, &self.entries[progress.next..]);
            let message = format!("entry {seq}: {} was recorded, {} came", entry.call.function(), call.function());
            let recorded = Some(entry.call.clone());
            progress.divergences.push(Divergence { verdict, seq, recorded, replayed: Some(call) });
            if verdict != Verdict::WordingOnly {
                progress.stopped = true;
                return Err(PortError::Diverged(message));
            }
        }
        progress.next += 1;
        self.elapsed_ms = entry.at_ms + entry.took_ms;
        Ok(entry.reply.clone())
    }

    fn elapsed_ms(&self) -> Option<u64> {
        Some(self.elapsed_ms)
    }
}

impl Progress {
    /// Judge the end of the run, and the whole.
    fn close(&mut self, journal: &Journal, end: &FlowEnd) -> Verdict {
        let rest = journal.entries.get(self.next..).unwrap_or_default();
        let seq = self.next as u32;
        if !self.stopped {
            let trapped = |end: &FlowEnd| match end {
                FlowEnd::Trapped { kind, .. } => Some(*kind),
                _ => None,
            };
            let recorded_trap = journal.end.as_ref().and_then(trapped);
            if let Some(kind) = trapped(end).filter(|kind| Some(*kind) != recorded_trap || !rest.is_empty()) {
                let verdict = if kind == TrapKind::EngineFull { Verdict::NewQuestion } else { Verdict::Trapped };
                self.divergences.push(Divergence { verdict, seq, recorded: None, replayed: None });
            } else if let Some(next) = rest.first() {
                let verdict = rest.iter().map(|entry| grade_new(&entry.call)).max().unwrap_or(Verdict::Identical);
                self.divergences.push(Divergence { verdict, seq, recorded: Some(next.call.clone()), replayed: None });
            } else if trapped(end).is_none() && journal.end.as_ref().is_some_and(|recorded| recorded != end) {
                let verdict = Verdict::EffectChanged;
                self.divergences.push(Divergence { verdict, seq, recorded: None, replayed: None });
            }
        }
        self.divergences.iter().map(|found| found.verdict).max().unwrap_or(Verdict::Identical)
    }
}

/// A call with no counterpart.
fn grade_new(call: &HostCall) -> Verdict {
    match call.nature() {
        Nature::Speech | Nature::Remark => Verdict::WordingOnly,
        Nature::Question | Nature::Read => Verdict::NewQuestion,
        Nature::Effect => Verdict::EffectChanged,
    }
}

/// Two calls at the same place; `rest` begins with the recorded one.
fn grade(recorded: &HostCall, replayed: &HostCall, rest: &[Entry]) -> Verdict {
    match (recorded, replayed) {
        (HostCall::VoiceAsk { question: a }, HostCall::VoiceAsk { question: b })
            if (&a.id, a.expects) == (&b.id, b.expects) =>
        {
            Verdict::WordingOnly
        }
        (HostCall::RoutingTransfer { to: a, .. }, HostCall::RoutingTransfer { to: b, .. }) if a == b => {
            Verdict::WordingOnly
        }
        (a, b) if a.nature() == Nature::Speech && b.nature() == Nature::Speech => Verdict::WordingOnly,
        (_, b) if b.nature() == Nature::Read => {
            let before_a_turn = rest.iter().take_while(|entry| entry.call.nature() == Nature::Read);
            let later = before_a_turn.skip(1).any(|entry| &entry.call == b);
            if later { Verdict::ReadsReordered } else { Verdict::NewQuestion }
        }
        (a, b) if a.nature() == Nature::Effect || b.nature() == Nature::Effect => Verdict::EffectChanged,
        // Something is said or asked where it was not: what the caller would have answered is not known.
        _ => Verdict::NewQuestion,
    }
}
