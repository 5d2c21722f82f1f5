//! Amounts: plain counts, fractions, money, percentages, durations, weights, and spans of them.
//!
//! No floating point: a fraction is the digits that were written.

use super::context::{Counted, Governor, Place, Read, counted};
use super::noun::{self, CENT, DOLLAR, HOUR, KOPECK, MINUTE, Noun, ROUBLE};
use super::numeral::{Case, Gender, agree, cardinal, digit_by_digit, ordinal};
use super::scan::{self, Number, dash, integer, number};

/// Reads a number with whatever it counts. Any text that begins with a digit is read.
pub(super) fn amount<'a>(place: Place<'a>) -> Read<'a> {
    if let Some(read) = currency_first(place) {
        return Some(read);
    }
    let (first, rest) = number(place.rest)?;
    if let Some((last, after)) = dash(rest).and_then(number)
        && !scan::goes_on_with_dash(after)
    {
        return Some(span(place, &first, &last, after));
    }
    let governor = place.governor();
    let Some((unit, after)) = unit(rest, &first) else {
        return Some(plain(place, &first, rest));
    };
    let case = governor.case(first.value().unwrap_or(0));
    Some(with_unit(&first, unit, case, after))
}

/// Whether a unit stands at the head of `rest`, so that a number before it is an amount.
pub(super) fn unit_follows(rest: &str) -> bool {
    unit(rest, &Number { whole: "5".to_owned(), fraction: None }).is_some()
}

/// What a number is followed by.
struct Unit {
    /// A thousand, a million: «3 тыс. руб.»
    size: Option<&'static [[&'static str; 6]; 2]>,
    noun: Option<&'static Noun>,
    /// Said behind the noun: «в час», «на килограмм», «Цельсия».
    suffix: &'static str,
    /// Said before the noun, in the genitive plural: «квадратных».
    square: bool,
}

fn unit<'a>(rest: &'a str, before: &Number<'_>) -> Option<(Unit, &'a str)> {
    let mut text = rest.strip_prefix(' ').unwrap_or(rest);
    let mut unit = Unit { size: None, noun: None, suffix: "", square: false };
    for (written, size) in [("тыс", &THOUSAND), ("млн", &MILLION), ("млрд", &MILLIARD)] {
        if let Some(after) = scan::keyword(text, written) {
            unit.size = Some(size);
            text = scan::abbreviation_stop(after);
            let behind = text.strip_prefix(' ').unwrap_or(text);
            return Some(match written_noun(behind, before) {
                Some((noun, after)) => (Unit { noun: Some(noun), ..unit }, after),
                None => (unit, text),
            });
        }
    }
    if let Some(after) = text.strip_prefix("кв. м").or_else(|| text.strip_prefix("м²")).filter(|r| !scan::goes_on(r))
    {
        let noun = Some(&noun::METRE);
        return Some((Unit { noun, square: true, ..unit }, scan::abbreviation_stop(after)));
    }
    let (noun, mut after) = written_noun(text, before)?;
    unit.noun = Some(noun);
    for (per, words) in PER {
        if let Some(read) = after.strip_prefix(per).filter(|r| !scan::goes_on(r)) {
            unit.suffix = words;
            after = scan::abbreviation_stop(read);
        }
    }
    Some((unit, after))
}

const PER: &[(&str, &str)] = &[
    ("/кг", "на килограмм"),
    ("/мл", "на миллилитр"),
    ("/л", "на литр"),
    ("/час", "в час"),
    ("/ч", "в час"),
    ("/мин", "в минуту"),
    ("/сут", "в сутки"),
    ("/мес", "в месяц"),
    ("/чел", "с человека"),
];

fn written_noun<'a>(text: &'a str, before: &Number<'_>) -> Option<(&'static Noun, &'a str)> {
    for (written, noun) in noun::WRITTEN {
        let symbol = !written.starts_with(char::is_alphabetic);
        let Some(length) = prefix_length(text, written) else { continue };
        let after = &text[length..];
        // A full word behind a whole number is left to the text, which declines it: «15 минут», «от 800 рублей».
        let full_word = matches!(
            *written,
            "минуты"
                | "рублей"
                | "рубля"
                | "рубль"
                | "копеек"
                | "копейки"
                | "копейка"
                | "час"
                | "лет"
        );
        if full_word && before.fraction.is_none() || !symbol && (scan::goes_on(after) || after.starts_with(['-', '‑']))
        {
            continue;
        }
        // «5 м.» and «3 г» are units; «в 5 М» is not.
        if !symbol && text.starts_with(char::is_uppercase) && !matches!(*written, "ме" | "ед" | "л") {
            continue;
        }
        return Some((noun, if symbol { after } else { scan::abbreviation_stop(after) }));
    }
    None
}

