//! What words mean: short vectors of stems, near ones for stems that are said in like company, and how rare each is.
//!
//! The table (`models/lexicon/word_vectors.bin`) is made by `models/lexicon/word_vectors.py` and the example
//! `word_vectors`: magic `GUDOKV1\n`, u32 numbers a stem, u32 stems; u32 keys, ascending; a byte of rarity each; a signed
//! byte per number. Little endian.

use std::sync::LazyLock;

use super::vocabulary::key;

/// The vector of a stem; cheap to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sense(u32);

struct Table {
    size: usize,
    keys: Vec<u32>,
    rarity: &'static [u8],
    numbers: Vec<f32>,
}

static BYTES: &[u8] = include_bytes!("../../../../models/lexicon/word_vectors.bin");

static TABLE: LazyLock<Table> =
    LazyLock::new(|| Table::read(BYTES).expect("invariant: the embedded word_vectors.bin is checked by a test"));

impl Table {
    fn read(bytes: &'static [u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(b"GUDOKV1\n")?;
        let (size, rest) = rest.split_first_chunk::<4>()?;
        let (count, rest) = rest.split_first_chunk::<4>()?;
        let (size, count) = (u32::from_le_bytes(*size) as usize, u32::from_le_bytes(*count) as usize);
        let (keys, rest) = rest.split_at_checked(4 * count)?;
        let (rarity, numbers) = rest.split_at_checked(count)?;
        if size == 0 || numbers.len() != count * size {
            return None;
        }
        let keys = keys.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect();
        // Every vector is brought to length one, so that products are cosines.
        let mut unit: Vec<f32> = numbers.iter().map(|&b| f32::from(b as i8)).collect();
        for vector in unit.chunks_exact_mut(size) {
            let length = vector.iter().map(|n| n * n).sum::<f32>().sqrt().max(1.0);
            vector.iter_mut().for_each(|n| *n /= length);
        }
        Some(Self { size, keys, rarity, numbers: unit })
    }
}

impl Sense {
    /// Of a stem, if the table has it.
    ///
    /// ```
    /// use understanding::lexicon::senses::Sense;
    /// use understanding::normalise::stem;
    /// let of = |word: &str| Sense::of(&stem(word));
    /// let (Some(cat), Some(dog), Some(bank)) = (of("кошка"), of("собака"), of("банк")) else { panic!("common words") };
    /// assert!(cat.cosine(&dog) > cat.cosine(&bank) + 0.2);
    /// ```
    pub fn of(stem: &str) -> Option<Self> {
        TABLE.keys.binary_search(&key(stem)).ok().map(|at| Self(at as u32))
    }

    /// How alike two are: 1 the same, 0 and below nothing in common.
    pub fn cosine(&self, other: &Self) -> f32 {
        self.vector().iter().zip(other.vector()).map(|(a, b)| a * b).sum()
    }

    fn vector(self) -> &'static [f32] {
        let at = self.0 as usize * TABLE.size;
        &TABLE.numbers[at..at + TABLE.size]
    }
}

/// What a word weighs by its rarity in the language, 0 to 1; a word without a sense is as rare as can be.
pub fn rarity(sense: Option<&Sense>) -> f32 {
    sense.map_or(1.0, |s| f32::from(TABLE.rarity[s.0 as usize]) / 255.0)
}

/// The mean of senses, each counted by its rarity (Arora et al. 2017); all zero where there is none.
pub fn mean(senses: &[Option<Sense>]) -> Vec<f32> {
    let mut out = vec![0.0; TABLE.size];
    for sense in senses.iter().flatten() {
        let weight = rarity(Some(sense));
        out.iter_mut().zip(sense.vector()).for_each(|(sum, n)| *sum += weight * n);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_table_is_well_formed() {
        assert!(Table::read(BYTES).is_some_and(|t| t.keys.len() > 10_000 && t.keys.is_sorted()));
        assert!(Table::read(&BYTES[..BYTES.len() - 1]).is_none() && Table::read(b"").is_none());
    }
}
