//! A recorded call and its replay side by side, for the people of a clinic.
//!
//! [`Comparison::of`] makes rows of data, for a page; [`Comparison::to_text`] sets them in two columns for a terminal.
//! What was said, asked and done is in plain words, Russian or English. **Rows hold personal data**: what the caller
//! said, names, numbers. They are for the eyes of the clinic, not for a log.
//!
//! | module | what |
//! |---|---|
//! | `words` | a host call, an answer, an end in plain words |
//! | `line` | a whole comparison in one line |
//! | `text` | two columns, broken between words |

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

mod line;
mod text;
mod words;

use crate::host::{HostCall, Nature};
use crate::journal::Journal;
use crate::replay::{Answered, Divergence, ReplayReport, Verdict};
use crate::run::FlowEnd;
use words::Words;

/// The reader's language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    /// Of the clinics.
    #[default]
    Russian,
    /// Of the authors.
    English,
}

/// What a row says about its two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// The same.
    Same,
    /// The same in other words.
    OtherWords,
    /// The same at another place.
    Moved,
    /// Only the new version does it.
    New,
    /// Only the recorded one did it.
    Missing,
    /// Something was done, and the other side did not do it, or did something else.
    Effect,
    /// The new version broke.
    Trap,
    /// Behind the end of the comparison: how the recorded call went on.
    NotCompared,
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowKind {
    /// The robot speaks or asks.
    Robot,
    /// The caller answers.
    Caller,
    /// Something is looked up, or written for the author.
    Lookup,
    /// Something is done.
    Effect,
    /// The end, or a word about the comparison itself.
    Remark,
}

/// One side of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Side {
    /// The journal's entry, on the recorded side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u32>,
    /// Milliseconds from the start of the call, on the recorded side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<u64>,
    /// In plain words.
    pub text: String,
}

/// One row: the recorded call to the left, the new version to the right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// How the sides compare.
    pub mark: Mark,
    /// What it is about.
    pub kind: RowKind,
    /// The recorded call.
    pub left: Option<Side>,
    /// The new version.
    pub right: Option<Side>,
}

/// A recorded call and its replay, side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The call's id.
    pub call: String,
    /// Name and digest of the recorded version.
    pub recorded_by: (String, String),
    /// The gravest difference.
    pub verdict: Verdict,
    /// The difference in one line: «вместо 10:30 записал на 10:00».
    pub line: String,
    /// In the order of the new version, what it left out at its recorded place.
    pub rows: Vec<Row>,
    /// The language of all texts.
    pub language: Language,
}

impl Comparison {
    /// Set a journal and its replay side by side, in Russian.
    pub fn of(journal: &Journal, report: &ReplayReport) -> Self {
        Self::in_language(journal, report, Language::Russian)
    }

    /// The same in another language.
    pub fn in_language(journal: &Journal, report: &ReplayReport, language: Language) -> Self {
        let words = Words::new(journal, language);
        Self {
            call: journal.header.call.clone(),
            recorded_by: (journal.header.flow.clone(), journal.header.digest.clone()),
            verdict: report.verdict,
            line: line::line(&words, journal, report),
            rows: Rows { words: &words, journal, report, rows: Vec::new(), shown: 0 }.build(),
            language,
        }
    }

    /// As text in two columns, for a terminal of this width (at least 40).
    pub fn to_text(&self, width: usize) -> String {
        text::to_text(self, width)
    }
}

/// The difference in one line, without the rows.
pub fn one_line(journal: &Journal, report: &ReplayReport, language: Language) -> String {
    line::line(&Words::new(journal, language), journal, report)
}

struct Rows<'a> {
    words: &'a Words<'a>,
    journal: &'a Journal,
    report: &'a ReplayReport,
    rows: Vec<Row>,
    /// Recorded entries before this one are dealt with.
    shown: usize,
}

