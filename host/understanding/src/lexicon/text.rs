//! A text cut into words with their stems, once, for every matcher.

use std::ops::Range;

use crate::normalise::{self, TokenKind};

/// One word or figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Folded spelling.
    pub text: String,
    /// Its stem.
    pub stem: String,
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
}

impl Text {
    /// Cuts and stems `text`.
    pub fn new(text: &str) -> Self {
        let mut out = Self::default();
        for token in normalise::tokens(text) {
            match token.kind {
                TokenKind::Mark => out.questions += usize::from(token.is("?")),
                _ => out.words.push(Word { stem: normalise::stem(&token.text), text: token.text, chars: token.chars }),
            }
        }
        out.opening = out.words.iter().take_while(|w| is_greeting(&w.text)).count();
        out
    }
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
