//! Dates: «24 ноября», «24 и 25 ноября», «24–26 ноября», 24.11.2026, 2026-11-24, «в 2026 году», «24 числа».

use super::context::{Governor, Place, Read};
use super::numeral::{Case, Gender, cardinal, ordinal};
use super::scan::{self, dash, digits, integer, keyword};

/// Reads any date, or a year with its word.
pub(super) fn date<'a>(place: Place<'a>) -> Read<'a> {
    iso(place).or_else(|| dotted(place)).or_else(|| days_of_month(place)).or_else(|| year_with_noun(place))
}

/// 2026-11-24.
fn iso<'a>(place: Place<'a>) -> Read<'a> {
    let (year, rest) = integer(place.rest, 4..=4)?;
    let (month, rest) = integer(rest.strip_prefix('-')?, 2..=2)?;
    let (day, rest) = integer(rest.strip_prefix('-')?, 2..=2)?;
    if scan::goes_on(rest) || !(1900..=2999).contains(&year) {
        return None;
    }
    let words = day_words(day, day_case(place), month)?;
    Some((format!("{words} {}", of_year(year)), swallow_year_word(rest)))
}

/// 24.11.2026, 24.11.26, 24/11/2026, 24.11.
fn dotted<'a>(place: Place<'a>) -> Read<'a> {
    let (day, rest) = integer(place.rest, 1..=2)?;
    let mark = rest.chars().next().filter(|c| matches!(c, '.' | '/'))?;
    let (month, rest) = integer(&rest[1..], 2..=2)?;
    let year = rest.strip_prefix(mark).and_then(digits).filter(|(d, _)| matches!(d.len(), 2 | 4));
    let (year, rest) = match year {
        Some((read, after)) => (Some(read), swallow_year_word(after)),
        // «2.10» may be a price or a dose: without a year the day must be written as a date is, «02.10» or «24.11».
        None if mark == '/' || digits(place.rest).is_none_or(|(d, _)| d.len() < 2) => return None,
        None => (None, rest),
    };
    if scan::goes_on(rest) || rest.strip_prefix(['.', ',']).is_some_and(|r| digits(r).is_some()) {
        return None;
    }
    // «в 10.10» names an hour, «с 10.10» a day; a unit behind makes it an amount («10.10 руб.», «12.10 кг»).
    if year.is_none() && (matches!(place.word_before().as_str(), "в" | "во") || super::amount::unit_follows(rest)) {
        return None;
    }
    let mut words = day_words(day, day_case(place), month)?;
    if let Some(year) = year {
        let number: u64 = year.parse().ok()?;
        words = format!("{words} {}", of_year(if year.len() == 2 { number + 2000 } else { number }));
    }
    Some((words, rest))
}

/// «24 ноября», and the days before it in a list or a span: «24, 25 и 26 ноября», «с 24 по 26 ноября».
fn days_of_month<'a>(place: Place<'a>) -> Read<'a> {
    let (day, rest) = integer(place.rest, 1..=2)?;
    if !(1..=31).contains(&day) {
        return None;
    }
    let rest = ["-го", "-е", "-ого", "-ое"]
        .iter()
        .find_map(|s| rest.strip_prefix(s))
        .filter(|r| !scan::goes_on(r))
        .unwrap_or(rest);
    if let Some((month, after)) = month_behind(rest) {
        let words = format!("{} {month}", ordinal(day, day_case(place), Gender::Neuter));
        let (year, after) = year_behind(after);
        return Some((if year.is_empty() { words } else { format!("{words} {year}") }, after));
    }
    // «24–26 ноября»
    if let Some((last, after)) = dash(rest).and_then(|r| integer(r, 1..=2)) {
        let (month, after) = month_behind(after)?;
        let (year, after) = year_behind(after);
        let mut words = match place.governor() {
            Governor::Free => format!(
                "с {} по {} {month}",
                ordinal(day, Case::Genitive, Gender::Neuter),
                ordinal(last, Case::Accusative, Gender::Neuter)
            ),
            _ => {
                let case = day_case(place);
                format!("{}-{} {month}", ordinal(day, case, Gender::Neuter), ordinal(last, case, Gender::Neuter))
            }
        };
        if !year.is_empty() {
            words = format!("{words} {year}");
        }
        return Some((words, after));
    }
    // The first of several days: the rest of them are read in their turn.
    leads_to_month(rest, 0).then(|| (ordinal(day, day_case(place), Gender::Neuter), rest))
}

/// «2026 год», «в 2026 году», «с 2015 г.»; numbers of people's age are below a thousand and never come here.
fn year_with_noun<'a>(place: Place<'a>) -> Read<'a> {
    let (year, rest) = integer(place.rest, 4..=4)?;
    if !(1000..=2999).contains(&year) {
        return None;
    }
    let behind = rest.strip_prefix(' ').unwrap_or(rest);
    let (word, after) = scan::word(behind)?;
    let (case, noun, rest) = match word.to_lowercase().as_str() {
        "год" => (Case::Nominative, "год", after),
        "года" => (Case::Genitive, "года", after),
        "году" if matches!(place.word_before().as_str(), "к" | "ко" | "по") => (Case::Dative, "году", after),
        "году" => (Case::Prepositional, "году", after),
        "годом" => (Case::Instrumental, "годом", after),
        "г" if after.starts_with('.') => {
            let (case, noun) = match place.governor() {
                Governor::By(Case::Accusative) => (Case::Prepositional, "году"),
                Governor::By(Case::Dative) => (Case::Dative, "году"),
                _ => (Case::Genitive, "года"),
            };
            (case, noun, scan::abbreviation_stop(after))
        }
        _ => return None,
    };
    Some((format!("{} {noun}", ordinal(year, case, Gender::Masculine)), rest))
}

