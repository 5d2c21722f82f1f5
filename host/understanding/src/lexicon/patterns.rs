//! Word patterns: many short phrases looked for in one pass over a text, tolerant of endings and recognition errors.
//!
//! A pattern is words apart by spaces, found in this order with at most [`GAP`] other words between neighbours; words
//! apart by ` + ` are found in any order within [`WINDOW`] words. Each word is one or more alternatives apart by `|`:
//!
//! | written | matches |
//! |---|---|
//! | `запись` | any word with the same stem; from six letters of stem on, also with one letter damaged |
//! | `госпитал*` | any word that begins so; from six letters on, also with one letter damaged |
//! | `ли!` | this very word |
//! | `стоит|будет_стоить` | alternatives of several words are joined by `_` |
//!
//! `=` before a word: it stands right after its neighbour, nothing between (`на! =дом!`).
//! `^` before the first word: only when the text begins with it (greetings and fillers aside).

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use super::text::{Text, Word};

/// Words that may stand between two neighbouring words of a pattern.
pub const GAP: usize = 2;
/// Words within which the parts of an unordered pattern must stand.
pub const WINDOW: usize = 7;
/// From how many letters of stem or prefix on one damaged letter is forgiven.
const FUZZY_FROM: usize = 6;
/// Letters of the longest word in which damage is forgiven.
const LONGEST: usize = 24;

type Map<V> = HashMap<u64, V, BuildHasherDefault<Passing>>;

/// A pattern found in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The number under which the pattern was added.
    pub group: usize,
    /// Index of the first word covered.
    pub first: usize,
    /// Index of the last word covered.
    pub last: usize,
    /// Whether a damaged word had to be forgiven.
    pub damaged: bool,
}

/// A compiled set of patterns. Many patterns may share one group number.
#[derive(Debug, Default, Clone)]
pub struct Patterns {
    atoms: HashMap<String, u32>,
    by_stem: Map<Vec<u32>>,
    by_word: Map<Vec<u32>>,
    prefixes: Map<Vec<u32>>,
    prefix_lengths: Vec<usize>,
    damaged_stems: Map<Vec<(u32, u64)>>,
    damaged_prefixes: Map<Vec<(u32, u64)>>,
    damaged_prefix_lengths: Vec<usize>,
    compiled: Vec<Pattern>,
    /// Words of all patterns, and the atoms of all words: side by side, because every word of a text asks for some.
    parts: Vec<Part>,
    alternatives: Vec<u32>,
    /// Patterns by an atom of their rarest word.
    anchored: Vec<Vec<u32>>,
    /// First letters of all atoms (a bit each, letters 64 apart share one): most words begin otherwise where a set is
    /// small, and what is damaged keeps its first letter.
    initials: u64,
    /// Which set it is: another one after every addition, so that what threads remember of it stays true.
    set: u64,
}

/// What a word stands for: atoms with whether damage was forgiven.
type Atoms = [(u32, bool)];

/// What the words met by a thread stand for.
struct Memory {
    /// The place among `atoms`, by set and word.
    places: HashMap<(u64, u64), u32, BuildHasherDefault<Passing>>,
    /// The first stands for nothing.
    atoms: Vec<Box<Atoms>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { places: HashMap::default(), atoms: vec![Box::default()] }
    }
}

/// Words a thread remembers, over all sets, at most; then it begins anew.
const REMEMBERED: usize = 60_000;

static SETS: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static ATOMS: RefCell<Memory> = RefCell::default();
}

#[derive(Debug, Clone, Copy)]
struct Pattern {
    group: usize,
    /// Its words: so many from this one of [`Patterns::parts`] on.
    first: u32,
    words: u32,
    /// Which of them is looked for first.
    anchor: u32,
    ordered: bool,
    at_start: bool,
}

/// A word of a pattern.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// The atoms it may be: from and to in [`Patterns::alternatives`].
    from: u32,
    to: u32,
    /// Whether it stands right after the one before it.
    tight: bool,
}

