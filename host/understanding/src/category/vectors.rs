//! Word meanings: one short vector per frequent Russian stem, so that words never met in training still say something.
//!
//! Distilled from the input side of multilingual-e5-small (MIT): each word embedded alone, centred, reduced by principal
//! components, rare words weighted up; see `models/classifier/README.md`. File: magic `GVEC1`, u32 count, u32 dim, then
//! per stem its key (u32, ascending), then one weight byte per stem, then dim signed bytes per stem.

use std::sync::LazyLock;

use crate::lexicon::vocabulary;

static FILE: &[u8] = include_bytes!("../../../../models/classifier/words.gvec");
const HEAD: usize = 13;

/// The table, over embedded bytes.
pub(super) struct Vectors {
    keys: Vec<u32>,
    dim: usize,
    weights: &'static [u8],
    rows: &'static [u8],
}

impl Vectors {
    /// The table this program ships with; empty when the file is.
    pub fn embedded() -> &'static Self {
        static VECTORS: LazyLock<Vectors> = LazyLock::new(Vectors::read);
        &VECTORS
    }

    fn read() -> Self {
        let number = |at: usize| FILE.get(at..at + 4).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let (count, dim) = (number(5) as usize, number(9) as usize);
        if !FILE.starts_with(b"GVEC1") || FILE.len() != HEAD + count * (5 + dim) {
            return Self { keys: Vec::new(), dim: 0, weights: &[], rows: &[] };
        }
        Self {
            keys: (0..count).map(|i| number(HEAD + 4 * i)).collect(),
            dim,
            weights: &FILE[HEAD + 4 * count..HEAD + 5 * count],
            rows: &FILE[HEAD + 5 * count..],
        }
    }

    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Adds the stem's weighted vector to `sum`, if the stem is known.
    pub fn accumulate(&self, stem: &str, sum: &mut [f32]) {
        if let Some((weight, row)) = self.row(stem) {
            sum.iter_mut().zip(row).for_each(|(s, &v)| *s += weight * f32::from(v as i8));
        }
    }

    fn row(&self, stem: &str) -> Option<(f32, &'static [u8])> {
        let at = self.keys.binary_search(&vocabulary::key(stem)).ok()?;
        Some((f32::from(self.weights[at]) / 255.0 / 127.0, &self.rows[at * self.dim..(at + 1) * self.dim]))
    }
}
