//! Which of the things just offered the caller takes: «второе», «давайте последнее», «в десять», «к Петровой».
//!
//! Dates and times are compared as such, names and words by stems; only then is a number taken for a place in the
//! row. Two offers that fit equally well give nothing.

use jiff::civil::{Date, Time, Weekday};

use crate::datetime::{self, DateTime, When, Wish};
use crate::normalise::{TokenKind, fuzzy, stem, words};
use crate::number::{self, OrdinalForm};
use crate::yes_no::{self, YesNo};

/// The place of the option that `text` chooses, counted from zero.
///
/// ```
/// use understanding::choice::parse;
/// let times = ["24 ноября в 10:00".to_string(), "24 ноября в 15:30".into(), "25 ноября в 10:30".into()];
/// assert_eq!(parse("давайте последнее", &times), Some(2));
/// assert_eq!(parse("в десять", &times), Some(0));
/// assert_eq!(parse("двадцать пятого", &times), Some(2));
/// assert_eq!(parse("ничего не подходит", &times), None);
/// ```
pub fn parse(text: &str, options: &[String]) -> Option<usize> {
    let said = without_refused(&words(text).into_iter().map(|t| t.text).collect::<Vec<_>>());
    if options.is_empty() || said.is_empty() {
        return None;
    }
    let text = said.join(" ");
    if said.iter().any(|w| w.starts_with("люб") || w == "равно" || w.starts_with("разниц")) {
        return Some(0);
    }
    let last = options.len() - 1;
    if said.iter().any(|w| w.starts_with("последн") || w.starts_with("крайн")) {
        return Some(last);
    }
    if said.iter().any(|w| w.starts_with("предпоследн")) {
        return last.checked_sub(1);
    }
    if said.iter().any(|w| w.starts_with("средн") || w.starts_with("посередин")) && options.len() % 2 == 1
    {
        return Some(options.len() / 2);
    }
    by_time(&text, options)
        .or_else(|| by_words(&said, options))
        .or_else(|| by_place(&said, options.len()))
        .or_else(|| (options.len() == 1 && yes_no::parse(&text) == YesNo::Yes).then_some(0))
}

/// «не первое, а второе» without «первое».
fn without_refused(said: &[String]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut skip = false;
    for word in said {
        match word.as_str() {
            "не" => skip = true,
            "к" | "в" | "на" | "с" if skip => {}
            _ if skip => skip = false,
            _ => out.push(word.clone()),
        }
    }
    out
}

/// Options and answer are read as if said on one and the same day, so that only what both name is compared.
fn by_time(text: &str, options: &[String]) -> Option<usize> {
    let when = When::at(Date::constant(2026, 1, 1).at(0, 0, 0, 0));
    let asked = datetime::parse(text, &when);
    let asked = asked.wish().filter(|w| w.date.is_some() || w.time_from.is_some() || w.time_to.is_some())?;
    let offered: Vec<Option<Wish>> = options
        .iter()
        .map(|option| match datetime::parse(option, &when) {
            DateTime::Nothing => None,
            offered => offered.wish().cloned(),
        })
        .collect();
    let fitting = |test: &dyn Fn(&Wish) -> bool| {
        let mut fits = offered.iter().enumerate().filter(|(_, o)| o.as_ref().is_some_and(test)).map(|(at, _)| at);
        fits.next().map(|first| (first, fits.next().is_none()))
    };
    let day = |o: &Wish| {
        asked.date.is_none_or(|d| {
            o.date.is_none_or(|date| date == d || weekday_only(text, date, d) || same_number(text, date, d))
        })
    };
    let exact =
        |o: &Wish| day(o) && asked.time_from.is_none_or(|t| o.time_from.is_some_and(|time| same_hour(t, time, asked)));
    let within = |o: &Wish| {
        day(o)
            && o.time_from
                .is_some_and(|t| asked.time_from.is_none_or(|from| t >= from) && asked.time_to.is_none_or(|to| t <= to))
    };
    [&exact as &dyn Fn(&Wish) -> bool, &within]
        .into_iter()
        .find_map(|test| fitting(test).filter(|(_, only)| *only))
        .map(|(at, _)| at)
}

/// A named weekday fits every date on it.
fn weekday_only(text: &str, offered: Date, asked: Date) -> bool {
    let names: [(Weekday, &str); 7] = [
        (Weekday::Monday, "понедельн"),
        (Weekday::Tuesday, "вторник"),
        (Weekday::Wednesday, "сред"),
        (Weekday::Thursday, "четверг"),
        (Weekday::Friday, "пятниц"),
        (Weekday::Saturday, "суббот"),
        (Weekday::Sunday, "воскресен"),
    ];
    offered.weekday() == asked.weekday()
        && names.iter().any(|(day, name)| *day == asked.weekday() && text.contains(name))
}

