//! Small readers over the beginning of a text; each gives what it read and what is left.

use super::numeral::LARGEST;

/// A number as written: grouped digits, perhaps a fraction after a comma or a full stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number<'a> {
    /// Digits without the spaces between groups.
    pub whole: String,
    /// Digits after the comma.
    pub fraction: Option<&'a str>,
}

impl Number<'_> {
    /// The whole part, unless it is too long to be said as a number, or is a code such as «007».
    pub fn value(&self) -> Option<u64> {
        if self.whole.len() > 1 && self.whole.starts_with('0') {
            return None;
        }
        self.whole.parse().ok().filter(|n| *n <= LARGEST)
    }
}

/// Reads a number with groups («1 500») and a fraction («2,5»).
pub(super) fn number(text: &str) -> Option<(Number<'_>, &str)> {
    let (first, mut rest) = digits(text)?;
    let mut whole = first.to_owned();
    if first.len() <= 3 && !first.starts_with('0') {
        while let Some((group, after)) = rest.strip_prefix(' ').and_then(digits) {
            if group.len() != 3 {
                break;
            }
            whole.push_str(group);
            rest = after;
        }
    }
    let mut fraction = None;
    if let Some((digits, after)) = rest.strip_prefix([',', '.']).and_then(digits) {
        // A third part makes it a date, a version or an address, not a fraction.
        let more = after.strip_prefix(['.', ',', ':']).is_some_and(|t| t.starts_with(|c: char| c.is_ascii_digit()));
        if digits.len() <= 4 && !more {
            fraction = Some(digits);
            rest = after;
        }
    }
    Some((Number { whole, fraction }, rest))
}

/// Reads ASCII digits, at least one.
pub(super) fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// Reads a whole number of `from..=to` digits.
pub(super) fn integer(text: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<(u64, &str)> {
    let (read, rest) = digits(text)?;
    if !lengths.contains(&read.len()) {
        return None;
    }
    Some((read.parse().ok()?, rest))
}

/// Reads letters, at least one.
pub(super) fn word(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// Reads `wanted` as a whole word, whatever its case.
pub(super) fn keyword<'a>(text: &'a str, wanted: &str) -> Option<&'a str> {
    let (read, rest) = word(text)?;
    (read.to_lowercase() == wanted).then_some(rest)
}

/// Reads a dash of any kind between two numbers, with or without spaces around it.
pub(super) fn dash(text: &str) -> Option<&str> {
    let text = text.strip_prefix(' ').unwrap_or(text);
    let rest = text.strip_prefix(['-', '–', '—', '−', '‑'])?;
    Some(rest.strip_prefix(' ').unwrap_or(rest))
}

/// Whether the text goes on with a letter or a digit, so that what was read is not a whole word.
pub(super) fn goes_on(text: &str) -> bool {
    text.starts_with(char::is_alphanumeric)
}

/// Takes the full stop of an abbreviation away, unless it also ends the sentence.
///
/// It ends the sentence when nothing but a capital letter or the end of the text follows.
pub(super) fn abbreviation_stop(text: &str) -> &str {
    match text.strip_prefix('.') {
        Some(rest) if rest.starts_with('.') => text,
        Some(rest) if ends_sentence(rest) => text,
        Some(rest) => rest,
        None => text,
    }
}

fn ends_sentence(rest: &str) -> bool {
    let next = rest.trim_start_matches([' ', '\n', '»', '"', ')']);
    next.is_empty() || (next.len() < rest.len() && next.starts_with(char::is_uppercase))
}

/// Whether another dash and digit follow: the number is part of a code or a telephone number, not of a span.
pub(super) fn goes_on_with_dash(text: &str) -> bool {
    text.strip_prefix(['-', '–']).is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit()))
}
