//! The animal a caller speaks of: species, breed and name, as in «той-терьер Мистер Дарси», «у кота Барсика», «корги
//! Рыжик, пять месяцев».
//!
//! Species and breeds come from a list (`data/animals.txt`) with their everyday names, compared by stems; a breed
//! implies its species. The animal's name is what is left: called so («кличка …»), or written large, or next to it.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

mod declension;
mod nickname;

use crate::normalise::{Token, TokenKind, fold, fuzzy, stem, tokens};

/// An animal as far as it was described.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Animal {
    /// Species, a canonical noun: «кошка», «собака», «морская свинка».
    pub species: Option<String>,
    /// Breed, its canonical name.
    pub breed: Option<String>,
    /// The animal's name in the nominative.
    pub name: Option<String>,
}

/// Finds the animal in `text`.
///
/// ```
/// use understanding::animal::parse;
/// let animal = parse("Дуся у нас, дворняжка обычная").expect("a dog");
/// assert_eq!(animal.species.as_deref(), Some("собака"));
/// assert_eq!(animal.breed.as_deref(), Some("дворняга"));
/// assert_eq!(animal.name.as_deref(), Some("Дуся"));
/// assert_eq!(parse("запишите меня на завтра"), None);
/// ```
pub fn parse(text: &str) -> Option<Animal> {
    let words = hyphenated(text);
    let mentions = mentions(&words);
    let mentions = without_namesakes(&words, mentions);
    let breed = mentions.iter().find(|m| m.kind.breed.is_some());
    let plain = mentions.iter().find(|m| m.kind.breed.is_none());
    // «морская свинка шелти»: the species named decides between breeds of one name.
    let breed = match (breed, plain) {
        (Some(b), Some(s)) if b.kind.species != s.kind.species => {
            let namesake = b.others.iter().find(|kind| kind.species == s.kind.species);
            let same_name = |k: &&Kind| k.species == s.kind.species && k.breed == b.kind.breed;
            let kind = namesake.copied().or_else(|| KINDS.iter().find(same_name));
            kind.map(|kind| Mention { kind, ..b.clone() }).or_else(|| {
                // «вислоухий кролик»: an adjective describes its noun, whatever else is called so.
                let describes =
                    b.to == s.from && ["ый", "ий", "ой", "ая", "яя"].iter().any(|e| words[b.to - 1].text.ends_with(e));
                (b.from < s.from && !describes).then(|| b.clone())
            })
        }
        (breed, _) => breed.cloned(),
    };
    let breed = breed.map(|mention| described(&words, mention));
    let species = breed.as_ref().map(|m| &m.kind.species).or(plain.map(|m| &m.kind.species)).cloned();
    let name = nickname::find(&words, &mentions);
    let animal = Animal { breed: breed.and_then(|m| m.kind.breed.clone()), species, name };
    (animal != Animal::default()).then_some(animal)
}

/// The animal as the evaluation files write it.
///
/// ```
/// use understanding::animal::{parse, to_json};
/// let json = to_json(parse("крыска Шуша").as_ref());
/// assert_eq!(json, serde_json::json!({"species": "крыса", "breed": null, "name": "Шуша"}));
/// ```
pub fn to_json(animal: Option<&Animal>) -> Value {
    animal.map_or_else(|| json!(Animal::default()), |animal| json!(animal))
}

/// A species or breed of the list.
#[derive(Debug, PartialEq, Eq)]
struct Kind {
    species: String,
    breed: Option<String>,
}

/// A word of the text; parts joined by a hyphen stay together.
#[derive(Debug, Clone)]
struct Word {
    said: String,
    text: String,
    stem: String,
    /// A mark stands before it.
    apart: bool,
    figure: bool,
}

/// A place where a species or breed is named.
#[derive(Debug, Clone)]
struct Mention {
    kind: &'static Kind,
    /// Further kinds of the same name («метис» is a dog as well as a cat).
    others: Vec<&'static Kind>,
    from: usize,
    to: usize,
}

fn hyphenated(text: &str) -> Vec<Word> {
    let mut out: Vec<Word> = Vec::new();
    let all = tokens(text);
    let glued = |a: &Token, b: &Token| a.bytes.end == b.bytes.start;
    let mut apart = true;
    for (nth, token) in all.iter().enumerate() {
        if token.kind == TokenKind::Mark {
            apart |= !token.is("-") && !matches!(token.text.as_str(), "«" | "»" | "\"");
            continue;
        }
        let said = &text[token.bytes.clone()];
        let hyphen =
            nth >= 2 && all[nth - 1].is("-") && glued(&all[nth - 2], &all[nth - 1]) && glued(&all[nth - 1], token);
        match out.last_mut() {
            Some(last) if hyphen => {
                last.said = format!("{}-{said}", last.said);
                last.text = format!("{}-{}", last.text, token.text);
                last.stem = hyphen_stem(&last.text);
            }
            _ => out.push(Word {
                said: said.to_string(),
                text: token.text.clone(),
                stem: stem(&token.text),
                apart,
                figure: token.kind == TokenKind::Number,
            }),
        }
        apart = false;
    }
    out
}

fn hyphen_stem(text: &str) -> String {
    text.split('-').map(stem).collect::<Vec<_>>().join("-")
}

