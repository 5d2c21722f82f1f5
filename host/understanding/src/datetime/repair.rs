//! From text to meaningful words: fixed phrases found, words that a recogniser ran together or tore apart mended,
//! fillers dropped.

use std::ops::Range;

use super::words::{Lex, Part, Prep, exact, meaning};
use crate::normalise::{Token, TokenKind, tokens};
use crate::number::OrdinalForm;

/// What stands between a word and the one before it, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    Space,
    Hyphen,
    /// A point or colon between figures, without spaces.
    Point,
    Colon,
    Comma,
    Stop,
}

/// A word with its meaning and its place in the text.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub text: String,
    pub lex: Lex,
    pub gap: Gap,
    pub bytes: Range<usize>,
}

/// The meaningful words of `text`.
pub(super) fn read(text: &str) -> Vec<Word> {
    let plain = with_gaps(&tokens(text));
    let mended = mend(phrases(parted(plain)));
    refusals(drop_fillers(conditional(mended)))
}

/// «я бы пришла», «было бы удобно»: a wish, though in the form of the past.
fn conditional(mut words: Vec<Word>) -> Vec<Word> {
    for at in 0..words.len() {
        if !matches!(words[at].text.as_str(), "бы" | "б") {
            continue;
        }
        let mut near = at.saturating_sub(1)..words.len().min(at + 4);
        if let Some(past) = near.find(|n| words[*n].lex == Lex::Past) {
            words[past].lex = Lex::Wish;
        }
    }
    words
}

/// «непозже», «нераньше»: parted before phrases are looked for.
fn parted(words: Vec<Word>) -> Vec<Word> {
    let parted = |word: Word| match word.text.strip_prefix(NOT).filter(|rest| bound(rest)) {
        Some(rest) => {
            let middle = (word.bytes.start + NOT.len()).min(word.bytes.end);
            let rest = Word { text: rest.into(), gap: Gap::Space, bytes: middle..word.bytes.end, ..word.clone() };
            vec![Word { text: NOT.into(), bytes: word.bytes.start..middle, ..word }, rest]
        }
        None => vec![word],
    };
    words.into_iter().flat_map(parted).collect()
}

fn bound(word: &str) -> bool {
    matches!(meaning(word), Lex::Later | Lex::Earlier)
}

/// «не могу», «не успею» become one word that says the time does not suit.
fn refusals(words: Vec<Word>) -> Vec<Word> {
    let mut out: Vec<Word> = Vec::with_capacity(words.len());
    for word in words {
        let refused = out.iter().any(|w| w.lex == Lex::Busy);
        match out.last_mut() {
            // «не поздно», «не занята»
            Some(not) if not.lex == Lex::Not && word.lex == Lex::Busy && word.gap < Gap::Comma => {
                not.lex = Lex::Able;
                not.text = format!("{} {}", not.text, word.text);
                not.bytes.end = word.bytes.end;
            }
            Some(not) if not.lex == Lex::Not && (word.lex == Lex::Able || unwanted(&word)) && word.gap < Gap::Comma => {
                not.lex = Lex::Busy;
                not.text = format!("{} {}", not.text, word.text);
                not.bytes.end = word.bytes.end;
            }
            // «вторник не подходит, среда тоже»
            _ if word.text == "тоже" && refused => {
                out.push(Word { lex: Lex::Busy, ..word });
            }
            _ => out.push(word),
        }
    }
    out
}

/// «не надо», «не нужно», «не удобно».
fn unwanted(word: &Word) -> bool {
    word.lex == Lex::Wish && ["надо", "нужн", "удобн", "хоч", "хотел"].iter().any(|start| word.text.starts_with(start))
}

fn with_gaps(tokens: &[Token]) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut gap = Gap::Space;
    for (nth, token) in tokens.iter().enumerate() {
        if token.kind == TokenKind::Mark {
            let before = nth.checked_sub(1).map(|n| &tokens[n]);
            let after = tokens.get(nth + 1);
            let tight = before.is_some_and(|t| t.kind == TokenKind::Number && t.bytes.end == token.bytes.start)
                && after.is_some_and(|t| t.kind == TokenKind::Number && t.bytes.start == token.bytes.end);
            gap = gap.max(match token.text.as_str() {
                "." | "/" if tight => Gap::Point,
                ":" if tight => Gap::Colon,
                "-" | "–" | "‑" => Gap::Hyphen,
                "." | "!" | "?" | ";" | "…" => Gap::Stop,
                "," | ":" | "—" | "(" | ")" => Gap::Comma,
                _ => Gap::Space,
            });
            continue;
        }
        let lex = match token.kind {
            TokenKind::Number => Lex::Digits(token.text.parse().unwrap_or(u32::MAX), token.text.len()),
            _ => Lex::Nil,
        };
        words.push(Word { text: token.text.clone(), lex, gap, bytes: token.bytes.clone() });
        gap = Gap::Space;
    }
    words
}

