//! Learning from what people corrected, without ever taking a worse model for a better one.
//!
//! Some stories of the corpus and some corrections are *frozen* ([`is_frozen`]): chosen by a hash of their id, never
//! trained on by any model, the same for ever. On them the model in use and the one just trained are compared, category
//! by category, call by call.

use thiserror::Error;

use super::corpus::{Corpus, LabelledCall};
use super::evaluate::{Evaluation, score};
use super::model::Model;
use super::train::{TrainOptions, TrainingReport, train_on};
use super::{CallText, Classifier, Verdict};
use crate::profile::Profile;

/// One story in so many is frozen.
const FROZEN_STORIES: u64 = 16;
/// One correction in so many is frozen: there are few of them, and they speak of the clinic itself.
const FROZEN_CORRECTIONS: u64 = 5;
/// A fall of the macro-F1 on frozen calls that is refused whatever the number of calls.
const FALL: f32 = 0.02;
/// A smaller fall is refused when chance would break so many more calls than it mends less often than this.
const DOUBT: f64 = 0.2;

/// Why corrections could not be learned from.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CorrectionError {
    /// The label is none of the corpus.
    #[error("the correction of call `{0}` says `{1}`, which the corpus has no calls of; use one of: {2}")]
    UnknownLabel(String, String, String),
}

/// What a person said a call is.
#[derive(Debug, Clone)]
pub struct Correction {
    /// Call id.
    pub id: String,
    /// The words.
    pub call: CallText,
    /// The clinic called.
    pub profile: Profile,
    /// What it is.
    pub label: String,
    /// Who says so.
    pub by: String,
    /// When it was said (ISO time).
    pub at: String,
}

/// Whether two models differ on a category by more than chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// More calls mended than broken, and hardly by chance.
    Better,
    /// No difference to speak of.
    Same,
    /// More calls broken than mended, and hardly by chance.
    Worse,
}

/// One category under two models.
#[derive(Debug, Clone, PartialEq)]
pub struct CategoryChange {
    /// Category id.
    pub label: String,
    /// Frozen calls of it.
    pub calls: usize,
    /// F1 of the model in use.
    pub before: f32,
    /// F1 of the new one.
    pub after: f32,
    /// Calls with this truth or wrongly given it that the new model gets right and the old did not.
    pub mended: usize,
    /// The other way round.
    pub broken: usize,
    /// What follows.
    pub change: Change,
}

/// Why a new model is not taken.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Refusal {
    /// Worse on the whole.
    #[error("macro-F1 on the frozen calls falls from {0:.3} to {1:.3}")]
    Overall(f32, f32),
    /// Worse on one category.
    #[error("category `{0}` gets worse: F1 {1:.2} to {2:.2}, {3} calls broken")]
    Category(String, f32, f32, usize),
}

/// Two models on the frozen calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The model in use.
    pub before: Evaluation,
    /// The new one.
    pub after: Evaluation,
    /// By category, in the order of the labels.
    pub categories: Vec<CategoryChange>,
    /// Empty when the new model may replace the old.
    pub refusals: Vec<Refusal>,
}

impl Judgement {
    /// Whether the new model may replace the old.
    pub fn accepted(&self) -> bool {
        self.refusals.is_empty()
    }
}

/// A model trained with corrections, and whether it may be used.
#[derive(Debug, Clone)]
pub struct Retrained {
    /// The new model.
    pub model: Model,
    /// What the training found.
    pub report: TrainingReport,
    /// Corrections learned from.
    pub learned: usize,
    /// Corrections kept for the test.
    pub frozen: usize,
    /// The comparison.
    pub judgement: Judgement,
}

/// Whether calls of this story are kept for the test for ever.
pub fn is_frozen(scenario: &str) -> bool {
    hash(scenario).is_multiple_of(FROZEN_STORIES)
}

/// Whether what people said of this call is kept for the test for ever.
pub fn is_frozen_correction(id: &str) -> bool {
    hash(id).is_multiple_of(FROZEN_CORRECTIONS)
}

