//! Training from a corpus: variants of each call, features that occur more than once, logistic regression,
//! cross-validation by scenario for the figures and for calibration.

use std::collections::BTreeMap;
use std::path::Path;

use super::corpus::{Corpus, CorpusError, LabelledCall};
use super::corrections::is_frozen;
use super::evaluate::{Evaluation, score};
use super::features::{Analysed, Space};
use super::learner::{Example, fit};
use super::model::{Model, ModelInfo, softmax, vector};
use super::noise::{Random, damage};
use super::{CallText, Classifier, Verdict, Who, calibrate};
use crate::lexicon::overlap;
use crate::profile::{Profile, Standing};

/// How to train.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainOptions {
    /// The day of training, to be written into the model (ISO date).
    pub date: String,
    /// Start of everything random.
    pub seed: u64,
    /// Strength of regularisation.
    pub l2: f32,
    /// Steps of the fit, at most.
    pub iterations: usize,
    /// Folds of the cross-validation, by scenario.
    pub folds: usize,
    /// A feature must occur in at least so many calls.
    pub min_calls: usize,
    /// How far rare categories are weighted up: 0 not at all, 1 until all weigh the same.
    pub balance: f32,
    /// Train also on damaged wordings, callers' words alone, and clinics with the opposite list.
    pub variants: bool,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            date: String::new(),
            seed: 17,
            l2: 1e-4,
            iterations: 60,
            folds: 5,
            min_calls: 2,
            balance: 0.7,
            variants: true,
        }
    }
}

/// What a training found.
#[derive(Debug, Clone)]
pub struct TrainingReport {
    /// Calls in the corpus.
    pub calls: usize,
    /// Examples the final fit saw, variants included.
    pub examples: usize,
    /// Features kept.
    pub features: usize,
    /// Bytes of the model file.
    pub bytes: usize,
    /// Cross-validation by scenario, confidence calibrated.
    pub cross_validation: Evaluation,
    /// The same verdicts from callers' words alone, without the other side.
    pub caller_only: Evaluation,
}

/// Trains on every call under `corpus_dir`.
pub fn train(corpus_dir: &Path, options: &TrainOptions) -> Result<(Model, TrainingReport), CorpusError> {
    let corpus = Corpus::load(corpus_dir)?;
    Ok(train_on(&corpus, options))
}

/// Trains on a corpus already read.
pub fn train_on(corpus: &Corpus, options: &TrainOptions) -> (Model, TrainingReport) {
    let mut labels: Vec<String> = corpus.calls.iter().map(|c| c.label.clone()).collect();
    labels.sort();
    labels.dedup();
    let prepared: Vec<Vec<Variant>> =
        corpus.calls.iter().enumerate().map(|(n, call)| variants(corpus, n, call, options)).collect();
    let folds = corpus.folds(options.folds, options.seed);

    let mut held_out = vec![(Vec::new(), 0); corpus.calls.len()];
    let mut held_out_alone = held_out.clone();
    for fold in 0..options.folds {
        let chosen: Vec<usize> = (0..corpus.calls.len()).filter(|&n| folds[n] != fold).collect();
        let (model, _) = fit_model(&prepared, &chosen, &labels, options);
        for n in (0..corpus.calls.len()).filter(|&n| folds[n] == fold) {
            let call = &corpus.calls[n];
            let truth = labels.iter().position(|l| *l == call.label).unwrap_or(0);
            held_out[n] = (model.logits(&prepared[n][0].call), truth);
            let alone = Analysed::new(&caller_alone(&call.call), Some(&corpus.clinics[call.clinic]));
            held_out_alone[n] = (model.logits(&alone), truth);
        }
    }
    let learned: Vec<usize> = (0..corpus.calls.len())
        .filter(|&n| corpus.calls[n].corrected || !is_frozen(&corpus.calls[n].scenario))
        .collect();
    let (mut model, examples) = fit_model(&prepared, &learned, &labels, options);
    let temperature = calibrate::temperature(&held_out);
    let info = model.info_mut();
    info.temperature = temperature;
    info.review_below = calibrate::review_below(&held_out, temperature, 0.93);
    info.review_margin = 0.12;
    let judged = |held_out: &[calibrate::HeldOut]| {
        let ids = corpus.calls.iter().zip(held_out);
        let judged: Vec<_> = ids.map(|(c, (l, _))| (c.id.clone(), c.label.clone(), verdict(l, info))).collect();
        score(&labels, &judged)
    };
    let (cross_validation, caller_only) = (judged(&held_out), judged(&held_out_alone));
    let info = model.info_mut();
    info.trained = options.date.clone();
    info.corpus = corpus.hash.clone();
    info.calls = learned.len();
    info.macro_f1 = cross_validation.macro_f1;
    info.accuracy = cross_validation.accuracy;
    info.ece = cross_validation.ece;
    let bytes = model.to_bytes();
    let features = model.len();
    let report = TrainingReport {
        calls: corpus.calls.len(),
        examples,
        features,
        bytes: bytes.len(),
        cross_validation,
        caller_only,
    };
    (model, report)
}

