//! What a call was about: one main category with confidence and the words that led to it.
//!
//! A linear model over what callers say ([`features`]: word and letter n-grams, known turns of phrase, services
//! as they stand to *this* clinic), trained on the project's own corpus ([`train()`], [`corpus`]), with
//! calibrated confidence ([`calibrate`]), honest measures ([`evaluate`]) and reasons ([`evidence`]). What the labels
//! mean, what they are called and what to do about them is data ([`taxonomy`]). People's part: which calls to look at
//! first ([`review`]), learning from what they corrected ([`corrections`]), categories of a clinic's own ([`own`]), and
//! what changed between two models ([`compare`]).
//!
//! Invariants: pure and deterministic (same call, same model, same verdict; same corpus, same seed, same model); no
//! weights but those of the [`Model`]; a verdict the model is unsure of says so (`review`).

pub mod calibrate;
pub mod compare;
pub mod corpus;
pub mod corrections;
pub mod evaluate;
pub mod evidence;
pub mod features;
mod head;
mod learner;
pub mod model;
mod noise;
pub mod own;
pub mod review;
pub mod taxonomy;
pub mod train;

use std::path::Path;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::meaning::Meaning;
use crate::profile::Profile;
pub use evidence::{Evidence, WordTime};
pub use model::{MeaningInfo, Model, ModelError, ModelInfo};
pub use taxonomy::{Category, CountsAs, Taxonomy};
pub use train::{TrainOptions, TrainingReport, train};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// The one who called.
    Caller,
    /// The clinic's side, person or robot.
    Agent,
    /// Not known (a mono recording): taken for the caller.
    Unknown,
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Who speaks.
    pub who: Who,
    /// What was said.
    pub text: String,
    /// From the start of the call; zero when not known.
    #[serde(default)]
    pub start_ms: u64,
    /// From the start of the call; zero when not known.
    #[serde(default)]
    pub end_ms: u64,
}

/// The words of a call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallText {
    /// In order of speaking.
    pub turns: Vec<Turn>,
    /// Whether the clinic had called this number shortly before and got no answer.
    #[serde(default)]
    pub missed_call: bool,
}

impl CallText {
    /// The caller's words alone, as one turn.
    pub fn of(text: &str) -> Self {
        let turn = Turn { who: Who::Caller, text: text.to_owned(), start_ms: 0, end_ms: 0 };
        Self { turns: vec![turn], missed_call: false }
    }

    /// The turns of the caller with their indices.
    pub fn caller_turns(&self) -> impl Iterator<Item = (usize, &Turn)> {
        self.turns.iter().enumerate().filter(|(_, t)| t.who != Who::Agent)
    }

