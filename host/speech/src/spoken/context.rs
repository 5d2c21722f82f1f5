//! What stands around a number decides its case and gender: the preposition before, the noun behind.

use super::numeral::{Case, Gender};
use super::scan;

/// A place in the text: what was written before it, and what follows, beginning with the thing to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub before: &'a str,
    pub rest: &'a str,
}

/// Words and what is left of the text: the result of every reader.
pub(super) type Read<'a> = Option<(String, &'a str)>;

/// How a preposition governs what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Governor {
    /// No preposition: the number stands by itself.
    Free,
    /// «по»: dative of one, accusative of more, and the accusative of a date.
    Each,
    /// Any other.
    By(Case),
}

impl Governor {
    /// The case of the number `n` when nothing behind it says otherwise.
    pub fn case(self, n: u64) -> Case {
        match self {
            Governor::Free => Case::Nominative,
            Governor::Each if n % 10 == 1 && n % 100 != 11 => Case::Dative,
            Governor::Each => Case::Accusative,
            Governor::By(case) => case,
        }
    }
}

impl<'a> Place<'a> {
    /// The last word before this place with nothing but spaces between, in lower case.
    pub fn word_before(&self) -> String {
        last_word(self.before).0.to_lowercase()
    }

    /// What governs this place, looking past «примерно» and past «5 и» in «между 5 и 6».
    pub fn governor(&self) -> Governor {
        let mut before = self.before;
        for _ in 0..4 {
            let (word, rest) = last_word(before);
            let lower = word.to_lowercase();
            if let Some(found) = governs(&lower) {
                return found;
            }
            before = match lower.as_str() {
                "примерно" | "приблизительно" | "ровно" | "почти" | "всего" | "лишь" | "целых" => {
                    rest
                }
                "и" | "или" => {
                    let number = rest.trim_end_matches(' ').trim_end_matches(|c: char| c.is_ascii_digit() || c == ':');
                    if number.len() == rest.trim_end_matches(' ').len() {
                        return Governor::Free;
                    }
                    number
                }
                _ => return Governor::Free,
            };
        }
        Governor::Free
    }

    /// The same place after `read` characters' worth of text was taken, for what follows in the same phrase.
    pub fn at(&self, rest: &'a str) -> Place<'a> {
        Place { before: self.before, rest }
    }
}

fn last_word(before: &str) -> (&str, &str) {
    let trimmed = before.trim_end_matches(' ');
    let start =
        trimmed.char_indices().rev().take_while(|(_, c)| c.is_alphabetic()).last().map_or(trimmed.len(), |(at, _)| at);
    (&trimmed[start..], &trimmed[..start])
}

fn governs(word: &str) -> Option<Governor> {
    let case = match word {
        "с" | "со" | "до" | "от" | "ото" | "около" | "без" | "более" | "менее" | "больше" | "меньше" | "свыше"
        | "после" | "для" | "из" | "у" | "кроме" | "порядка" | "старше" | "младше" | "течение" | "возрасте"
        | "раньше" | "позже" | "позднее" | "ранее" | "выше" | "ниже" | "дороже" | "дешевле" | "против" => {
            Case::Genitive
        }
        "к" | "ко" => Case::Dative,
        "в" | "во" | "на" | "за" | "через" | "про" => Case::Accusative,
        "над" | "под" | "перед" | "между" => Case::Instrumental,
        "о" | "об" | "при" => Case::Prepositional,
        "по" => return Some(Governor::Each),
        _ => return None,
    };
    Some(Governor::By(case))
}

/// The noun behind a number, as far as its ending tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    pub gender: Gender,
    /// Set when the ending itself shows the case («в 5 клиниках»).
    pub case: Option<Case>,
    /// An animate accusative («на 1 кота»), which takes the genitive numeral.
    pub animate: bool,
}