impl Patterns {
    /// Adds a pattern; the empty pattern is ignored.
    pub fn add(&mut self, group: usize, pattern: &str) {
        self.set = SETS.fetch_add(1, Ordering::Relaxed);
        let pattern = pattern.trim();
        let (at_start, pattern) = pattern.strip_prefix('^').map_or((false, pattern), |rest| (true, rest));
        let ordered = !pattern.contains(" + ");
        let parts: Vec<&str> = pattern.split_whitespace().filter(|p| *p != "+").collect();
        // Alternatives of several words make patterns of their own.
        if let Some((at, part)) = parts.iter().enumerate().find(|(_, p)| p.contains('_')) {
            let (long, short): (Vec<&str>, Vec<&str>) = part.split('|').partition(|a| a.contains('_'));
            let joined = if ordered { " " } else { " + " };
            for alternative in long.into_iter().map(|a| a.replace('_', " ")).chain([short.join("|")]) {
                if !alternative.is_empty() {
                    let mut expanded: Vec<&str> = parts.clone();
                    expanded[at] = &alternative;
                    let start = if at_start { "^" } else { "" };
                    self.add(group, &format!("{start}{}", expanded.join(joined)));
                }
            }
            return;
        }
        let tight: Vec<bool> = parts.iter().map(|part| part.starts_with('=')).collect();
        let words: Vec<Vec<u32>> = parts
            .iter()
            .map(|part| part.trim_start_matches('='))
            .map(|part| part.split('|').filter(|w| !w.is_empty()).map(|w| self.atom(w)).collect::<Vec<_>>())
            .filter(|w: &Vec<u32>| !w.is_empty())
            .collect();
        if words.is_empty() {
            return;
        }
        // The word with the fewest alternatives and the longest spelling is met least often: look from there.
        let anchor = parts
            .iter()
            .enumerate()
            .take(words.len())
            .min_by_key(|(i, part)| (words[*i].len(), usize::MAX - part.len()))
            .map_or(0, |(i, _)| i);
        let id = self.compiled.len() as u32;
        for &atom in &words[anchor] {
            self.anchored[atom as usize].push(id);
        }
        let (first, count) = (self.parts.len() as u32, words.len() as u32);
        for (atoms, tight) in words.into_iter().zip(tight) {
            let from = self.alternatives.len() as u32;
            self.alternatives.extend(atoms);
            self.parts.push(Part { from, to: self.alternatives.len() as u32, tight });
        }
        self.compiled.push(Pattern { group, first, words: count, anchor: anchor as u32, ordered, at_start });
    }

    /// All patterns that occur, each at most once per place of its anchor word, in order of the text.
    pub fn find(&self, text: &Text) -> Vec<Found> {
        if self.compiled.is_empty() {
            return Vec::new();
        }
        ATOMS.with_borrow_mut(|memory| {
            if memory.places.len() >= REMEMBERED {
                *memory = Memory::default();
            }
            let places: Vec<u32> = text.words.iter().map(|word| self.place(word, memory)).collect();
            if places.iter().all(|&place| place == 0) {
                return Vec::new();
            }
            let hits: Vec<&Atoms> = places.iter().map(|&place| &*memory.atoms[place as usize]).collect();
            self.found(&hits, text.opening)
        })
    }

    /// Where a thread remembers what a word stands for.
    fn place(&self, word: &Word, memory: &mut Memory) -> u32 {
        if !word.text.starts_with(|c: char| self.initials & initial(c) != 0) {
            return 0;
        }
        *memory.places.entry((self.set, word.key)).or_insert_with(|| {
            let atoms = self.atoms_of(&word.text, &word.stem);
            if atoms.is_empty() {
                return 0;
            }
            memory.atoms.push(atoms.into());
            memory.atoms.len() as u32 - 1
        })
    }

