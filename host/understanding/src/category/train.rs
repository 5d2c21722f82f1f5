//! Training from a corpus: variants of each call, features that occur more than once, logistic regression,
//! cross-validation by scenario for the figures and for calibration.

use std::collections::BTreeMap;
use std::path::Path;

use super::calibrate::{self, HeldOut};
use super::corpus::{Corpus, CorpusError, LabelledCall};
use super::corrections::is_frozen;
use super::evaluate::{Evaluation, score};
use super::features::{Analysed, Space};
use super::head::{Head, Lesson, is_sure, settled};
use super::learner::{Example, fit};
use super::model::{MeaningInfo, Model, ModelInfo, softmax, vector};
use super::noise::{Random, damage};
use super::{CallText, Classifier, Verdict, Who};
use crate::lexicon::overlap;
use crate::meaning::{LENGTH, Meaning};
use crate::profile::{Profile, Standing};

/// How to train.
#[derive(Debug, Clone)]
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
    /// Train also on damaged wordings, callers' words alone, and clinics whose lists say otherwise.
    pub variants: bool,
    /// Learn a reading of meaning beside the words.
    pub meaning: Option<Meaning>,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            date: String::new(),
            seed: 17,
            l2: 1.5e-5,
            iterations: 80,
            folds: 5,
            min_calls: 2,
            balance: 0.7,
            variants: true,
            meaning: None,
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
    /// The same from words as a recogniser might have heard them.
    pub damaged: Evaluation,
    /// The three with a reading of meaning beside the words, where it was learned.
    pub with_meaning: Option<[Evaluation; 3]>,
}

/// Trains on every call under `corpus_dir`.
pub fn train(corpus_dir: &Path, options: &TrainOptions) -> Result<(Model, TrainingReport), CorpusError> {
    let corpus = Corpus::load(corpus_dir)?;
    Ok(train_on(&corpus, options))
}

/// Trains on a corpus already read.
pub fn train_on(corpus: &Corpus, options: &TrainOptions) -> (Model, TrainingReport) {
    let trainer = Trainer::new(corpus, options);
    let held_out = trainer.cross_validate(&corpus.folds(options.folds, options.seed));
    let learned: Vec<usize> = (0..corpus.calls.len())
        .filter(|&n| corpus.calls[n].corrected || !is_frozen(&corpus.calls[n].scenario))
        .collect();
    let (mut model, examples) = trainer.fit(&learned);
    let temperature = calibrate::temperature(&held_out.whole);
    let info = model.info_mut();
    info.temperature = temperature;
    info.review_below = calibrate::review_below(&held_out.whole, temperature, 0.95);
    info.review_margin = 0.12;
    let cross_validation = trainer.score(&held_out.whole, info);
    let caller_only = trainer.score(&held_out.alone, info);
    let damaged = trainer.score(&held_out.damaged, info);
    let with_meaning = options.meaning.as_ref().map(|_| trainer.calibrate_meaning(&held_out, info));
    info.trained = options.date.clone();
    info.corpus = corpus.hash.clone();
    info.calls = learned.len();
    info.macro_f1 = cross_validation.macro_f1;
    info.accuracy = cross_validation.accuracy;
    info.ece = cross_validation.ece;
    let report = TrainingReport {
        calls: corpus.calls.len(),
        examples,
        features: model.len(),
        bytes: model.to_bytes().len(),
        cross_validation,
        caller_only,
        damaged,
        with_meaning,
    };
    (model, report)
}

/// What models that had not seen them say of the calls of a corpus, in its order.
#[derive(Debug, Clone, Default)]
pub struct CrossValidation {
    /// Whole conversations.
    pub whole: Vec<HeldOut>,
    /// The caller's words alone.
    pub alone: Vec<HeldOut>,
    /// Words as a recogniser might have heard them.
    pub damaged: Vec<HeldOut>,
    /// The three by words and meaning together; empty where meaning is not learned.
    pub both: [Vec<HeldOut>; 3],
}

/// A corpus made ready to be fitted in parts.
pub struct Trainer<'a> {
    corpus: &'a Corpus,
    options: &'a TrainOptions,
    labels: Vec<String>,
    prepared: Vec<Vec<Variant>>,
    vectors: Vec<Vectors>,
}

/// What the wordings of a call mean.
struct Vectors {
    opening: [f32; LENGTH],
    caller: [f32; LENGTH],
    /// Of the words as the test damages them.
    damaged: [f32; LENGTH],
}

impl<'a> Trainer<'a> {
    /// Looks at all calls and makes their variants.
    pub fn new(corpus: &'a Corpus, options: &'a TrainOptions) -> Self {
        let mut labels: Vec<String> = corpus.calls.iter().map(|c| c.label.clone()).collect();
        labels.sort();
        labels.dedup();
        Self::with_labels(corpus, options, labels)
    }

