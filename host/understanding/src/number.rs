//! Russian number words and figures: words → numbers, in any case, with the usual slips of a recogniser, and back.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::normalise::{Token, TokenKind, fuzzy, sound, words};

/// How an ordinal is declined, as far as meaning hangs on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrdinalForm {
    /// «пятого»: a day of the month, or the hour that is under way (половина пятого).
    Genitive,
    /// «пятое».
    Neuter,
    /// «пятому».
    Dative,
    /// «пятом».
    Prepositional,
    /// Any other: «пятый», «пятая», «пятую», «пятой», «пятых».
    Other,
}

/// One number word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NumberWord {
    /// Its value: 0–20, tens, hundreds, 1000.
    pub value: u32,
    /// Its form if it is an ordinal, `None` for a cardinal.
    pub ordinal: Option<OrdinalForm>,
}

/// Reads one number word in any case, forgiving one wrong letter in words of six letters and more.
///
/// ```
/// use understanding::number;
/// assert_eq!(number::word("шестнадцати").map(|w| w.value), Some(16));
/// assert_eq!(number::word("двацать").map(|w| w.value), Some(20));
/// assert!(number::word("пятого").is_some_and(|w| w.ordinal.is_some()));
/// assert_eq!(number::word("шерсть"), None);
/// ```
pub fn word(word: &str) -> Option<NumberWord> {
    exact(word).or_else(|| {
        let letters = word.chars().count();
        if letters < 6 || NOT_NUMBERS.contains(&word) {
            return None;
        }
        let mut near =
            TABLE.iter().filter(|(form, _)| form.chars().count() >= 6 && fuzzy::within(form, word, 1).is_some());
        let (_, first) = near.next()?;
        near.all(|(_, other)| other.value == first.value && other.ordinal.is_some() == first.ordinal.is_some())
            .then_some(*first)
    })
}

/// The number word that sounds like `word`, for places where nothing but numbers is expected.
///
/// ```
/// use understanding::number::by_sound;
/// assert_eq!(by_sound("пядь").map(|w| w.value), Some(5));
/// assert_eq!(by_sound("девядсот").map(|w| w.value), Some(900));
/// ```
pub fn by_sound(word: &str) -> Option<NumberWord> {
    static SOUNDS: LazyLock<HashMap<String, NumberWord>> = LazyLock::new(|| {
        let cardinals = TABLE.iter().filter(|(form, word)| word.ordinal.is_none() && form.chars().count() >= 4);
        cardinals.map(|(form, word)| (sound(form), *word)).collect()
    });
    SOUNDS.get(&sound(word)).copied()
}

/// [`word`] without forgiveness.
pub fn exact(word: &str) -> Option<NumberWord> {
    TABLE.get(word).copied()
}

/// Reads the cardinal that starts at `tokens[at]`, in words («сто двадцать пять», «две тысячи») or figures; gives its value
/// and how many tokens it took.
///
/// ```
/// use understanding::{normalise::words, number};
/// assert_eq!(number::cardinal_at(&words("сто двадцать пять лет"), 0), Some((125, 3)));
/// assert_eq!(number::cardinal_at(&words("45 минут"), 0), Some((45, 1)));
/// ```
pub fn cardinal_at(tokens: &[Token], at: usize) -> Option<(u64, usize)> {
    let first = tokens.get(at)?;
    if first.kind == TokenKind::Number {
        return Some((first.text.parse().ok()?, 1));
    }
    let mut total = 0;
    let mut group: Option<u32> = None;
    let mut room = u32::MAX;
    let mut taken = 0;
    while let Some(token) = tokens.get(at + taken) {
        let Some(NumberWord { value, ordinal: None }) = word(&token.text) else { break };
        if value == 1000 {
            if total > 0 {
                break;
            }
            total = u64::from(group.take().unwrap_or(1)) * 1000;
            room = 1000;
        } else {
            if value >= room || (value == 0 && taken > 0) {
                break;
            }
            group = Some(group.unwrap_or(0) + value);
            room = match value {
                0..=19 => 0,
                20..=90 => 10,
                _ => 100,
            };
        }
        taken += 1;
        if room == 0 && tokens.get(at + taken).is_none_or(|t| word(&t.text).is_none_or(|w| w.value != 1000)) {
            break;
        }
    }
    (taken > 0).then(|| (total + u64::from(group.unwrap_or(0)), taken))
}

/// The first number said in `text`, cardinal or figures.
///
/// ```
/// assert_eq!(understanding::number::parse("наверное, двадцать два"), Some(22));
/// assert_eq!(understanding::number::parse("не знаю"), None);
/// ```
pub fn parse(text: &str) -> Option<u64> {
    let tokens = words(text);
    (0..tokens.len()).find_map(|at| cardinal_at(&tokens, at)).map(|(value, _)| value)
}