/// A classifier from a fresh training, for those who retrain in process.
pub fn classifier(corpus_dir: &Path, options: &TrainOptions) -> Result<Classifier, CorpusError> {
    Ok(Classifier::new(train(corpus_dir, options)?.0))
}

/// A wording of a call to learn from.
struct Variant {
    call: Analysed,
    label: String,
    weight: f32,
}

/// The call itself (always first), and what can be made of it.
fn variants(corpus: &Corpus, n: usize, labelled: &LabelledCall, options: &TrainOptions) -> Vec<Variant> {
    let profile = &corpus.clinics[labelled.clinic];
    let call = &labelled.call;
    let mut random = Random(options.seed ^ (n as u64).wrapping_mul(0x5851_f42d_4c95_7f2d));
    let of = |call: &CallText, profile: Option<&Profile>, label: &str, weight| {
        let mut call = Analysed::new(call, profile);
        call.turns = Vec::new();
        Variant { call, label: label.to_owned(), weight }
    };
    let mut out = vec![of(call, Some(profile), &labelled.label, 1.0)];
    if !options.variants {
        return out;
    }
    let strength = 12 + random.next() % 25;
    out.push(of(&damage(call, strength, &mut random), Some(profile), &labelled.label, 0.5));
    if call.turns.len() > 1 {
        out.push(of(&caller_alone(call), Some(profile), &labelled.label, 0.5));
    }
    if let Some((profile, label)) = opposite(&labelled.label, call, profile) {
        out.push(of(&first_turn(call), Some(&profile), label, 0.5));
    }
    out
}

/// A clinic whose lists say the opposite of the one service the opening names, with the label the call then has.
fn opposite(label: &str, call: &CallText, profile: &Profile) -> Option<(Profile, &'static str)> {
    let (from, to, label): (&[Standing], _, _) = match label {
        "target" => (&[Standing::Offered, Standing::Unlisted], Standing::Absent, "not_our_service"),
        "not_our_service" => (&[Standing::Absent], Standing::Offered, "target"),
        _ => return None,
    };
    let opening = &call.caller_turns().next()?.1.text;
    let named = profile.named(&crate::lexicon::text::Text::new(opening));
    let first = named.first()?;
    let one_place = named.iter().all(|n| overlap(&n.words, &first.words) && n.known.is_some());
    if !one_place || !from.contains(&first.standing) {
        return None;
    }
    let services: Vec<usize> = named.iter().filter_map(|n| n.known).collect();
    Some((profile.relisted(&services, to), label))
}

fn caller_alone(call: &CallText) -> CallText {
    CallText { missed_call: call.missed_call, ..CallText::of(&call.caller_text()) }
}

fn first_turn(call: &CallText) -> CallText {
    let first = call.turns.iter().find(|t| t.who != Who::Agent);
    CallText { turns: first.cloned().into_iter().collect(), missed_call: call.missed_call }
}

/// Fits on all variants of the chosen calls; gives the model and the number of examples.
fn fit_model(prepared: &[Vec<Variant>], chosen: &[usize], labels: &[String], options: &TrainOptions) -> (Model, usize) {
    // A feature is kept if enough calls have it; variants of one call count once.
    let mut calls_with: BTreeMap<u32, (usize, Space)> = BTreeMap::new();
    for &n in chosen {
        let mut seen: Vec<(u32, Space)> = prepared[n]
            .iter()
            .enumerate()
            .flat_map(|(i, v)| v.call.features.iter().filter(move |f| i == 0 || f.space == Space::Dense))
            .map(|f| (f.id, f.space))
            .collect();
        seen.sort_unstable_by_key(|s| s.0);
        seen.dedup_by_key(|s| s.0);
        for (id, space) in seen {
            calls_with.entry(id).or_insert((0, space)).0 += 1;
        }
    }
    calls_with.retain(|_, (calls, _)| *calls >= options.min_calls);
    let ids: Vec<u32> = calls_with.keys().copied().collect();
    let rarity: Vec<f32> = calls_with.values().map(|(n, _)| (chosen.len() as f32 / *n as f32).ln() + 1.0).collect();
    let row = |id: u32| ids.binary_search(&id).ok().map(|row| (row as u32, rarity[row]));
    let mut calls_of = vec![0.0_f32; labels.len()];
    for &n in chosen {
        if let Ok(label) = labels.binary_search(&prepared[n][0].label) {
            calls_of[label] += 1.0;
        }
    }
    let mean = chosen.len() as f32 / labels.len() as f32;
    let balance: Vec<f32> = calls_of.iter().map(|n| (mean / n.max(1.0)).powf(options.balance)).collect();
    let mut examples = Vec::new();
    for &n in chosen {
        for variant in &prepared[n] {
            let label = labels.binary_search(&variant.label);
            let Ok(label) = label else { continue };
            let weight = variant.weight * balance[label];
            examples.push(Example { vector: vector(&variant.call, row), label, weight });
        }
    }
    let fitted = fit(&examples, ids.len(), labels.len(), options.l2, options.iterations);
    let info = ModelInfo::new(labels);
    (Model::new(info, ids, rarity, fitted.weights, fitted.bias), examples.len())
}

fn verdict(logits: &[f32], info: &ModelInfo) -> Verdict {
    Verdict::from_probabilities(softmax(logits, info.temperature), info)
}