fn prefix_length(text: &str, lower: &str) -> Option<usize> {
    let mut chars = text.char_indices();
    for wanted in lower.chars() {
        let (_, found) = chars.next()?;
        if found != wanted && !found.to_lowercase().eq([wanted]) {
            return None;
        }
    }
    Some(chars.next().map_or(text.len(), |(at, _)| at))
}

fn with_unit<'a>(first: &Number<'_>, unit: Unit, case: Case, rest: &'a str) -> (String, &'a str) {
    let Some(noun) = unit.noun else {
        return (sized(first, &unit, case), rest);
    };
    if unit.size.is_some() {
        return (format!("{} {}", sized(first, &unit, case), noun.many[Case::Genitive as usize]), rest);
    }
    if let Some(words) = money_with_small_change(first, noun, case) {
        return (words, rest);
    }
    let mut words = measured(first, noun, case, unit.square);
    if !unit.suffix.is_empty() {
        words = format!("{words} {}", unit.suffix);
    }
    // «2 ч 30 мин», «100 руб. 50 коп.»: one phrase, one case.
    for (large, small) in [(&HOUR, &MINUTE), (&ROUBLE, &KOPECK)] {
        if !std::ptr::eq(noun, large) || first.fraction.is_some() {
            continue;
        }
        if let Some((n, after)) = rest.strip_prefix(' ').and_then(|r| integer(r, 1..=2))
            && let Some((unit, after)) = self::unit(after, &Number { whole: n.to_string(), fraction: None })
            && unit.noun.is_some_and(|found| std::ptr::eq(found, small))
        {
            return (format!("{words} {} {}", cardinal(n, case, small.gender), small.after(n, case)), after);
        }
    }
    (words, rest)
}

fn sized(first: &Number<'_>, unit: &Unit, case: Case) -> String {
    let Some(size) = unit.size else { return counted_words(first, case, Gender::Masculine) };
    let gender = if std::ptr::eq(size, &THOUSAND) { Gender::Feminine } else { Gender::Masculine };
    let form = |n| agree(n, case, &size[0], &size[1]);
    match (first.value(), first.fraction) {
        (Some(n), None) => format!("{} {}", cardinal(n, case, gender), form(n)),
        (Some(n), Some("5")) if n > 1 => format!("{} с половиной {}", cardinal(n, case, gender), form(n)),
        (Some(1), Some("5")) => format!("{} {}", one_and_a_half(case, gender), half_noun(case, &size[0], &size[1])),
        _ => format!("{} {}", counted_words(first, case, gender), size[0][Case::Genitive as usize]),
    }
}

/// 2 300,50 руб.: two digits behind the comma are kopecks.
fn money_with_small_change(first: &Number<'_>, noun: &'static Noun, case: Case) -> Option<String> {
    let small = if std::ptr::eq(noun, &ROUBLE) {
        &KOPECK
    } else if std::ptr::eq(noun, &DOLLAR) || std::ptr::eq(noun, &noun::EURO) {
        &CENT
    } else {
        return None;
    };
    let (whole, cents) = (first.value()?, first.fraction.filter(|f| f.len() == 2)?.parse::<u64>().ok()?);
    let mut words = format!("{} {}", cardinal(whole, case, noun.gender), noun.after(whole, case));
    if cents > 0 {
        words = format!("{words} {} {}", cardinal(cents, case, small.gender), small.after(cents, case));
    }
    Some(words)
}