/// A day of the month without its month fits every month.
fn same_number(text: &str, offered: Date, asked: Date) -> bool {
    let numbered = words(text).iter().any(|t| {
        t.kind == TokenKind::Number
            || number::word(&t.text).is_some_and(|n| n.ordinal.is_some_and(|form| form != OrdinalForm::Other))
    });
    numbered && offered.day() == asked.day()
}

/// The same time; an hour without minutes also fits the other half of the day.
fn same_hour(asked: Time, offered: Time, wish: &Wish) -> bool {
    let exact = wish.time_from == wish.time_to;
    exact && (asked == offered || asked.minute() == offered.minute() && (asked.hour() - offered.hour()).abs() == 12)
}

/// The option that shares most words with the answer, words of several options counting less.
fn by_words(said: &[String], options: &[String]) -> Option<usize> {
    let stems: Vec<Vec<String>> = options
        .iter()
        .map(|option| {
            words(option)
                .into_iter()
                .filter(|t| t.kind == TokenKind::Word && t.text.chars().count() > 2)
                .map(|t| stem(&t.text))
                .collect()
        })
        .collect();
    let alike = |a: &str, b: &str| {
        a == b || a.chars().count() >= 4 && b.chars().count() >= 4 && (fuzzy::same(a, b) || common_start(a, b))
    };
    let scores: Vec<f32> = stems
        .iter()
        .map(|option| {
            said.iter()
                .filter(|w| w.chars().count() > 2)
                .map(|w| stem(w))
                .filter(|w| option.iter().any(|o| alike(o, w)))
                .map(|w| 1.0 / stems.iter().filter(|other| other.iter().any(|o| alike(o, &w))).count() as f32)
                .sum()
        })
        .collect();
    let best = scores.iter().copied().fold(0.0f32, f32::max);
    let mut at_best = scores.iter().enumerate().filter(|(_, s)| **s >= best - 1e-6);
    let first = at_best.next().filter(|_| best > 0.0)?.0;
    at_best.next().is_none().then_some(first)
}

fn common_start(a: &str, b: &str) -> bool {
    let common = a.chars().zip(b.chars()).take_while(|(x, y)| x == y).count();
    common >= 5 && common + 2 >= a.chars().count().max(b.chars().count())
}

/// «второй», «номер три», «два».
fn by_place(said: &[String], options: usize) -> Option<usize> {
    let ordinal =
        said.iter().rev().find_map(|w| number::word(w).filter(|n| n.ordinal.is_some_and(|f| f != OrdinalForm::Dative)));
    let cardinal = || said.iter().rev().find_map(|w| number::word(w).map(|n| n.value).or_else(|| w.parse().ok()));
    let place = ordinal.map(|n| n.value).or_else(cardinal)?;
    usize::try_from(place).ok()?.checked_sub(1).filter(|at| *at < options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(list: &[&str]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn places_in_the_row() {
        let three = options(&["завтра в 9:00", "завтра в 12:30", "послезавтра в 18:00"]);
        for (said, expected) in [
            ("первый", Some(0)),
            ("ну давайте второе", Some(1)),
            ("третий вариант", Some(2)),
            ("номер два", Some(1)),
            ("последнее", Some(2)),
            ("не первое, а второе", Some(1)),
            ("любое", Some(0)),
            ("послезавтра", Some(2)),
            ("полпервого", Some(1)),
            ("вечером", Some(2)),
            ("в шесть", Some(2)),
            ("завтра", None),
            ("четвёртый", None),
            ("никакое", None),
        ] {
            assert_eq!(parse(said, &three), expected, "{said}");
        }
    }

    #[test]
    fn people_and_things() {
        let doctors =
            options(&["Петрова Анна Сергеевна, терапевт", "Бойко Игорь Львович, хирург", "Резников Пётр Ильич"]);
        for (said, expected) in [
            ("к петровой", Some(0)),
            ("давайте к Бойко", Some(1)),
            ("к хирургу", Some(1)),
            ("к Анне Сергеевне", Some(0)),
            ("Резников пусть", Some(2)),
            ("не к Бойко, к Резникову", Some(2)),
            ("всё равно к кому", Some(0)),
            ("не знаю", None),
        ] {
            assert_eq!(parse(said, &doctors), expected, "{said}");
        }
        assert_eq!(parse("да, подходит", &options(&["24 ноября в 10:00"])), Some(0));
        assert_eq!(parse("нет", &options(&["24 ноября в 10:00"])), None);
    }
}
