//! A clinic's own category from a handful of examples: a light yes/no head beside the shared model.
//!
//! The shared model stays as it is. The head looks at the same features and says "this one" only where, on calls it did
//! not see, almost nothing of the others was taken; every other call keeps the verdict of the shared model to the bit.

use std::collections::BTreeMap;
use std::path::PathBuf;

use thiserror::Error;

use super::calibrate::{self, HeldOut};
use super::features::{Analysed, Feature};
use super::learner::{Example, fit};
use super::model::{Model, ModelError, ModelInfo, vector};
use super::{CallText, Classifier, Verdict, evidence};
use crate::profile::Profile;

/// Examples needed at least.
pub const EXAMPLES: usize = 8;
/// Other calls needed at least.
pub const OTHERS: usize = 50;
/// Other calls used at most; more are thinned out evenly.
const OTHERS_USED: usize = 3000;
/// Of the other calls, how many (per thousand) may be taken by mistake.
const MISTAKEN: usize = 4;
const FOLDS: usize = 5;
const L2: f32 = 3e-4;
const REST: &str = "*";

/// Why a category could not be made.
#[derive(Debug, Error)]
pub enum OwnError {
    /// Too little to learn from.
    #[error("category `{id}` has {got} {what}, {need} are needed; mark some more calls")]
    TooFew {
        /// The category.
        id: String,
        /// Calls given.
        got: usize,
        /// Which calls.
        what: &'static str,
        /// Calls needed.
        need: usize,
    },
    /// The id cannot be used.
    #[error("`{0}` is a category of the shared model (or no id at all); choose another id")]
    Taken(String),
    /// The examples cannot be told from the other calls.
    #[error(
        "category `{0}`: only {1:.0} % of the examples could be told from the other calls; \
         add examples or narrow down what the category means"
    )]
    TooVague(String, f32),
    /// The file could not be read.
    #[error("cannot read the category {0}: {1}")]
    Unreadable(PathBuf, String),
    /// The bytes are no category.
    #[error(transparent)]
    Malformed(#[from] ModelError),
}

/// How well a category is told from the others, by cross-validation on what it was made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OwnQuality {
    /// Examples it was made of.
    pub examples: usize,
    /// Share of the examples found when not learned from.
    pub found: f32,
    /// Share of the other calls taken by mistake.
    pub mistaken: f32,
}

/// A call with its clinic.
pub type Told<'a> = (&'a CallText, Option<&'a Profile>);

/// A category beside those of the shared model.
#[derive(Debug, Clone)]
pub struct OwnCategory {
    model: Model,
}

impl OwnCategory {
    /// Learns a category from examples and from calls that are something else.
    pub fn train(id: &str, examples: &[Told], others: &[Told], shared: &Classifier) -> Result<Self, OwnError> {
        if id.is_empty() || id == REST || shared.info().labels.iter().any(|l| l == id) {
            return Err(OwnError::Taken(id.to_owned()));
        }
        for (got, need, what) in [(examples.len(), EXAMPLES, "examples"), (others.len(), OTHERS, "other calls")] {
            if got < need {
                return Err(OwnError::TooFew { id: id.to_owned(), got, what, need });
            }
        }
        let thinned = others.iter().step_by(others.len().div_ceil(OTHERS_USED));
        let calls: Vec<(Analysed, bool)> = examples
            .iter()
            .map(|told| (told, true))
            .chain(thinned.map(|told| (told, false)))
            .map(|(&(call, profile), own)| (Analysed::new(call, profile), own))
            .collect();
        // Every fold gets its part of the examples and of the others, as they come in order.
        let mut held_out: Vec<(f32, bool)> = Vec::with_capacity(calls.len());
        for fold in 0..FOLDS {
            let learned: Vec<&(Analysed, bool)> =
                calls.iter().enumerate().filter(|(n, _)| n % FOLDS != fold).map(|(_, c)| c).collect();
            let model = head(id, &learned, shared.model());
            for (call, own) in calls.iter().enumerate().filter(|(n, _)| n % FOLDS == fold).map(|(_, c)| c) {
                held_out.push((margin(&model, call), *own));
            }
        }
        let bar = bar(&held_out);
        let share = |own: bool| {
            let of: Vec<_> = held_out.iter().filter(|h| h.1 == own).collect();
            of.iter().filter(|h| h.0 >= bar).count() as f32 / of.len() as f32
        };
        let quality = OwnQuality { examples: examples.len(), found: share(true), mistaken: share(false) };
        if quality.found < 0.3 {
            return Err(OwnError::TooVague(id.to_owned(), 100.0 * quality.found));
        }
        let judged: Vec<HeldOut> = held_out.iter().map(|&(m, own)| (vec![m - bar, 0.0], usize::from(!own))).collect();
        let mut model = head(id, &calls.iter().collect::<Vec<_>>(), shared.model());
        model.shift_bias(0, -bar);
        let info = model.info_mut();
        info.temperature = calibrate::temperature(&judged);
        info.calls = quality.examples;
        info.accuracy = quality.found;
        info.ece = quality.mistaken;
        Ok(Self { model })
    }

