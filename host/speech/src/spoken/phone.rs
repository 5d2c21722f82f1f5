//! Telephone numbers, in the groups in which people say and write them down: 3, 3, 2, 2.

use super::context::{Place, Read};
use super::numeral::{Case, Gender, cardinal, digit_by_digit};

/// Reads a telephone number: +7 903 123-45-67, 8 (495) 123-45-67, 89031234567, 123-45-67.
pub(super) fn phone<'a>(place: Place<'a>) -> Read<'a> {
    let text = place.rest;
    let plus = text.starts_with('+');
    // The groups as written, and how far the number reaches after each of them.
    let mut groups: Vec<(String, usize)> = Vec::new();
    let mut bracket = false;
    let mut at = usize::from(plus);
    let mut total = 0;
    loop {
        let digits: String = text[at..].chars().take_while(char::is_ascii_digit).collect();
        if digits.is_empty() {
            break;
        }
        at += digits.len();
        total += digits.len();
        groups.push((digits, at));
        if total >= 15 {
            break;
        }
        let gap: String = text[at..].chars().take_while(|c| SEPARATORS.contains(c)).collect();
        if gap.is_empty() || gap.chars().count() > 3 {
            break;
        }
        bracket |= gap.contains('(');
        at += gap.len();
    }
    if text.starts_with('(') {
        return bracketed(text);
    }
    // The longest run of whole groups that makes a number.
    for count in (1..=groups.len()).rev() {
        let (taken, end) = (&groups[..count], groups[count - 1].1);
        let digits: String = taken.iter().map(|(d, _)| d.as_str()).collect();
        let lengths: Vec<usize> = taken.iter().map(|(d, _)| d.len()).collect();
        if text[end..].starts_with(|c: char| c.is_alphanumeric() || c == '%' || c == '₽') {
            continue;
        }
        if let Some(words) = say(&digits, &lengths, plus, bracket, &text[..end]) {
            return Some((words, &text[end..]));
        }
    }
    None
}

const SEPARATORS: &[char] = &[' ', '-', '–', '‑', '(', ')', '.'];

/// (495) 123-45-67
fn bracketed(text: &str) -> Option<(String, &str)> {
    let (code, rest) = text.strip_prefix('(')?.split_once(')')?;
    let three_or_more = (3..=5).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit());
    let (tail, rest) = phone(Place { before: "", rest: rest.trim_start_matches([' ', '-']) })?;
    three_or_more.then(|| (format!("{}, {tail}", group(code)), rest))
}

fn say(digits: &str, lengths: &[usize], plus: bool, bracket: bool, written: &str) -> Option<String> {
    let groups: Vec<&str> = match digits.len() {
        // «80 000 – 100 000» has eleven digits too, but no code of its own in front.
        11 if digits.starts_with(['7', '8']) && matches!(lengths[0], 1 | 4 | 11) => split(digits, &[1, 3, 3, 2, 2]),
        10 if !plus && (bracket || digits.starts_with('9') && lengths.len() > 1) => split(digits, &[3, 3, 2, 2]),
        10 if !plus && digits.starts_with('9') && lengths.len() == 1 => split(digits, &[3, 3, 2, 2]),
        7 if lengths == [3, 2, 2] && written.contains('-') => split(digits, &[3, 2, 2]),
        6 if lengths == [2, 2, 2] && written.contains('-') => split(digits, &[2, 2, 2]),
        7..=15 if plus => foreign(digits),
        _ => return None,
    };
    let words: Vec<String> = groups.into_iter().map(group).collect();
    let sign = if plus { "плюс " } else { "" };
    Some(format!("{sign}{}", words.join(", ")))
}

fn split<'a>(digits: &'a str, lengths: &[usize]) -> Vec<&'a str> {
    let mut rest = digits;
    let mut groups = Vec::with_capacity(lengths.len());
    for length in lengths {
        let (group, after) = rest.split_at((*length).min(rest.len()));
        groups.push(group);
        rest = after;
    }
    groups
}

/// A number of another country: from the left in threes, no group of one at the end.
fn foreign(digits: &str) -> Vec<&str> {
    let mut groups = Vec::new();
    let mut rest = digits;
    while rest.len() > 4 {
        let (group, after) = rest.split_at(3);
        groups.push(group);
        rest = after;
    }
    if rest.len() == 4 {
        groups.extend(split(rest, &[2, 2]));
    } else {
        groups.push(rest);
    }
    groups
}

/// One group: noughts at its head are said, the rest is one number: «ноль ноль семь».
pub(super) fn group(digits: &str) -> String {
    let trimmed = digits.trim_start_matches('0');
    let noughts = digit_by_digit(&digits[..digits.len() - trimmed.len()]);
    match trimmed.parse::<u64>() {
        Ok(n) if noughts.is_empty() => cardinal(n, Case::Nominative, Gender::Masculine),
        Ok(n) => format!("{noughts} {}", cardinal(n, Case::Nominative, Gender::Masculine)),
        Err(_) => noughts,
    }
}
