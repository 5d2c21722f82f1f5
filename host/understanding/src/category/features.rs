//! A call as numbers: hashed n-grams by speaker and place, known phrases, services as they stand here.
//!
//! What the caller says first weighs most: the *opening* is the caller's first turn, or the first [`OPENING`] words.
//! Each n-gram space is weighted by rarity and brought to one length, so that a long call does not shout.

use crate::lexicon::text::Text;
use crate::lexicon::{Cues, Lexicon};
use crate::profile::{Profile, Standing};

use super::{CallText, Who};

/// Words of the caller that count as the opening, at most.
pub const OPENING: usize = 22;
/// Words of the caller looked at; what follows is small talk.
const CALLER_WORDS: usize = 160;
/// Features of a word, about: room for them is made at once.
const PER_WORD: usize = 32;
/// Words of the other side looked at.
const AGENT_WORDS: usize = 80;

/// A part of the call that is counted by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// Stems and pairs of stems, opening.
    OpeningWords,
    /// Stems and pairs of stems, whole caller.
    Words,
    /// Runs of 3 to 5 letters, opening.
    OpeningLetters,
    /// Runs of 3 to 5 letters, all that either side says.
    Letters,
    /// Stems and pairs of stems, other side.
    Agent,
    /// Words as spoken and pairs of them, all that either side says.
    Forms,
    /// Known phrases, services, shape: present or not.
    Dense,
}

/// Every space with the length its part of the vector is brought to ([`Space::Dense`]: a factor).
pub const SPACES: [(Space, f32); 7] = [
    (Space::OpeningWords, 1.2),
    (Space::Words, 0.8),
    (Space::OpeningLetters, 1.2),
    (Space::Letters, 1.0),
    (Space::Agent, 0.7),
    (Space::Forms, 0.8),
    (Space::Dense, 0.45),
];

/// One feature with the words it comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Feature {
    /// Hash of space and content.
    pub id: u32,
    /// Count or value before weighting.
    pub value: f32,
    /// Which part of the vector it belongs to.
    pub space: Space,
    /// Turn it comes from (an index into [`Analysed::turns`]).
    pub turn: u16,
    /// First and last word in that turn.
    pub words: (u16, u16),
}

/// A turn cut into words.
#[derive(Debug, Clone)]
pub struct AnalysedTurn {
    /// Index into the call's turns.
    pub turn: usize,
    /// Whether it is the other side's.
    pub agent: bool,
    /// Its words.
    pub text: Text,
}

/// A call with its features.
#[derive(Debug, Clone)]
pub struct Analysed {
    /// Turns in order.
    pub turns: Vec<AnalysedTurn>,
    /// Unweighted features; the same id may occur several times.
    pub features: Vec<Feature>,
    /// Whether the caller named services, each of them offered here or at least of this clinic's field.
    pub all_ours: bool,
}

impl Analysed {
    /// Looks at a call through the eyes of one clinic.
    pub fn new(call: &CallText, profile: Option<&Profile>) -> Self {
        let (mut caller, mut agent) = (CALLER_WORDS, AGENT_WORDS);
        let mut turns = Vec::with_capacity(call.turns.len());
        for (index, turn) in call.turns.iter().enumerate() {
            let is_agent = turn.who == Who::Agent;
            let left = if is_agent { &mut agent } else { &mut caller };
            if *left == 0 {
                continue;
            }
            let mut text = Text::new(&turn.text);
            text.words.truncate(*left);
            *left -= text.words.len();
            turns.push(AnalysedTurn { turn: index, agent: is_agent, text });
        }
        let words: usize = turns.iter().map(|t| t.text.words.len()).sum();
        let mut out = Collector { features: Vec::with_capacity(64 + words * PER_WORD), turn: 0, all_ours: false };
        out.sides(&turns);
        out.phrases(&turns);
        out.services(&turns, profile);
        out.shape(call, &turns, profile);
        Self { turns, features: out.features, all_ours: out.all_ours }
    }
}

struct Collector {
    features: Vec<Feature>,
    turn: u16,
    all_ours: bool,
}

impl Collector {
    fn add(&mut self, space: Space, id: u32, value: f32, first: usize, last: usize) {
        self.features.push(Feature { id, value, space, turn: self.turn, words: (first as u16, last as u16) });
    }

    fn flag(&mut self, name: &str, value: f32) {
        self.add(Space::Dense, id(Space::Dense, name.bytes()), value, usize::from(u16::MAX), 0);
    }

