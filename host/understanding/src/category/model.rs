//! The trained model: one row of weights per feature, its rarity, a bias per category, a temperature; and its file.
//!
//! File, little endian: magic `GUDOKM1\n`, u32 length of a JSON head ([`ModelInfo`]), the head, f32 bias per label, u32
//! rows, then per row: id u32 (ascending), rarity u8 (`/ 24`), scale f32, one signed byte per label (`× scale / 127`); where
//! the head speaks of meaning, 384 f32 per label and one more per label follow.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::features::{Analysed, Feature, SPACES, Space};
use super::head::{Head, settled};
use crate::meaning::LENGTH;

const MAGIC: &[u8; 8] = b"GUDOKM1\n";
const RARITY_STEPS: f32 = 24.0;
/// Rows a model may have: a number of three bytes says which one.
const MOST: usize = 0x00ff_ffff;

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
    /// The same with vectors of meaning beside the words, where it was trained with them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meaning: Option<MeaningInfo>,
}

/// What is known of a model that is asked for meaning too where the words leave a doubt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeaningInfo {
    /// Macro-averaged F1 in cross-validation by scenario.
    pub macro_f1: f32,
    /// Accuracy in cross-validation by scenario.
    pub accuracy: f32,
    /// Expected calibration error in cross-validation, after calibration.
    pub ece: f32,
    /// Divisor of the logits of words and meaning together.
    pub temperature: f32,
    /// A verdict below this confidence wants a person's look.
    pub review_below: f32,
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
            meaning: None,
        }
    }
}

/// Weights and all that is needed to apply them.
#[derive(Debug, Clone)]
pub struct Model {
    info: ModelInfo,
    bias: Vec<f32>,
    rows: Rows,
    ids: Vec<u32>,
    rarity: Vec<u8>,
    /// Row after row, each filled up with zeros to [`stride`] numbers.
    weights: Vec<f32>,
    /// What meaning says; there when [`ModelInfo::meaning`] is.
    head: Option<Head>,
}

/// Numbers a row takes: as many as the processor adds at once, and again.
fn stride(labels: usize) -> usize {
    labels.next_multiple_of(LANES)
}

const LANES: usize = 4;

impl Model {
    /// A model from its parts: `ids` ascending, `rarity` per id, `weights` and `bias` by label. Weights are rounded as
    /// the file rounds them, so that a model behaves the same before and after it is stored.
    pub(super) fn new(info: ModelInfo, ids: Vec<u32>, rarity: Vec<f32>, weights: Vec<f32>, bias: Vec<f32>) -> Self {
        let labels = info.labels.len();
        let mut rounded = Vec::with_capacity(ids.len() * stride(labels));
        for row in weights.chunks_exact(labels) {
            let scale = row.iter().fold(0.0_f32, |m, w| m.max(w.abs()));
            rounded.extend(row.iter().map(|w| f32::from(quantise(*w, scale)) * scale / 127.0));
            rounded.resize(rounded.len().next_multiple_of(LANES), 0.0);
        }
        let rarity: Vec<u8> = rarity.into_iter().map(rarity_byte).collect();
        let rows = Rows::new(&ids, &rarity);
        Self { info, bias, rows, ids, rarity, weights: rounded, head: None }
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
        self.info.meaning = other.meaning.clone().filter(|_| self.head.is_some());
        self
    }

    /// Takes a reading of meaning; [`ModelInfo::meaning`] is the caller's to fill.
    pub(super) fn set_head(&mut self, head: Head) {
        self.head = Some(head);
    }

    pub(super) fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Shows the figures that hold when meaning is asked for, too, if it was trained for that.
    pub(super) fn take_up_meaning(&mut self) {
        let Some(of) = self.info.meaning.clone().filter(|_| self.head.is_some()) else { return };
        let info = &mut self.info;
        (info.macro_f1, info.accuracy, info.ece) = (of.macro_f1, of.accuracy, of.ece);
        info.review_below = of.review_below;
    }

    /// Calibrated probabilities from words and meaning, for a call whose words alone leave a doubt; none without a head.
    pub(super) fn probabilities_with(&self, words: &[f32], vector: &[f32; LENGTH]) -> Option<Vec<f32>> {
        let (head, of) = (self.head.as_ref()?, self.info.meaning.as_ref()?);
        let mut both = words.to_vec();
        head.add(vector, &mut both);
        Some(settled(words, self.info.temperature, &both, of.temperature))
    }

    /// Features it knows.
    #[expect(clippy::len_without_is_empty, reason = "a model is never empty")]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Calibrated probabilities in the order of [`ModelInfo::labels`].
    pub fn probabilities(&self, call: &Analysed) -> Vec<f32> {
        self.probabilities_of(&self.known(call))
    }

