//! Cutting a text into words, figures and marks, each with its place in the original.

use std::ops::Range;

/// What a [`Token`] is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Letters only.
    Word,
    /// Decimal digits only.
    Number,
    /// One punctuation mark or other sign.
    Mark,
}

/// A word, a figure or a mark with its place in the text it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The token folded as by [`fold`].
    pub text: String,
    /// What it is made of.
    pub kind: TokenKind,
    /// Byte offsets in the original text.
    pub bytes: Range<usize>,
    /// Character offsets in the original text.
    pub chars: Range<usize>,
}

impl Token {
    /// Whether this is the given word, figure or mark (already folded).
    pub fn is(&self, text: &str) -> bool {
        self.text == text
    }
}

/// Lower case, with ё written as е and combining accents dropped: the form in which words are compared.
///
/// ```
/// assert_eq!(understanding::normalise::fold("Полчетвёртого"), "полчетвертого");
/// ```
pub fn fold(text: &str) -> String {
    text.chars()
        .filter(|c| !is_accent(*c))
        .flat_map(char::to_lowercase)
        .map(|c| if c == 'ё' { 'е' } else { c })
        .collect()
}

/// Cuts `text` into words, figures and marks. White space is dropped; a hyphen is a mark of its own, and letters and
/// digits that touch come apart (`5го` is `5`, `го`).
///
/// ```
/// use understanding::normalise::tokens;
/// let texts: Vec<String> = tokens("Ёж, в 16:30").into_iter().map(|t| t.text).collect();
/// assert_eq!(texts, ["еж", ",", "в", "16", ":", "30"]);
/// ```
pub fn tokens(text: &str) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::new();
    for (nth, (at, c)) in text.char_indices().enumerate() {
        let end = at + c.len_utf8();
        let last = out.last_mut().filter(|t| t.bytes.end == at);
        if is_accent(c) {
            if let Some(last) = last {
                last.bytes.end = end;
                last.chars.end = nth + 1;
            }
            continue;
        }
        if c.is_whitespace() {
            continue;
        }
        let kind = match c {
            c if c.is_ascii_digit() => TokenKind::Number,
            c if c.is_alphabetic() => TokenKind::Word,
            _ => TokenKind::Mark,
        };
        let folded = fold(c.encode_utf8(&mut [0; 4]));
        match last {
            Some(last) if last.kind == kind && kind != TokenKind::Mark => {
                last.text.push_str(&folded);
                last.bytes.end = end;
                last.chars.end = nth + 1;
            }
            _ => out.push(Token { text: folded, kind, bytes: at..end, chars: nth..nth + 1 }),
        }
    }
    out
}

/// [`tokens`] without the marks.
///
/// ```
/// let texts: Vec<String> = understanding::normalise::words("Той-терьер, 5 лет!").into_iter().map(|t| t.text).collect();
/// assert_eq!(texts, ["той", "терьер", "5", "лет"]);
/// ```
pub fn words(text: &str) -> Vec<Token> {
    tokens(text).into_iter().filter(|t| t.kind != TokenKind::Mark).collect()
}

/// Whether `word` is one of the words of `list`, which are separated by white space: how the crate writes word lists.
///
/// ```
/// assert!(understanding::normalise::listed("да ага угу", "ага"));
/// ```
pub fn listed(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|w| w == word)
}

/// Combining marks (stress, diaeresis) that a text may carry after a letter.
fn is_accent(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn positions_point_into_the_original() {
        let text = "Ой — 5-го, «Ёлка»";
        for token in tokens(text) {
            assert_eq!(fold(&text[token.bytes.clone()]), token.text);
            let by_chars: String = text.chars().skip(token.chars.start).take(token.chars.len()).collect();
            assert_eq!(fold(&by_chars), token.text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_cut_in_order(text in "\\PC{0,60}") {
            let mut at = 0;
            for token in tokens(&text) {
                prop_assert!(token.bytes.start >= at && token.bytes.end <= text.len());
                prop_assert!(text.is_char_boundary(token.bytes.start) && text.is_char_boundary(token.bytes.end));
                at = token.bytes.end;
            }
        }
    }
}