/// A number and its noun: «два с половиной килограмма», «полтора часа», «ноль целых пять десятых миллиграмма».
fn measured(n: &Number<'_>, noun: &Noun, case: Case, square: bool) -> String {
    let adjective = |form: &str, single: bool| match (square, single) {
        (false, _) => form.to_owned(),
        (true, true) => format!("квадратный {form}"),
        (true, false) => format!("квадратных {form}"),
    };
    match (n.value(), n.fraction) {
        (None, _) => format!("{} {}", counted_words(n, case, noun.gender), noun.many[Case::Genitive as usize]),
        (Some(n), None) => {
            format!("{} {}", cardinal(n, case, noun.gender), adjective(noun.after(n, case), Noun::is_single(n)))
        }
        (Some(1), Some("5")) => {
            format!("{} {}", one_and_a_half(case, noun.gender), adjective(noun.after_one_and_a_half(case), false))
        }
        (Some(n), Some("5")) if n > 1 => {
            format!("{} с половиной {}", cardinal(n, case, noun.gender), adjective(noun.after(n, case), false))
        }
        (Some(_), Some(_)) => format!("{} {}", counted_words(n, case, noun.gender), adjective(noun.genitive(), false)),
    }
}

/// A number by itself: «пять», «две целых три десятых».
fn counted_words(n: &Number<'_>, case: Case, gender: Gender) -> String {
    let whole = n.value();
    match (whole, n.fraction) {
        (Some(whole), None) => cardinal(whole, case, gender),
        (None, None) => digit_by_digit(&n.whole),
        (Some(1), Some("5")) => one_and_a_half(case, gender).to_owned(),
        (Some(whole), Some("5")) if whole > 1 => format!("{} с половиной", cardinal(whole, case, gender)),
        (Some(whole), Some(fraction)) => match fraction_words(fraction, case) {
            Some(words) => {
                let noun = if whole % 10 == 1 && whole % 100 != 11 { WHOLE_ONE } else { WHOLE_MANY };
                format!("{} {} {words}", cardinal(whole, case, Gender::Feminine), noun[case as usize])
            }
            None => format!("{} запятая {}", cardinal(whole, case, gender), digit_by_digit(fraction)),
        },
        (None, Some(fraction)) => format!("{} запятая {}", digit_by_digit(&n.whole), digit_by_digit(fraction)),
    }
}

/// «пять десятых», «двадцать пять сотых».
fn fraction_words(digits: &str, case: Case) -> Option<String> {
    let parts = [10, 100, 1000, 10_000].get(digits.len().checked_sub(1)?)?;
    let n: u64 = digits.parse().ok()?;
    let single = n % 10 == 1 && n % 100 != 11;
    let noun = match (single, case) {
        (true, case) => ordinal(*parts, case, Gender::Feminine),
        (false, Case::Nominative | Case::Accusative) => ordinal(*parts, Case::Genitive, Gender::Plural),
        (false, case) => ordinal(*parts, case, Gender::Plural),
    };
    Some(format!("{} {noun}", cardinal(n, case, Gender::Feminine)))
}

fn one_and_a_half(case: Case, gender: Gender) -> &'static str {
    match (case, gender) {
        (Case::Nominative | Case::Accusative, Gender::Feminine) => "полторы",
        (Case::Nominative | Case::Accusative, _) => "полтора",
        _ => "полутора",
    }
}

fn half_noun(case: Case, one: &[&'static str; 6], many: &[&'static str; 6]) -> &'static str {
    match case {
        Case::Nominative | Case::Accusative => one[Case::Genitive as usize],
        other => many[other as usize],
    }
}

/// A number with no unit: the noun behind it, if any, tells gender and sometimes case.
fn plain<'a>(place: Place<'a>, n: &Number<'_>, rest: &'a str) -> (String, &'a str) {
    let governor = place.governor();
    let value = n.value().unwrap_or(0);
    let Counted { gender, case, animate } = counted(rest, value, governor);
    let case = case.unwrap_or_else(|| governor.case(value));
    let case = if animate && case == Case::Accusative { Case::Genitive } else { case };
    if let (Some("5"), Some(whole)) = (n.fraction, n.value())
        && whole == 1
        && scan::word(rest.strip_prefix(' ').unwrap_or("")).is_some_and(|(w, _)| w.ends_with(['ы', 'и']))
    {
        return (one_and_a_half(case, Gender::Feminine).to_owned(), rest);
    }
    let mut words = counted_words(n, case, gender);
    // A letter glued to a number, «5А» or «3к2», belongs to a house.
    let mut rest = rest;
    if let Some((letters, after)) = scan::word(rest).filter(|_| n.fraction.is_none()) {
        if let Some((block, after)) =
            Some(letters).filter(|l| matches!(*l, "к" | "К" | "с" | "С")).and_then(|_| integer(after, 1..=3))
        {
            let name = if matches!(letters, "к" | "К") { "корпус" } else { "строение" };
            words = format!("{words} {name} {}", cardinal(block, Case::Nominative, Gender::Masculine));
            rest = after;
        } else if letters.chars().count() == 1 && !scan::goes_on(after) {
            words = format!("{words} {}", letters.to_lowercase());
            rest = after;
        }
    }
    (words, rest)
}

