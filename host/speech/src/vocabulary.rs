//! A clinic's own words: its doctors, medicines and services, which no recogniser knows well.
//!
//! They bias recognition (engines that take a text beforehand get [`Vocabulary::line`]), and mend what was heard nearly
//! right: "сима парика" becomes "Симпарика", "к смерновой" becomes "к Смирновой". A word is mended where it *sounds* like
//! one of the list ([`sound`]) and is no word of the language: "канал" stays "канал" even where a feed is called "Ренал".
//! The ending that was heard is kept, for the sentence needs it.

mod sound;

use std::sync::Arc;

use sound::Sounds;

/// Tells the words of the language from those that only look like words; gets them in lower case.
pub type Known = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// The list, ready to compare with.
#[derive(Clone)]
pub struct Vocabulary {
    words: Vec<String>,
    entries: Vec<Entry>,
    known: Known,
}

/// A word of the list that is long and rare enough to be recognised by its sound.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// As it is listed, without its ending.
    stem: String,
    /// Its ending as listed.
    ending: String,
    sounds: Sounds,
}

/// A shorter stem is too like other words.
const SHORTEST: usize = 4;
/// The same for words of the language ("онколог", which is heard as "анколог").
const SHORTEST_KNOWN: usize = 5;
/// Shorter words are prepositions and the like, whatever a list of known words has.
const SHORTEST_UNKNOWN: usize = 3;
/// Unlikeness to a listed word, as a share of its length, up to which a word is taken for it.
const NEAR: f32 = 0.26;
/// For words heard as two or three.
const NEAR_IN_PIECES: f32 = 0.2;
/// The next best must be so much farther away, or nothing is certain.
const CLEARER: f32 = 0.06;
/// Pieces that a word falls into at most.
const PIECES: usize = 3;
/// What every further piece must better a match by: "у Смирновой" is not one word.
const PIECE: f32 = 0.04;

/// Endings of Russian nouns and adjectives, the longest first.
const ENDINGS: &[&str] = &[
    "ыми", "ими", "ами", "ями", "ого", "его", "ому", "ему", "ией", "иях", "ой", "ей", "ою", "ею", "ом", "ем", "ым",
    "им", "ов", "ев", "ах", "ях", "ам", "ям", "ая", "яя", "ую", "юю", "ое", "ее", "ые", "ие", "ый", "ий", "ых", "их",
    "ия", "ии", "ию", "а", "я", "о", "е", "у", "ю", "ы", "и", "ь", "й",
];

impl Vocabulary {
    /// A list of words and phrases, in the form a dictionary has them in; `known` are the words of the language.
    pub fn new(words: impl IntoIterator<Item = impl Into<String>>, known: Known) -> Vocabulary {
        let words: Vec<String> = words.into_iter().map(Into::into).collect();
        let mut entries: Vec<Entry> = Vec::new();
        for word in words.iter().flat_map(|line| line.split(|c: char| !c.is_alphabetic())) {
            let (stem, ending) = parted(word);
            // A short word of the language is heard well enough, and what is like it may be another such word.
            let shortest = if known(&fold(word)) { SHORTEST_KNOWN } else { SHORTEST };
            let entry = Entry { sounds: Sounds::of(&fold(stem)), stem: stem.into(), ending: ending.into() };
            if stem.chars().count() >= shortest && !entries.contains(&entry) {
                entries.push(entry);
            }
        }
        Vocabulary { words, entries, known }
    }

    /// The words one after another, for an engine that continues in the words of a text given beforehand. There is room for
    /// about thirty, so a list begins best with what is said most and heard worst.
    pub fn line(&self) -> String {
        self.words.join(", ")
    }

    /// The text with those words put right that were heard nearly right.
    pub fn repair(&self, text: &str) -> String {
        if self.entries.is_empty() {
            return text.to_owned();
        }
        let words: Vec<Heard<'_>> = text.split_whitespace().map(Heard::of).collect();
        let mut out: Vec<String> = Vec::with_capacity(words.len());
        let mut at = 0;
        while at < words.len() {
            let rest = &words[at..];
            // A word that begins later is not to swallow the one before it.
            let better_later = |found: &Mended| {
                let mut later = (1..found.pieces).filter_map(|skipped| self.mended(&rest[skipped..found.pieces]));
                later.any(|later| later.unlike <= found.unlike)
            };
            let (word, pieces) = match self.mended(rest).filter(|found| !better_later(found)) {
                Some(found) => (found.text, found.pieces),
                None => (rest[0].whole(), 1),
            };
            out.push(word);
            at += pieces;
        }
        out.join(" ")
    }

