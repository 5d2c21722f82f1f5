//! Reading aloud: figures, dates, money, telephone numbers and abbreviations in the words of a clinic's receptionist.
//!
//! - [`numeral`]: cardinals and ordinals with their cases and genders;
//! - `noun`: units that are written short, with all their forms;
//! - `context`: the preposition before and the noun behind, which decide case and gender;
//! - `scan`: small readers over the head of a text;
//! - `phone`, `date`, `time`, `ordinal`, `amount`, `abbreviation`, `latin`: one reader for each kind of writing.
//!
//! Every reader looks at one place of the text and either takes a piece of it and gives words, or declines; the first
//! that takes it wins. Invariants: the result has no ASCII digit, and reading it again changes nothing.

mod abbreviation;
mod amount;
mod context;
mod date;
mod latin;
mod noun;
pub mod numeral;
mod ordinal;
mod phone;
mod scan;
mod time;

use context::{Place, Read};
pub use latin::to_cyrillic;

/// The text as it is said: what is written in figures and signs becomes words, words stay as they are.
///
/// ```
/// use speech::spoken::read_aloud;
/// assert_eq!(read_aloud("Приём 1 500 ₽, с 9:00 до 21:00"), "Приём тысяча пятьсот рублей, с девяти до двадцати одного часа");
/// assert_eq!(read_aloud("Запишу на 24 ноября в 16:30"), "Запишу на двадцать четвёртое ноября в шестнадцать тридцать");
/// ```
pub fn read_aloud(text: &str) -> String {
    let mut said = once(&clean(text));
    // What is read never holds anything to read; what was cleaned away may have stood between two things that now meet.
    for _ in 0..3 {
        let again = once(&clean(&said));
        if again == said {
            break;
        }
        said = again;
    }
    said
}

/// The readers, in the order in which they are asked.
const AT_FIGURES: &[for<'a> fn(Place<'a>) -> Read<'a>] = &[
    latin::address,
    phone::phone,
    date::around_the_clock,
    date::date,
    time::time,
    ordinal::numbered,
    date::fraction,
    amount::amount,
];
const AT_LETTERS: &[for<'a> fn(Place<'a>) -> Read<'a>] = &[latin::address, abbreviation::abbreviation];

fn once(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut at = 0;
    let mut inside_word = false;
    while let Some(c) = text[at..].chars().next() {
        let place = Place { before: &text[..at], rest: &text[at..] };
        let readers = match c {
            '0'..='9' | '+' | '(' | '$' | '€' | '₽' => AT_FIGURES,
            _ if c.is_alphabetic() && !inside_word => AT_LETTERS,
            _ => &[],
        };
        if let Some((words, rest)) = readers.iter().find_map(|read| read(place)) {
            append(&mut out, &words);
            at = text.len() - rest.len();
            // Something glued to what was read («5.кг») stands apart from it.
            if scan::goes_on(rest) {
                out.push(' ');
            }
            inside_word = false;
            continue;
        }
        match sign(c, place) {
            Some(words) => {
                append(&mut out, words);
                if !text[at + c.len_utf8()..].starts_with(' ') {
                    out.push(' ');
                }
            }
            None => out.push(c),
        }
        inside_word = c.is_alphabetic();
        at += c.len_utf8();
    }
    tidy(&out)
}

/// Adds words with a space before them, and «во», «со», «ко» where the first of them asks for it.
fn append(out: &mut String, words: &str) {
    if out.ends_with(char::is_alphanumeric) {
        out.push(' ');
    }
    let asks = |heads: &[&str]| heads.iter().any(|head| words.starts_with(head));
    if out.ends_with(' ') {
        let word = out.trim_end().rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or("").to_lowercase();
        let vowel = match word.as_str() {
            "в" => asks(&["втор"]),
            "с" => asks(&["втор", "ста ", "стам"]) || words == "ста",
            "к" => asks(&["втор"]),
            _ => false,
        };
        if vowel {
            let end = out.trim_end().len();
            out.truncate(end);
            out.push_str("о ");
        }
    }
    out.push_str(words);
}

/// Signs that are said: «№ 5», «−5°», «кошки & собаки».
fn sign(c: char, place: Place<'_>) -> Option<&'static str> {
    let next = place.rest[c.len_utf8()..].trim_start_matches(' ').chars().next();
    let figure = next.is_some_and(|n| n.is_ascii_digit());
    let apart = !place.before.ends_with(char::is_alphanumeric);
    Some(match c {
        '№' => "номер",
        '#' if figure => "номер",
        '%' => "процентов",
        '₽' => "рублей",
        '$' => "долларов",
        '€' => "евро",
        '°' => "градусов",
        '&' => "и",
        '@' => "собака",
        '=' => "равно",
        '~' | '≈' if figure => "примерно",
        '≥' if figure => "не меньше",
        '≤' if figure => "не больше",
        '>' if figure => "больше",
        '<' if figure => "меньше",
        '×' if figure => "на",
        '+' => "плюс",
        '-' | '−' | '–'
            if figure
                && apart
                && place.rest.chars().nth(1) == next
                && (place.before.is_empty() || place.before.ends_with([' ', '(', '\n'])) =>
        {
            "минус"
        }
        '/' if next.is_some_and(char::is_alphabetic) && place.before.ends_with(char::is_alphabetic) => "или",
        _ => return None,
    })
}

/// Leaves what can be said or read: letters, digits, common signs; every kind of space is one space.
fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let kept = match c {
            '\n' => '\n',
            c if c.is_whitespace() || c == '\u{200b}' || c == '\u{feff}' => ' ',
            // A stress mark or a soft hyphen stands inside a word.
            '\u{301}' | '\u{ad}' => continue,
            '‐' | '‑' => '-',
            '“' | '”' | '„' => '"',
            c if c.is_ascii_graphic() || "№₽€°²«»–—−…×≈≥≤".contains(c) => c,
            c if c.is_alphabetic() => c,
            // Figures of other scripts, emoji, control characters.
            _ => ' ',
        };
        out.push(kept);
    }
    tidy(&out)
}

/// One space between words, none at the ends and none before a comma or a full stop.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' ' if out.is_empty() || out.ends_with([' ', '\n']) => {}
            '\n' => {
                out.truncate(out.trim_end_matches(' ').len());
                if !out.is_empty() {
                    out.push('\n');
                }
            }
            ',' | '.' | '!' | '?' | ';' | ')' | '»' if out.ends_with(' ') => {
                out.truncate(out.len() - 1);
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out.truncate(out.trim_end().len());
    out
}