/// «10–12 дней», «500–700 руб.», «10–12».
fn span<'a>(place: Place<'a>, first: &Number<'_>, last: &Number<'_>, rest: &'a str) -> (String, &'a str) {
    let governor = place.governor();
    if let Some((unit, after)) = unit(rest, last) {
        if governor == Governor::Free {
            // «от пятисот до семисот рублей»
            let from = counted_words(first, Case::Genitive, unit.noun.map_or(Gender::Masculine, |n| n.gender));
            let (to, after) = with_unit(last, unit, Case::Genitive, after);
            return (format!("от {from} до {to}"), after);
        }
        let case = governor.case(last.value().unwrap_or(0));
        let gender = unit.noun.map_or(Gender::Masculine, |n| n.gender);
        let from = counted_words(first, case, gender);
        let (to, after) = with_unit(last, unit, case, after);
        return (pair(&from, &to), after);
    }
    let noun_behind = rest.strip_prefix(' ').and_then(scan::word).is_some();
    if noun_behind || governor != Governor::Free {
        // The noun stays as written, so both numbers take its case: «десять-двенадцать дней».
        let Counted { gender, case, .. } = counted(rest, last.value().unwrap_or(0), governor);
        let case = case.unwrap_or_else(|| governor.case(last.value().unwrap_or(0)));
        return (pair(&counted_words(first, case, gender), &counted_words(last, case, gender)), rest);
    }
    let genitive = |n| counted_words(n, Case::Genitive, Gender::Masculine);
    (format!("от {} до {}", genitive(first), genitive(last)), rest)
}

/// «два-три», but «двадцать одна, двадцать две» once the first is more than a word.
fn pair(first: &str, last: &str) -> String {
    if first.contains(' ') { format!("{first}, {last}") } else { format!("{first}-{last}") }
}

/// $100, €50.
fn currency_first<'a>(place: Place<'a>) -> Read<'a> {
    let noun = match place.rest.chars().next()? {
        '$' => &DOLLAR,
        '€' => &noun::EURO,
        '₽' => &ROUBLE,
        _ => return None,
    };
    let after_sign = place.rest.trim_start_matches(['$', '€', '₽']);
    let (n, rest) = number(after_sign.strip_prefix(' ').unwrap_or(after_sign))?;
    let case = place.governor().case(n.value().unwrap_or(0));
    Some(with_unit(&n, Unit { size: None, noun: Some(noun), suffix: "", square: false }, case, rest))
}

static THOUSAND: [[&str; 6]; 2] = [
    ["тысяча", "тысячи", "тысяче", "тысячу", "тысячей", "тысяче"],
    ["тысячи", "тысяч", "тысячам", "тысячи", "тысячами", "тысячах"],
];
static MILLION: [[&str; 6]; 2] = [
    ["миллион", "миллиона", "миллиону", "миллион", "миллионом", "миллионе"],
    ["миллионы", "миллионов", "миллионам", "миллионы", "миллионами", "миллионах"],
];
static MILLIARD: [[&str; 6]; 2] = [
    ["миллиард", "миллиарда", "миллиарду", "миллиард", "миллиардом", "миллиарде"],
    ["миллиарды", "миллиардов", "миллиардам", "миллиарды", "миллиардами", "миллиардах"],
];
const WHOLE_ONE: [&str; 6] = ["целая", "целой", "целой", "целую", "целой", "целой"];
const WHOLE_MANY: [&str; 6] = ["целых", "целых", "целым", "целых", "целыми", "целых"];

#[cfg(test)]
mod tests {
    use super::super::noun::GRAM;
    use super::*;

    #[test]
    fn units_are_not_found_inside_words() {
        let n = Number { whole: "5".to_owned(), fraction: None };
        assert!(written_noun("мама", &n).is_none());
        assert!(written_noun("голубей", &n).is_none());
        assert_eq!(written_noun("г, потом", &n).map(|(found, _)| found), Some(&GRAM));
    }
}