/// A number below a million in words, masculine nominative.
///
/// ```
/// assert_eq!(understanding::number::to_words(2145), "две тысячи сто сорок пять");
/// ```
///
/// # Panics
/// Never; a million and more are written in figures.
pub fn to_words(n: u64) -> String {
    if n >= 1_000_000 {
        return n.to_string();
    }
    if n == 0 {
        return "ноль".into();
    }
    let mut out: Vec<&str> = Vec::new();
    let thousands = n / 1000;
    if thousands > 0 {
        below_thousand(thousands, true, &mut out);
        out.push(match (thousands % 100, thousands % 10) {
            (11..=14, _) => "тысяч",
            (_, 1) => "тысяча",
            (_, 2..=4) => "тысячи",
            _ => "тысяч",
        });
    }
    below_thousand(n % 1000, false, &mut out);
    out.join(" ")
}

fn below_thousand(n: u64, feminine: bool, out: &mut Vec<&'static str>) {
    let name = |value: u64| CARDINALS.iter().find(|(v, _)| u64::from(*v) == value).map_or("", |(_, forms)| forms[0]);
    if n >= 100 {
        out.push(name(n / 100 * 100));
    }
    match n % 100 {
        0 => {}
        1 if feminine => out.push("одна"),
        2 if feminine => out.push("две"),
        small @ 1..=20 => out.push(name(small)),
        large => {
            out.push(name(large / 10 * 10));
            match large % 10 {
                0 => {}
                1 if feminine => out.push("одна"),
                2 if feminine => out.push("две"),
                unit => out.push(name(unit)),
            }
        }
    }
}

/// Everyday words one letter away from a number.
const NOT_NUMBERS: &[&str] = &["четверо", "вторник", "первой", "шерсти", "совсем", "пятнами", "четверг", "четверть"];

/// Cardinals with their cases, then what recognisers and quick speech make of them.
const CARDINALS: &[(u32, &[&str])] = &[
    (0, &["ноль", "нуль", "ноля", "нуля", "нолю", "нулю", "нолем", "нулем", "нол"]),
    (1, &["один", "одна", "одно", "одного", "одной", "одному", "одним", "одну", "одном", "адин"]),
    (2, &["два", "две", "двух", "двум", "двумя", "двое", "дви"]),
    (3, &["три", "тры", "трех", "трем", "тремя", "трое"]),
    (4, &["четыре", "четырех", "четырем", "четырьмя", "четыри", "читыре", "чытыре", "четырьох"]),
    (5, &["пять", "пяти", "пятью", "пят"]),
    (6, &["шесть", "шести", "шестью", "шесьть", "шест"]),
    (7, &["семь", "семи", "семью", "сем"]),
    (8, &["восемь", "восьми", "восемью", "восьмью", "восем", "восимь", "восим"]),
    (9, &["девять", "девяти", "девятью", "девят", "девить"]),
    (10, &["десять", "десяти", "десятью", "десят", "десить"]),
    (11, &["одиннадцать", "одиннадцати", "одиннадцатью", "одинадцать", "одинадцати", "одинацать", "адинадцать"]),
    (12, &["двенадцать", "двенадцати", "двенадцатью", "двинадцать", "двенацать", "двенацати"]),
    (13, &["тринадцать", "тринадцати", "тринадцатью", "тринацать"]),
    (14, &["четырнадцать", "четырнадцати", "четырнадцатью", "четырнацать", "четырнацати"]),
    (15, &["пятнадцать", "пятнадцати", "пятнадцатью", "пятнацать", "питнадцать"]),
    (16, &["шестнадцать", "шестнадцати", "шестнадцатью", "шеснадцать", "шеснадцати", "шеснацать"]),
    (17, &["семнадцать", "семнадцати", "семнадцатью", "семнацать", "симнадцать"]),
    (18, &["восемнадцать", "восемнадцати", "восемнадцатью", "восемнацать", "восимнадцать"]),
    (19, &["девятнадцать", "девятнадцати", "девятнадцатью", "девятнацать"]),
    (20, &["двадцать", "двадцати", "двадцатью", "двацать", "двацати"]),
    (30, &["тридцать", "тридцати", "тридцатью", "трицать", "трицати"]),
    (40, &["сорок", "сорока", "сорак"]),
    (50, &["пятьдесят", "пятидесяти", "пятьюдесятью", "пядесят", "писят", "пятдесят", "пидесят"]),
    (60, &["шестьдесят", "шестидесяти", "шестьюдесятью", "шесят", "шисят", "шестдесят", "шесдесят"]),
    (70, &["семьдесят", "семидесяти", "семьюдесятью", "семдесят"]),
    (80, &["восемьдесят", "восьмидесяти", "восемьюдесятью", "восемдесят", "восьмдесят"]),
    (90, &["девяносто", "девяноста", "девяносто", "девиносто"]),
    (100, &["сто", "ста"]),
    (200, &["двести", "двухсот", "двумстам", "двесте", "двесьти"]),
    (300, &["триста", "трехсот", "тремстам"]),
    (400, &["четыреста", "четырехсот", "четыремстам", "четыриста"]),
    (500, &["пятьсот", "пятисот", "пятистам", "пятсот", "пяцот"]),
    (600, &["шестьсот", "шестисот", "шестистам", "шестсот", "шесот"]),
    (700, &["семьсот", "семисот", "семистам", "семсот"]),
    (800, &["восемьсот", "восьмисот", "восьмистам", "восемсот"]),
    (900, &["девятьсот", "девятисот", "девятистам", "девятсот", "девяцот"]),
    (1000, &["тысяча", "тысячи", "тысяч", "тысячу", "тысячей", "тыща", "тыщи", "тыщ"]),
];

