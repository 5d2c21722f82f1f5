//! Russian endings off: the Snowball stemmer, and character n-grams for words it does not bring together.

use rust_stemmers::{Algorithm, Stemmer};

use super::tokens::{fold, words};

/// The Snowball stem of one Russian word; other alphabets pass unchanged but for [`fold`].
///
/// ```
/// use understanding::normalise::stem;
/// assert_eq!(stem("собаками"), stem("собака"));
/// assert_eq!(stem("Ёлки"), stem("ёлка"));
/// ```
pub fn stem(word: &str) -> String {
    let word = fold(word);
    if word.chars().any(|c| !('а'..='я').contains(&c)) {
        return word;
    }
    Stemmer::create(Algorithm::Russian).stem(&word).into_owned()
}

/// The stems of all words and figures of a text, in order.
///
/// ```
/// assert_eq!(understanding::normalise::stems("Есть парковка?").len(), 2);
/// ```
pub fn stems(text: &str) -> Vec<String> {
    words(text).iter().map(|w| stem(&w.text)).collect()
}

/// All runs of `n` characters of `word` with its borders marked by `^` and `$`; the whole bordered word when shorter.
///
/// ```
/// assert_eq!(understanding::normalise::char_ngrams("кот", 3), ["^ко", "кот", "от$"]);
/// ```
pub fn char_ngrams(word: &str, n: usize) -> Vec<String> {
    let letters: Vec<char> = std::iter::once('^').chain(word.chars()).chain(std::iter::once('$')).collect();
    if n == 0 || letters.len() < n {
        return vec![letters.into_iter().collect()];
    }
    letters.windows(n).map(|w| w.iter().collect()).collect()
}
