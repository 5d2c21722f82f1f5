//! Russian numerals: cardinals and ordinals, declined.
//!
//! Tables of forms follow Зализняк's «Грамматический словарь» and Academy Grammar §§ 1365–1372. A cardinal declines in
//! every part («двухсот пятидесяти трёх»), an ordinal in its last part alone («двести пятьдесят третьего»).

/// Grammatical case, in the order in which every table of forms below is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// Именительный.
    Nominative,
    /// Родительный.
    Genitive,
    /// Дательный.
    Dative,
    /// Винительный.
    Accusative,
    /// Творительный.
    Instrumental,
    /// Предложный.
    Prepositional,
}

/// What a numeral agrees with: a gender, or the plural for ordinals («первые»).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gender {
    /// Мужской.
    Masculine,
    /// Женский.
    Feminine,
    /// Средний.
    Neuter,
    /// Множественное число; a cardinal treats it as masculine.
    Plural,
}

use Gender::{Feminine, Masculine, Neuter, Plural};

/// The largest number said as a number; longer strings of digits are said digit by digit.
pub const LARGEST: u64 = 999_999_999_999;

type Forms = [&'static str; 6];

/// Which form of a noun a number asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// 1, 21, 101: «рубль».
    One,
    /// 2–4, 22–24: «рубля».
    Few,
    /// 0, 5–20, 25–30: «рублей».
    Many,
}

/// The form of a noun that follows `n`.
pub fn count(n: u64) -> Count {
    match (n % 100, n % 10) {
        (11..=14, _) => Count::Many,
        (_, 1) => Count::One,
        (_, 2..=4) => Count::Few,
        _ => Count::Many,
    }
}

/// `n` as words, declined: `cardinal(21, Genitive, Feminine)` is «двадцати одной».
///
/// One thousand is said without «одна», as people say it: «тысяча пятьсот». Numbers above [`LARGEST`] are said digit
/// by digit.
pub fn cardinal(n: u64, case: Case, gender: Gender) -> String {
    if n > LARGEST {
        return digit_by_digit(&n.to_string());
    }
    if n == 0 {
        return ZERO[case as usize].to_owned();
    }
    let mut words: Vec<&str> = Vec::new();
    for (size, (gender, one, many)) in [
        (1_000_000_000, (Masculine, MILLIARD, MILLIARDS)),
        (1_000_000, (Masculine, MILLION, MILLIONS)),
        (1_000, (Feminine, THOUSAND, THOUSANDS)),
    ] {
        let group = n / size % 1000;
        if group == 0 {
            continue;
        }
        let leads = n / size == group;
        if !(group == 1 && leads) {
            below_thousand(group, case, gender, &mut words);
        }
        words.push(agree(group, case, &one, &many));
    }
    below_thousand(n % 1000, case, gender, &mut words);
    words.join(" ")
}

/// `n` as an ordinal: `ordinal(24, Accusative, Neuter)` is «двадцать четвёртое». Only the last part declines.
pub fn ordinal(n: u64, case: Case, gender: Gender) -> String {
    if n > LARGEST {
        return digit_by_digit(&n.to_string());
    }
    let (head, last) = match n {
        n if n > 0 && n % 1000 == 0 => return ordinal_thousands(n, case, gender),
        n if n % 100 == 0 => (n / 1000 * 1000, n % 1000),
        n if n % 100 < 20 => (n / 100 * 100, n % 100),
        n if n % 10 == 0 => (n / 100 * 100, n % 100),
        n => (n / 10 * 10, n % 10),
    };
    let last = inflect_ordinal(&ordinal_stem(last), last, case, gender);
    if head == 0 { last } else { format!("{} {last}", cardinal(head, Case::Nominative, Masculine)) }
}

/// The part of a compound adjective made from a number: «двадцатичетырёх» of «двадцатичетырёхчасовой».
pub fn compound(n: u64) -> String {
    let genitive = cardinal(n, Case::Genitive, Masculine);
    let mut out = String::new();
    for word in genitive.split(' ') {
        out.push_str(match word {
            "одного" => "одно",
            "ста" => "сто",
            "девяноста" => "девяносто",
            "тысячи" | "тысяч" => "тысяче",
            other => other,
        });
    }
    out
}

/// Each digit by itself: «ноль ноль семь». What is not an ASCII digit is passed over.
pub fn digit_by_digit(digits: &str) -> String {
    let words: Vec<&str> = digits
        .bytes()
        .filter(u8::is_ascii_digit)
        .map(|d| match d {
            b'0' => ZERO[0],
            d => UNITS[(d - b'1') as usize][0],
        })
        .collect();
    words.join(" ")
}