/// The case of a day: «на двадцать четвёртое», «к двадцать четвёртому», otherwise «двадцать четвёртого».
fn day_case(place: Place<'_>) -> Case {
    match place.governor() {
        // «в 24 ноября» is nobody's Russian; «на», «за», «по», «через» take the accusative.
        Governor::By(Case::Accusative) | Governor::Each => Case::Accusative,
        Governor::By(case) => case,
        Governor::Free => weekday_before(place).unwrap_or(Case::Genitive),
    }
}

/// «на пятницу, 24 ноября»: the date stands beside the weekday, in its case.
fn weekday_before(place: Place<'_>) -> Option<Case> {
    let before = place.before.trim_end_matches([' ', ',']);
    let (words, weekday) = before.rsplit_once(' ')?;
    if !WEEKDAYS_ACCUSATIVE.contains(&weekday.to_lowercase().as_str()) {
        return None;
    }
    let preposition = words.trim_end().rsplit(' ').next()?.to_lowercase();
    (preposition == "на").then_some(Case::Accusative)
}

const WEEKDAYS_ACCUSATIVE: &[&str] = &[
    "понедельник",
    "вторник",
    "среду",
    "четверг",
    "пятницу",
    "субботу",
    "воскресенье",
    "завтра",
    "послезавтра",
    "сегодня",
];

fn leads_to_month(rest: &str, depth: u8) -> bool {
    let next = [" и ", " или ", ", ", " по ", " до "].iter().find_map(|j| rest.strip_prefix(j));
    let Some((day, after)) = next.and_then(|r| integer(r, 1..=2)) else { return false };
    (1..=31).contains(&day) && (month_behind(after).is_some() || depth < 6 && leads_to_month(after, depth + 1))
}

fn day_words(day: u64, case: Case, month: u64) -> Option<String> {
    let month = MONTHS.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    (1..=31).contains(&day).then(|| format!("{} {month}", ordinal(day, case, Gender::Neuter)))
}

fn of_year(year: u64) -> String {
    format!("{} года", ordinal(year, Case::Genitive, Gender::Masculine))
}

fn month_behind(rest: &str) -> Option<(&'static str, &str)> {
    let (word, after) = scan::word(rest.strip_prefix(' ').unwrap_or(rest))?;
    let lower = word.to_lowercase();
    if lower == "числа" {
        return Some(("числа", after));
    }
    if let Some(month) = MONTHS.iter().find(|m| **m == lower) {
        return Some((month, after));
    }
    let at = MONTHS_SHORT.iter().position(|short| *short == lower)?;
    Some((MONTHS[at], scan::abbreviation_stop(after)))
}

/// « 2026 года», « 2026 г.», « 2026».
fn year_behind(rest: &str) -> (String, &str) {
    match rest.strip_prefix(' ').and_then(|r| integer(r, 4..=4)) {
        Some((year, after)) if (1900..=2999).contains(&year) && !scan::goes_on(after) => {
            (of_year(year), swallow_year_word(after))
        }
        _ => (String::new(), rest),
    }
}

fn swallow_year_word(rest: &str) -> &str {
    let behind = rest.strip_prefix(' ').unwrap_or(rest);
    if let Some(after) = keyword(behind, "года") {
        return after;
    }
    match keyword(behind, "г") {
        Some(after) if after.starts_with('.') => scan::abbreviation_stop(after),
        _ => rest,
    }
}

/// 24/7.
pub(super) fn around_the_clock<'a>(place: Place<'a>) -> Read<'a> {
    let rest = place.rest.strip_prefix("24/7")?;
    (!scan::goes_on(rest) && !rest.starts_with('/')).then(|| ("круглосуточно".to_owned(), rest))
}

/// A bare fraction: 1/2 is «половина», 12/3 is «двенадцать дробь три».
pub(super) fn fraction<'a>(place: Place<'a>) -> Read<'a> {
    let (top, rest) = integer(place.rest, 1..=6)?;
    let (bottom, rest) = integer(rest.strip_prefix('/')?, 1..=6)?;
    if rest.starts_with('/') {
        return None;
    }
    let nominative = |n| cardinal(n, Case::Nominative, Gender::Masculine);
    let words = match (top, bottom) {
        (1, 2) => "половина".to_owned(),
        (1, 3) => "одна треть".to_owned(),
        (1, 4) => "одна четверть".to_owned(),
        (3, 4) => "три четверти".to_owned(),
        _ => format!("{} дробь {}", nominative(top), nominative(bottom)),
    };
    Some((words, rest))
}

const MONTHS: [&str; 12] = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
];
const MONTHS_SHORT: [&str; 12] = ["янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"];
