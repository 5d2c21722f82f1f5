//! Packs word vectors by stems into `models/lexicon/word_vectors.bin` (see `lexicon::senses`):
//! `cargo run --release -p understanding --example word_vectors -- WORDS VECTORS STEMS`. WORDS has a line `word<TAB>share of
//! all words` per vector, VECTORS the vectors as 32-bit floats; the STEMS most frequent stems are kept.

use std::collections::HashMap;

use understanding::lexicon::vocabulary::key;
use understanding::normalise::stem;

/// What a word seen once in a thousand weighs is a half.
const COMMON: f64 = 1e-3;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let [_, words, vectors, most] = args.as_slice() else {
        return Err("usage: word_vectors WORDS VECTORS STEMS".into());
    };
    let words: Vec<(String, f64)> = std::fs::read_to_string(words)?
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(word, share)| Ok((word.to_owned(), share.parse()?)))
        .collect::<Result<_, std::num::ParseFloatError>>()?;
    let bytes = std::fs::read(vectors)?;
    let numbers: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    let size = numbers.len() / words.len().max(1);
    let mut stems: HashMap<u32, (f64, Vec<f64>)> = HashMap::new();
    for ((word, share), vector) in words.iter().zip(numbers.chunks_exact(size)) {
        let slot = stems.entry(key(&stem(word))).or_insert_with(|| (0.0, vec![0.0; size]));
        slot.0 += share;
        // Rare forms count too, or one homonym decides.
        let weight = (share + 1e-7).sqrt();
        slot.1.iter_mut().zip(vector).for_each(|(sum, n)| *sum += weight * f64::from(*n));
    }
    let mut ordered: Vec<(u32, f64, Vec<f64>)> = stems.into_iter().map(|(k, (share, v))| (k, share, v)).collect();
    ordered.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    ordered.truncate(most.parse()?);
    ordered.sort_by_key(|s| s.0);
    let mut out = b"GUDOKV1\n".to_vec();
    out.extend((size as u32).to_le_bytes());
    out.extend((ordered.len() as u32).to_le_bytes());
    ordered.iter().for_each(|(key, ..)| out.extend(key.to_le_bytes()));
    out.extend(ordered.iter().map(|(_, share, _)| (255.0 * COMMON / (COMMON + share)).round() as u8));
    for (_, _, vector) in &ordered {
        let top = vector.iter().fold(1e-12_f64, |top, n| top.max(n.abs()));
        out.extend(vector.iter().map(|n| (127.0 * n / top).round() as i8 as u8));
    }
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/lexicon/word_vectors.bin"), &out)?;
    println!("{} stems of {size} numbers, {} bytes", ordered.len(), out.len());
    Ok(())
}
