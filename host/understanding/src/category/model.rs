//! The trained model: one row of weights per feature, its rarity, a bias per category, a temperature; and its file.
//!
//! File, little endian: magic `GUDOKM1\n`, u32 length of a JSON head ([`ModelInfo`]), the head, f32 bias per label, u32
//! rows, then per row: id u32 (ascending), rarity u8 (`/ 24`), scale f32, one signed byte per label (`× scale / 127`).

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::features::{Analysed, Feature, SPACES, Space};

const MAGIC: &[u8; 8] = b"GUDOKM1\n";
const RARITY_STEPS: f32 = 24.0;

/// Why a model could not be had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ModelError {
    /// The file could not be read.
    #[error(
        "cannot read the model {0}: {1}; train one with `gudok train` or leave the setting out to use the built-in"
    )]
    Unreadable(PathBuf, String),
    /// The bytes are no model of this version.
    #[error("not a model of this version: {0}; retrain it from the corpus")]
    Malformed(&'static str),
}

/// What is known of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Category ids, in the order of the weights.
    pub labels: Vec<String>,
    /// When it was trained, as given to the training (ISO date).
    pub trained: String,
    /// Hash of the corpus (FNV-1a over its lines, hexadecimal).
    pub corpus: String,
    /// Calls it was trained on.
    pub calls: usize,
    /// Macro-averaged F1 in cross-validation by scenario.
    pub macro_f1: f32,
    /// Accuracy in cross-validation by scenario.
    pub accuracy: f32,
    /// Expected calibration error in cross-validation, after calibration.
    pub ece: f32,
    /// Divisor of the logits.
    pub temperature: f32,
    /// A verdict below this confidence wants a person's look.
    pub review_below: f32,
    /// So does one whose two likeliest categories are closer than this.
    pub review_margin: f32,
}

impl ModelInfo {
    /// For these categories; nothing known yet.
    pub(super) fn new(labels: &[String]) -> Self {
        Self {
            labels: labels.to_vec(),
            trained: String::new(),
            corpus: String::new(),
            calls: 0,
            macro_f1: 0.0,
            accuracy: 0.0,
            ece: 0.0,
            temperature: 1.0,
            review_below: 0.5,
            review_margin: 0.1,
        }
    }
}

/// Weights and all that is needed to apply them.
#[derive(Debug, Clone)]
pub struct Model {
    info: ModelInfo,
    bias: Vec<f32>,
    rows: HashMap<u32, u32, BuildHasherDefault<Passing>>,
    ids: Vec<u32>,
    rarity: Vec<f32>,
    weights: Vec<f32>,
}

impl Model {
    /// A model from its parts: `ids` ascending, `rarity` per id, `weights` and `bias` by label. Weights are rounded as
    /// the file rounds them, so that a model behaves the same before and after it is stored.
    pub(super) fn new(info: ModelInfo, ids: Vec<u32>, rarity: Vec<f32>, weights: Vec<f32>, bias: Vec<f32>) -> Self {
        let labels = info.labels.len();
        let mut model = Self { info, bias, rows: HashMap::default(), ids, rarity, weights };
        for row in model.weights.chunks_exact_mut(labels) {
            let scale = row.iter().fold(0.0_f32, |m, w| m.max(w.abs()));
            row.iter_mut().for_each(|w| *w = quantise(*w, scale) as f32 * scale / 127.0);
        }
        model.rarity.iter_mut().for_each(|r| *r = rarity_byte(*r) as f32 / RARITY_STEPS);
        model.index();
        model
    }