    /// As [`Trainer::new`], with the labels given (sorted) where the corpus may lack some.
    pub fn with_labels(corpus: &'a Corpus, options: &'a TrainOptions, labels: Vec<String>) -> Self {
        let prepared = corpus.calls.iter().enumerate().map(|(n, call)| variants(corpus, n, call, options)).collect();
        let vectors = options.meaning.as_ref().map(|meaning| vectors(corpus, options, meaning)).unwrap_or_default();
        Self { corpus, options, labels, prepared, vectors }
    }

    /// A model of the chosen calls (indices), not calibrated yet, and the number of examples it was fitted on.
    pub fn fit(&self, chosen: &[usize]) -> (Model, usize) {
        let (mut model, examples) = fit_model(&self.prepared, chosen, &self.labels, self.options);
        if !self.vectors.is_empty() {
            model.set_head(self.head(chosen));
        }
        (model, examples)
    }

    /// The reading of meaning: from openings and from all that callers say.
    fn head(&self, chosen: &[usize]) -> Head {
        let mut lessons: Vec<Lesson> = Vec::with_capacity(2 * chosen.len());
        for &n in chosen {
            let Ok(label) = self.labels.binary_search(&self.corpus.calls[n].label) else { continue };
            let Vectors { opening, caller, .. } = &self.vectors[n];
            lessons.extend([(opening, label), (caller, label)]);
        }
        Head::fit(&lessons, &self.labels)
    }

    /// Finds how far words and meaning together are to be believed, writes it into `info`, and tells the figures of whole
    /// calls, of callers alone and of damaged words.
    fn calibrate_meaning(&self, held_out: &CrossValidation, info: &mut ModelInfo) -> [Evaluation; 3] {
        let doubtful = |(words, _): &(&HeldOut, &HeldOut)| !is_sure(&softmax(&words.0, info.temperature));
        let pairs = held_out.whole.iter().zip(&held_out.both[0]);
        let asked: Vec<HeldOut> = pairs.filter(doubtful).map(|(_, both)| both.clone()).collect();
        let temperature = calibrate::temperature(&asked);
        let mut of = MeaningInfo { macro_f1: 0.0, accuracy: 0.0, ece: 0.0, temperature, review_below: 0.0 };
        info.meaning = Some(of.clone());
        let settled = held_out.settled(info);
        of.review_below = calibrate::review_below(&settled[0], 1.0, 0.95);
        let as_settled = ModelInfo { temperature: 1.0, review_below: of.review_below, ..info.clone() };
        let told = settled.map(|held_out| self.score(&held_out, &as_settled));
        (of.macro_f1, of.accuracy, of.ece) = (told[0].macro_f1, told[0].accuracy, told[0].ece);
        info.meaning = Some(of);
        told
    }

    /// Judges the calls of every group with a model of all the other groups.
    pub fn cross_validate(&self, groups: &[usize]) -> CrossValidation {
        let calls = &self.corpus.calls;
        let mut out = vec![Default::default(); calls.len()];
        let last = groups.iter().max().map_or(0, |g| g + 1);
        let all: Vec<usize> = (0..last).collect();
        let at_once = std::thread::available_parallelism().map_or(1, usize::from).min(4);
        for few in all.chunks(at_once) {
            // Groups do not know of each other, so doing several at once changes nothing.
            let judged: Vec<Vec<(usize, Vec<HeldOut>)>> = std::thread::scope(|scope| {
                let running: Vec<_> =
                    few.iter().map(|&group| scope.spawn(move || self.judge_group(groups, group))).collect();
                running.into_iter().map(|r| r.join().expect("invariant: a fit does not panic")).collect()
            });
            for (n, held_out) in judged.into_iter().flatten() {
                out[n] = held_out;
            }
        }
        let mut found = CrossValidation::default();
        for judged in out {
            let mut judged = judged.into_iter();
            let CrossValidation { whole, alone, damaged, both } = &mut found;
            for (kind, one) in [whole, alone, damaged].into_iter().chain(both).zip(&mut judged) {
                kind.push(one);
            }
        }
        found
    }

    /// Judges the calls of one group with a model of the others.
    fn judge_group(&self, groups: &[usize], group: usize) -> Vec<(usize, Vec<HeldOut>)> {
        let calls = &self.corpus.calls;
        let (others, members): (Vec<usize>, Vec<usize>) = (0..calls.len()).partition(|&n| groups[n] != group);
        let (model, _) = self.fit(&others);
        let judge = |n: usize| {
            let clinic = Some(&self.corpus.clinics[calls[n].clinic]);
            let truth = self.labels.binary_search(&calls[n].label).unwrap_or(0);
            let scores = |call: &CallText| (model.logits(&Analysed::new(call, clinic)), truth);
            let call = &calls[n].call;
            let mut judged = vec![scores(call), scores(&caller_alone(call)), scores(&tested(call, n, self.options))];
            if let Some((head, Vectors { caller, damaged, .. })) = model.head().zip(self.vectors.get(n)) {
                for (at, vector) in [caller, caller, damaged].into_iter().enumerate() {
                    let (mut logits, truth) = judged[at].clone();
                    head.add(vector, &mut logits);
                    judged.push((logits, truth));
                }
            }
            (n, judged)
        };
        members.into_iter().map(judge).collect()
    }