fn hash(id: &str) -> u64 {
    let hash = id.bytes().fold(0x9ae1_6a3b_2f90_404f_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    hash ^ (hash >> 31)
}

/// Trains on a corpus and on what people corrected, and compares the outcome with the model in use.
pub fn train_with_corrections(
    corpus: &Corpus,
    corrections: &[Correction],
    current: &Classifier,
    options: &TrainOptions,
) -> Result<Retrained, CorrectionError> {
    let mut labels: Vec<&str> = corpus.calls.iter().map(|c| c.label.as_str()).collect();
    labels.sort_unstable();
    labels.dedup();
    let unknown = corrections.iter().find(|c| labels.binary_search(&c.label.as_str()).is_err());
    if let Some(Correction { id, label, .. }) = unknown {
        return Err(CorrectionError::UnknownLabel(id.clone(), label.clone(), labels.join(", ")));
    }
    let mut learn = corpus.clone();
    let (_, mut frozen) = corpus.split_frozen();
    let (mut learned, mut kept) = (0, 0);
    for (n, correction) in corrections.iter().enumerate() {
        // What was said last about a call holds.
        if corrections[n + 1..].iter().any(|later| later.id == correction.id) {
            continue;
        }
        if is_frozen_correction(&correction.id) {
            kept += 1;
            add(&mut frozen, correction);
        } else {
            learned += 1;
            add(&mut learn, correction);
        }
    }
    let (model, report) = train_on(&learn, options);
    let candidate = Classifier::new(model.clone()).with_meaning(options.meaning.clone());
    let judgement = judge(current, &candidate, &frozen);
    Ok(Retrained { model, report, learned, frozen: kept, judgement })
}

fn add(corpus: &mut Corpus, correction: &Correction) {
    let clinic = corpus.clinics.len();
    corpus.clinics.push(correction.profile.clone());
    corpus.calls.push(LabelledCall {
        id: format!("correction:{}", correction.id),
        // Its hash is looked at only for stories of the corpus.
        scenario: format!("correction:{}", correction.id),
        clinic,
        label: correction.label.clone(),
        call: correction.call.clone(),
        corrected: true,
    });
}

/// Compares two models on calls that neither was trained on.
pub fn judge(current: &Classifier, candidate: &Classifier, frozen: &Corpus) -> Judgement {
    let mut labels = candidate.info().labels.clone();
    for label in &current.info().labels {
        if !labels.contains(label) {
            labels.push(label.clone());
        }
    }
    let verdicts = |classifier: &Classifier| -> Vec<(String, String, Verdict)> {
        let label = |c: &LabelledCall| classifier.label(&c.call, Some(&frozen.clinics[c.clinic]));
        frozen.calls.iter().map(|c| (c.id.clone(), c.label.clone(), label(c))).collect()
    };
    let (old, new) = (verdicts(current), verdicts(candidate));
    let (before, after) = (score(&labels, &old), score(&labels, &new));
    let mut refusals = Vec::new();
    let (mut mended, mut broken) = (0, 0);
    for ((_, truth, a), (_, _, b)) in old.iter().zip(&new) {
        mended += usize::from(b.label == *truth && a.label != *truth);
        broken += usize::from(a.label == *truth && b.label != *truth);
    }
    // One call more or less says nothing on a few hundred.
    let fell = before.macro_f1 - after.macro_f1;
    if fell > FALL || (fell > 0.0 && broken > mended && by_chance(broken, mended + broken) < DOUBT) {
        refusals.push(Refusal::Overall(before.macro_f1, after.macro_f1));
    }
    let mut categories = Vec::new();
    for (was, is) in before.classes.iter().zip(&after.classes) {
        let label = &was.label;
        let (mut mended, mut broken) = (0, 0);
        for ((_, truth, a), (_, _, b)) in old.iter().zip(&new) {
            // Right about this category: its calls given it, the others not.
            let (a, b) = ((a.label == *label) == (truth == label), (b.label == *label) == (truth == label));
            mended += usize::from(b && !a);
            broken += usize::from(a && !b);
        }
        let change = match by_chance(mended.max(broken), mended + broken) {
            p if p > 0.05 => Change::Same,
            _ if mended > broken => Change::Better,
            _ => Change::Worse,
        };
        if change == Change::Worse {
            refusals.push(Refusal::Category(label.clone(), was.f1, is.f1, broken));
        }
        let (before, after) = (was.f1, is.f1);
        categories.push(CategoryChange {
            label: label.clone(),
            calls: was.support,
            before,
            after,
            mended,
            broken,
            change,
        });
    }
    Judgement { before, after, categories, refusals }
}

/// The probability that of `all` fair coin tosses `heads` or more fall on one given side (sign test).
fn by_chance(heads: usize, all: usize) -> f64 {
    if all == 0 {
        return 1.0;
    }
    let mut term = 0.5_f64.powi(i32::try_from(all).unwrap_or(i32::MAX));
    let mut sum = 0.0;
    for k in 0..=all {
        if k >= heads {
            sum += term;
        }
        term *= (all - k) as f64 / (k + 1) as f64;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Kind;

    fn clinic() -> Profile {
        Profile::new("v", "клиника", Kind::Veterinary, &["терапия".to_owned()], &[])
    }

    fn corpus() -> Corpus {
        let mut corpus = Corpus { clinics: vec![clinic()], ..Corpus::default() };
        for n in 0..600 {
            let (label, text) = match n % 3 {
                0 => ("target", format!("запишите на приём к врачу кота номер {n}")),
                1 => ("feed_drugs", format!("есть ли в продаже корм мешок {n}")),
                _ => ("test_results", format!("анализы наши готовы заказ {n}")),
            };
            corpus.calls.push(LabelledCall {
                id: format!("c{n}"),
                scenario: format!("s{n}"),
                clinic: 0,
                label: label.into(),
                call: CallText::of(&text),
                corrected: false,
            });
        }
        corpus
    }

    fn correction(n: usize, label: &str, text: &str) -> Correction {
        Correction {
            id: format!("call-{n}"),
            call: CallText::of(text),
            profile: clinic(),
            label: label.into(),
            by: "desk".into(),
            at: "2026-01-02T10:00:00Z".into(),
        }
    }

    fn options() -> TrainOptions {
        TrainOptions { folds: 2, iterations: 20, ..TrainOptions::default() }
    }

    #[test]
    fn corrections_teach_and_frozen_calls_are_left_alone() {
        let corpus = corpus();
        let current = Classifier::new(train_on(&corpus, &options()).0);
        let word = CallText::of("гамаюн");
        let corrections: Vec<Correction> =
            (0..30).map(|n| correction(n, "feed_drugs", &format!("гамаюн {n} есть"))).collect();
        let retrained = train_with_corrections(&corpus, &corrections, &current, &options()).expect("known labels");
        assert_eq!(retrained.learned + retrained.frozen, 30);
        assert!(retrained.frozen > 0);
        assert!(retrained.judgement.accepted(), "{:?}", retrained.judgement.refusals);
        let share = |c: &Classifier| c.label(&word, None).scores.iter().find(|s| s.0 == "feed_drugs").map(|s| s.1);
        assert!(share(&Classifier::new(retrained.model)) > share(&current));
        let (learn, frozen) = corpus.split_frozen();
        assert_eq!(learn.calls.len() + frozen.calls.len(), corpus.calls.len());
        assert!(!frozen.calls.is_empty() && frozen.calls.iter().all(|c| is_frozen(&c.scenario)));
    }

    #[test]
    fn a_worse_model_is_refused_by_category() {
        let corpus = corpus();
        let current = Classifier::new(train_on(&corpus, &options()).0);
        // Somebody who mixes up two categories has labelled most of the corpus.
        let mut mixed = corpus.clone();
        for (n, call) in mixed.calls.iter_mut().enumerate() {
            if call.label == "test_results" && n % 10 > 0 {
                call.label = "target".into();
            }
        }
        let candidate = Classifier::new(train_on(&mixed, &options()).0);
        let judgement = judge(&current, &candidate, &corpus.split_frozen().1);
        assert!(!judgement.accepted());
        let results = judgement.categories.iter().find(|c| c.label == "test_results").expect("a label");
        assert_eq!(results.change, Change::Worse, "{results:?}");
        assert!(judgement.refusals.iter().any(|r| r.to_string().contains("test_results")));
    }

    #[test]
    fn unknown_labels_are_named_and_chance_is_counted() {
        let corpus = corpus();
        let bad = [correction(1, "nonsense", "что угодно")];
        let found = train_with_corrections(&corpus, &bad, Classifier::embedded(), &options());
        assert!(found.is_err_and(|e| e.to_string().contains("nonsense") && e.to_string().contains("target")));
        assert!((by_chance(5, 5) - 1.0 / 32.0).abs() < 1e-9);
        assert!((by_chance(0, 4) - 1.0).abs() < 1e-9);
        assert!(by_chance(0, 0) > 0.9);
    }
}
