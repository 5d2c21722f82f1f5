//! How old somebody is: «год и три месяца», «лет десять», «двухлетний», «восьмой год пошёл», «ей двенадцать».
//!
//! A number counts as an age when a unit of age stands beside it, or a pronoun says whose it is; how long an illness has
//! lasted («лечимся три месяца») and how long ago something was («два года назад») are no ages.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::normalise::{Token, TokenKind, listed, tokens};
use crate::{animal, number};

/// An age as said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Age {
    /// In whole months, rounded down.
    pub months: u32,
    /// Where in the text it was said, in bytes.
    pub span: Range<usize>,
}

impl Age {
    /// Whole years.
    pub fn years(&self) -> u32 {
        self.months / 12
    }
}

/// Finds the age said in `text`.
///
/// ```
/// use understanding::age::parse;
/// let months = |text| parse(text).map(|age| age.months);
/// assert_eq!(months("такса, год и три месяца"), Some(15));
/// assert_eq!(months("лет десять, наверное"), Some(120));
/// assert_eq!(months("ей двенадцать"), Some(144));
/// assert_eq!(months("два года назад прививали"), None);
/// ```
pub fn parse(text: &str) -> Option<Age> {
    let said: Vec<Token> = tokens(text);
    let words: Vec<Token> = said.iter().filter(|t| t.kind != TokenKind::Mark).cloned().collect();
    (0..words.len()).find_map(|at| {
        let (days, taken) = counted(&words, at).or_else(|| adjective(&words, at)).or_else(|| bare(&words, at))?;
        let age = Age {
            months: (days / 30.4).round_down_near(),
            span: words[at].bytes.start..words[at + taken - 1].bytes.end,
        };
        (!passed(&words, at, taken)).then_some(age)
    })
}

/// The age as the evaluation files write it.
///
/// ```
/// use understanding::age::{parse, to_json};
/// assert_eq!(to_json(parse("полгода").as_ref()), serde_json::json!({"months": 6}));
/// ```
pub fn to_json(age: Option<&Age>) -> Value {
    json!({ "months": age.map(|age| age.months) })
}

/// Months counted in days of 30.4 come out a hair below the whole number.
trait RoundDownNear {
    fn round_down_near(self) -> u32;
}

impl RoundDownNear for f64 {
    fn round_down_near(self) -> u32 {
        (self + 0.05).floor().clamp(0.0, 2400.0) as u32
    }
}

const MONTH: f64 = 30.4;
const YEAR: f64 = 12.0 * MONTH;

/// Days in a unit named by `word`.
fn unit(word: &str) -> Option<f64> {
    let starts = |list: &str| list.split(' ').any(|s| word.starts_with(s));
    match word {
        "лет" | "летик" | "летика" | "год" | "года" | "году" | "годик" | "годика" | "годиков" | "годы" | "годов" => {
            Some(YEAR)
        }
        _ if starts("месяц месяч месец") => Some(MONTH),
        _ if starts("недел") => Some(7.0),
        "день" | "дня" | "дней" | "дню" | "суток" => Some(1.0),
        _ => None,
    }
}

/// «пять лет», «лет пять», «год», «полтора года», «два с половиной года», «год и три месяца», «восьмой год».
fn counted(words: &[Token], at: usize) -> Option<(f64, usize)> {
    let (days, taken) = one(words, at)?;
    if days < YEAR {
        return Some((days, taken));
    }
    // «год и три месяца», «год и два»
    let skip = usize::from(words.get(at + taken).is_some_and(|w| matches!(w.text.as_str(), "и" | "с")));
    let next = at + taken + skip;
    if let Some((more, used)) = one(words, next).filter(|(more, _)| *more < YEAR) {
        return Some((days + more, taken + skip + used));
    }
    if skip == 1 && words.get(next).is_some_and(|w| w.text.starts_with("половин")) {
        return Some((days + YEAR / 2.0, taken + 2));
    }
    match number::cardinal_at(words, next) {
        Some((months @ 1..=11, used))
            if skip == 1 && words.get(next + used).is_none_or(|w| unit(&w.text).is_none()) =>
        {
            Some((days + months as f64 * MONTH, taken + skip + used))
        }
        _ => Some((days, taken)),
    }
}

/// One count of one unit.
fn one(words: &[Token], at: usize) -> Option<(f64, usize)> {
    let text = |at: usize| words.get(at).map_or("", |w| w.text.as_str());
    let word = text(at);
    match word {
        "полгода" | "полгодика" => return Some((YEAR / 2.0, 1)),
        "полмесяца" => return Some((MONTH / 2.0, 1)),
        "полтора" | "полторы" => return unit(text(at + 1)).map(|days| (1.5 * days, 2)),
        "пару" | "пара" => return unit(text(at + 1)).map(|days| (2.0 * days, 2)),
        "пол" if text(at + 1).starts_with("год") => return Some((YEAR / 2.0, 2)),
        _ => {}
    }
    if let Some(days) = unit(word) {
        // «лет десять», «месяца четыре»; «год» is one, «лет» alone nothing.
        if let Some((n, used)) =
            number::cardinal_at(words, at + 1).filter(|_| !matches!(word, "год" | "месяц" | "годик"))
            && unit(text(at + 1 + used)).is_none()
        {
            return age_of(n as f64, days).map(|days| (days, 1 + used));
        }
        return matches!(word, "год" | "годик" | "месяц" | "неделя" | "неделька").then_some((days, 1));
    }
    if let Some((n, used)) = number::cardinal_at(words, at) {
        if text(at + used) == "с" && text(at + used + 1).starts_with("половин") {
            return unit(text(at + used + 2)).and_then(|days| age_of(n as f64 + 0.5, days)).map(|d| (d, used + 3));
        }
        return unit(text(at + used)).and_then(|days| age_of(n as f64, days)).map(|days| (days, used + 1));
    }
    // «восьмой год»: seven are full.
    let ordinal = number::word(word).filter(|n| n.ordinal.is_some() && (2..=30).contains(&n.value))?;
    let going = matches!(text(at + 1), "год" | "годик" | "месяц");
    going.then_some(())?;
    unit(text(at + 1)).map(|days| (f64::from(ordinal.value - 1) * days, 2))
}