    /// The figures of held-out calls under the calibration of `info`.
    pub fn score(&self, held_out: &[HeldOut], info: &ModelInfo) -> Evaluation {
        let ids = self.corpus.calls.iter().zip(held_out);
        let judged: Vec<_> = ids.map(|(c, (l, _))| (c.id.clone(), c.label.clone(), verdict(l, info))).collect();
        score(&self.labels, &judged)
    }
}

/// Share of words damaged in the test on damaged wordings, in per cent.
const TESTED: u64 = 30;

/// A classifier from a fresh training, for those who retrain in process.
pub fn classifier(corpus_dir: &Path, options: &TrainOptions) -> Result<Classifier, CorpusError> {
    Ok(Classifier::new(train(corpus_dir, options)?.0))
}

impl CrossValidation {
    /// What words and meaning settle on, for whole calls, callers alone and damaged words: logarithms of probabilities.
    pub fn settled(&self, info: &ModelInfo) -> [Vec<HeldOut>; 3] {
        let temperature_of_both = info.meaning.as_ref().map_or(1.0, |of| of.temperature);
        let settle = |(words, both): (&HeldOut, &HeldOut)| {
            let probabilities = settled(&words.0, info.temperature, &both.0, temperature_of_both);
            (probabilities.iter().map(|p| p.max(1e-9).ln()).collect(), words.1)
        };
        let kinds = [(&self.whole, 0), (&self.alone, 1), (&self.damaged, 2)];
        kinds.map(|(words, kind)| words.iter().zip(&self.both[kind]).map(settle).collect())
    }
}

/// A call as the test on damaged words has it.
fn tested(call: &CallText, n: usize, options: &TrainOptions) -> CallText {
    // Another seed than the training's: what is tested was never heard.
    damage(call, TESTED, &mut Random(options.seed.wrapping_add(0x0bad_5eed) ^ ((n as u64) << 20)))
}

/// The vectors of all calls.
fn vectors(corpus: &Corpus, options: &TrainOptions, meaning: &Meaning) -> Vec<Vectors> {
    let mut texts = Vec::with_capacity(3 * corpus.calls.len());
    for (n, call) in corpus.calls.iter().enumerate() {
        let of = |call: &CallText| call.caller_text();
        texts.extend([of(&first_turn(&call.call)), of(&call.call), of(&tested(&call.call, n, options))]);
    }
    // Many calls are one turn: the same text is asked for once.
    let mut different = texts.clone();
    different.sort_unstable();
    different.dedup();
    let found = meaning.vectors(&different);
    let vector = |text: &String| found[different.binary_search(text).expect("invariant: every text was asked for")];
    let three = |of: &[String; 3]| Vectors { opening: vector(&of[0]), caller: vector(&of[1]), damaged: vector(&of[2]) };
    texts.as_chunks::<3>().0.iter().map(three).collect()
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
    let strength = 15 + random.next() % 35;
    out.push(of(&damage(call, strength, &mut random), Some(profile), &labelled.label, 0.6));
    if call.turns.len() > 1 {
        out.push(of(&caller_alone(call), Some(profile), &labelled.label, 0.5));
    }
    for (profile, label) in relisted(&labelled.label, call, profile) {
        out.push(of(&first_turn(call), Some(&profile), label, 0.5));
    }
    out
}

/// Clinics whose lists say otherwise of the one service the opening names, with the label the call then has: a service on
/// neither list, if it is of the clinic's field, is asked for with a visit in view.
fn relisted(label: &str, call: &CallText, profile: &Profile) -> Vec<(Profile, &'static str)> {
    let (from, to): (&[Standing], _) = match label {
        "target" => (
            &[Standing::Offered, Standing::Unlisted],
            [(Standing::Absent, "not_our_service"), (Standing::Unlisted, "target")],
        ),
        "not_our_service" => (&[Standing::Absent], [(Standing::Offered, "target"), (Standing::Unlisted, "target")]),
        _ => return Vec::new(),
    };
    let Some((_, opening)) = call.caller_turns().next() else { return Vec::new() };
    let named = profile.named(&crate::lexicon::text::Text::new(&opening.text));
    let Some(first) = named.first() else { return Vec::new() };
    let one_place = named.iter().all(|n| overlap(&n.words, &first.words) && n.known.is_some());
    if !one_place || !from.contains(&first.standing) {
        return Vec::new();
    }
    let services: Vec<usize> = named.iter().filter_map(|n| n.known).collect();
    let other = to.into_iter().filter(|(standing, _)| *standing != first.standing);
    other.filter_map(|(standing, label)| Some((profile.relisted(&services, standing)?, label))).collect()
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