    /// The id of the category.
    pub fn id(&self) -> &str {
        &self.model.info().labels[0]
    }

    /// How well it was told from the others.
    pub fn quality(&self) -> OwnQuality {
        let info = self.model.info();
        OwnQuality { examples: info.calls, found: info.accuracy, mistaken: info.ece }
    }

    /// The probability that a call is of this category; from one half on it is taken.
    pub fn score(&self, call: &Analysed) -> f32 {
        self.model.probabilities(call)[0]
    }

    /// Bytes to keep with the clinic.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.model.to_bytes()
    }

    /// Reads [`OwnCategory::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, OwnError> {
        let model = Model::from_bytes(bytes)?;
        if model.info().labels.len() != 2 || model.info().labels[1] != REST {
            return Err(OwnError::Malformed(ModelError::Malformed("it is no category of a clinic's own")));
        }
        Ok(Self { model })
    }

    /// Reads a file.
    pub fn load(path: &std::path::Path) -> Result<Self, OwnError> {
        let bytes = std::fs::read(path).map_err(|e| OwnError::Unreadable(path.to_owned(), e.to_string()))?;
        Self::from_bytes(&bytes)
    }
}

impl Classifier {
    /// As [`Classifier::classify`], with the clinic's own categories beside the shared ones: the surest of them that
    /// takes the call decides; a call that none takes has exactly the verdict of the shared model.
    pub fn classify_with(&self, call: &CallText, profile: Option<&Profile>, own: &[OwnCategory]) -> Verdict {
        let analysed = Analysed::new(call, profile);
        let known = self.model().known(&analysed);
        let mut verdict = Verdict::from_probabilities(self.probabilities(call, &analysed, &known), self.info());
        let best = own.iter().map(|o| (o, o.score(&analysed))).max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((category, score)) = best.filter(|b| b.1 >= 0.5) else {
            verdict.evidence = evidence::of(self.model(), call, &analysed, &known, &verdict.label);
            return verdict;
        };
        verdict.scores.iter_mut().for_each(|s| s.1 *= 1.0 - score);
        verdict.scores.push((category.id().to_owned(), score));
        verdict.scores.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let known = category.model.known(&analysed);
        let evidence = evidence::of(&category.model, call, &analysed, &known, category.id());
        verdict.review = score < 0.6;
        Verdict { label: category.id().to_owned(), confidence: score, evidence, ..verdict }
    }
}

/// The head's weights for features that at least two examples have.
fn head(id: &str, calls: &[&(Analysed, bool)], shared: &Model) -> Model {
    let mut examples_with: BTreeMap<u32, (usize, Feature)> = BTreeMap::new();
    for (call, _) in calls.iter().filter(|c| c.1) {
        let mut features: Vec<&Feature> = call.features.iter().collect();
        features.sort_by_key(|f| f.id);
        features.dedup_by_key(|f| f.id);
        for feature in features {
            examples_with.entry(feature.id).or_insert((0, *feature)).0 += 1;
        }
    }
    examples_with.retain(|_, (count, _)| *count >= 2);
    let ids: Vec<u32> = examples_with.keys().copied().collect();
    // What the shared model never met is as rare as its rarest.
    let rarest = shared.rarest();
    let rarity: Vec<f32> = examples_with
        .values()
        .map(|(_, feature)| shared.row_of(feature).map_or(rarest, |row| shared.rarity_of(row)))
        .collect();
    let row = |id: u32| ids.binary_search(&id).ok().map(|row| (row as u32, rarity[row]));
    let own = calls.iter().filter(|c| c.1).count() as f32;
    let weight = (0.5 * (calls.len() as f32 - own) / own.max(1.0)).max(1.0);
    let learned: Vec<Example> = calls
        .iter()
        .map(|(call, own)| Example {
            vector: vector(call, row),
            label: usize::from(!own),
            weight: if *own { weight } else { 1.0 },
        })
        .collect();
    let fitted = fit(&learned, ids.len(), 2, L2, 40);
    Model::new(ModelInfo::new(&[id.to_owned(), REST.to_owned()]), ids, rarity, fitted.weights, fitted.bias)
}