    /// What is known of it.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    pub(super) fn info_mut(&mut self) -> &mut ModelInfo {
        &mut self.info
    }

    /// The same weights under the calibration of another model of the kind.
    pub fn calibrated_as(mut self, other: &ModelInfo) -> Self {
        self.info.temperature = other.temperature;
        self.info.review_below = other.review_below;
        self.info.review_margin = other.review_margin;
        self
    }

    /// Features it knows.
    #[expect(clippy::len_without_is_empty, reason = "a model is never empty")]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Calibrated probabilities in the order of [`ModelInfo::labels`].
    pub fn probabilities(&self, call: &Analysed) -> Vec<f32> {
        softmax(&self.logits(call), self.info.temperature)
    }

    /// Weighted sums before the softmax.
    pub fn logits(&self, call: &Analysed) -> Vec<f32> {
        let mut logits = self.bias.clone();
        for (row, value) in self.vector(call) {
            let weights = self.row(row);
            logits.iter_mut().zip(weights).for_each(|(l, w)| *l += value * w);
        }
        logits
    }

    /// The call as rows of this model with their values: counts damped, weighted by rarity, each space brought to its
    /// length.
    pub fn vector(&self, call: &Analysed) -> Vec<(u32, f32)> {
        vector(call, |id| self.rows.get(&id).map(|&row| (row, self.rarity[row as usize])))
    }

    /// The row of a feature, if the model knows it.
    pub fn row_of(&self, feature: &Feature) -> Option<u32> {
        self.rows.get(&feature.id).copied()
    }

    /// How rare a row's feature is.
    pub(super) fn rarity_of(&self, row: u32) -> f32 {
        self.rarity[row as usize]
    }

    /// The greatest rarity it knows.
    pub(super) fn rarest(&self) -> f32 {
        self.rarity.iter().copied().fold(1.0, f32::max)
    }

    /// Makes a label likelier or less likely throughout.
    pub(super) fn shift_bias(&mut self, label: usize, by: f32) {
        self.bias[label] += by;
    }

    /// Weights of a row by label.
    pub fn row(&self, row: u32) -> &[f32] {
        let labels = self.info.labels.len();
        &self.weights[row as usize * labels..(row as usize + 1) * labels]
    }

    /// Bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let head = serde_json::to_vec(&self.info).expect("invariant: plain data always serialises");
        let mut out = MAGIC.to_vec();
        out.extend((head.len() as u32).to_le_bytes());
        out.extend(head);
        self.bias.iter().for_each(|b| out.extend(b.to_le_bytes()));
        out.extend((self.ids.len() as u32).to_le_bytes());
        for (at, id) in self.ids.iter().enumerate() {
            let row = self.row(at as u32);
            let scale = row.iter().fold(0.0_f32, |m, w| m.max(w.abs()));
            out.extend(id.to_le_bytes());
            out.push(rarity_byte(self.rarity[at]));
            out.extend(scale.to_le_bytes());
            out.extend(row.iter().map(|&w| quantise(w, scale) as u8));
        }
        out
    }

    /// Reads a file's bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let mut rest = bytes.strip_prefix(MAGIC).ok_or(ModelError::Malformed("it does not begin with GUDOKM1"))?;
        let length = u32::from_le_bytes(take(&mut rest)?) as usize;
        let head = rest.get(..length).ok_or(ModelError::Malformed("cut off in its head"))?;
        rest = &rest[length..];
        let info: ModelInfo = serde_json::from_slice(head).map_err(|_| ModelError::Malformed("its head is no JSON"))?;
        let labels = info.labels.len();
        let bias = (0..labels).map(|_| take(&mut rest).map(f32::from_le_bytes)).collect::<Result<Vec<_>, _>>()?;
        let count = u32::from_le_bytes(take(&mut rest)?) as usize;
        if labels == 0 || rest.len() != count.saturating_mul(9 + labels) {
            return Err(ModelError::Malformed("its length does not fit its head"));
        }
        let (mut ids, mut rarity) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut weights = Vec::with_capacity(count * labels);
        for _ in 0..count {
            ids.push(u32::from_le_bytes(take(&mut rest)?));
            let [r] = take::<1>(&mut rest)?;
            rarity.push(f32::from(r) / RARITY_STEPS);
            let scale = f32::from_le_bytes(take(&mut rest)?);
            weights.extend(rest[..labels].iter().map(|&b| f32::from(b as i8) * scale / 127.0));
            rest = &rest[labels..];
        }
        let mut model = Self { info, bias, rows: HashMap::default(), ids, rarity, weights };
        model.index();
        Ok(model)
    }

    fn index(&mut self) {
        self.rows = self.ids.iter().enumerate().map(|(row, &id)| (id, row as u32)).collect();
    }
}

/// A call as rows and values; `known` gives a feature's row and rarity. The same row comes once.
pub(super) fn vector(call: &Analysed, known: impl Fn(u32) -> Option<(u32, f32)>) -> Vec<(u32, f32)> {
    // Rows are met again and again: what was counted for one stands at its place in a small open table.
    let size = (call.features.len() * 2).next_power_of_two().max(16);
    let mut places: Vec<u32> = vec![u32::MAX; size];
    let mut counted: Vec<(u32, Space, f32, f32)> = Vec::with_capacity(call.features.len());
    for feature in &call.features {
        let Some((row, rarity)) = known(feature.id) else { continue };
        let mut at = row.wrapping_mul(0x9e37_79b1) as usize & (size - 1);
        loop {
            match counted.get_mut(places[at] as usize) {
                Some(same) if same.0 == row => same.2 += feature.value,
                Some(_) => {
                    at = (at + 1) & (size - 1);
                    continue;
                }
                None => {
                    places[at] = counted.len() as u32;
                    counted.push((row, feature.space, feature.value, rarity));
                }
            }
            break;
        }
    }
    let mut squares = [0.0_f32; SPACES.len()];
    let mut out: Vec<(u32, Space, f32)> = Vec::with_capacity(counted.len());
    for (row, space, count, rarity) in counted {
        let value = match space {
            Space::Dense => count,
            _ => (1.0 + count.max(1.0).ln()) * rarity,
        };
        squares[space as usize] += value * value;
        out.push((row, space, value));
    }
    let mut factors = [0.0_f32; SPACES.len()];
    for (space, length) in SPACES {
        factors[space as usize] = match space {
            Space::Dense => length,
            _ => length / squares[space as usize].sqrt().max(1e-6),
        };
    }
    out.into_iter().map(|(row, space, value)| (row, value * factors[space as usize])).collect()
}

/// Probabilities of logits divided by a temperature.
pub(super) fn softmax(logits: &[f32], temperature: f32) -> Vec<f32> {
    let top = logits.iter().copied().fold(f32::MIN, f32::max);
    let mut out: Vec<f32> = logits.iter().map(|l| ((l - top) / temperature).exp()).collect();
    let sum: f32 = out.iter().sum();
    out.iter_mut().for_each(|p| *p /= sum);
    out
}

fn quantise(weight: f32, scale: f32) -> i8 {
    if scale > 0.0 { (weight / scale * 127.0).round() as i8 } else { 0 }
}

fn rarity_byte(rarity: f32) -> u8 {
    (rarity * RARITY_STEPS).round().clamp(0.0, 255.0) as u8
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], ModelError> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(ModelError::Malformed("cut off"))?;
    *rest = tail;
    Ok(*head)
}

/// Feature ids are hashes already.
#[derive(Debug, Default, Clone, Copy)]
struct Passing(u64);

impl Hasher for Passing {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&b| self.0 = self.0.rotate_left(8) ^ u64::from(b));
    }
    fn write_u32(&mut self, n: u32) {
        self.0 = u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