/// Stems of ordinals; the endings are in [`ORDINAL_ENDINGS`].
const ORDINALS: &[(u32, &[&str])] = &[
    (1, &["перв"]),
    (2, &["втор"]),
    (4, &["четверт", "читверт", "четьверт"]),
    (5, &["пят"]),
    (6, &["шест"]),
    (7, &["седьм", "седм"]),
    (8, &["восьм", "восм"]),
    (9, &["девят"]),
    (10, &["десят"]),
    (11, &["одиннадцат", "одинадцат"]),
    (12, &["двенадцат", "двинадцат", "двенацат"]),
    (13, &["тринадцат", "тринацат"]),
    (14, &["четырнадцат", "четырнацат"]),
    (15, &["пятнадцат", "пятнацат"]),
    (16, &["шестнадцат", "шеснадцат", "шеснацат"]),
    (17, &["семнадцат", "семнацат"]),
    (18, &["восемнадцат", "восемнацат"]),
    (19, &["девятнадцат", "девятнацат"]),
    (20, &["двадцат", "двацат"]),
    (30, &["тридцат", "трицат"]),
    (40, &["сороков"]),
    (50, &["пятидесят"]),
    (60, &["шестидесят"]),
    (70, &["семидесят"]),
    (80, &["восьмидесят"]),
    (90, &["девяност"]),
];

const ORDINAL_ENDINGS: &[(&str, OrdinalForm)] = &[
    ("ого", OrdinalForm::Genitive),
    ("ово", OrdinalForm::Genitive),
    ("ова", OrdinalForm::Genitive),
    ("ава", OrdinalForm::Genitive),
    ("ое", OrdinalForm::Neuter),
    ("ае", OrdinalForm::Neuter),
    ("ому", OrdinalForm::Dative),
    ("ом", OrdinalForm::Prepositional),
    ("ый", OrdinalForm::Other),
    ("ой", OrdinalForm::Other),
    ("ая", OrdinalForm::Other),
    ("ую", OrdinalForm::Other),
    ("ым", OrdinalForm::Other),
    ("ые", OrdinalForm::Other),
    ("ых", OrdinalForm::Other),
];

const THIRD: &[(&str, OrdinalForm)] = &[
    ("третьего", OrdinalForm::Genitive),
    ("третево", OrdinalForm::Genitive),
    ("третьева", OrdinalForm::Genitive),
    ("третего", OrdinalForm::Genitive),
    ("третье", OrdinalForm::Neuter),
    ("третьему", OrdinalForm::Dative),
    ("третьем", OrdinalForm::Prepositional),
    ("третий", OrdinalForm::Other),
    ("третья", OrdinalForm::Other),
    ("третью", OrdinalForm::Other),
    ("третьей", OrdinalForm::Other),
    ("третьим", OrdinalForm::Other),
    ("третьи", OrdinalForm::Other),
    ("третьих", OrdinalForm::Other),
];

static TABLE: LazyLock<HashMap<String, NumberWord>> = LazyLock::new(|| {
    let mut table = HashMap::new();
    for (value, forms) in CARDINALS {
        for form in *forms {
            table.insert((*form).to_string(), NumberWord { value: *value, ordinal: None });
        }
    }
    for (value, stems) in ORDINALS {
        for stem in *stems {
            for (ending, form) in ORDINAL_ENDINGS {
                table.insert(format!("{stem}{ending}"), NumberWord { value: *value, ordinal: Some(*form) });
            }
        }
    }
    for (form, ordinal) in THIRD {
        table.insert((*form).to_string(), NumberWord { value: 3, ordinal: Some(*ordinal) });
    }
    table
});

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn words_read_back_as_the_number(n in 0u64..1_000_000) {
            let said = words(&to_words(n));
            prop_assert_eq!(cardinal_at(&said, 0), Some((n, said.len())));
        }
    }

    #[test]
    fn neighbouring_numbers_do_not_run_together() {
        assert_eq!(cardinal_at(&words("двадцать тридцать"), 0), Some((20, 1)));
        assert_eq!(cardinal_at(&words("пять шесть"), 0), Some((5, 1)));
        assert_eq!(cardinal_at(&words("сто ноль"), 0), Some((100, 1)));
    }
}