    fn found(&self, hits: &[&Atoms], opening: usize) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        let mut seen: Vec<u32> = Vec::new();
        for (at, atoms) in hits.iter().enumerate() {
            seen.clear();
            for &(atom, _) in atoms.iter() {
                for &id in &self.anchored[atom as usize] {
                    if seen.contains(&id) {
                        continue;
                    }
                    if let Some(hit) = self.matches(&self.compiled[id as usize], at, hits, opening) {
                        seen.push(id);
                        if !found.contains(&hit) {
                            found.push(hit);
                        }
                    }
                }
            }
        }
        found.sort_by_key(|f| (f.first, f.last, f.group));
        found
    }

    fn matches(&self, pattern: &Pattern, at: usize, hits: &[&Atoms], opening: usize) -> Option<Found> {
        let parts = &self.parts[pattern.first as usize..(pattern.first + pattern.words) as usize];
        let has = |place: usize, part: usize| -> Option<bool> {
            let atoms = &self.alternatives[parts[part].from as usize..parts[part].to as usize];
            hits[place].iter().filter(|(atom, _)| atoms.contains(atom)).map(|&(_, d)| d).min()
        };
        let anchor = pattern.anchor as usize;
        let mut damaged = has(at, anchor)?;
        let (mut first, mut last) = (at, at);
        if pattern.ordered {
            for part in (0..anchor).rev() {
                let from = first.saturating_sub(if parts[part + 1].tight { 1 } else { GAP + 1 });
                let (place, d) = (from..first).rev().find_map(|p| has(p, part).map(|d| (p, d)))?;
                first = place;
                damaged |= d;
            }
            for (part, word) in parts.iter().enumerate().skip(anchor + 1) {
                let to = (last + if word.tight { 2 } else { GAP + 2 }).min(hits.len());
                let (place, d) = (last + 1..to).find_map(|p| has(p, part).map(|d| (p, d)))?;
                last = place;
                damaged |= d;
            }
        } else {
            let (from, to) = (at.saturating_sub(WINDOW), (at + WINDOW + 1).min(hits.len()));
            for part in (0..parts.len()).filter(|&p| p != anchor) {
                let (place, d) = (from..to)
                    .filter(|&p| p != at)
                    .filter_map(|p| has(p, part).map(|d| (p, d)))
                    .min_by_key(|(p, _)| p.abs_diff(at))?;
                first = first.min(place);
                last = last.max(place);
                damaged |= d;
            }
        }
        if pattern.at_start && first > opening {
            return None;
        }
        Some(Found { group: pattern.group, first, last, damaged })
    }

    /// The atoms a word stands for, with whether damage had to be forgiven.
    fn atoms_of(&self, word: &str, stem: &str) -> Vec<(u32, bool)> {
        let mut out: Vec<(u32, bool)> = Vec::new();
        let mut take = |list: Option<&Vec<u32>>| out.extend(list.into_iter().flatten().map(|&a| (a, false)));
        take(self.by_stem.get(&hash(stem.chars())));
        // One pass over the letters meets every prefix on the way to the whole word.
        let (mut so_far, mut length) = (hash(std::iter::empty()), 0);
        let mut lengths = self.prefix_lengths.iter().copied().peekable();
        for letter in word.chars() {
            so_far = step(so_far, letter);
            length += 1;
            if lengths.next_if_eq(&length).is_some() {
                take(self.prefixes.get(&so_far));
            }
        }
        take(self.by_word.get(&so_far));
        if !out.is_empty() || length < FUZZY_FROM || !self.may_be_damaged(stem) {
            return out;
        }
        let mut letters = [' '; LONGEST];
        let stem_length = stem.chars().count();
        if (FUZZY_FROM..=LONGEST).contains(&stem_length) {
            letters.iter_mut().zip(stem.chars()).for_each(|(to, c)| *to = c);
            self.forgive(&letters[..stem_length], &self.damaged_stems, &mut out);
        }
        for &n in self.damaged_prefix_lengths.iter().take_while(|&&n| n <= length.min(LONGEST)) {
            letters.iter_mut().zip(word.chars().take(n)).for_each(|(to, c)| *to = c);
            self.forgive(&letters[..n], &self.damaged_prefixes, &mut out);
        }
        out
    }

    /// A word that the language knows is taken as it stands: «запас» is not a damaged «запись».
    fn may_be_damaged(&self, stem: &str) -> bool {
        !super::vocabulary::knows(stem)
    }

    /// Atoms one substituted, lost or swapped letter away: both sides with one letter left out are equal.
    fn forgive(&self, letters: &[char], index: &Map<Vec<(u32, u64)>>, out: &mut Vec<(u32, bool)>) {
        let first = letters.first().map_or(0, |&c| c as u64);
        for key in leave_one_out(letters).chain(std::iter::once(hash(letters.iter().copied()))) {
            for &(atom, initial) in index.get(&key).into_iter().flatten() {
                if initial == first && !out.iter().any(|&(a, _)| a == atom) {
                    out.push((atom, true));
                }
            }
        }
    }

    fn atom(&mut self, written: &str) -> u32 {
        if let Some(&known) = self.atoms.get(written) {
            return known;
        }
        let id = self.anchored.len() as u32;
        self.anchored.push(Vec::new());
        self.atoms.insert(written.to_owned(), id);
        let folded = crate::normalise::fold(written);
        self.initials |= folded.chars().next().map_or(0, initial);
        if let Some(prefix) = folded.strip_suffix('*') {
            let letters: Vec<char> = prefix.chars().collect();
            self.prefixes.entry(hash(letters.iter().copied())).or_default().push(id);
            insert_sorted(&mut self.prefix_lengths, letters.len());
            if letters.len() >= FUZZY_FROM {
                insert_sorted(&mut self.damaged_prefix_lengths, letters.len());
                index_damaged(&mut self.damaged_prefixes, &letters, id);
            }
        } else if let Some(word) = folded.strip_suffix('!') {
            self.by_word.entry(hash(word.chars())).or_default().push(id);
        } else {
            let stem = crate::normalise::stem(&folded);
            let letters: Vec<char> = stem.chars().collect();
            self.by_stem.entry(hash(letters.iter().copied())).or_default().push(id);
            if letters.len() >= FUZZY_FROM {
                index_damaged(&mut self.damaged_stems, &letters, id);
            }
        }
        id
    }
}