impl Rows<'_> {
    fn build(mut self) -> Vec<Row> {
        let mut counterpart = vec![false; self.journal.entries.len()];
        for replayed in &self.report.calls {
            if let Answered::Entry(index) = replayed.answer {
                counterpart[index as usize] = true;
            }
        }
        let at_entry = |found: &&Divergence| found.recorded.is_some() && found.replayed.is_some();
        let differences: BTreeMap<u32, &Divergence> =
            self.report.divergences.iter().filter(at_entry).map(|found| (found.seq, found)).collect();

        let mut stopped = false;
        for replayed in &self.report.calls {
            let (call, right) = (&replayed.call, Some(side(self.words.call(&replayed.call))));
            match replayed.answer {
                Answered::Entry(index) => {
                    self.left_out(index as usize, &counterpart, false);
                    let mark = differences.get(&index).map_or(Mark::Same, |found| mark(found));
                    let left = Some(self.recorded(index as usize));
                    self.rows.push(Row { mark, kind: kind(call), left, right });
                    self.answer(index as usize, true);
                }
                Answered::Like(_) | Answered::Assumed | Answered::Looked => {
                    let unwanted =
                        self.report.divergences.iter().any(|found| {
                            found.replayed.as_ref() == Some(call) && found.verdict == Verdict::EffectChanged
                        });
                    let mark = if unwanted { Mark::Effect } else { Mark::New };
                    self.rows.push(Row { mark, kind: kind(call), left: None, right });
                }
                Answered::Nobody => {
                    stopped = true;
                    self.last_call(call, right, &mut counterpart);
                }
                Answered::CutOff => {
                    stopped = true;
                    self.remark(self.words.cut_off());
                }
            }
        }
        if let (false, FlowEnd::Trapped { .. }) = (stopped, &self.report.run.end) {
            stopped = true;
            let as_before = self.report.verdict < Verdict::Trapped;
            let mark = if as_before { Mark::Same } else { Mark::Trap };
            let right = Some(side(self.words.end(&self.report.run.end)));
            let left = as_before.then(|| right.clone()).flatten();
            self.rows.push(Row { mark, kind: RowKind::Remark, left, right });
        }
        let behind = self.journal.entries.len();
        self.left_out(behind, &counterpart, stopped);
        if !stopped {
            self.ends();
        }
        self.rows
    }

    /// Recorded entries up to here that the new version has no counterpart of.
    fn left_out(&mut self, until: usize, counterpart: &[bool], behind_the_end: bool) {
        for (index, _) in counterpart.iter().enumerate().take(until).skip(self.shown).filter(|(_, there)| !**there) {
            let call = &self.journal.entries[index].call;
            let mark = match call.nature() {
                _ if behind_the_end => Mark::NotCompared,
                Nature::Effect => Mark::Effect,
                _ => Mark::Missing,
            };
            let left = Some(self.recorded(index));
            self.rows.push(Row { mark, kind: kind(call), left, right: None });
            if behind_the_end || call.nature() == Nature::Question {
                self.answer(index, false);
            }
        }
        self.shown = self.shown.max(until + 1);
    }

    /// The call at which the comparison ended, beside the recorded one that it replaces.
    fn last_call(&mut self, call: &HostCall, right: Option<Side>, shown: &mut [bool]) {
        let found = self.report.divergences.last();
        let instead = found.and_then(|found| found.recorded.as_ref().map(|_| found.seq as usize));
        let effect = found.is_some_and(|found| found.verdict == Verdict::EffectChanged);
        let same_kind = |index: &usize| kind(&self.journal.entries[*index].call) == kind(call);
        let instead = instead.filter(same_kind);
        if let Some(index) = instead {
            shown[index] = true;
        }
        let left = instead.map(|index| self.recorded(index));
        let mark = if effect { Mark::Effect } else { Mark::New };
        self.rows.push(Row { mark, kind: kind(call), left, right });
        self.remark(self.words.compared_up_to_here());
    }

    /// What the caller said to it, or why it did not work.
    fn answer(&mut self, index: usize, both: bool) {
        let entry = &self.journal.entries[index];
        let Some(text) = self.words.answer(&entry.reply) else { return };
        let (mark, right) = if both { (Mark::Same, Some(side(text.clone()))) } else { (Mark::NotCompared, None) };
        let kind = if entry.call.nature() == Nature::Question { RowKind::Caller } else { kind(&entry.call) };
        let at_ms = Some(entry.at_ms + entry.took_ms);
        self.rows.push(Row { mark, kind, left: Some(Side { seq: Some(entry.seq), at_ms, text }), right });
    }

    /// How both ended, when that differs.
    fn ends(&mut self) {
        let new = &self.report.run.end;
        if let Some(recorded) = self.journal.end.as_ref().filter(|recorded| *recorded != new) {
            let graver = self.report.divergences.last().map_or(Verdict::Identical, |found| found.verdict);
            let mark = if graver == Verdict::EffectChanged { Mark::Effect } else { Mark::OtherWords };
            let (left, right) = (Some(side(self.words.end(recorded))), Some(side(self.words.end(new))));
            self.rows.push(Row { mark, kind: RowKind::Remark, left, right });
        }
    }

    fn remark(&mut self, text: String) {
        self.rows.push(Row { mark: Mark::NotCompared, kind: RowKind::Remark, left: None, right: Some(side(text)) });
    }

    fn recorded(&self, index: usize) -> Side {
        let entry = &self.journal.entries[index];
        Side { seq: Some(entry.seq), at_ms: Some(entry.at_ms), text: self.words.call(&entry.call) }
    }
}

fn side(text: String) -> Side {
    Side { seq: None, at_ms: None, text }
}

fn kind(call: &HostCall) -> RowKind {
    match call.nature() {
        Nature::Speech | Nature::Question => RowKind::Robot,
        Nature::Read | Nature::Remark => RowKind::Lookup,
        Nature::Effect => RowKind::Effect,
    }
}

/// The mark of two calls that stand beside each other and differ.
fn mark(found: &Divergence) -> Mark {
    match found.verdict {
        Verdict::EffectChanged => Mark::Effect,
        _ if found.recorded == found.replayed => Mark::Moved,
        Verdict::Identical => Mark::Same,
        _ => Mark::OtherWords,
    }
}

#[cfg(test)]
mod tests;