/// Several words that mean one thing. `Nil` stands for "whatever it means by itself" in words not of a phrase.
const PHRASES: &[(&[&str], Lex)] = &[
    (&["как", "можно", "скорее"], Lex::Asap),
    (&["как", "можно", "скорей"], Lex::Asap),
    (&["как", "можно", "быстрее"], Lex::Asap),
    (&["как", "можно", "раньше"], Lex::Asap),
    (&["как", "можно", "пораньше"], Lex::Asap),
    (&["чем", "скорее", "тем", "лучше"], Lex::Asap),
    (&["чем", "быстрее", "тем", "лучше"], Lex::Asap),
    (&["чем", "раньше", "тем", "лучше"], Lex::Asap),
    (&["в", "ближайшее", "время"], Lex::Asap),
    (&["ближайшее", "время"], Lex::Asap),
    (&["в", "ближайшие", "дни"], Lex::Asap),
    (&["ближайшие", "дни"], Lex::Asap),
    (&["ближайший", "день"], Lex::Asap),
    (&["самое", "ближайшее"], Lex::Asap),
    (&["самое", "раннее"], Lex::Asap),
    (&["первое", "свободное"], Lex::Asap),
    (&["первое", "же", "свободное"], Lex::Asap),
    (&["первое", "попавшееся"], Lex::Asap),
    (&["первое", "окно"], Lex::Asap),
    (&["первое", "окошко"], Lex::Asap),
    (&["первый", "свободный"], Lex::Asap),
    (&["прямо", "сейчас"], Lex::Now),
    (&["сейчас", "же"], Lex::Now),
    (&["сейчас", "прямо"], Lex::Now),
    (&["хоть", "сейчас"], Lex::Now),
    (&["прям", "сейчас"], Lex::Now),
    (&["можно", "сейчас"], Lex::Now),
    (&["сейчас", "можно"], Lex::Now),
    (&["прямо", "щас"], Lex::Now),
    (&["прям", "щас"], Lex::Now),
    (&["сию", "минуту"], Lex::Now),
    (&["то", "есть"], Lex::Correct),
    (&["не", "то"], Lex::Correct),
    (&["не", "так"], Lex::Correct),
    (&["не", "правильно"], Lex::Correct),
    (&["после", "после", "завтра"], Lex::Relative(3)),
    (&["после", "послезавтра"], Lex::Relative(3)),
    (&["после", "завтра"], Lex::Relative(2)),
    (&["по", "сле", "завтра"], Lex::Relative(2)),
    (&["после", "завтро"], Lex::Relative(2)),
    (&["после", "зафтра"], Lex::Relative(2)),
    (&["пол", "день"], Lex::Part(Part::Noon)),
    (&["пол", "дня"], Lex::Part(Part::Noon)),
    (&["полу", "дня"], Lex::Part(Part::Noon)),
    (&["на", "днях"], Lex::Vague),
    (&["в", "другой", "день"], Lex::Vague),
    (&["в", "другой", "раз"], Lex::Vague),
    (&["как", "нибудь"], Lex::Vague),
    (&["когда", "нибудь"], Lex::Vague),
    (&["в", "районе"], Lex::Prep(Prep::About)),
    (&["в", "промежутке"], Lex::Prep(Prep::Between)),
    (&["до", "сих", "пор"], Lex::Other),
    (&["одну", "минуту"], Lex::Other),
    (&["в", "первый", "раз"], Lex::Other),
    (&["в", "этот", "раз"], Lex::Other),
    (&["в", "прошлый", "раз"], Lex::Other),
    (&["раз", "в", "день"], Lex::Dose),
    (&["раза", "в", "день"], Lex::Dose),
    (&["день", "рождения"], Lex::Past),
    (&["дата", "рождения"], Lex::Past),
    (&["не", "раньше"], Lex::Earlier),
    (&["не", "ранее"], Lex::Earlier),
    (&["не", "позже"], Lex::Later),
    (&["не", "позднее"], Lex::Later),
];

/// The text given to a word made of «не раньше», so that it is told from «раньше».
pub(super) const NOT: &str = "не";

fn phrases(words: Vec<Word>) -> Vec<Word> {
    let mut out: Vec<Word> = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        let found =
            PHRASES.iter().filter(|(phrase, _)| spoken_at(&words[at..], phrase)).max_by_key(|(phrase, _)| phrase.len());
        let Some((phrase, lex)) = found else {
            out.push(words[at].clone());
            at += 1;
            continue;
        };
        let last = &words[at + phrase.len() - 1];
        let bytes = words[at].bytes.start..last.bytes.end;
        out.push(Word { text: phrase.join(" "), lex: *lex, gap: words[at].gap, bytes });
        at += phrase.len();
    }
    out
}

fn spoken_at(words: &[Word], phrase: &[&str]) -> bool {
    words.len() >= phrase.len()
        && words
            .iter()
            .zip(phrase)
            .enumerate()
            .all(|(nth, (word, part))| same_word(&word.text, part) && (nth == 0 || word.gap < Gap::Stop))
}