    /// The caller's turns with one space between: the text that evidence points into.
    pub fn caller_text(&self) -> String {
        self.caller_turns().map(|(_, t)| t.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// The category given to a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Category id.
    pub label: String,
    /// Calibrated probability of `label`, 0 to 1.
    pub confidence: f32,
    /// All categories with their probabilities, likeliest first.
    pub scores: Vec<(String, f32)>,
    /// The caller's words that spoke most for `label`, strongest first.
    pub evidence: Vec<Evidence>,
    /// Whether a person should look: low confidence, or two categories close together.
    pub review: bool,
}

/// A trained model, ready to judge calls.
#[derive(Debug, Clone)]
pub struct Classifier {
    model: Model,
    meaning: Option<Meaning>,
}

/// The category of calls for what the clinic does not do.
const NOT_OURS: &str = "not_our_service";

/// By how much its chance falls where all that the caller names is of this clinic.
const OURS: f32 = 0.3;

impl Classifier {
    /// The model this program ships with.
    pub fn embedded() -> &'static Self {
        static CLASSIFIER: LazyLock<Classifier> = LazyLock::new(|| Classifier {
            model: Model::from_bytes(include_bytes!("../../../../models/classifier/calls.gudokm"))
                .expect("invariant: the embedded model is checked by a test"),
            meaning: None,
        });
        &CLASSIFIER
    }

    /// A model from a file (a clinic's own, retrained on its corrections).
    pub fn load(path: &Path) -> Result<Self, ModelError> {
        let bytes = std::fs::read(path).map_err(|e| ModelError::Unreadable(path.to_owned(), e.to_string()))?;
        Ok(Self::new(Model::from_bytes(&bytes)?))
    }

    /// A model just trained.
    pub fn new(model: Model) -> Self {
        Self { model, meaning: None }
    }

    /// Asks for the meaning of the caller's words, too, where they leave a doubt one by one; if there is whom to ask. A model
    /// that was not trained for it goes on without.
    pub fn with_meaning(mut self, meaning: impl Into<Option<Meaning>>) -> Self {
        self.meaning = meaning.into();
        if self.meaning.is_some() {
            self.model.take_up_meaning();
        }
        self
    }

    /// What it asks for meaning.
    pub fn meaning(&self) -> Option<&Meaning> {
        self.meaning.as_ref()
    }

    /// Whether it was trained to ask for meaning, and has whom to ask.
    pub fn asks_for_meaning(&self) -> bool {
        self.meaning.is_some() && self.model.head().is_some()
    }

    /// When it was trained, on what, and how well it does.
    pub fn info(&self) -> &ModelInfo {
        self.model.info()
    }

    /// The model itself.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The category of a call, with evidence. Without a profile nothing is known of what the clinic offers.
    pub fn classify(&self, call: &CallText, profile: Option<&Profile>) -> Verdict {
        let analysed = features::Analysed::new(call, profile);
        let known = self.model.known(&analysed);
        let probabilities = self.probabilities(call, &analysed, &known);
        let mut verdict = Verdict::from_probabilities(probabilities, self.model.info());
        verdict.evidence = evidence::of(&self.model, call, &analysed, &known, &verdict.label);
        verdict
    }

    /// As [`Classifier::classify`], without looking for evidence: for counting many calls fast.
    pub fn label(&self, call: &CallText, profile: Option<&Profile>) -> Verdict {
        let analysed = features::Analysed::new(call, profile);
        let known = self.model.known(&analysed);
        Verdict::from_probabilities(self.probabilities(call, &analysed, &known), self.model.info())
    }

    /// Calibrated probabilities in the order of the labels.
    fn probabilities(&self, call: &CallText, analysed: &features::Analysed, known: &model::Known) -> Vec<f32> {
        let words = self.model.logits_of(known);
        let alone = model::softmax(&words, self.model.info().temperature);
        let mut probabilities = match &self.meaning {
            Some(meaning) if self.asks_for_meaning() && !head::is_sure(&alone) => {
                self.model.probabilities_with(&words, &meaning.vector(&call.caller_text())).unwrap_or(alone)
            }
            _ => alone,
        };
        if analysed.all_ours {
            self.ours(&mut probabilities);
        }
        probabilities
    }

    /// What the clinic offers, or its field does and its lists pass over, is hardly "not our service".
    fn ours(&self, probabilities: &mut [f32]) {
        let Some(not_ours) = self.model.info().labels.iter().position(|label| label == NOT_OURS) else { return };
        probabilities[not_ours] *= OURS;
        let sum: f32 = probabilities.iter().sum();
        probabilities.iter_mut().for_each(|p| *p /= sum);
    }
}

impl Verdict {
    /// Gives the evidence its seconds by the times of the words: `words` has those of every turn, none where not known.
    pub fn place(&mut self, call: &CallText, words: &[Vec<WordTime>]) {
        evidence::place(&mut self.evidence, call, words);
    }

    /// The likeliest label of probabilities given in the order of the model's labels; no evidence yet.
    fn from_probabilities(probabilities: Vec<f32>, info: &ModelInfo) -> Self {
        let mut scores: Vec<(String, f32)> = info.labels.iter().cloned().zip(probabilities).collect();
        scores.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let (label, confidence) = scores.first().cloned().unwrap_or_default();
        let second = scores.get(1).map_or(0.0, |s| s.1);
        let review = confidence < info.review_below || confidence - second < info.review_margin;
        Self { label, confidence, scores, evidence: Vec::new(), review }
    }
}

#[cfg(test)]
mod tests;
