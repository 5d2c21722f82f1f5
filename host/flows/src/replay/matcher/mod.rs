//! Which recorded call answers a call of the replayed flow, and what that makes of the whole.
//!
//! Plain data, no waiting: [`Matcher::decide`] says what to do with a call, or that the journal must grow first (a
//! shadow's does), [`Matcher::take`] does it. The recorded entries stay with the caller.
//!
//! The anchors are what the caller hears, is asked, and what is done; reads float between them. An entry is *open*
//! until it was used, or passed: passed without a counterpart it counts against the new flow. Only a question closes
//! everything before it, because from there on the caller's next answer is known.

use crate::host::{Error, HostCall, HostReply, Nature};
use crate::journal::Entry;
use crate::port::PortError;
use crate::replay::grade::{
    changes_data, comparable, constant, done, fitting, nearly_constant, said, same_effect, same_question,
};
use crate::replay::{Answered, Divergence, ReplayReport, Replayed, Verdict};
use crate::run::{FlowEnd, RunReport, TrapKind};

/// How a recorded call came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The flow returned.
    Orderly,
    /// The flow broke: what it would have done next nobody knows.
    Broke,
    /// The call was cut off under the flow, while it was parked in a call that is not in the journal.
    CutOff,
}

impl Ended {
    pub(crate) fn of(end: Option<&FlowEnd>) -> Self {
        match end {
            Some(FlowEnd::Finished | FlowEnd::GaveUp(_)) => Self::Orderly,
            Some(FlowEnd::Trapped { kind: TrapKind::Port | TrapKind::WallLimit | TrapKind::EngineFull, .. }) | None => {
                Self::CutOff
            }
            Some(FlowEnd::Trapped { .. }) => Self::Broke,
        }
    }
}

/// What to do with a call.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "lives between two lines, one a call")]
pub(crate) enum Choice {
    /// It is this entry.
    Use(usize),
    /// It is this effect, which was recorded before or after other steps.
    Elsewhere(usize),
    /// It has no counterpart, but this entry knows the answer.
    Like(usize),
    /// It has no counterpart, and needs none.
    Assume(HostReply, Verdict),
    /// Nobody knows the answer. The entry it stands against, if any.
    Stop(Option<usize>, Verdict),
    /// The recorded call was cut off here.
    CutOff,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    Used,
    Passed,
}

/// The state of one comparison.
#[derive(Default)]
pub(crate) struct Matcher {
    /// What became of the entries so far; those beyond the end are open.
    fates: Vec<Fate>,
    /// The first open entry.
    cursor: usize,
    /// Behind the furthest entry that was used at its place.
    reached: usize,
    /// The last used entry of each kind.
    last_read: Option<usize>,
    last_speech: Option<usize>,
    last_effect: Option<usize>,
    /// The caller has left.
    gone: bool,
    /// We stopped the flow, so its end says nothing.
    stopped: bool,
    elapsed_ms: u64,
    divergences: Vec<Divergence>,
    calls: Vec<Replayed>,
}

impl Matcher {
    pub(crate) fn with_capacity(entries: usize) -> Self {
        Self { fates: Vec::with_capacity(entries), calls: Vec::with_capacity(entries), ..Self::default() }
    }