/// Ages beyond any life are something else.
fn age_of(n: f64, days: f64) -> Option<f64> {
    (n > 0.0 && n * days <= 120.0 * YEAR).then_some(n * days)
}

/// «годовалый», «двухлетний», «пятимесячный», «полугодовалая».
fn adjective(words: &[Token], at: usize) -> Option<(f64, usize)> {
    let word = words[at].text.as_str();
    let found = |days: f64| Some((days, 1));
    if word.starts_with("полуторагодова") || word.starts_with("полуторалетн") || word.starts_with("полторагод")
    {
        return found(1.5 * YEAR);
    }
    if word.starts_with("полугод") {
        return found(YEAR / 2.0);
    }
    if word.starts_with("годовал") {
        return found(YEAR);
    }
    [("летн", YEAR), ("годовал", YEAR), ("месячн", MONTH), ("недельн", 7.0)].into_iter().find_map(|(tail, days)| {
        let head = &word[..word.find(tail)?];
        // The numeral stands in the genitive: двух-, пяти-, сорока-.
        let n = match head {
            "" if tail == "месячн" => 1,
            "одно" => 1,
            "двух" => 2,
            "трех" => 3,
            "четырех" => 4,
            _ => number::exact(head).filter(|n| n.ordinal.is_none())?.value,
        };
        age_of(f64::from(n), days).map(|days| (days, 1))
    })
}

/// «ей двенадцать», «исполнилось десять»: years by the word before.
fn bare(words: &[Token], at: usize) -> Option<(f64, usize)> {
    const PEOPLE: &str =
        "ребенку сыну дочке дочери маме папе мужу жене бабушке дедушке внуку внучке мальчику девочке пациенту";
    const WHOSE: &str = "ей ему мне им нам исполнилось исполнится стукнуло возраст возрасте";
    let before = words[..at]
        .iter()
        .rev()
        .find(|w| !listed("уже еще где то примерно около наверное будет скоро всего", &w.text))?;
    // «кошке семь», «ребёнку одиннадцать»
    let somebody = before.text.ends_with(['е', 'у'])
        && (listed(PEOPLE, &before.text) || animal::parse(&before.text).is_some_and(|a| a.species.is_some()));
    if !listed(WHOSE, &before.text) && !somebody {
        return None;
    }
    let (n, used) = number::cardinal_at(words, at)?;
    let ends = words.get(at + used).is_none_or(|w| listed("уже будет где то примерно наверное а и он она", &w.text));
    (ends && n <= 110).then_some((n as f64 * YEAR, used))
}

/// Whether the stretch of time is how long something has lasted or how long ago it was.
fn passed(words: &[Token], at: usize, taken: usize) -> bool {
    let text = |at: usize| words.get(at).map_or("", |w| w.text.as_str());
    let after = at + taken;
    if matches!(text(after), "назад" | "тому" | "гарантии" | "подряд" | "спустя") {
        return true;
    }
    let before: Vec<&str> = words[..at].iter().rev().take(3).map(|w| w.text.as_str()).collect();
    let lasting = |word: &str| {
        let verb = [
            "емся",
            "ется",
            "ится",
            "имся",
            "емся",
            "ем",
            "ает",
            "яет",
            "уем",
            "ует",
            "еет",
            "им",
            "ивет",
            "олеет",
            "ихает",
            "шляет",
        ]
        .iter()
        .any(|end| word.ends_with(end) && word.chars().count() > end.chars().count() + 1);
        verb && !listed("этим всем своим моим нашим будем зовем", word)
    };
    let preposition = before.first().is_some_and(|w| listed("через за спустя на до раз каждые каждый последние", w));
    let rate = matches!(before.as_slice(), ["в" | "на", "раз" | "раза", ..]);
    preposition || rate || before.iter().any(|w| lasting(w))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_span_covers_the_words_of_the_age() {
        let text = "такса Жужа, год и три месяца, рыжая";
        let age = parse(text).expect("an age");
        assert_eq!(&text[age.span.clone()], "год и три месяца");
        assert_eq!((age.years(), age.months), (1, 15));
    }

    #[test]
    fn lengths_of_time_are_no_ages() {
        for text in ["лечимся три месяца", "через два года", "два года назад", "завтра в пять", "раз в год"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