    /// [`Model::probabilities`] of a call already looked up.
    pub(super) fn probabilities_of(&self, known: &Known) -> Vec<f32> {
        softmax(&self.logits_of(known), self.info.temperature)
    }

    /// Weighted sums before the softmax.
    pub fn logits(&self, call: &Analysed) -> Vec<f32> {
        self.logits_of(&self.known(call))
    }

    /// [`Model::logits`] of a call already looked up.
    pub(super) fn logits_of(&self, known: &Known) -> Vec<f32> {
        let mut logits = self.bias.clone();
        match stride(self.info.labels.len()) {
            12 => self.sum::<3>(known, &mut logits),
            4 => self.sum::<1>(known, &mut logits),
            _ => known.entries.iter().for_each(|&(row, value)| {
                logits.iter_mut().zip(self.row(row)).for_each(|(l, w)| *l += value * w);
            }),
        }
        logits
    }

    /// Adds up the rows of a call, their numbers side by side: `N` times [`LANES`] of them.
    fn sum<const N: usize>(&self, known: &Known, logits: &mut [f32]) {
        let mut sums = [[0.0_f32; LANES]; N];
        sums.as_flattened_mut().iter_mut().zip(&*logits).for_each(|(sum, l)| *sum = *l);
        let rows = self.weights.as_chunks::<LANES>().0.as_chunks::<N>().0;
        for &(row, value) in &known.entries {
            let weights = &rows[row as usize];
            for (sums, weights) in sums.iter_mut().zip(weights) {
                (0..LANES).for_each(|n| sums[n] += value * weights[n]);
            }
        }
        logits.iter_mut().zip(sums.as_flattened()).for_each(|(l, sum)| *l = *sum);
    }

    /// The call as rows of this model with their values: counts damped, weighted by rarity, each space brought to its
    /// length.
    pub fn vector(&self, call: &Analysed) -> Vec<(u32, f32)> {
        self.known(call).entries
    }

    /// As [`Model::vector`], with the place of every feature among the rows.
    pub(super) fn known(&self, call: &Analysed) -> Known {
        // All are looked up before anything else is done with them: memory answers many questions at once.
        let found: Vec<(u32, f32)> = call.features.iter().map(|f| self.rows.look_up(f.id)).collect();
        weigh(call, &found)
    }

    /// The row of a feature, if the model knows it.
    pub fn row_of(&self, feature: &Feature) -> Option<u32> {
        Some(self.rows.look_up(feature.id).0).filter(|row| *row != UNKNOWN)
    }

    /// How rare a row's feature is.
    pub(super) fn rarity_of(&self, row: u32) -> f32 {
        f32::from(self.rarity[row as usize]) / RARITY_STEPS
    }

    /// The greatest rarity it knows.
    pub(super) fn rarest(&self) -> f32 {
        self.rarity.iter().map(|r| f32::from(*r) / RARITY_STEPS).fold(1.0, f32::max)
    }

    /// Makes a label likelier or less likely throughout.
    pub(super) fn shift_bias(&mut self, label: usize, by: f32) {
        self.bias[label] += by;
    }

    /// Weights of a row by label.
    pub fn row(&self, row: u32) -> &[f32] {
        let labels = self.info.labels.len();
        &self.weights[row as usize * stride(labels)..][..labels]
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
            out.push(self.rarity[at]);
            out.extend(scale.to_le_bytes());
            out.extend(row.iter().map(|&w| quantise(w, scale) as u8));
        }
        if let Some(head) = self.head.as_ref().filter(|_| self.info.meaning.is_some()) {
            head.write(&mut out);
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
        let head = if info.meaning.is_some() { Head::bytes(labels) } else { 0 };
        if labels == 0 || count >= MOST || rest.len() != count.saturating_mul(9 + labels).saturating_add(head) {
            return Err(ModelError::Malformed("its length does not fit its head"));
        }
        let (mut ids, mut rarity) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let mut weights = Vec::with_capacity(count * stride(labels));
        for _ in 0..count {
            ids.push(u32::from_le_bytes(take(&mut rest)?));
            let [r] = take::<1>(&mut rest)?;
            rarity.push(r);
            let scale = f32::from_le_bytes(take(&mut rest)?);
            weights.extend(rest[..labels].iter().map(|&b| f32::from(b as i8) * scale / 127.0));
            weights.resize(weights.len().next_multiple_of(LANES), 0.0);
            rest = &rest[labels..];
        }
        let rows = Rows::new(&ids, &rarity);
        let head = info.meaning.as_ref().map(|_| Head::read(rest, labels));
        Ok(Self { info, bias, rows, ids, rarity, weights, head })
    }
}

