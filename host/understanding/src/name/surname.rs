//! Surnames: what looks like one, and its nominative.

use super::{Gender, capitalised};
use crate::normalise::listed;

const MALE: &[&str] = &["ов", "ев", "ин", "ын", "ский", "цкий", "ской", "цкой"];
const FEMALE: &[&str] = &["ова", "ева", "ина", "ына", "ская", "цкая"];
const INDECLINABLE: &[&str] = &["ко", "ых", "их", "швили", "дзе", "аго", "ово", "иа", "уа", "ли", "оглу"];
const EITHER: &[&str] = &[
    "ук",
    "юк",
    "як",
    "ак",
    "ич",
    "ян",
    "ман",
    "штейн",
    "берг",
    "ер",
    "ец",
    "ик",
    "ль",
    "ян",
    "айло",
    "дт",
    "ель",
    "арь",
    "янц",
    "фельд",
    "баум",
];

/// Whether the word, in some case, ends as surnames do.
pub(super) fn looks_like(text: &str) -> bool {
    if text.chars().count() < 4 || listed(NOT, text) {
        return false;
    }
    let text = text.rsplit('-').next().unwrap_or(text);
    let ends = |list: &[&str]| list.iter().any(|end| text.ends_with(end));
    ends(MALE) || ends(FEMALE) || ends(INDECLINABLE) || declined(text) || ends(EITHER) && text.chars().count() >= 5
}

/// How surely a word ends as a surname: `0` as none, `4` as nothing else does.
pub(super) fn strength(text: &str) -> u8 {
    const SURE: &[&str] = &[
        "ов",
        "ев",
        "ова",
        "ева",
        "ову",
        "еву",
        "ский",
        "цкий",
        "ской",
        "цкой",
        "ская",
        "цкая",
        "скую",
        "цкую",
        "енко",
        "дзе",
        "швили",
        "чук",
        "щук",
        "нюк",
        "янц",
        "штейн",
        "берг",
        "ович",
        "евич",
        "ых",
        "их",
        "фельд",
        "баум",
    ];
    const LIKELY: &[&str] = &["ин", "ын", "ман", "ук", "юк", "як", "ак", "ик", "ич", "ко", "ец", "ян", "арь"];
    let ends = |list: &[&str]| list.iter().any(|end| text.ends_with(end));
    if !looks_like(text) {
        return 0;
    }
    if ends(SURE) {
        return 4;
    }
    1 + 2 * u8::from(ends(LIKELY)) + u8::from(text.ends_with("ина") || text.ends_with("ына"))
}

/// Whether only the instrumental ends so: «Сидорчуком записан».
pub(super) fn instrumental(text: &str) -> bool {
    ["чуком", "нюком", "енком", "овым", "евым", "ским", "цким"].iter().any(|end| text.ends_with(end))
}

/// Whether the word ends as a declined surname.
pub(super) fn declined(text: &str) -> bool {
    const CASES: &[&str] = &[
        "ову",
        "еву",
        "ину",
        "овой",
        "евой",
        "иной",
        "овым",
        "евым",
        "иным",
        "ову",
        "скую",
        "цкую",
        "ского",
        "цкого",
        "скому",
        "ским",
        "цким",
        "чуком",
        "нюком",
        "яком",
        "енком",
    ];
    CASES.iter().any(|end| text.ends_with(end))
}

/// Ordinary words with such endings.
const NOT: &str = "один здоров здорова готов готова машина витамин причина половина корова голова новая основа слова снова любов \
    человек язык только сколько несколько сейчас них своих моих других плохо легко далеко как так никак телефон или \
    если были буква мужчина женщина вакцина щенок хозяин гражданин конец отец месяц кролик вторник понедельник \
    четверг звоночек родитель учитель словарь календарь январь секретарь лекарь сказали говорили спросили мало было или";

/// The nominative of a surname said as `said`; `oblique` when the name beside it was declined.
pub(super) fn nominative(said: &str, text: &str, gender: Option<Gender>, oblique: bool) -> String {
    let letters = said.chars().count();
    let swapped = |drop: usize, add: &str| {
        capitalised(&format!("{}{add}", said.chars().take(letters - drop).collect::<String>()))
    };
    if !oblique {
        return capitalised(said);
    }
    let ends = |end: &str| text.ends_with(end);
    let male = gender != Some(Gender::Female);
    let female = gender != Some(Gender::Male);
    // Women's forms first where the sex is open: «-ову» is hers more often than his.
    if female && (ends("ову") || ends("еву") || ends("ину") || ends("ыну")) {
        return swapped(1, "а");
    }
    if female && (ends("овой") || ends("евой") || ends("иной") || ends("ыной")) {
        return swapped(2, "а");
    }
    if female && (ends("скую") || ends("цкую")) {
        return swapped(2, "ая");
    }
    if gender == Some(Gender::Female) && (ends("ской") || ends("цкой")) {
        return swapped(2, "ая");
    }
    if !male {
        return match text.chars().last() {
            // «Глобу», «Шаповалы»: a woman's surname on -а; those on a consonant do not change.
            Some('у') if letters > 3 => swapped(1, "а"),
            Some('ю') => swapped(1, "я"),
            _ => capitalised(said),
        };
    }
    for (end, drop, add) in [
        ("овым", 2, ""),
        ("евым", 2, ""),
        ("иным", 2, ""),
        ("ского", 3, "ий"),
        ("цкого", 3, "ий"),
        ("скому", 3, "ий"),
        ("цкому", 3, "ий"),
        ("ским", 1, "й"),
        ("цким", 1, "й"),
        ("ова", 1, ""),
        ("ева", 1, ""),
        ("ина", 1, ""),
        ("ына", 1, ""),
        ("ову", 1, ""),
        ("еву", 1, ""),
        ("ину", 1, ""),
        ("ове", 1, ""),
        ("еве", 1, ""),
        ("ком", 2, ""),
        ("ом", 2, ""),
        ("ем", 2, ""),
    ] {
        if ends(end) && letters > 4 {
            return swapped(drop, add);
        }
    }
    let stem_end = text.chars().rev().nth(1);
    let consonant = stem_end.is_some_and(|c| "бвгджзклмнпрстфхцчшщ".contains(c));
    match text.chars().last() {
        Some('а' | 'у') if consonant && letters > 3 && gender == Some(Gender::Male) => swapped(1, ""),
        // «Рябоконя», «Коваля»
        Some('я' | 'ю') if consonant && letters > 4 && gender == Some(Gender::Male) => swapped(1, "ь"),
        _ => capitalised(said),
    }
}