/// The bit of a first letter.
fn initial(letter: char) -> u64 {
    1 << (letter as u32 % 64)
}

fn insert_sorted(list: &mut Vec<usize>, n: usize) {
    if let Err(at) = list.binary_search(&n) {
        list.insert(at, n);
    }
}

fn index_damaged(index: &mut Map<Vec<(u32, u64)>>, letters: &[char], id: u32) {
    let first = letters.first().map_or(0, |&c| c as u64);
    let mut keys: Vec<u64> = leave_one_out(letters).collect();
    keys.push(hash(letters.iter().copied()));
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        index.entry(key).or_default().push((id, first));
    }
}

/// Hashes of the word with each letter but the first left out.
fn leave_one_out(letters: &[char]) -> impl Iterator<Item = u64> + '_ {
    (1..letters.len()).map(move |out| hash(letters.iter().enumerate().filter(|(i, _)| *i != out).map(|(_, &c)| c)))
}

/// FNV-1a over code points.
pub(crate) fn hash(letters: impl Iterator<Item = char>) -> u64 {
    letters.fold(0xcbf2_9ce4_8422_2325, step)
}

fn step(hash: u64, letter: char) -> u64 {
    (hash ^ u64::from(u32::from(letter))).wrapping_mul(0x0100_0000_01b3)
}

/// Keys are hashes already.
#[derive(Default, Clone, Copy)]
pub(super) struct Passing(u64);

impl Hasher for Passing {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(b);
        }
    }
    fn write_u64(&mut self, n: u64) {
        let n = n ^ self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = n ^ (n >> 29);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str) -> bool {
        let mut patterns = Patterns::default();
        patterns.add(0, pattern);
        !patterns.find(&Text::new(text)).is_empty()
    }

    #[test]
    fn words_match_by_stem_prefix_and_exactly() {
        assert!(found("собака", "у нас собаки две"));
        assert!(found("госпитал*", "вчера госпитализировали"));
        assert!(found("да!", "ну да"));
        assert!(!found("да!", "даже"));
    }

    #[test]
    fn order_and_distance_count() {
        assert!(found("вызов на! дом", "вызов врача на дом"));
        assert!(!found("вызов на! дом", "на дом вызов"));
        assert!(found("на! =дом!", "приедете на дом"));
        assert!(!found("на! =дом!", "телевизор на весь дом"));
        assert!(found("стричь|подстричь + кот|собака", "а кота моего подстричь можно"));
        assert!(found("сколько стоит|будет_стоить", "сколько это будет стоить"));
        assert!(!found("сколько стоит|будет_стоить", "сколько будет народу"));
        assert!(!found("кот стричь", "кот лежит и совсем ничего не ест стричь"));
    }

    #[test]
    fn damaged_words_are_forgiven_and_said_so() {
        let mut patterns = Patterns::default();
        patterns.add(3, "стерилизация");
        let hits = patterns.find(&Text::new("стирилизацию бы кошке"));
        assert_eq!(hits, [Found { group: 3, first: 0, last: 0, damaged: true }]);
    }

    #[test]
    fn a_start_is_after_greetings() {
        assert!(found("^вы! звонили", "Алло, здравствуйте, вы звонили"));
        assert!(!found("^вы! звонили", "мне сказали что вы звонили"));
    }
}