/// Stands for a feature that a model does not know.
pub(super) const UNKNOWN: u32 = u32::MAX;

/// A call as a model sees it.
pub(super) struct Known {
    /// Rows with their values, each row once.
    pub entries: Vec<(u32, f32)>,
    /// The place of every feature of the call among them, or [`UNKNOWN`].
    pub places: Vec<u32>,
}

/// A call as rows and values; `known` gives a feature's row and rarity. The same row comes once.
pub(super) fn vector(call: &Analysed, known: impl Fn(u32) -> Option<(u32, f32)>) -> Vec<(u32, f32)> {
    let found: Vec<(u32, f32)> = call.features.iter().map(|f| known(f.id).unwrap_or((UNKNOWN, 0.0))).collect();
    weigh(call, &found).entries
}

/// Counts the rows that were found for the features of a call and gives them their values.
fn weigh(call: &Analysed, found: &[(u32, f32)]) -> Known {
    // Rows are met again and again: what was counted for one stands at its place in a small open table.
    let size = (call.features.len() * 2).next_power_of_two().max(16);
    let shift = 32 - size.trailing_zeros();
    let mut table: Vec<u32> = vec![UNKNOWN; size];
    let mut counted: Vec<(u32, Space, f32, f32)> = Vec::with_capacity(call.features.len());
    let mut places: Vec<u32> = Vec::with_capacity(call.features.len());
    for (feature, &(row, rarity)) in call.features.iter().zip(found) {
        if row == UNKNOWN {
            places.push(UNKNOWN);
            continue;
        }
        let mut at = (row.wrapping_mul(0x9e37_79b1) >> shift) as usize;
        let place = loop {
            match counted.get_mut(table[at] as usize) {
                Some(same) if same.0 == row => {
                    same.2 += feature.value;
                    break table[at];
                }
                Some(_) => at = (at + 1) & (size - 1),
                None => {
                    let place = counted.len() as u32;
                    table[at] = place;
                    counted.push((row, feature.space, feature.value, rarity));
                    break place;
                }
            }
        };
        places.push(place);
    }
    let mut squares = [0.0_f32; SPACES.len()];
    for (_, space, count, rarity) in &mut counted {
        if *space != Space::Dense {
            let damped = if *count > 1.0 { 1.0 + count.ln() } else { 1.0 };
            *count = damped * *rarity;
        }
        squares[*space as usize] += *count * *count;
    }
    let mut factors = [0.0_f32; SPACES.len()];
    for (space, length) in SPACES {
        factors[space as usize] = match space {
            Space::Dense => length,
            _ => length / squares[space as usize].sqrt().max(1e-6),
        };
    }
    let entries = counted.into_iter().map(|(row, space, value, _)| (row, value * factors[space as usize])).collect();
    Known { entries, places }
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

/// The row and the rarity of every id: an open table, a quarter empty at least, so that most lookups touch one line of
/// memory, and small, so that much of it stays near the processor.
#[derive(Debug, Default, Clone)]
struct Rows {
    /// Id; row and rarity, or [`UNKNOWN`] where nothing stands.
    slots: Vec<(u32, u32)>,
    shift: u32,
}

impl Rows {
    fn new(ids: &[u32], rarity: &[u8]) -> Self {
        let size = (ids.len() + ids.len() / 3 + 1).next_power_of_two().max(2);
        let mut rows = Self { slots: vec![(0, UNKNOWN); size], shift: 32 - size.trailing_zeros() };
        for (row, (&id, &rarity)) in ids.iter().zip(rarity).enumerate() {
            let mut at = rows.first(id);
            while rows.slots[at].1 != UNKNOWN {
                at = (at + 1) & (size - 1);
            }
            rows.slots[at] = (id, (row as u32) << 8 | u32::from(rarity));
        }
        rows
    }

    /// Ids are hashes already; multiplying takes their better half.
    fn first(&self, id: u32) -> usize {
        (id.wrapping_mul(0x9e37_79b1) >> self.shift) as usize
    }

    /// Row and rarity; [`UNKNOWN`] for an id that has none.
    fn look_up(&self, id: u32) -> (u32, f32) {
        let mut at = self.first(id);
        loop {
            match self.slots[at] {
                (_, UNKNOWN) => return (UNKNOWN, 0.0),
                (known, row) if known == id => return (row >> 8, (row & 0xff) as f32 / RARITY_STEPS),
                _ => at = (at + 1) & (self.slots.len() - 1),
            }
        }
    }
}
