//! A text cut into words with their stems, once, for every matcher.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::ops::Range;

use rust_stemmers::{Algorithm, Stemmer};

use super::patterns::{Passing, hash};

/// One word or figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Folded spelling.
    pub text: String,
    /// Its stem.
    pub stem: String,
    /// Whether its stem is that of a frequent word ([`super::vocabulary`]).
    pub known: bool,
    /// Hash of the spelling ([`super::patterns::hash`]): every set of patterns asks for it.
    pub(crate) key: u64,
    /// Character offsets in the original text.
    pub chars: Range<usize>,
}

/// The words of a text, marks aside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    /// In order.
    pub words: Vec<Word>,
    /// Index of the first word that is not a greeting or a filler.
    pub opening: usize,
    /// Number of question marks.
    pub questions: usize,
    /// Indices of words before which a comma or a full stop stands.
    pub stops: Vec<usize>,
}

impl Text {
    /// Cuts and stems `text` into what [`crate::normalise::words`] and [`crate::normalise::stem`] give; written anew
    /// because every call passes here, letter by letter (a test holds the two together).
    pub fn new(text: &str) -> Self {
        let mut out = Self::default();
        let mut word = String::with_capacity(24);
        let mut begun: Option<(usize, bool)> = None;
        let stemmer = Stemmer::create(Algorithm::Russian);
        let mut end = 0;
        for (at, c) in text.chars().enumerate() {
            if ('\u{300}'..='\u{36f}').contains(&c) {
                // A stress mark belongs to the letter before it.
                end = if begun.is_some() { at + 1 } else { end };
                continue;
            }
            let digit = c.is_ascii_digit();
            let letter = !digit && (('а'..='я').contains(&c) || c.is_alphabetic());
            if begun.is_some_and(|(_, digits)| !(digit && digits || letter && !digits)) {
                out.take(&mut word, &mut begun, end, &stemmer);
            }
            if digit || letter {
                begun.get_or_insert((at, digit));
                end = at + 1;
                match c {
                    'а'..='я' | '0'..='9' => word.push(c),
                    'А'..='Я' => word.push(char::from_u32(c as u32 + 32).unwrap_or(c)),
                    'ё' | 'Ё' => word.push('е'),
                    other => word.extend(other.to_lowercase().filter(|c| !('\u{300}'..='\u{36f}').contains(c))),
                }
            }
            out.questions += usize::from(c == '?');
            if matches!(c, ',' | '.' | ';' | '!' | '?' | '…') && out.stops.last() != Some(&out.words.len()) {
                out.stops.push(out.words.len());
            }
        }
        out.take(&mut word, &mut begun, end, &stemmer);
        out.opening = out.words.iter().take_while(|w| is_greeting(&w.text)).count();
        out
    }

    fn take(&mut self, word: &mut String, begun: &mut Option<(usize, bool)>, end: usize, stemmer: &Stemmer) {
        let Some((start, _)) = begun.take() else { return };
        let russian = word.chars().all(|c| ('а'..='я').contains(&c));
        let key = hash(word.chars());
        let (stem, known) = if russian { remembered(word, key, stemmer) } else { (word.clone(), false) };
        self.words.push(Word { stem, known, key, text: word.clone(), chars: start..end });
        word.clear();
    }
}

/// Words whose stems a thread remembers, at most; then it begins anew.
const REMEMBERED: usize = 20_000;

/// By their hashes: the word, its stem, whether the language knows it.
type Stems = HashMap<u64, (String, String, bool), BuildHasherDefault<Passing>>;

thread_local! {
    static STEMS: RefCell<Stems> = RefCell::default();
}

/// The stem of a word, and whether the language knows it: speech repeats itself, and stemming costs as much as all else
/// that is done to a word.
fn remembered(word: &str, key: u64, stemmer: &Stemmer) -> (String, bool) {
    STEMS.with_borrow_mut(|stems| {
        if let Some((_, stem, known)) = stems.get(&key).filter(|(same, ..)| same == word) {
            return (stem.clone(), *known);
        }
        if stems.len() >= REMEMBERED {
            stems.clear();
        }
        let stem = stemmer.stem(word).into_owned();
        let known = super::vocabulary::knows(&stem);
        stems.insert(key, (word.to_owned(), stem.clone(), known));
        (stem, known)
    })
}

/// Words with which a call begins before anything is said.
fn is_greeting(word: &str) -> bool {
    const GREETINGS: &[&str] = &[
        "алло",
        "але",
        "ало",
        "здравствуйте",
        "здрасьте",
        "здрасте",
        "здравствуй",
        "добрый",
        "доброе",
        "доброго",
        "день",
        "дня",
        "вечер",
        "утро",
        "привет",
        "приветствую",
        "девушка",
        "девочки",
        "скажите",
        "подскажите",
        "пожалуйста",
        "извините",
        "простите",
        "ой",
        "так",
        "это",
        "а",
        "и",
        "ну",
        "да",
        "слушайте",
        "будьте",
        "добры",
        "вот",
        "значит",
        "э",
        "ээ",
        "мм",
        "у",
        "меня",
        "такой",
        "вопрос",
        "можно",
        "узнать",
        "хотела",
        "хотел",
        "бы",
        "уточнить",
        "клиника",
        "ветклиника",
        "стоматология",
    ];
    GREETINGS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalise;
    use proptest::prelude::*;

    fn same(text: &str) -> bool {
        let cut = Text::new(text);
        let words = normalise::words(text);
        cut.words.len() == words.len()
            && cut
                .words
                .iter()
                .zip(&words)
                .all(|(a, b)| a.text == b.text && a.stem == normalise::stem(&b.text) && a.chars == b.chars)
    }

    #[test]
    fn it_cuts_as_the_rest_of_the_crate_does() {
        for text in ["Ёж, в 16:30!", "Той-терьер; 5го «Лапа»", "за\u{301}мок", "MRT и МРТ", ""]
        {
            assert!(same(text), "{text}");
        }
        assert_eq!(Text::new("Алло, здравствуйте, кошка?").opening, 2);
    }

    proptest! {
        #[test]
        fn on_any_russian_text(text in "[А-Яа-яЁё0-9a-zA-Z ,.?!«»-]{0,60}") {
            prop_assert!(same(&text), "{:?} {:?}", Text::new(&text), normalise::words(&text));
        }
    }
}
