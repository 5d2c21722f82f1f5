//! Patronymics by their endings, in every case, full and as contracted in speech.

use super::{Gender, capitalised};
use crate::normalise::listed;

/// A word read as a patronymic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    pub nominative: String,
    pub gender: Gender,
    /// Whether it was said in another case.
    pub oblique: bool,
}

const MALE: &[&str] = &["ович", "евич", "ьич", "ыч", "аич", "еич", "ич"];
const FEMALE: &[&str] = &["овна", "евна", "инична", "ична", "ишна", "ванна", "пална", "лавна", "евна", "тольна"];
const MALE_CASES: &[&str] = &["а", "у", "ем", "е", "ом"];
const FEMALE_CASES: &[&str] = &["ы", "е", "у", "ой", "ою"];

/// Women's patronymics as contracted in speech.
const CONTRACTED: &str =
    "пална санна иванна лексевна лексанна васильна юрьна сергевна андревна алексевна николавна михална анатольна";

/// Words that end like a patronymic and are none.
const NOT: &str = "кирпич отлична логична москвич паралич ванна личной обычной отличной больничной вторичной типичной ровна ровной \
    основной деревни прилична кулич";

/// Reads a word as a patronymic.
pub(super) fn read(text: &str, said: &str) -> Option<Reading> {
    if listed(NOT, text) || text.chars().count() < 5 {
        return None;
    }
    if listed(CONTRACTED, text) {
        return Some(Reading { nominative: capitalised(said), gender: Gender::Female, oblique: false });
    }
    let cut = |ending: &str| text.strip_suffix(ending).filter(|root| root.chars().count() >= 2).is_some();
    let said_without = |n: usize| said.chars().take(said.chars().count() - n).collect::<String>();
    let length = |s: &str| s.chars().count();
    // «Станкевич», «Тарасевич»: -евич makes a patronymic of a soft root alone, so these are surnames.
    let hard = |root: &str| root.ends_with(['б', 'в', 'г', 'д', 'з', 'к', 'м', 'н', 'п', 'с', 'т', 'ф', 'х']);
    if ["", "а", "у", "ем", "е"].iter().any(|case| text.strip_suffix(&format!("евич{case}")).is_some_and(hard))
    {
        return None;
    }
    for suffix in FEMALE {
        if cut(suffix) {
            return Some(Reading { nominative: capitalised(said), gender: Gender::Female, oblique: false });
        }
        let root: String = suffix.chars().take(length(suffix) - 1).collect();
        for case in FEMALE_CASES {
            if cut(&format!("{root}{case}")) {
                let nominative = capitalised(&format!("{}а", said_without(length(case))));
                return Some(Reading { nominative, gender: Gender::Female, oblique: true });
            }
        }
    }
    for suffix in MALE {
        // «-ич» alone is a surname as often as a patronymic, but for a few.
        let short = *suffix == "ич";
        let known = |root: &str| {
            !short || SHORT.contains(&root) || root.ends_with('н') && root.ends_with("ан") || root.ends_with('ь')
        };
        let root = |ending: &str| text.strip_suffix(ending).map(str::to_string);
        if cut(suffix) && root(suffix).is_some_and(|r| known(&r)) {
            return Some(Reading { nominative: capitalised(said), gender: Gender::Male, oblique: false });
        }
        for case in MALE_CASES {
            let ending = format!("{suffix}{case}");
            if cut(&ending) && root(&ending).is_some_and(|r| known(&r)) {
                return Some(Reading {
                    nominative: capitalised(&said_without(length(case))),
                    gender: Gender::Male,
                    oblique: true,
                });
            }
        }
    }
    None
}

/// Roots of «Ильич», «Кузьмич», «Фомич», «Лукич», «Никитич», «Саввич» and of contracted «Иваныч»-likes.
const SHORT: &[&str] = &["иль", "кузьм", "фом", "лук", "никит", "савв", "ион", "мин", "ипатьев", "демьян", "иван"];