/// Whether a word is the one of the phrase, or that word misheard.
fn same_word(said: &str, part: &str) -> bool {
    said == part
        || matches!(exact(part), Some(lex @ (Lex::Prep(Prep::After) | Lex::Later | Lex::Earlier | Lex::Relative(_)))
            if part != "спустя" && meaning(said) == lex)
}

/// Gives every word its meaning, mending torn and run-together ones.
fn mend(words: Vec<Word>) -> Vec<Word> {
    let mut out: Vec<Word> = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        if let Some((joined, taken)) = torn(&words[at..]) {
            out.push(joined);
            at += taken;
            continue;
        }
        let word = &words[at];
        at += 1;
        if word.lex != Lex::Nil {
            out.push(word.clone());
        } else if let Some(lex) = exact(&word.text) {
            out.push(Word { lex, ..word.clone() });
        } else if let Some(pair) = run_together(word) {
            out.extend(pair);
        } else {
            out.push(Word { lex: meaning(&word.text), ..word.clone() });
        }
    }
    out
}

/// «четвер г», «двад цать», «поне дель ник»: neighbours that only make sense joined.
fn torn(words: &[Word]) -> Option<(Word, usize)> {
    [3usize, 2].into_iter().find_map(|taken| {
        let parts = words.get(..taken)?;
        let unknown = |w: &Word| w.lex == Lex::Nil && exact(&w.text).is_none();
        if parts.iter().any(|w| w.lex != Lex::Nil)
            || !parts.iter().any(unknown)
            || parts[1..].iter().any(|w| w.gap > Gap::Hyphen)
        {
            return None;
        }
        let text: String = parts.iter().map(|w| w.text.as_str()).collect();
        let lex = exact(&text).filter(|lex| text.chars().count() >= 5 && (names_time(*lex) || leads(*lex)))?;
        let bytes = parts[0].bytes.start..parts[taken - 1].bytes.end;
        Some((Word { text, lex, gap: parts[0].gap, bytes }, taken))
    })
}

/// «впятницу», «сутра», «двадцатьпятого», «пятьчасов».
fn run_together(word: &Word) -> Option<[Word; 2]> {
    const GLUED: &[&str] =
        &["в", "во", "на", "к", "ко", "до", "с", "со", "не", "после", "через", "около", "без", "от", "под"];
    word.text.char_indices().skip(1).find_map(|(cut, _)| {
        let (head, tail) = word.text.split_at(cut);
        // «мартав семнадцать»: the preposition of the next word.
        if matches!(tail, "в" | "к" | "с" | "на" | "до")
            && head.chars().count() >= 4
            && let (Some(first), Some(second)) = (exact(head).filter(|lex| names_time(*lex)), exact(tail))
        {
            return Some(halves(word, cut, first, second));
        }
        let second = exact(tail).filter(|lex| names_time(*lex) && tail.chars().count() >= 3)?;
        let first = exact(head)?;
        let preposition =
            GLUED.contains(&head) && (tail.chars().count() >= 4 || matches!(second, Lex::Card(_) | Lex::Unit(_)));
        let both = names_time(first) && head.chars().count() >= 3;
        (preposition || both).then(|| halves(word, cut, first, second))
    })
}

/// A word parted at the byte `cut` of its text.
fn halves(word: &Word, cut: usize, first: Lex, second: Lex) -> [Word; 2] {
    let (head, tail) = word.text.split_at(cut);
    let middle = (word.bytes.start + cut).min(word.bytes.end);
    [
        Word { text: head.into(), lex: first, gap: word.gap, bytes: word.bytes.start..middle },
        Word { text: tail.into(), lex: second, gap: Gap::Space, bytes: middle..word.bytes.end },
    ]
}

/// Longer words that stand before a day or time.
fn leads(lex: Lex) -> bool {
    matches!(lex, Lex::Prep(Prep::After | Prep::Through | Prep::About | Prep::Between) | Lex::Later | Lex::Earlier)
}

/// Whether a word names a day or time by itself or as part of a number.
fn names_time(lex: Lex) -> bool {
    matches!(
        lex,
        Lex::Card(_)
            | Lex::HalfTo(_)
            | Lex::Weekday(_)
            | Lex::Month(_)
            | Lex::Relative(_)
            | Lex::Unit(_)
            | Lex::Part(_)
            | Lex::PartOf(_)
    ) || matches!(lex, Lex::Ord(_, OrdinalForm::Genitive | OrdinalForm::Neuter | OrdinalForm::Dative))
        || matches!(lex, Lex::Quarter | Lex::Half | Lex::Next | Lex::Nearest | Lex::Weekend)
}

fn drop_fillers(words: Vec<Word>) -> Vec<Word> {
    let mut out: Vec<Word> = Vec::with_capacity(words.len());
    let mut gap = Gap::Space;
    for mut word in words {
        if word.lex == Lex::Filler {
            gap = gap.max(word.gap);
            continue;
        }
        word.gap = word.gap.max(gap);
        gap = Gap::Space;
        out.push(word);
    }
    out
}
