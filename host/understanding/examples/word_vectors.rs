//! Packs word meanings for the classifier: `cargo run -p understanding --example word_vectors -- WORDS VECTORS DIM`.
//!
//! WORDS: `word<TAB>frequency` a line; VECTORS: little-endian f32, DIM per word. Words of one stem are averaged by
//! frequency. Writes `models/classifier/words.gvec` and `models/lexicon/known_stems.bin`.

use std::collections::BTreeMap;

use understanding::lexicon::vocabulary::key;
use understanding::normalise::stem;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(words), Some(vectors), Some(dim)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: word_vectors WORDS VECTORS DIM".into());
    };
    let dim: usize = dim.parse()?;
    let bytes = std::fs::read(vectors)?;
    let mut stems: BTreeMap<u32, (f64, Vec<f64>)> = BTreeMap::new();
    for (line, row) in std::fs::read_to_string(words)?.lines().zip(bytes.chunks_exact(4 * dim)) {
        let (word, frequency) = line.split_once('\t').ok_or("a line without a tab")?;
        let frequency: f64 = frequency.parse()?;
        let entry = stems.entry(key(&stem(word))).or_insert_with(|| (0.0, vec![0.0; dim]));
        entry.0 += frequency;
        for (sum, b) in entry.1.iter_mut().zip(row.chunks_exact(4)) {
            *sum += frequency.max(1e-9) * f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        }
    }
    let mut file = b"GVEC1".to_vec();
    file.extend((stems.len() as u32).to_le_bytes());
    file.extend((dim as u32).to_le_bytes());
    stems.keys().for_each(|k| file.extend(k.to_le_bytes()));
    // Smooth inverse frequency: the weight of a word in a mean of words (Arora et al. 2017), a = 1e-3.
    file.extend(stems.values().map(|(f, _)| (255.0 * 1e-3 / (1e-3 + f)).round().max(1.0) as u8));
    for (_, row) in stems.values() {
        let length = row.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-12);
        file.extend(row.iter().map(|x| (x / length * 254.0).round().clamp(-127.0, 127.0) as i8 as u8));
    }
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models");
    std::fs::write(format!("{models}/classifier/words.gvec"), file)?;
    let known: Vec<u8> = stems.keys().flat_map(|k| k.to_le_bytes()).collect();
    std::fs::write(format!("{models}/lexicon/known_stems.bin"), known)?;
    println!("{} stems", stems.len());
    Ok(())
}
