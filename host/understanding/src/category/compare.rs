//! What changed between two models, or between stored tags and new ones, on the same calls.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CallText, Classifier, Verdict};
use crate::profile::Profile;

/// The category a call had or has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tag {
    /// Category id.
    pub label: String,
    /// Calibrated probability, 0 to 1.
    pub confidence: f32,
}

impl From<&Verdict> for Tag {
    fn from(verdict: &Verdict) -> Self {
        Self { label: verdict.label.clone(), confidence: verdict.confidence }
    }
}

/// One call judged twice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Call id.
    pub id: String,
    /// The earlier tag.
    pub before: Tag,
    /// The later tag.
    pub after: Tag,
    /// What a person said it is, where somebody looked.
    #[serde(default)]
    pub truth: Option<String>,
}

impl Judged {
    /// Whether the category is another.
    pub fn changed(&self) -> bool {
        self.before.label != self.after.label
    }
}

/// How many calls went from one category to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Earlier category.
    pub from: String,
    /// Later category.
    pub to: String,
    /// Calls.
    pub calls: usize,
}

/// Calls of one category before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Category id.
    pub label: String,
    /// Calls that had it.
    pub before: usize,
    /// Calls that have it.
    pub after: usize,
}

/// What changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Calls looked at.
    pub calls: usize,
    /// Those with another category now, the surest new verdict first.
    pub changed: Vec<Judged>,
    /// The changes counted, most frequent first.
    pub moves: Vec<Move>,
    /// Calls by category, in the order of the ids.
    pub counts: Vec<Count>,
    /// Wrong before and right now, by the word of a person.
    pub mended: usize,
    /// Right before and wrong now, by the word of a person.
    pub broken: usize,
}

/// Sums up calls judged twice.
pub fn compare(judged: impl IntoIterator<Item = Judged>) -> Comparison {
    let mut out = Comparison::default();
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut moves: BTreeMap<(String, String), usize> = BTreeMap::new();
    for call in judged {
        out.calls += 1;
        counts.entry(call.before.label.clone()).or_default().0 += 1;
        counts.entry(call.after.label.clone()).or_default().1 += 1;
        if let Some(truth) = &call.truth {
            let (was, is) = (call.before.label == *truth, call.after.label == *truth);
            out.mended += usize::from(is && !was);
            out.broken += usize::from(was && !is);
        }
        if call.changed() {
            *moves.entry((call.before.label.clone(), call.after.label.clone())).or_default() += 1;
            out.changed.push(call);
        }
    }
    out.changed.sort_by(|a, b| b.after.confidence.total_cmp(&a.after.confidence).then_with(|| a.id.cmp(&b.id)));
    out.moves = moves.into_iter().map(|((from, to), calls)| Move { from, to, calls }).collect();
    out.moves.sort_by_key(|m| std::cmp::Reverse(m.calls));
    out.counts = counts.into_iter().map(|(label, (before, after))| Count { label, before, after }).collect();
    out
}

/// Judges the same calls (id, words, clinic) with two models.
pub fn models<'a>(
    calls: impl IntoIterator<Item = (&'a str, &'a CallText, Option<&'a Profile>)>,
    before: &Classifier,
    after: &Classifier,
) -> Comparison {
    compare(calls.into_iter().map(|(id, call, profile)| Judged {
        id: id.to_owned(),
        before: Tag::from(&before.label(call, profile)),
        after: Tag::from(&after.label(call, profile)),
        truth: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(id: &str, before: &str, after: &str, confidence: f32, truth: Option<&str>) -> Judged {
        let tag = |label: &str| Tag { label: label.to_owned(), confidence };
        Judged { id: id.to_owned(), before: tag(before), after: tag(after), truth: truth.map(str::to_owned) }
    }

    #[test]
    fn changes_are_counted_by_direction_and_by_the_word_of_a_person() {
        let found = compare([
            judged("a", "target", "doctor", 0.6, Some("doctor")),
            judged("b", "target", "doctor", 0.9, None),
            judged("c", "doctor", "target", 0.5, Some("doctor")),
            judged("d", "doctor", "doctor", 0.9, Some("doctor")),
        ]);
        assert_eq!((found.calls, found.mended, found.broken), (4, 1, 1));
        assert_eq!(found.changed.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["b", "a", "c"]);
        assert_eq!(found.moves[0], Move { from: "target".into(), to: "doctor".into(), calls: 2 });
        assert_eq!(found.counts[0], Count { label: "doctor".into(), before: 2, after: 3 });
    }

    #[test]
    fn a_model_agrees_with_itself() {
        let call = CallText::of("запишите кота на прививку");
        let found = models([("1", &call, None)], Classifier::embedded(), Classifier::embedded());
        assert_eq!((found.calls, found.changed.len()), (1, 0));
    }
}
