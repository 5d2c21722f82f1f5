//! Ordinals: 5-й, 1-го, 2-я, «на 2 этаже», 24-часовой, and cardinals written with an ending (2-х, 5-ти).

use super::context::{Governor, Place, Read};
use super::numeral::{Case, Gender, cardinal, compound, ordinal};
use super::scan::{self, integer};

/// Reads a number with an ending, or one that stands before a noun that is numbered rather than counted.
pub(super) fn numbered<'a>(place: Place<'a>) -> Read<'a> {
    let (n, rest) = integer(place.rest, 1..=9)?;
    match rest.strip_prefix(['-', '‑']).and_then(scan::word) {
        Some((ending, after)) => with_ending(place, n, ending, after),
        None => before_noun(place, n, rest),
    }
}

fn with_ending<'a>(place: Place<'a>, n: u64, ending: &str, after: &'a str) -> Read<'a> {
    let ending = ending.to_lowercase();
    if ending.chars().count() > 3 {
        // «24-часовой», «3-летний», «10-дневный»
        return Some((format!("{}{ending}", compound(n)), after));
    }
    let governor = place.governor();
    let (case, gender) = match ending.as_str() {
        "й" | "ый" | "ий" => (Case::Nominative, Gender::Masculine),
        "ой" if governor == Governor::Free => (Case::Nominative, Gender::Masculine),
        "ой" => (Case::Genitive, Gender::Feminine),
        "я" | "ая" | "ья" => (Case::Nominative, Gender::Feminine),
        "ю" | "ую" | "ью" => (Case::Accusative, Gender::Feminine),
        "е" | "ое" | "ье" => (Case::Nominative, Gender::Neuter),
        "ые" => (Case::Nominative, Gender::Plural),
        "го" | "ого" => (Case::Genitive, Gender::Masculine),
        "му" | "ому" => (Case::Dative, Gender::Masculine),
        "м" | "ом" if matches!(governor, Governor::By(Case::Accusative | Case::Prepositional)) => {
            (Case::Prepositional, Gender::Masculine)
        }
        "м" | "ым" => (Case::Instrumental, Gender::Masculine),
        "ом" => (Case::Prepositional, Gender::Masculine),
        // «2-х», «5-ти», «2-мя», «3-м» decline the count itself.
        "х" | "ти" | "ми" | "ух" | "ёх" | "ех" if n > 0 => {
            return Some((cardinal(n, Case::Genitive, Gender::Masculine), after));
        }
        "мя" => return Some((cardinal(n, Case::Instrumental, Gender::Masculine), after)),
        "ых" => (Case::Genitive, Gender::Plural),
        _ => return None,
    };
    Some((ordinal(n, case, gender), after))
}

/// «2 этаж», «на 2 этаже», «в 5 кабинете», «на 10 день»: the noun stands in the singular, so it is not counted.
fn before_noun<'a>(place: Place<'a>, n: u64, rest: &'a str) -> Read<'a> {
    let noun = scan::word(rest.strip_prefix(' ')?)?.0.to_lowercase();
    let counts_one = n % 10 == 1 && n % 100 != 11;
    let counts_few = matches!(n % 10, 2..=4) && !matches!(n % 100, 12..=14);
    let governor = place.governor();
    let (stem_gender, ending) =
        NUMBERED.iter().find_map(|(stem, gender)| Some((*gender, noun.strip_prefix(stem)?.to_owned())))?;
    let case = match (stem_gender, ending.as_str()) {
        (Gender::Masculine, "" | "ь") if !counts_one || governor != Governor::Free || is_place(&noun) => {
            match governor {
                Governor::By(Case::Accusative) => Case::Accusative,
                _ => Case::Nominative,
            }
        }
        (Gender::Masculine, "е") => Case::Prepositional,
        (Gender::Masculine, "у" | "ю") => Case::Dative,
        (Gender::Masculine, "а" | "я") if !counts_few && !counts_one || governor == Governor::By(Case::Genitive) => {
            Case::Genitive
        }
        (Gender::Neuter, "е") if !counts_one => Case::Nominative,
        (Gender::Neuter, "и") => Case::Prepositional,
        _ => return None,
    };
    // «через 1 день», «за 21 день»: counted after all.
    if counts_one && !is_place(&noun) {
        return None;
    }
    // «до 2 этажа» is the second floor; «до 2 дней» never comes here.
    Some((ordinal(n, case, stem_gender), rest))
}

fn is_place(noun: &str) -> bool {
    !noun.starts_with("де")
}

const NUMBERED: &[(&str, Gender)] = &[
    ("этаж", Gender::Masculine),
    ("кабинет", Gender::Masculine),
    ("подъезд", Gender::Masculine),
    ("корпус", Gender::Masculine),
    ("ден", Gender::Masculine),
    ("отделени", Gender::Neuter),
];
