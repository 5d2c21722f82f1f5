//! Many replays together: how many calls go how, and which to look at first.

use std::fmt::Write;

use serde::Serialize;

use super::Verdict;
use crate::compare::Language;

/// What many replays come to.
///
/// ```
/// use flows::compare::Language;
/// use flows::replay::{ReplaySummary, Verdict};
/// let mut summary = ReplaySummary::default();
/// for call in 0..4 {
///     summary.add(&format!("call-{call}"), Verdict::Identical, true, "");
/// }
/// summary.add("call-4", Verdict::EffectChanged, true, "вместо 10:30 записал на 10:00");
/// assert_eq!(summary.sentence(Language::Russian), "5 звонков: 4 так же, 1 ДРУГОЕ ДЕЙСТВИЕ");
/// assert_eq!(summary.worst(), Some(Verdict::EffectChanged));
/// assert_eq!(summary.calls()[0].call, "call-4");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReplaySummary {
    counts: Counts,
    calls: Vec<SummaryLine>,
}

/// Calls by verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Counts {
    identical: u32,
    wording_only: u32,
    reads_reordered: u32,
    new_question: u32,
    effect_changed: u32,
    trapped: u32,
    /// Of all of these: calls that did not replay twice alike.
    not_deterministic: u32,
}

/// One call that is worth a look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SummaryLine {
    /// The call's id.
    pub call: String,
    /// How far it is from the recorded one.
    pub verdict: Verdict,
    /// Did two replays agree?
    pub deterministic: bool,
    /// The difference in a line, for a person. Holds personal data.
    pub line: String,
}

impl ReplaySummary {
    /// Count a call. Identical ones are counted and forgotten.
    pub fn add(&mut self, call: &str, verdict: Verdict, deterministic: bool, line: &str) {
        *self.counts.of_mut(verdict) += 1;
        self.counts.not_deterministic += u32::from(!deterministic);
        if verdict != Verdict::Identical || !deterministic {
            let line = SummaryLine { call: call.to_owned(), verdict, deterministic, line: line.to_owned() };
            // Gravest first, and among equals as they came.
            let gravity = |line: &SummaryLine| (line.verdict, !line.deterministic);
            let place = self.calls.partition_point(|there| gravity(there) >= gravity(&line));
            self.calls.insert(place, line);
        }
    }

    /// Calls in all.
    pub fn total(&self) -> u32 {
        Verdict::ALL.iter().map(|verdict| self.count(*verdict)).sum()
    }

    /// Calls with this verdict.
    pub fn count(&self, verdict: Verdict) -> u32 {
        let mut counts = self.counts;
        *counts.of_mut(verdict)
    }

    /// Calls whose two replays did not agree.
    pub fn not_deterministic(&self) -> u32 {
        self.counts.not_deterministic
    }

    /// The gravest verdict; `None` without calls.
    pub fn worst(&self) -> Option<Verdict> {
        Verdict::ALL.into_iter().rev().find(|verdict| self.count(*verdict) > 0)
    }

    /// All calls that are not simply identical, gravest first.
    pub fn calls(&self) -> &[SummaryLine] {
        &self.calls
    }

    /// The whole in one sentence.
    pub fn sentence(&self, language: Language) -> String {
        let total = self.total();
        let mut sentence = match language {
            Language::Russian => format!("{total} {}", plural(total, "звонок", "звонка", "звонков")),
            Language::English => format!("{total} {}", if total == 1 { "call" } else { "calls" }),
        };
        let groups = Verdict::ALL.into_iter().map(|verdict| (self.count(verdict), self.group(verdict, language)));
        let unsteady = match language {
            Language::Russian => "из них дважды по-разному",
            Language::English => "of them not the same twice",
        };
        let all = groups.chain([(self.counts.not_deterministic, unsteady)]).filter(|(count, _)| *count > 0);
        for (index, (count, name)) in all.enumerate() {
            let separator = if index == 0 { ": " } else { ", " };
            write!(sentence, "{separator}{count} {name}").expect("invariant: a string takes all text");
        }
        sentence
    }