/// The form of a noun after `n` in `case`: singular, genitive singular after 2–4, plural.
pub fn agree<'a>(n: u64, case: Case, one: &[&'a str; 6], many: &[&'a str; 6]) -> &'a str {
    let direct = matches!(case, Case::Nominative | Case::Accusative);
    match count(n) {
        Count::One => one[case as usize],
        Count::Few if direct => one[Case::Genitive as usize],
        Count::Many if direct => many[Case::Genitive as usize],
        _ => many[case as usize],
    }
}

fn below_thousand(n: u64, case: Case, gender: Gender, words: &mut Vec<&'static str>) {
    let case = case as usize;
    if n >= 100 {
        words.push(HUNDREDS[(n / 100 - 1) as usize][case]);
    }
    let rest = n % 100;
    let unit = if rest < 20 {
        rest
    } else {
        words.push(TENS[(rest / 10 - 2) as usize][case]);
        rest % 10
    };
    match (unit, gender) {
        (0, _) => {}
        (1, Feminine) => words.push(ONE_FEMININE[case]),
        (1, Neuter) => words.push(ONE_NEUTER[case]),
        (2, Feminine) => words.push(TWO_FEMININE[case]),
        (unit, _) => words.push(UNITS[(unit - 1) as usize][case]),
    }
}

fn ordinal_thousands(n: u64, case: Case, gender: Gender) -> String {
    let (size, stem) = match n {
        n if n % 1_000_000_000 == 0 => (1_000_000_000, "миллиардн"),
        n if n % 1_000_000 == 0 => (1_000_000, "миллионн"),
        _ => (1_000, "тысячн"),
    };
    let times = n / size % 1000;
    let head = n - times * size;
    let prefix = if times == 1 { String::new() } else { compound(times) };
    let last = inflect_ordinal(&format!("{prefix}{stem}"), 1, case, gender);
    if head == 0 { last } else { format!("{} {last}", cardinal(head, Case::Nominative, Masculine)) }
}

fn ordinal_stem(n: u64) -> String {
    match n {
        0 => "нулев".to_owned(),
        1..=9 => ORDINAL_STEMS[(n - 1) as usize].to_owned(),
        40 => "сороков".to_owned(),
        90 => "девяност".to_owned(),
        50..=80 => format!("{}десят", UNITS[(n / 10 - 1) as usize][1]),
        100 => "сот".to_owned(),
        200.. => format!("{}сот", UNITS[(n / 100 - 1) as usize][1]),
        // десять, одиннадцать … тридцать: the stem is the numeral without its soft sign.
        n => cardinal(n, Case::Nominative, Masculine).trim_end_matches('ь').to_owned(),
    }
}

fn inflect_ordinal(stem: &str, n: u64, case: Case, gender: Gender) -> String {
    let case = case as usize;
    if n == 3 {
        let endings: Forms = match gender {
            Masculine => ["ий", "ьего", "ьему", "ий", "ьим", "ьем"],
            Feminine => ["ья", "ьей", "ьей", "ью", "ьей", "ьей"],
            Neuter => ["ье", "ьего", "ьему", "ье", "ьим", "ьем"],
            Plural => ["ьи", "ьих", "ьим", "ьи", "ьими", "ьих"],
        };
        return format!("{stem}{}", endings[case]);
    }
    // The ending is stressed, hence «-ой», in these alone: нулевой, второй, шестой, седьмой, восьмой, сороковой.
    let stressed = matches!(n, 0 | 2 | 6 | 7 | 8 | 40);
    let nominative = if stressed { "ой" } else { "ый" };
    let endings: Forms = match gender {
        Masculine => [nominative, "ого", "ому", nominative, "ым", "ом"],
        Feminine => ["ая", "ой", "ой", "ую", "ой", "ой"],
        Neuter => ["ое", "ого", "ому", "ое", "ым", "ом"],
        Plural => ["ые", "ых", "ым", "ые", "ыми", "ых"],
    };
    format!("{stem}{}", endings[case])
}

const ZERO: Forms = ["ноль", "ноля", "нолю", "ноль", "нолём", "ноле"];
const ONE_FEMININE: Forms = ["одна", "одной", "одной", "одну", "одной", "одной"];
const ONE_NEUTER: Forms = ["одно", "одного", "одному", "одно", "одним", "одном"];
const TWO_FEMININE: Forms = ["две", "двух", "двум", "две", "двумя", "двух"];

const UNITS: [Forms; 19] = [
    ["один", "одного", "одному", "один", "одним", "одном"],
    ["два", "двух", "двум", "два", "двумя", "двух"],
    ["три", "трёх", "трём", "три", "тремя", "трёх"],
    ["четыре", "четырёх", "четырём", "четыре", "четырьмя", "четырёх"],
    ["пять", "пяти", "пяти", "пять", "пятью", "пяти"],
    ["шесть", "шести", "шести", "шесть", "шестью", "шести"],
    ["семь", "семи", "семи", "семь", "семью", "семи"],
    ["восемь", "восьми", "восьми", "восемь", "восемью", "восьми"],
    ["девять", "девяти", "девяти", "девять", "девятью", "девяти"],
    ["десять", "десяти", "десяти", "десять", "десятью", "десяти"],
    ["одиннадцать", "одиннадцати", "одиннадцати", "одиннадцать", "одиннадцатью", "одиннадцати"],
    ["двенадцать", "двенадцати", "двенадцати", "двенадцать", "двенадцатью", "двенадцати"],
    ["тринадцать", "тринадцати", "тринадцати", "тринадцать", "тринадцатью", "тринадцати"],
    ["четырнадцать", "четырнадцати", "четырнадцати", "четырнадцать", "четырнадцатью", "четырнадцати"],
    ["пятнадцать", "пятнадцати", "пятнадцати", "пятнадцать", "пятнадцатью", "пятнадцати"],
    ["шестнадцать", "шестнадцати", "шестнадцати", "шестнадцать", "шестнадцатью", "шестнадцати"],
    ["семнадцать", "семнадцати", "семнадцати", "семнадцать", "семнадцатью", "семнадцати"],
    ["восемнадцать", "восемнадцати", "восемнадцати", "восемнадцать", "восемнадцатью", "восемнадцати"],
    ["девятнадцать", "девятнадцати", "девятнадцати", "девятнадцать", "девятнадцатью", "девятнадцати"],
];

const TENS: [Forms; 8] = [
    ["двадцать", "двадцати", "двадцати", "двадцать", "двадцатью", "двадцати"],
    ["тридцать", "тридцати", "тридцати", "тридцать", "тридцатью", "тридцати"],
    ["сорок", "сорока", "сорока", "сорок", "сорока", "сорока"],
    ["пятьдесят", "пятидесяти", "пятидесяти", "пятьдесят", "пятьюдесятью", "пятидесяти"],
    ["шестьдесят", "шестидесяти", "шестидесяти", "шестьдесят", "шестьюдесятью", "шестидесяти"],
    ["семьдесят", "семидесяти", "семидесяти", "семьдесят", "семьюдесятью", "семидесяти"],
    ["восемьдесят", "восьмидесяти", "восьмидесяти", "восемьдесят", "восемьюдесятью", "восьмидесяти"],
    ["девяносто", "девяноста", "девяноста", "девяносто", "девяноста", "девяноста"],
];

const HUNDREDS: [Forms; 9] = [
    ["сто", "ста", "ста", "сто", "ста", "ста"],
    ["двести", "двухсот", "двумстам", "двести", "двумястами", "двухстах"],
    ["триста", "трёхсот", "трёмстам", "триста", "тремястами", "трёхстах"],
    ["четыреста", "четырёхсот", "четырёмстам", "четыреста", "четырьмястами", "четырёхстах"],
    ["пятьсот", "пятисот", "пятистам", "пятьсот", "пятьюстами", "пятистах"],
    ["шестьсот", "шестисот", "шестистам", "шестьсот", "шестьюстами", "шестистах"],
    ["семьсот", "семисот", "семистам", "семьсот", "семьюстами", "семистах"],
    ["восемьсот", "восьмисот", "восьмистам", "восемьсот", "восемьюстами", "восьмистах"],
    ["девятьсот", "девятисот", "девятистам", "девятьсот", "девятьюстами", "девятистах"],
];

const THOUSAND: Forms = ["тысяча", "тысячи", "тысяче", "тысячу", "тысячей", "тысяче"];
const THOUSANDS: Forms = ["тысячи", "тысяч", "тысячам", "тысячи", "тысячами", "тысячах"];
const MILLION: Forms = ["миллион", "миллиона", "миллиону", "миллион", "миллионом", "миллионе"];
const MILLIONS: Forms = ["миллионы", "миллионов", "миллионам", "миллионы", "миллионами", "миллионах"];
const MILLIARD: Forms = ["миллиард", "миллиарда", "миллиарду", "миллиард", "миллиардом", "миллиарде"];
const MILLIARDS: Forms = ["миллиарды", "миллиардов", "миллиардам", "миллиарды", "миллиардами", "миллиардах"];

const ORDINAL_STEMS: [&str; 9] = ["перв", "втор", "трет", "четвёрт", "пят", "шест", "седьм", "восьм", "девят"];
