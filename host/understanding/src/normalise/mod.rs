//! Words as the rest of the crate compares them: lower case, ё as е, positions kept, stems and tolerant equality.
//!
//! Layout: [`tokens()`] and [`words`] cut a text, [`stem`] strips Russian endings, [`fuzzy`] compares damaged words,
//! [`sound()`] those that are pronounced alike.

pub mod fuzzy;
mod sound;
mod stems;
mod tokens;

pub use sound::sound;
pub use stems::{char_ngrams, stem, stems};
pub use tokens::{Token, TokenKind, fold, listed, tokens, words};
