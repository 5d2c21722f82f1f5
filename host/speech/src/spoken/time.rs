//! Times of day: 16:30, «с 9:00 до 21:00», 9:00–21:00, «с 9 до 21» where hours are meant.

use super::context::{Place, Read};
use super::noun::{HOUR, MINUTE};
use super::numeral::{Case, Gender, cardinal};
use super::scan::{self, dash, integer};

/// Reads a time or a span of times.
pub(super) fn time<'a>(place: Place<'a>) -> Read<'a> {
    if let Some(((hour, minute), rest)) = clock(place) {
        if let Some((end, rest)) = dash(rest).and_then(|r| clock(place.at(r))) {
            return Some((span((hour, minute), end), rest));
        }
        let case = place.governor().case(hour);
        // «с девяти до двадцати одного часа»: the hour is named once, at the end.
        let word = !(minute == 0 && place.word_before() == "с" && full_hour_follows(rest));
        return Some((say(hour, minute, case, word), rest));
    }
    bare_hours(place)
}

/// H:MM or HH:MM; H.MM behind a preposition of time.
fn clock<'a>(place: Place<'a>) -> Option<((u64, u64), &'a str)> {
    let (hour, rest) = integer(place.rest, 1..=2)?;
    let mark = rest.chars().next()?;
    let after_preposition =
        mark == '.' && matches!(place.word_before().as_str(), "в" | "во" | "к" | "с" | "до" | "после" | "около");
    if mark != ':' && !after_preposition {
        return None;
    }
    let (minute, rest) = integer(&rest[1..], 2..=2)?;
    if hour > 24 || minute > 59 || scan::goes_on(rest) {
        return None;
    }
    if mark == '.' && super::amount::unit_follows(rest) {
        return None;
    }
    // Seconds are not said at a desk.
    let rest = match rest.strip_prefix(':').and_then(|r| integer(r, 2..=2)) {
        Some((seconds, after)) if seconds < 60 && mark == ':' => after,
        _ => rest,
    };
    let rest = match scan::word(rest.strip_prefix(' ').unwrap_or(rest)) {
        // «в 9:00 ч.»: said already.
        Some(("ч", after)) => scan::abbreviation_stop(after),
        Some(("час" | "часов" | "часа", after)) if minute == 0 => after,
        _ => rest,
    };
    Some(((hour, minute), rest))
}

fn full_hour_follows(rest: &str) -> bool {
    rest.strip_prefix(" до ")
        .and_then(|r| clock(Place { before: "", rest: r }))
        .is_some_and(|((_, minute), _)| minute == 0)
}

fn span(from: (u64, u64), to: (u64, u64)) -> String {
    let name_first = from.1 != 0 || to.1 != 0;
    format!("с {} до {}", say(from.0, from.1, Case::Genitive, name_first), say(to.0, to.1, Case::Genitive, true))
}

/// «девять часов», «шестнадцать тридцать», «девять ноль пять».
fn say(hour: u64, minute: u64, case: Case, name_hour: bool) -> String {
    let hours = cardinal(hour, case, Gender::Masculine);
    match minute {
        0 if name_hour => format!("{hours} {}", HOUR.after(hour, case)),
        0 => hours,
        // The nought does not decline: «к двенадцати ноль пяти».
        1..=9 => format!("{hours} ноль {}", cardinal(minute, case, MINUTE.gender)),
        _ => format!("{hours} {}", cardinal(minute, case, MINUTE.gender)),
    }
}

/// «с 9 до 21» where the sentence speaks of opening hours: «до двадцати одного часа».
fn bare_hours<'a>(place: Place<'a>) -> Read<'a> {
    let (hour, rest) = integer(place.rest, 1..=2)?;
    let ends_here = match scan::word(rest.strip_prefix(' ').unwrap_or(rest)) {
        None => !rest.starts_with([':', '%', '°', '₽', '/', '-', '–', '—', '№']) && !number_goes_on(rest),
        // Another clause or another day follows, not the thing counted.
        Some((word, _)) => {
            rest.starts_with(' ') && matches!(word, "без" | "и" | "в" | "по" | "ежедневно" | "каждый" | "кроме")
        }
    };
    if hour > 24 || place.word_before() != "до" || !ends_here {
        return None;
    }
    // «… с 9 до» must stand before, and a word of opening hours somewhere in the sentence.
    let before = place.before.trim_end().strip_suffix("до")?.trim_end();
    let start = before.trim_end_matches(|c: char| c.is_ascii_digit());
    let start_hour: u64 = before[start.len()..].parse().ok()?;
    let sentence = place.before.rsplit(['.', '!', '?', '\n']).next().unwrap_or("").to_lowercase();
    let opening = OPENING_WORDS.iter().any(|w| sentence.contains(w));
    (start_hour <= 24 && start.trim_end().ends_with(['с', 'С']) && opening).then(|| {
        (format!("{} {}", cardinal(hour, Case::Genitive, Gender::Masculine), HOUR.after(hour, Case::Genitive)), rest)
    })
}

fn number_goes_on(rest: &str) -> bool {
    rest.trim_start_matches([' ', ',', '.', ':']).starts_with(|c: char| c.is_ascii_digit()) && !rest.starts_with(". ")
}

const OPENING_WORDS: &[&str] = &[
    "работа",
    "открыт",
    "приём",
    "прием",
    "принима",
    "ежедневно",
    "час",
    "будн",
    "выходн",
    "понедельник",
    "вторник",
    "сред",
    "четверг",
    "пятниц",
    "суббот",
    "воскресень",
    "пн",
    "сб",
    "вс",
    "завтра",
    "сегодня",
    "круглосуточ",
    "ждём",
    "ждем",
    "звоните",
    "график",
    "расписан",
    "дежурит",
    "запис",
    "перерыв",
    "обед",
];

#[cfg(test)]
fn reads(text: &str) -> Option<String> {
    time(Place { before: "", rest: text }).map(|(words, _)| words)
}

#[cfg(test)]
mod tests {
    use super::super::context::Governor;
    use super::*;

    #[test]
    fn a_time_is_a_time_only_within_the_day() {
        assert_eq!(reads("16:30").as_deref(), Some("шестнадцать тридцать"));
        assert_eq!(reads("25:30"), None);
        assert_eq!(reads("16:60"), None);
        assert_eq!(reads("16:3"), None);
    }

    #[test]
    fn governors_decline_the_time() {
        assert_eq!(Governor::By(Case::Dative).case(12), Case::Dative);
        let place = Place { before: "к ", rest: "12:05" };
        assert_eq!(time(place).map(|(w, _)| w).as_deref(), Some("двенадцати ноль пяти"));
    }
}
