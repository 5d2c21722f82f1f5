//! How well verdicts agree with labels: accuracy, precision, recall and F1 by category, confusions, calibration,
//! accuracy at partial coverage, and the worst mistakes.

use serde::Serialize;

use super::corpus::Corpus;
use super::{Classifier, Verdict};

/// One category's figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassScore {
    /// Category id.
    pub label: String,
    /// Right among those given the label.
    pub precision: f32,
    /// Found among those that have it.
    pub recall: f32,
    /// Harmonic mean of the two.
    pub f1: f32,
    /// Calls that have it.
    pub support: usize,
}

/// Verdicts whose confidence fell between two bounds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// Lower and upper bound of confidence.
    pub from: f32,
    /// Upper bound.
    pub to: f32,
    /// Verdicts in it.
    pub count: usize,
    /// Their mean confidence.
    pub confidence: f32,
    /// Share of them that was right.
    pub accuracy: f32,
}

/// A wrong verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mistake {
    /// Call id.
    pub id: String,
    /// True label.
    pub truth: String,
    /// Label given.
    pub given: String,
    /// With what confidence.
    pub confidence: f32,
}

/// All figures of one evaluation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// Calls judged.
    pub calls: usize,
    /// Share judged right.
    pub accuracy: f32,
    /// Mean F1 over the categories that occur.
    pub macro_f1: f32,
    /// By category, in the order of the labels.
    pub classes: Vec<ClassScore>,
    /// Rows: truth; columns: given; in the order of `classes`.
    pub confusion: Vec<Vec<usize>>,
    /// Expected calibration error over ten bins of equal width (Naeini et al. 2015).
    pub ece: f32,
    /// The ten bins.
    pub reliability: Vec<ReliabilityBin>,
    /// Share of calls kept (most confident first) and accuracy among them.
    pub coverage: Vec<(f32, f32)>,
    /// Share of verdicts that ask for a look, and the share of mistakes among those that do not.
    pub review_share: f32,
    /// Share of right verdicts among those that do not ask for a look.
    pub accept_accuracy: f32,
    /// Wrong verdicts, most confident first.
    pub mistakes: Vec<Mistake>,
}

/// Judges a labelled corpus with a model it was not trained on.
pub fn evaluate(classifier: &Classifier, corpus: &Corpus) -> Evaluation {
    let judged: Vec<(String, String, Verdict)> = corpus
        .calls
        .iter()
        .map(|c| (c.id.clone(), c.label.clone(), classifier.label(&c.call, Some(&corpus.clinics[c.clinic]))))
        .collect();
    score(&classifier.info().labels, &judged)
}

/// The figures for verdicts given to calls (id, true label, verdict).
pub fn score(labels: &[String], judged: &[(String, String, Verdict)]) -> Evaluation {
    let place = |label: &str| labels.iter().position(|l| l == label);
    let mut confusion = vec![vec![0_usize; labels.len()]; labels.len()];
    for (_, truth, verdict) in judged {
        if let (Some(t), Some(g)) = (place(truth), place(&verdict.label)) {
            confusion[t][g] += 1;
        }
    }
    let classes: Vec<ClassScore> = labels
        .iter()
        .enumerate()
        .map(|(i, label)| {
            let hit = confusion[i][i];
            let support: usize = confusion[i].iter().sum();
            let given: usize = confusion.iter().map(|row| row[i]).sum();
            let f1 = share(2 * hit, support + given);
            ClassScore { label: label.clone(), precision: share(hit, given), recall: share(hit, support), f1, support }
        })
        .collect();
    let present: Vec<&ClassScore> = classes.iter().filter(|c| c.support > 0).collect();
    let macro_f1 = present.iter().map(|c| c.f1).sum::<f32>() / present.len().max(1) as f32;

    let right = |j: &(String, String, Verdict)| j.1 == j.2.label;
    let mut reliability = Vec::new();
    let mut ece = 0.0;
    for bin in 0..10 {
        let (from, to) = (bin as f32 / 10.0, (bin + 1) as f32 / 10.0);
        let members: Vec<_> = judged.iter().filter(|j| j.2.confidence > from && j.2.confidence <= to).collect();
        let confidence = members.iter().map(|j| j.2.confidence).sum::<f32>() / members.len().max(1) as f32;
        let accuracy = share(members.iter().filter(|j| right(j)).count(), members.len());
        ece += (confidence - accuracy).abs() * members.len() as f32 / judged.len().max(1) as f32;
        reliability.push(ReliabilityBin { from, to, count: members.len(), confidence, accuracy });
    }
    let mut ordered: Vec<&(String, String, Verdict)> = judged.iter().collect();
    ordered.sort_by(|a, b| b.2.confidence.total_cmp(&a.2.confidence));
    let coverage = (1..=10)
        .map(|tenth| {
            let kept = ordered.len() * tenth / 10;
            (tenth as f32 / 10.0, share(ordered[..kept].iter().filter(|j| right(j)).count(), kept))
        })
        .collect();
    let accepted: Vec<_> = judged.iter().filter(|j| !j.2.review).collect();
    let mistakes = ordered
        .iter()
        .filter(|j| !right(j))
        .map(|(id, truth, v)| Mistake {
            id: id.clone(),
            truth: truth.clone(),
            given: v.label.clone(),
            confidence: v.confidence,
        })
        .collect();
    Evaluation {
        calls: judged.len(),
        accuracy: share(judged.iter().filter(|j| right(j)).count(), judged.len()),
        macro_f1,
        classes,
        confusion,
        ece,
        reliability,
        coverage,
        review_share: 1.0 - share(accepted.len(), judged.len()),
        accept_accuracy: share(accepted.iter().filter(|j| right(j)).count(), accepted.len()),
        mistakes,
    }
}

fn share(part: usize, whole: usize) -> f32 {
    if whole == 0 { 0.0 } else { part as f32 / whole as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(label: &str, confidence: f32) -> Verdict {
        Verdict { label: label.into(), confidence, scores: vec![], evidence: vec![], review: confidence < 0.5 }
    }

    #[test]
    fn figures_agree_with_a_count_by_hand() {
        let labels = ["a".to_owned(), "b".to_owned()];
        let judged = [
            ("1".to_owned(), "a".to_owned(), verdict("a", 0.9)),
            ("2".to_owned(), "a".to_owned(), verdict("b", 0.6)),
            ("3".to_owned(), "b".to_owned(), verdict("b", 0.8)),
            ("4".to_owned(), "b".to_owned(), verdict("b", 0.4)),
        ];
        let e = score(&labels, &judged);
        assert_eq!(e.accuracy, 0.75);
        assert_eq!(e.confusion, [[1, 1], [0, 2]]);
        assert!((e.classes[0].f1 - 2.0 / 3.0).abs() < 1e-6 && (e.classes[1].f1 - 0.8).abs() < 1e-6);
        assert!((e.macro_f1 - (2.0 / 3.0 + 0.8) / 2.0).abs() < 1e-6);
        // Bins: 0.9 right, 0.6 wrong, 0.8 right, 0.4 right.
        assert!((e.ece - (0.1 + 0.6 + 0.2 + 0.6) / 4.0).abs() < 1e-6);
        assert_eq!(e.review_share, 0.25);
        assert_eq!(e.mistakes.len(), 1);
    }
}
