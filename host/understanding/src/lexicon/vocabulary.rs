//! Stems that the language knows: a word among them is not taken for a damaged spelling of another.

use std::sync::LazyLock;

use super::patterns::hash;

/// Hashes (32 bits, sorted, little endian) of the stems of frequent Russian words; made by `examples/known_stems.rs`.
static STEMS: LazyLock<Vec<u32>> = LazyLock::new(|| {
    include_bytes!("../../../../models/lexicon/known_stems.bin")
        .chunks_exact(4)
        .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect()
});

/// The key of a stem in the table.
pub fn key(stem: &str) -> u32 {
    let h = hash(stem.chars());
    (h ^ (h >> 32)) as u32
}

/// Whether a stem belongs to a frequent word.
pub fn knows(stem: &str) -> bool {
    STEMS.binary_search(&key(stem)).is_ok()
}