    /// Word and letter n-grams of both sides.
    fn sides(&mut self, turns: &[AnalysedTurn]) {
        let mut spoken = 0;
        let mut first_turn = true;
        // Where hashing stood after the word before: a pair goes on from there.
        let (mut forms, mut stems, mut opens) = (0, 0, 0);
        for (index, turn) in turns.iter().enumerate() {
            self.turn = index as u16;
            let words = &turn.text.words;
            for (at, word) in words.iter().enumerate() {
                let opening = !turn.agent && spoken + at < OPENING && (first_turn || spoken < 4);
                self.letters(&word.text, at, opening);
                self.pairs(Space::Forms, &word.text, at, &mut forms);
                self.pairs(if turn.agent { Space::Agent } else { Space::Words }, &word.stem, at, &mut stems);
                if opening {
                    self.pairs(Space::OpeningWords, &word.stem, at, &mut opens);
                }
            }
            if !turn.agent {
                spoken += words.len();
                first_turn = first_turn && spoken < 3;
            }
        }
    }

    /// A word, and it with the one before, after which hashing stood at `before`.
    fn pairs(&mut self, space: Space, word: &str, at: usize, before: &mut u64) {
        let on = |from: u64| word.bytes().fold(from, |h, b| step(h, u32::from(b)));
        let alone = on(seed(space));
        self.add(space, fold(alone), 1.0, at, at);
        if at > 0 {
            self.add(space, fold(on(step(*before, u32::from(b' ')))), 1.0, at - 1, at);
        }
        *before = alone;
    }

    /// Runs of 3 to 5 letters of a word with its borders.
    fn letters(&mut self, word: &str, at: usize, opening: bool) {
        let mut letters = [' '; 20];
        let length = word.chars().take(18).enumerate().map(|(i, c)| letters[i + 1] = c).count() + 2;
        if length < 4 {
            return;
        }
        for from in 0..length - 2 {
            let mut hash = seed(Space::Letters);
            for (n, &c) in letters[from..length.min(from + 5)].iter().enumerate() {
                hash = step(hash, u32::from(c));
                if n >= 2 {
                    self.add(Space::Letters, fold(hash), 1.0, at, at);
                    if opening {
                        self.add(Space::OpeningLetters, fold(step(hash, u32::MAX)), 1.0, at, at);
                    }
                }
            }
        }
    }

    /// Known turns of phrase: in the opening, later, by the other side.
    fn phrases(&mut self, turns: &[AnalysedTurn]) {
        let cues = Cues::categories();
        let mut caller_turns = 0;
        let mut seen: Vec<u32> = Vec::new();
        for (index, turn) in turns.iter().enumerate() {
            self.turn = index as u16;
            let place = match (turn.agent, caller_turns) {
                (true, _) => "agent",
                (false, 0) => "first",
                (false, _) => "later",
            };
            caller_turns += usize::from(!turn.agent && turn.text.words.len() > 2);
            for found in cues.patterns.find(&turn.text) {
                let name = &cues.ids[found.group];
                let early = place == "first" && found.first <= turn.text.opening + 6;
                let places: &[&str] = match (place, early) {
                    ("agent", _) => &["agent"],
                    (_, true) => &["any", "first", "early"],
                    ("first", _) => &["any", "first"],
                    _ => &["any", "later"],
                };
                for place in places {
                    let id = id(Space::Dense, name.bytes().chain([b'@']).chain(place.bytes()));
                    let value = if seen.contains(&id) { 0.15 } else { 1.0 };
                    seen.push(id);
                    self.add(Space::Dense, id, value, found.first, found.last);
                }
            }
        }
    }

    /// Services named, as they stand to the clinic.
    fn services(&mut self, turns: &[AnalysedTurn], profile: Option<&Profile>) {
        let lexicon = Lexicon::embedded();
        let Some(profile) = profile else {
            self.flag("no profile", 1.0);
            return;
        };
        let mut caller_turns = 0;
        let mut first_standing = true;
        let mut seen: Vec<u32> = Vec::new();
        for (index, turn) in turns.iter().enumerate() {
            self.turn = index as u16;
            for named in profile.named(&turn.text) {
                let standing = standing(named.standing);
                let service = named.known.map_or("own", |s| lexicon.services[s].id.as_str());
                let mut names: Vec<String> = Vec::new();
                if turn.agent {
                    names.push(format!("agent {standing}"));
                } else {
                    let ours = matches!(named.standing, Standing::Offered | Standing::Unlisted);
                    self.all_ours = (first_standing || self.all_ours) && ours;
                    names.push(format!("{standing} any"));
                    names.push(format!("service {service}"));
                    if caller_turns == 0 {
                        names.push(format!("{standing} first"));
                    }
                    if first_standing {
                        names.push(format!("{standing} leads"));
                    }
                    first_standing = false;
                }
                for name in names {
                    let id = id(Space::Dense, name.bytes());
                    if !seen.contains(&id) {
                        seen.push(id);
                        // These decide between a booking and a wasted call: they must outweigh the service's own words.
                        let value = if name.starts_with("service") { 0.4 } else { 2.0 };
                        self.add(Space::Dense, id, value, named.words.start, named.words.end - 1);
                    }
                }
            }
            caller_turns += usize::from(!turn.agent && turn.text.words.len() > 2);
        }
        if first_standing {
            self.flag("no service", 1.0);
        }
    }