    fn group(&self, verdict: Verdict, language: Language) -> &'static str {
        let count = self.count(verdict);
        match (language, verdict) {
            (Language::Russian, Verdict::Identical) => "так же",
            (Language::Russian, Verdict::WordingOnly) => "другими словами",
            (Language::Russian, Verdict::ReadsReordered) => "справки в другом порядке",
            (Language::Russian, Verdict::NewQuestion) => {
                plural(count, "новый вопрос", "новых вопроса", "новых вопросов")
            }
            (Language::Russian, Verdict::EffectChanged) => {
                plural(count, "ДРУГОЕ ДЕЙСТВИЕ", "ДРУГИХ ДЕЙСТВИЯ", "ДРУГИХ ДЕЙСТВИЙ")
            }
            (Language::Russian, Verdict::Trapped) => plural(count, "СЛОМАЛСЯ", "СЛОМАЛИСЬ", "СЛОМАЛИСЬ"),
            (Language::English, Verdict::Identical) => "the same",
            (Language::English, Verdict::WordingOnly) => "in other words",
            (Language::English, Verdict::ReadsReordered) => "look-ups in another order",
            (Language::English, Verdict::NewQuestion) => "new question",
            (Language::English, Verdict::EffectChanged) => "ANOTHER EFFECT",
            (Language::English, Verdict::Trapped) => "BROKE",
        }
    }
}

impl Counts {
    fn of_mut(&mut self, verdict: Verdict) -> &mut u32 {
        match verdict {
            Verdict::Identical => &mut self.identical,
            Verdict::WordingOnly => &mut self.wording_only,
            Verdict::ReadsReordered => &mut self.reads_reordered,
            Verdict::NewQuestion => &mut self.new_question,
            Verdict::EffectChanged => &mut self.effect_changed,
            Verdict::Trapped => &mut self.trapped,
        }
    }
}

/// The form of a Russian noun after a number.
pub(crate) fn plural<'a>(count: u32, one: &'a str, few: &'a str, many: &'a str) -> &'a str {
    match (count % 10, count % 100) {
        (_, 11..=14) => many,
        (1, _) => one,
        (2..=4, _) => few,
        _ => many,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_what_there_is() {
        let mut summary = ReplaySummary::default();
        assert_eq!(summary.sentence(Language::Russian), "0 звонков");
        for (verdict, count) in [
            (Verdict::Identical, 398),
            (Verdict::WordingOnly, 11),
            (Verdict::NewQuestion, 2),
            (Verdict::EffectChanged, 1),
        ] {
            for call in 0..count {
                summary.add(&format!("{verdict:?}-{call}"), verdict, true, "");
            }
        }
        let russian = "412 звонков: 398 так же, 11 другими словами, 2 новых вопроса, 1 ДРУГОЕ ДЕЙСТВИЕ";
        assert_eq!(summary.sentence(Language::Russian), russian);
        let english = "412 calls: 398 the same, 11 in other words, 2 new question, 1 ANOTHER EFFECT";
        assert_eq!(summary.sentence(Language::English), english);
        summary.add("unsteady", Verdict::Identical, false, "");
        assert!(summary.sentence(Language::Russian).ends_with("1 из них дважды по-разному"));
    }

    #[test]
    fn the_gravest_calls_come_first() {
        let mut summary = ReplaySummary::default();
        assert_eq!(summary.worst(), None);
        for (call, verdict) in [
            ("a", Verdict::WordingOnly),
            ("b", Verdict::EffectChanged),
            ("c", Verdict::Identical),
            ("d", Verdict::EffectChanged),
            ("e", Verdict::NewQuestion),
        ] {
            summary.add(call, verdict, true, "");
        }
        let calls: Vec<_> = summary.calls().iter().map(|line| line.call.as_str()).collect();
        assert_eq!(calls, ["b", "d", "e", "a"]);
        assert_eq!((summary.worst(), summary.total()), (Some(Verdict::EffectChanged), 5));
    }
}
