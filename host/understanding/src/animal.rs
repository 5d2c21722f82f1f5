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

use crate::normalise::{Token, TokenKind, fold, fuzzy, listed, stem, tokens};

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
    let corrected = corrected(&words);
    let mentions = said_last(without_namesakes(&words, mentions(&words)), corrected);
    let breed = mentions.iter().find(|m| m.kind.breed.is_some());
    // «птичка, амадина»: the narrower kind.
    let kinds = || mentions.iter().filter(|m| m.kind.breed.is_none());
    let plain = kinds().find(|m| m.kind.species != "птица").or_else(|| kinds().next());
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
    let name = nickname::find(&words, &mentions, corrected);
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

fn large(word: &Word) -> bool {
    word.said.chars().next().is_some_and(char::is_uppercase)
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
            // «Тося» has the stem of «той».
            if at > 0 && phrase.chars().count() < 3 && large(&slice[0]) {
                return None;
            }
            let kinds = kinds_of(&phrase)
                .or_else(|| near(&phrase, taken).filter(|_| at == 0 || !large(&slice[0])).map(|kind| vec![kind]))
                .or_else(|| if taken == 1 { kinds_of(&undiminished(&slice[0].text)?) } else { None })?;
            let (kind, others) = kinds.split_first()?;
            Some(Mention { kind, others: others.to_vec(), from: at, to: at + taken })
        });
        match found {
            Some(mention) => {
                at = mention.to;
                // «не собака, а кошка»; «какой пудель, болонка она»; «как Лесси»
                let before = mention.from.checked_sub(1).map_or("", |at| words[at].text.as_str());
                if !matches!(before, "не" | "какой" | "какая" | "какое" | "как") {
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
        // «наша-то» is no toy terrier.
        let parts = phrase.split('-').filter(|part| part.chars().count() > 2).filter_map(|part| NAMES.get(part));
        parts
            .max_by_key(|kinds| kinds.iter().any(|kind| kind.breed.is_some()))
            .filter(|_| phrase.contains('-') && !phrase.contains(' '))
            .cloned()
    })
}

/// Behind «ой», «нет», «вернее»: what comes from there on counts more than what was said before.
fn corrected(words: &[Word]) -> usize {
    let cue = |word: &Word| listed("ой нет тьфу вернее точнее простите извините ошиблась ошибся путаю", &word.text);
    // «нету клички, нет» at the end corrects nothing.
    words.iter().rposition(cue).map_or(0, |at| at + 1).min(words.len() - usize::from(!words.is_empty()))
}

/// «лабра... нет, голден»: the kinds behind the correction, if there are any.
fn said_last(mentions: Vec<Mention>, corrected: usize) -> Vec<Mention> {
    let (before, after): (Vec<_>, Vec<_>) = mentions.into_iter().partition(|m| m.from < corrected);
    if after.is_empty() { before } else { after }
}

/// «собака Белка», «кот Тигра»: a kind written large after another is the animal's name; so is one in mid-phrase beside a
/// kind that is not («была Белка, а эта собачка Стрелка»).
fn without_namesakes(words: &[Word], mentions: Vec<Mention>) -> Vec<Mention> {
    let is_large = |m: &Mention| m.from > 0 && large(&words[m.from]);
    let small = mentions.iter().any(|m| !is_large(m) && m.kind.breed.is_none());
    let mut kept: Vec<Mention> = Vec::new();
    for mention in mentions {
        let large = is_large(&mention);
        let single = mention.to == mention.from + 1;
        let named = single
            && (kept.iter().any(|m| m.to == mention.from)
                || small && mention.kind.breed.is_none() && !words[mention.from].apart);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> (Option<String>, Option<String>, Option<String>) {
        parse(text).map_or((None, None, None), |animal| (animal.species, animal.breed, animal.name))
    }

    fn is(text: &str, species: &str, breed: Option<&str>, name: Option<&str>) {
        let expected = (Some(species.to_owned()), breed.map(str::to_owned), name.map(str::to_owned));
        assert_eq!(said(text), expected, "{text}");
    }

    #[test]
    fn what_was_taken_back_goes() {
        is("это овчарка, ой нет, лабрадор, Грей", "собака", Some("лабрадор"), Some("Грей"));
        is("не кот, а кошка, Муся", "кошка", None, Some("Муся"));
        is("пудель, нет, какой пудель, болонка она, Жужа", "собака", Some("болонка"), Some("Жужа"));
    }

    #[test]
    fn the_name_is_what_it_is_called_not_what_it_is_like() {
        is("кошку покажем, Груша её зовут, да, как фрукт", "кошка", None, Some("Груша"));
        is("овчарку привезём, Мухтар её зовут, как в кино", "собака", Some("овчарка"), Some("Мухтар"));
        is("кот уличный, Бродягой прозвали", "кошка", None, Some("Бродяга"));
        is("такса у нас, имя у неё Конфетка", "собака", Some("такса"), Some("Конфетка"));
    }

    #[test]
    fn birds_and_reptiles_are_kinds_of_their_own() {
        is("канарейка Яша", "канарейка", None, Some("Яша"));
        is("удав Каа", "удав", None, Some("Каа"));
        is("индюк у нас, Генералом зовём", "индюк", None, Some("Генерал"));
        is("птичка, амадина, Чижик", "амадина", None, Some("Чижик"));
    }
}