fn margin(model: &Model, call: &Analysed) -> f32 {
    let logits = model.logits(call);
    logits[0] - logits[1]
}

/// The margin from which on a call is taken: above all but a few of the others, and never below even odds.
fn bar(held_out: &[(f32, bool)]) -> f32 {
    let mut others: Vec<f32> = held_out.iter().filter(|h| !h.1).map(|h| h.0).collect();
    others.sort_by(|a, b| b.total_cmp(a));
    let allowed = others.len() * MISTAKEN / 1000;
    others.get(allowed).map_or(0.0, |m| m + 0.05).max(-1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls of a category no clinic ships with, a line each.
    const BARRIER: &str = include_str!("../../tests/data/barrier.txt");

    fn others() -> Vec<CallText> {
        let subjects = ["кота", "собаку", "кролика", "щенка", "кошку", "попугая"];
        let wishes = [
            "запишите на приём",
            "можно привезти на прививку",
            "сколько стоит принять",
            "перенесите нашу запись, у нас записан",
            "готовы ли анализы",
            "лежит у вас в стационаре, как он",
            "корм есть для",
            "откройте запись на завтра для",
            "не открывается ваш сайт, хотел записать",
        ];
        let line = |s: &&str| wishes.map(|w| CallText::of(&format!("{w} {s}")));
        subjects.iter().flat_map(line).collect()
    }

    #[test]
    fn a_dozen_examples_make_a_category_and_leave_the_others_alone() {
        let shared = Classifier::embedded();
        let (gate, others) = (BARRIER.lines().map(CallText::of).collect::<Vec<_>>(), others());
        let told: Vec<Told> = gate.iter().map(|c| (c, None)).collect();
        let rest: Vec<Told> = others.iter().map(|c| (c, None)).collect();
        let own = OwnCategory::train("gate", &told, &rest, shared).expect("enough of both");
        assert!(own.quality().found > 0.7, "{:?}", own.quality());
        let own = [OwnCategory::from_bytes(&own.to_bytes()).expect("its own bytes")];
        let call = CallText::of("алло, мы за шлагбаумом, откройте");
        let verdict = shared.classify_with(&call, None, &own);
        assert_eq!(verdict.label, "gate");
        assert!(verdict.evidence.iter().any(|e| e.text.contains("шлагбаум")), "{:?}", verdict.evidence);
        let sum: f32 = verdict.scores.iter().map(|s| s.1).sum();
        assert!((sum - 1.0).abs() < 1e-3);
        for call in &others {
            assert_eq!(shared.classify_with(call, None, &own), shared.classify(call, None));
        }
    }

    #[test]
    fn what_cannot_be_learned_is_refused_with_a_reason() {
        let shared = Classifier::embedded();
        let (gate, others) = (BARRIER.lines().map(CallText::of).collect::<Vec<_>>(), others());
        let told: Vec<Told> = gate.iter().map(|c| (c, None)).collect();
        let rest: Vec<Told> = others.iter().map(|c| (c, None)).collect();
        assert!(matches!(OwnCategory::train("target", &told, &rest, shared), Err(OwnError::Taken(_))));
        let few = OwnCategory::train("gate", &told[..3], &rest, shared);
        assert!(matches!(few, Err(OwnError::TooFew { got: 3, .. })));
        // The same words on both sides cannot be told apart.
        let vague = OwnCategory::train("gate", &rest[..20], &rest, shared);
        assert!(matches!(vague, Err(OwnError::TooVague(..))));
        let shared_bytes = shared.model().to_bytes();
        assert!(OwnCategory::from_bytes(&shared_bytes).is_err());
    }
}
