//! Packs the stems of frequent words: `cargo run -p understanding --example known_stems -- WORDS`, one word a line.
//! Writes `models/lexicon/known_stems.bin` (see `lexicon::vocabulary`).

use std::collections::BTreeSet;

use understanding::lexicon::vocabulary::key;
use understanding::normalise::stem;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words = std::env::args().nth(1).ok_or("usage: known_stems WORDS")?;
    let stems: BTreeSet<u32> = std::fs::read_to_string(words)?.lines().map(|w| key(&stem(w.trim()))).collect();
    let packed: Vec<u8> = stems.iter().flat_map(|k| k.to_le_bytes()).collect();
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/lexicon/known_stems.bin"), packed)?;
    println!("{} stems", stems.len());
    Ok(())
}