/// All species and breeds named, longest names first at each place.
fn mentions(words: &[Word]) -> Vec<Mention> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let found = (1..=4usize).rev().find_map(|taken| {
            let slice = words.get(at..at + taken)?;
            if slice.iter().skip(1).any(|w| w.apart) {
                return None;
            }
            let phrase = slice.iter().map(|w| w.stem.as_str()).collect::<Vec<_>>().join(" ");
            let kinds = kinds_of(&phrase)
                .or_else(|| near(&phrase, taken).map(|kind| vec![kind]))
                .or_else(|| if taken == 1 { kinds_of(&undiminished(&slice[0].text)?) } else { None })?;
            let (kind, others) = kinds.split_first()?;
            Some(Mention { kind, others: others.to_vec(), from: at, to: at + taken })
        });
        match found {
            Some(mention) => {
                at = mention.to;
                // «не собака, а кошка»
                if mention.from == 0 || words[mention.from - 1].text != "не" {
                    out.push(mention);
                }
            }
            None => at += 1,
        }
    }
    out
}

/// «овчарка Альма, немецкая»: an adjective said apart tells the breed more closely.
fn described(words: &[Word], mention: Mention) -> Mention {
    let noun = words[mention.from..mention.to].iter().map(|w| w.stem.as_str()).collect::<Vec<_>>().join(" ");
    let apart = words.iter().enumerate().filter(|(at, _)| !(mention.from..mention.to).contains(at));
    let closer = apart
        .filter(|(_, w)| ["ый", "ий", "ой", "ая", "яя"].iter().any(|end| w.text.ends_with(end)))
        .find_map(|(_, w)| NAMES.get(&format!("{} {noun}", w.stem)))
        .and_then(|kinds| kinds.iter().find(|kind| kind.species == mention.kind.species));
    Mention { kind: closer.copied().unwrap_or(mention.kind), ..mention }
}

/// «британочка», «таксушка»: the word without its diminutive ending.
fn undiminished(text: &str) -> Option<String> {
    [
        ("очка", "ка"),
        ("ечка", "ка"),
        ("очка", "а"),
        ("очка", ""),
        ("ушка", "а"),
        ("юшка", "я"),
        ("уля", "а"),
        ("ёнок", ""),
        ("юша", "а"),
        ("уша", ""),
        ("уша", "а"),
        ("еныш", ""),
    ]
    .into_iter()
    .filter_map(|(end, usual)| Some(stem(&format!("{}{usual}", text.strip_suffix(end)?))))
    .find(|stem| NAMES.contains_key(stem))
}

/// The kinds a phrase of stems names; for «собака-дворняга» those of its more telling part.
fn kinds_of(phrase: &str) -> Option<Vec<&'static Kind>> {
    NAMES.get(phrase).cloned().or_else(|| {
        let parts = phrase.split('-').filter_map(|part| NAMES.get(part));
        parts
            .max_by_key(|kinds| kinds.iter().any(|kind| kind.breed.is_some()))
            .filter(|_| phrase.contains('-') && !phrase.contains(' '))
            .cloned()
    })
}

/// «собака Белка», «кот Тигра»: a kind written large after another is the animal's name.
fn without_namesakes(words: &[Word], mentions: Vec<Mention>) -> Vec<Mention> {
    let mut kept: Vec<Mention> = Vec::new();
    for mention in mentions {
        let word = &words[mention.from];
        let large = mention.from > 0 && word.said.chars().next().is_some_and(char::is_uppercase);
        let named = kept.iter().any(|m| m.to == mention.from) && mention.to == mention.from + 1;
        if !(large && named) {
            kept.push(mention);
        }
    }
    kept
}

/// A damaged name: only long ones, and only if all that are near mean the same.
fn near(phrase: &str, taken: usize) -> Option<&'static Kind> {
    if phrase.chars().count() < 6 || taken > 1 {
        return None;
    }
    let mut near =
        NAMES.iter().filter(|(name, _)| name.chars().count() >= 6 && fuzzy::within(name, phrase, 1).is_some());
    let (_, first) = near.next()?;
    near.all(|(_, other)| other == first).then(|| first.first().copied()).flatten()
}

static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| lines().map(|(kind, _)| kind).collect());

/// Stems of names, words joined by a space, with what they mean; of several lines the first is meant unless a species is
/// named.
static NAMES: LazyLock<HashMap<String, Vec<&'static Kind>>> = LazyLock::new(|| {
    let mut names: HashMap<String, Vec<&'static Kind>> = HashMap::new();
    let mut add = |name: String, kind| {
        let kinds = names.entry(name).or_default();
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    };
    for (kind, (_, list)) in KINDS.iter().zip(lines()) {
        for name in list.split(',').map(str::trim) {
            let mut stems: Vec<String> = fold(name).split_whitespace().map(hyphen_stem).collect();
            add(stems.join(" "), kind);
            // «померанский шпиц», «шпиц померанский»
            stems.reverse();
            add(stems.join(" "), kind);
        }
    }
    names
});

/// The names of the list word for word, folded.
static RAW: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let all = lines().flat_map(|(_, list)| list.split([',', ' '])).map(|name| fold(name.trim()));
    all.filter(|name| !name.is_empty()).collect()
});

fn lines() -> impl Iterator<Item = (Kind, &'static str)> {
    include_str!("../data/animals.txt").lines().filter_map(|line| {
        let (canonical, names) = line.split_once('|').filter(|_| !line.starts_with('#'))?;
        let (species, breed) = match canonical.split_once('>') {
            Some((species, breed)) => (species, Some(breed.trim().to_string())),
            None => (canonical, None),
        };
        Some((Kind { species: species.trim().to_string(), breed }, names))
    })
}