/// Looks at the noun behind the number `n`, past adjectives, to find the gender the numeral agrees with.
pub(super) fn counted(rest: &str, n: u64, governor: Governor) -> Counted {
    let mut result = Counted { gender: Gender::Masculine, case: None, animate: false };
    let Some(noun) = noun_behind(rest) else { return result };
    let ends = |endings: &[&str]| endings.iter().any(|e| noun.ends_with(e));
    let one = n % 10 == 1 && n % 100 != 11;
    let few = matches!(n % 10, 2..=4) && !matches!(n % 100, 12..=14);
    if MASCULINE_IN_A.contains(&noun.as_str()) {
        return result;
    }
    if one {
        return beside_one(&noun, governor);
    }
    if few && ends(&["ы", "и"]) {
        result.gender = Gender::Feminine;
    }
    result.case = if ends(&["ах", "ях"]) {
        Some(Case::Prepositional)
    } else if ends(&["ами", "ями"]) {
        Some(Case::Instrumental)
    } else if ends(&["ам", "ям"]) {
        Some(Case::Dative)
    } else {
        None
    };
    result
}

/// «одна кошка», «одну кошку», «одного кота», «в одной клинике»: the noun is singular, so its ending tells.
fn beside_one(noun: &str, governor: Governor) -> Counted {
    let ends = |endings: &[&str]| endings.iter().any(|e| noun.ends_with(e));
    let in_a = ends(&["а", "я"]) && !noun.ends_with("мя");
    let soft = FEMININE_SOFT.contains(&noun);
    let (gender, case, animate) = match governor {
        // «в 1 клинике» is a place, «на 1 кота» an animate object.
        Governor::By(Case::Accusative) if ends(&["е"]) => (Gender::Feminine, Some(Case::Prepositional), false),
        Governor::By(Case::Accusative) if in_a => (Gender::Masculine, None, true),
        Governor::By(Case::Accusative) if soft || ends(&["у", "ю"]) => (Gender::Feminine, None, false),
        Governor::By(Case::Accusative) if ends(&["о", "мя"]) => (Gender::Neuter, None, false),
        Governor::By(Case::Genitive) if ends(&["ы", "и"]) => (Gender::Feminine, None, false),
        Governor::By(Case::Instrumental) if ends(&["ой", "ей", "ью"]) => (Gender::Feminine, None, false),
        Governor::By(Case::Dative | Case::Prepositional) | Governor::Each if ends(&["е", "и"]) => {
            (Gender::Feminine, None, false)
        }
        Governor::Free | Governor::By(Case::Nominative) if in_a || soft => (Gender::Feminine, None, false),
        Governor::Free | Governor::By(Case::Nominative) if ends(&["о", "е", "мя"]) => (Gender::Neuter, None, false),
        _ => (Gender::Masculine, None, false),
    };
    Counted { gender, case, animate }
}

/// The word behind, or the one after it when the first is an adjective; in lower case.
fn noun_behind(rest: &str) -> Option<String> {
    let mut rest = rest.strip_prefix(' ')?;
    for _ in 0..2 {
        let (word, after) = scan::word(rest)?;
        let lower = word.to_lowercase();
        let adjective = lower.chars().count() > 4
            && ["ая", "яя", "ое", "ее", "ый", "ий", "ой", "ую", "юю", "ые", "ие", "ых", "их", "ого", "ому", "ым", "им"]
                .iter()
                .any(|e| lower.ends_with(e));
        match after.strip_prefix(' ') {
            Some(next) if adjective && next.starts_with(char::is_lowercase) => rest = next,
            _ => return Some(lower),
        }
    }
    scan::word(rest).map(|(word, _)| word.to_lowercase())
}

/// Masculine nouns that end in «-а» or «-и» where a feminine would.
const MASCULINE_IN_A: &[&str] = &["мужчина", "мужчины", "дедушка", "папа", "юноша", "дети", "раза"];

/// Feminine nouns in «-ь» that are counted at a clinic's desk.
const FEMININE_SOFT: &[&str] = &[
    "ночь",
    "запись",
    "мышь",
    "часть",
    "очередь",
    "дочь",
    "лошадь",
    "порция",
    "область",
    "ступень",
    "кость",
    "опухоль",
];