    /// Time of the last answer, from the start of the call.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        self.elapsed_ms
    }

    /// What to do with a call, given the entries so far; `ended` once there will be no more. `None`: more must be
    /// known. Always decides when `ended` is known.
    pub(crate) fn decide(&self, entries: &[Entry], ended: Option<Ended>, call: &HostCall) -> Option<Choice> {
        match call.nature() {
            Nature::Read => self.decide_read(entries, ended, call),
            Nature::Remark => self.decide_remark(entries, ended, call),
            Nature::Speech => self.decide_speech(entries, ended, call),
            Nature::Question => self.decide_question(entries, ended, call),
            Nature::Effect => self.decide_effect(entries, ended, call),
        }
    }

    fn decide_read(&self, entries: &[Entry], ended: Option<Ended>, call: &HostCall) -> Option<Choice> {
        let mut closed = ended.is_some();
        for (index, recorded) in self.open(entries) {
            if recorded.nature() == Nature::Question || changes_data(recorded) {
                closed = true;
                break;
            }
            if recorded == call {
                return Some(Choice::Use(index));
            }
        }
        if !closed {
            return None;
        }
        if let Some(beyond) = self.beyond(entries, ended).filter(|choice| matches!(choice, Choice::CutOff)) {
            return Some(beyond);
        }
        if let Some(index) = self.known_answer(entries, call) {
            return Some(Choice::Like(index));
        }
        Some(Choice::Stop(self.next_anchor(entries), Verdict::NewQuestion))
    }

    fn decide_remark(&self, entries: &[Entry], ended: Option<Ended>, call: &HostCall) -> Option<Choice> {
        let mut first = None;
        let mut closed = ended.is_some();
        for (index, recorded) in self.open(entries) {
            match recorded.nature() {
                Nature::Remark if recorded == call => return Some(Choice::Use(index)),
                Nature::Remark => first = first.or(Some(index)),
                Nature::Read => {}
                _ => {
                    closed = true;
                    break;
                }
            }
        }
        if !closed {
            return None;
        }
        // Lines for the author come and go between versions; they are no step of the conversation.
        match (first, self.beyond(entries, ended)) {
            (Some(index), _) if index == self.cursor => Some(Choice::Use(index)),
            (None, Some(Choice::CutOff)) => Some(Choice::CutOff),
            _ => Some(Choice::Assume(HostReply::NotesLog(()), Verdict::WordingOnly)),
        }
    }

    fn decide_speech(&self, entries: &[Entry], ended: Option<Ended>, call: &HostCall) -> Option<Choice> {
        let (mut first, mut acted, mut closed) = (None, false, ended.is_some());
        for (index, recorded) in self.open(entries) {
            match recorded.nature() {
                Nature::Speech if recorded == call => return Some(Choice::Use(index)),
                Nature::Speech if !acted => first = first.or(Some(index)),
                Nature::Effect => acted = true,
                Nature::Question => {
                    closed = true;
                    break;
                }
                _ => {}
            }
        }
        if !closed {
            return None;
        }
        if let Some(index) = first {
            return Some(Choice::Use(index));
        }
        let assumed = || Choice::Assume(said(call, self.gone), Verdict::WordingOnly);
        Some(self.beyond(entries, ended).unwrap_or_else(assumed))
    }

    fn decide_question(&self, entries: &[Entry], ended: Option<Ended>, call: &HostCall) -> Option<Choice> {
        let mut questions = self.open(entries).filter(|(_, recorded)| recorded.nature() == Nature::Question);
        match questions.next() {
            Some((index, recorded)) if same_question(recorded, call) => return Some(Choice::Use(index)),
            // One that was left out. Not one that is put again: the recorded caller answers it to another conversation.
            Some(_) if !self.asked(call) => {
                if let Some((index, _)) = questions.find(|(_, recorded)| same_question(recorded, call)) {
                    return Some(Choice::Use(index));
                }
            }
            _ => {}
        }
        ended?;
        if self.gone {
            return Some(Choice::Assume(HostReply::VoiceAsk(Err(Error::Hangup)), Verdict::WordingOnly));
        }
        let unknown = || Choice::Stop(self.next_anchor(entries), Verdict::NewQuestion);
        Some(self.beyond(entries, ended).unwrap_or_else(unknown))
    }

    fn decide_effect(&self, entries: &[Entry], ended: Option<Ended>, call: &HostCall) -> Option<Choice> {
        let (mut in_other_words, mut changed, mut closed) = (None, None, ended.is_some());
        for (index, recorded) in self.open(entries) {
            match recorded.nature() {
                Nature::Question => {
                    closed = true;
                    break;
                }
                Nature::Effect if recorded == call => return Some(Choice::Use(index)),
                Nature::Effect if same_effect(recorded, call) => in_other_words = in_other_words.or(Some(index)),
                Nature::Effect if comparable(recorded, call) => changed = changed.or(Some(index)),
                _ => {}
            }
        }
        if !closed {
            return None;
        }
        if let Some(index) = in_other_words.or(changed) {
            return Some(Choice::Use(index));
        }
        let passed = |index: &usize| self.fate(*index) == Fate::Passed && same_effect(&entries[*index].call, call);
        if let Some(index) = (0..self.cursor.min(entries.len())).rev().find(passed) {
            return Some(Choice::Elsewhere(index));
        }
        ended?;
        if let Some((index, _)) = self.open(entries).find(|(_, recorded)| same_effect(recorded, call)) {
            return Some(Choice::Elsewhere(index));
        }
        let at_the_end = ended == Some(Ended::Orderly) && !self.open(entries).any(|(_, recorded)| concerns(recorded));
        let no_news = *call == HostCall::VoiceHangUp && (self.gone || at_the_end);
        if let (true, Some(reply)) = (no_news, done(call, self.gone)) {
            return Some(Choice::Assume(reply, Verdict::WordingOnly));
        }
        if let Some(beyond) = self.beyond(entries, ended) {
            return Some(beyond);
        }
        if let (true, Some(reply)) = (call.interface() == "notes", done(call, self.gone)) {
            return Some(Choice::Assume(reply, Verdict::EffectChanged));
        }
        let mut effects = self.open(entries).filter(|(_, recorded)| recorded.nature() == Nature::Effect);
        let alike = self.open(entries).find(|(_, recorded)| comparable(recorded, call)).or_else(|| effects.next());
        let against = alike.map(|(index, _)| index).or_else(|| self.next_anchor(entries));
        Some(Choice::Stop(against, Verdict::EffectChanged))
    }

    /// Do what was decided.
    ///
    /// # Errors
    ///
    /// [`PortError::Diverged`]: the comparison is over.
    pub(crate) fn take(&mut self, entries: &[Entry], call: HostCall, choice: Choice) -> Result<HostReply, PortError> {
        let seq = self.cursor as u32;
        match choice {
            Choice::Use(index) => {
                self.pass_before(entries, index, &call);
                let recorded = &entries[index].call;
                let moved = self.moved(entries, index);
                let changed = graded(recorded, &call);
                if let Some(verdict) = moved.max(changed) {
                    self.diverge(verdict, index as u32, Some(recorded.clone()), Some(call.clone()));
                }
                let last = match recorded.nature() {
                    Nature::Read => Some(&mut self.last_read),
                    Nature::Speech => Some(&mut self.last_speech),
                    Nature::Effect if last_word(entries, index) => Some(&mut self.last_speech),
                    Nature::Effect => Some(&mut self.last_effect),
                    Nature::Question | Nature::Remark => None,
                };
                if let Some(last) = last {
                    *last = (*last).max(Some(index));
                }
                self.reached = self.reached.max(index + 1);
                Ok(self.give(entries, index, call))
            }
            Choice::Elsewhere(index) => {
                let recorded = entries[index].call.clone();
                // It was counted as left out when its place went by.
                self.divergences.retain(|found| found.seq != index as u32 || found.replayed.is_some());
                self.diverge(Verdict::EffectChanged, index as u32, Some(recorded), Some(call.clone()));
                Ok(self.give(entries, index, call))
            }
            Choice::Like(index) => {
                self.diverge(Verdict::ReadsReordered, seq, None, Some(call.clone()));
                self.calls.push(Replayed { call, answer: Answered::Like(index as u32) });
                Ok(entries[index].reply.clone())
            }
            Choice::Assume(reply, verdict) => {
                self.gone |= call == HostCall::VoiceHangUp;
                self.diverge(verdict, seq, None, Some(call.clone()));
                self.calls.push(Replayed { call, answer: Answered::Assumed });
                Ok(reply)
            }
            Choice::Stop(against, verdict) => {
                let recorded = against.map(|index| entries[index].call.clone());
                let was = recorded.as_ref().map_or("the journal ends", HostCall::function);
                let message = format!("entry {seq}: {} was recorded, {} came", was, call.function());
                self.diverge(verdict, against.map_or(seq, |index| index as u32), recorded, Some(call.clone()));
                self.stop(call, Answered::Nobody);
                Err(PortError::Diverged(message))
            }
            Choice::CutOff => {
                self.stop(call, Answered::CutOff);
                Err(PortError::Diverged("the recorded call was cut off here".into()))
            }
        }
    }

    /// A read that the journal has no answer to got one from elsewhere.
    pub(crate) fn looked(&mut self, call: HostCall) {
        self.diverge(Verdict::ReadsReordered, self.cursor as u32, None, Some(call.clone()));
        self.calls.push(Replayed { call, answer: Answered::Looked });
    }

    /// End the comparison at this call.
    pub(crate) fn stop(&mut self, call: HostCall, answer: Answered) {
        self.stopped = true;
        self.calls.push(Replayed { call, answer });
    }

    /// Judge the end of the run, and the whole.
    pub(crate) fn report(mut self, entries: &[Entry], recorded: Option<&FlowEnd>, run: RunReport) -> ReplayReport {
        let reached = self.cursor.max(self.reached) as u32;
        if !self.stopped {
            self.close(entries, recorded, &run.end);
        }
        let verdict = self.divergences.iter().map(|found| found.verdict).max().unwrap_or(Verdict::Identical);
        ReplayReport { verdict, divergences: self.divergences, calls: self.calls, reached, run }
    }

    fn close(&mut self, entries: &[Entry], recorded: Option<&FlowEnd>, end: &FlowEnd) {
        let seq = self.cursor as u32;
        let trapped = |end: &FlowEnd| match end {
            FlowEnd::Trapped { kind, .. } => Some(*kind),
            _ => None,
        };
        if let Some(kind) = trapped(end) {
            let as_before = recorded.and_then(trapped) == Some(kind) && self.next_anchor(entries).is_none();
            if !as_before {
                let full = kind == TrapKind::EngineFull;
                let verdict = if full { Verdict::NewQuestion } else { Verdict::Trapped };
                self.diverge(verdict, seq, None, None);
            }
            return;
        }
        for index in self.cursor..entries.len() {
            if self.fate(index) == Fate::Open {
                self.pass(entries, index);
            }
        }
        let verdict = match (Ended::of(recorded), recorded, end) {
            (Ended::CutOff, ..) | (Ended::Orderly, Some(FlowEnd::Finished), FlowEnd::Finished) => return,
            (Ended::Orderly, Some(FlowEnd::GaveUp(a)), FlowEnd::GaveUp(b)) if a == b => return,
            (Ended::Orderly, Some(FlowEnd::GaveUp(_)), FlowEnd::GaveUp(_)) => Verdict::WordingOnly,
            _ if self.gone => Verdict::WordingOnly,
            (Ended::Broke, ..) => Verdict::NewQuestion,
            _ => Verdict::EffectChanged,
        };
        self.diverge(verdict, self.cursor as u32, None, None);
    }

    /// A used entry answers a call.
    fn give(&mut self, entries: &[Entry], index: usize, call: HostCall) -> HostReply {
        let entry = &entries[index];
        self.set(index, Fate::Used);
        self.gone |= entry.reply.error() == Some(&Error::Hangup) || entry.call == HostCall::VoiceHangUp;
        self.elapsed_ms = self.elapsed_ms.max(entry.at_ms + entry.took_ms);
        let reply = fitting(&entry.reply, &call);
        self.calls.push(Replayed { call, answer: Answered::Entry(index as u32) });
        reply
    }

    /// What cannot come any more once this call was made.
    fn pass_before(&mut self, entries: &[Entry], index: usize, call: &HostCall) {
        if self.cursor == index {
            return;
        }
        let over = |recorded: &HostCall| match call.nature() {
            Nature::Question => true,
            Nature::Speech => recorded.nature() == Nature::Speech,
            Nature::Effect => changes_data(call) && recorded.nature() == Nature::Read,
            Nature::Read | Nature::Remark => false,
        };
        for earlier in self.cursor..index {
            if self.fate(earlier) == Fate::Open && over(&entries[earlier].call) {
                self.pass(entries, earlier);
            }
        }
    }

    /// A recorded call has no counterpart.
    fn pass(&mut self, entries: &[Entry], index: usize) {
        let entry = &entries[index];
        let verdict = match entry.call.nature() {
            Nature::Speech | Nature::Remark => Verdict::WordingOnly,
            Nature::Read => Verdict::ReadsReordered,
            Nature::Question if self.gone => Verdict::WordingOnly,
            Nature::Question => Verdict::NewQuestion,
            Nature::Effect if self.gone && entry.call == HostCall::VoiceHangUp => Verdict::WordingOnly,
            Nature::Effect if last_word(entries, index) => Verdict::WordingOnly,
            Nature::Effect => Verdict::EffectChanged,
        };
        self.set(index, Fate::Passed);
        self.diverge(verdict, index as u32, Some(entry.call.clone()), None);
        self.gone |= entry.reply.error() == Some(&Error::Hangup);
    }

    /// Was an entry behind this one used before it?
    fn moved(&self, entries: &[Entry], index: usize) -> Option<Verdict> {
        let after = |last: Option<usize>| last > Some(index);
        match entries[index].call.nature() {
            Nature::Effect if after(self.last_effect) && last_word(entries, index) => Some(Verdict::WordingOnly),
            Nature::Effect if after(self.last_effect) => Some(Verdict::EffectChanged),
            Nature::Effect | Nature::Speech if after(self.last_read) => Some(Verdict::ReadsReordered),
            Nature::Effect if after(self.last_speech) => Some(Verdict::WordingOnly),
            Nature::Speech if after(self.last_effect) => Some(Verdict::WordingOnly),
            Nature::Read if after(self.last_read.max(self.last_speech).max(self.last_effect)) => {
                Some(Verdict::ReadsReordered)
            }
            _ => None,
        }
    }

    /// Behind the last recorded step: nothing to measure by. Asked only when a call found no counterpart.
    fn beyond(&self, entries: &[Entry], ended: Option<Ended>) -> Option<Choice> {
        match ended {
            Some(Ended::CutOff) if self.next_anchor(entries).is_none() => Some(Choice::CutOff),
            Some(Ended::Broke) if self.next_anchor(entries).is_none() => Some(Choice::Stop(None, Verdict::NewQuestion)),
            _ => None,
        }
    }

    /// An entry that knows the answer to a read.
    fn known_answer(&self, entries: &[Entry], call: &HostCall) -> Option<usize> {
        let knows = |(_, entry): &(usize, &Entry)| entry.call == *call && entry.reply.error().is_none();
        let mut like = entries.iter().enumerate().filter(knows).map(|(index, _)| index);
        if constant(call) {
            like.next()
        } else if nearly_constant(call) {
            like.take_while(|index| *index < self.cursor || self.fate(*index) != Fate::Open).last()
        } else {
            None
        }
    }

    /// Was the question put before, in this run?
    fn asked(&self, call: &HostCall) -> bool {
        self.calls.iter().any(|earlier| same_question(&earlier.call, call))
    }

    fn open<'a>(&'a self, entries: &'a [Entry]) -> impl Iterator<Item = (usize, &'a HostCall)> {
        let behind = entries.iter().enumerate().skip(self.cursor);
        behind.filter(|(index, _)| self.fate(*index) == Fate::Open).map(|(index, entry)| (index, &entry.call))
    }

    /// The next open step of the conversation.
    fn next_anchor(&self, entries: &[Entry]) -> Option<usize> {
        let anchor = |call: &HostCall| !matches!(call.nature(), Nature::Read | Nature::Remark);
        self.open(entries).find(|(_, recorded)| anchor(recorded)).map(|(index, _)| index)
    }

    fn fate(&self, index: usize) -> Fate {
        self.fates.get(index).copied().unwrap_or(Fate::Open)
    }

    fn set(&mut self, index: usize, fate: Fate) {
        if self.fates.len() <= index {
            self.fates.resize(index + 1, Fate::Open);
        }
        self.fates[index] = fate;
        while self.cursor < self.fates.len() && self.fates[self.cursor] != Fate::Open {
            self.cursor += 1;
        }
    }

    fn diverge(&mut self, verdict: Verdict, seq: u32, recorded: Option<HostCall>, replayed: Option<HostCall>) {
        self.divergences.push(Divergence { verdict, seq, recorded, replayed });
    }
}

/// Does the caller hear it, or does it change what the clinic has? Notes come before or after, as one likes.
fn concerns(call: &HostCall) -> bool {
    matches!(call.nature(), Nature::Speech | Nature::Question) || changes_data(call)
}

/// Is this a hang-up that only notes follow? When a flow returns the host hangs up for it, so it is no news.
fn last_word(entries: &[Entry], index: usize) -> bool {
    entries[index].call == HostCall::VoiceHangUp && !entries[index + 1..].iter().any(|later| concerns(&later.call))
}

/// A call beside its counterpart.
fn graded(recorded: &HostCall, call: &HostCall) -> Option<Verdict> {
    if recorded == call {
        None
    } else if call.nature() == Nature::Effect && !same_effect(recorded, call) {
        Some(Verdict::EffectChanged)
    } else {
        Some(Verdict::WordingOnly)
    }
}

#[cfg(test)]
mod tests;