    /// A listed word in place of the first pieces, if they sound like one.
    fn mended(&self, words: &[Heard<'_>]) -> Option<Mended> {
        let found = (1..=PIECES.min(words.len())).filter_map(|pieces| self.as_one(&words[..pieces]));
        found.min_by(|a, b| a.unlike.total_cmp(&b.unlike))
    }

    fn as_one(&self, pieces: &[Heard<'_>]) -> Option<Mended> {
        let (first, last) = (pieces.first()?, pieces.last()?);
        // The end of a sentence parts words (a comma may stand inside a word that was heard wrong), and what consists of
        // words of the language is none of the list.
        let parted =
            pieces[..pieces.len() - 1].iter().any(|piece| piece.after.contains(['.', '!', '?', '…', ';', ':']));
        let known = |word: &str| word.chars().count() < SHORTEST_UNKNOWN || (self.known)(word);
        if parted || pieces.iter().all(|piece| known(&piece.bare)) {
            return None;
        }
        let heard: String = pieces.iter().map(|piece| piece.bare.as_str()).collect();
        let (share, entry, ending) = self.nearest(&heard, if pieces.len() == 1 { NEAR } else { NEAR_IN_PIECES })?;
        Some(Mended {
            text: format!("{}{}{}{}", first.before, entry.stem, ending, last.after),
            pieces: pieces.len(),
            unlike: share + PIECE * (pieces.len() - 1) as f32,
        })
    }

    /// The listed word that sounds like `heard`: how unlike it is, and the ending it was heard with.
    fn nearest(&self, heard: &str, near: f32) -> Option<(f32, &Entry, String)> {
        let sounds = Sounds::of(heard);
        let letters: Vec<char> = heard.chars().collect();
        let (mut best, mut second): (Option<(f32, &Entry, usize)>, f32) = (None, f32::MAX);
        for entry in &self.entries {
            let length = entry.sounds.len();
            // The list is long, and comparing is not free.
            if letters.len() + 2 < length || letters.len() > length + 6 {
                continue;
            }
            let Some((cost, used)) = entry.sounds.best_prefix(&sounds, |used| is_ending(&letters[used..])) else {
                continue;
            };
            let share = cost / length as f32;
            if best.is_none_or(|(least, ..)| share < least) {
                second = best.map_or(second, |(least, ..)| least);
                best = Some((share, entry, used));
            } else {
                second = second.min(share);
            }
        }
        let (share, entry, used) = best?;
        // A long word has more to be recognised by.
        let near = if entry.sounds.len() < 6 { near * 0.75 } else { near };
        if share > near || second - share < CLEARER {
            return None;
        }
        let ending: String = letters[used..].iter().collect();
        // What the ear made of an ending that sounds the same is written as the list writes it.
        // Words in "о" do not change, and no other word of a list ends so.
        let same = ending == "о" || entry.ending == "о" || Sounds::of(&ending) == Sounds::of(&fold(&entry.ending));
        Some((share, entry, if same { entry.ending.clone() } else { ending }))
    }
}

impl PartialEq for Vocabulary {
    fn eq(&self, other: &Vocabulary) -> bool {
        self.words == other.words
    }
}

impl Eq for Vocabulary {}

impl std::fmt::Debug for Vocabulary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vocabulary").field("words", &self.words.len()).finish_non_exhaustive()
    }
}

/// A listed word in place of what was heard.
struct Mended {
    text: String,
    pieces: usize,
    unlike: f32,
}

/// A word of a text with what stands around it.
struct Heard<'a> {
    before: &'a str,
    after: &'a str,
    word: &'a str,
    /// The word in lower case.
    bare: String,
}

impl Heard<'_> {
    fn of(text: &str) -> Heard<'_> {
        let word = text.trim_matches(|c: char| !c.is_alphanumeric());
        let start = text.find(word).unwrap_or(0);
        Heard { before: &text[..start], after: &text[start + word.len()..], word, bare: fold(word) }
    }

    fn whole(&self) -> String {
        format!("{}{}{}", self.before, self.word, self.after)
    }
}

/// A word as stem and ending.
fn parted(word: &str) -> (&str, &str) {
    let lower = fold(word);
    let ending = ENDINGS.iter().find(|ending| lower.ends_with(**ending)).map_or(0, |ending| ending.chars().count());
    let letters = word.chars().count();
    let kept = if letters >= ending + SHORTEST { letters - ending } else { letters };
    word.split_at(word.char_indices().nth(kept).map_or(word.len(), |(at, _)| at))
}

fn is_ending(letters: &[char]) -> bool {
    letters.is_empty() || letters.len() <= 3 && ENDINGS.iter().any(|ending| ending.chars().eq(letters.iter().copied()))
}

/// Lower case, ё as е.
fn fold(word: &str) -> String {
    word.to_lowercase().replace('ё', "е")
}

#[cfg(test)]
mod tests;