    /// Length, questions, figures, medicines by their endings.
    fn shape(&mut self, call: &CallText, turns: &[AnalysedTurn], profile: Option<&Profile>) {
        let caller: Vec<&AnalysedTurn> = turns.iter().filter(|t| !t.agent).collect();
        let words: usize = caller.iter().map(|t| t.text.words.len()).sum();
        let step = match words {
            0 => "no words",
            1..=2 => "1-2 words",
            3..=5 => "3-5 words",
            6..=11 => "6-11 words",
            12..=25 => "12-25 words",
            26..=60 => "26-60 words",
            _ => "many words",
        };
        self.flag(step, 1.0);
        self.flag(if caller.len() <= 1 { "one turn" } else { "several turns" }, 1.0);
        if turns.len() > caller.len() {
            self.flag("has agent", 1.0);
        }
        if call.missed_call {
            self.flag("missed call", 3.0);
        }
        if caller.first().is_some_and(|t| t.text.questions > 0) {
            self.flag("asks first", 1.0);
        }
        if caller.iter().all(|t| t.text.words.len() == t.text.opening) {
            self.flag("greeting only", 1.5);
        }
        if let Some(profile) = profile {
            self.flag(&format!("{:?}", profile.kind), 0.7);
        }
        let mut medicine = false;
        for (index, turn) in turns.iter().enumerate().filter(|(_, t)| !t.agent) {
            self.turn = index as u16;
            for (at, word) in turn.text.words.iter().enumerate() {
                if is_medicine(&word.text, word.known) {
                    let name = if medicine { "medicines" } else { "medicine" };
                    medicine = true;
                    self.add(Space::Dense, id(Space::Dense, name.bytes()), 1.0, at, at);
                }
            }
        }
    }
}

/// Endings of medicines' names; a word the language knows is not judged by its ending.
fn is_medicine(word: &str, known: bool) -> bool {
    const ENDINGS: &[&str] = &[
        "цин",
        "зол",
        "мицин",
        "прил",
        "пам",
        "вет",
        "фен",
        "сартан",
        "статин",
        "дин",
        "мид",
        "окс",
        "ксацин",
        "олон",
        "азол",
        "лин",
        "кс",
        "тил",
        "кол",
        "ген",
        "рон",
        "вил",
        "вир",
        "тан",
        "лол",
        "пин",
        "зин",
        "кан",
        "мак",
        "дол",
        "дерм",
        "вит",
        "диф",
        "цеф",
        "золин",
        "цид",
        "пульм",
        "ферон",
        "стим",
        "актив",
        "плюс",
        "карб",
        "идол",
        "амид",
    ];
    if known || word.chars().count() < 6 {
        return false;
    }
    let base = word.trim_end_matches(['а', 'у', 'ы', 'е', 'о', 'м', 'и', 'я', 'ю']);
    ENDINGS.iter().any(|e| word.ends_with(e) || base.ends_with(e))
}

fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Offered => "offered",
        Standing::Absent => "absent",
        Standing::Unlisted => "unlisted",
        Standing::Neighbour => "neighbour",
        Standing::Foreign => "foreign",
    }
}

fn id(space: Space, bytes: impl Iterator<Item = u8>) -> u32 {
    fold(bytes.fold(seed(space), |h, b| step(h, u32::from(b))))
}

/// FNV-1a, one start per space.
fn seed(space: Space) -> u64 {
    step(0xcbf2_9ce4_8422_2325, space as u32 + 1)
}

fn step(hash: u64, next: u32) -> u64 {
    (hash ^ u64::from(next)).wrapping_mul(0x0100_0000_01b3)
}

fn fold(hash: u64) -> u32 {
    (hash ^ (hash >> 31)) as u32
}
