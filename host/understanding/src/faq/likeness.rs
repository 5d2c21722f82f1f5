//! How alike two stems are, damaged and derived ones included.

use crate::normalise::{char_ngrams, fuzzy, sound};

/// Prefixes of verbs that leave the meaning near.
const PREFIXES: [&str; 16] =
    ["при", "под", "от", "за", "вы", "по", "до", "про", "пере", "об", "у", "с", "на", "из", "раз", "рас"];

/// Equal stems are alike, damaged or derived ones partly.
pub(super) fn likeness(a: &str, b: &str) -> f32 {
    if a == b {
        return 1.0;
    }
    let (first, second) = (a.chars().count(), b.chars().count());
    let (short, long) = (first.min(second), first.max(second));
    if short < 4 || long > 2 * short {
        return 0.0;
    }
    if a.chars().next() == b.chars().next() && sound(a) == sound(b) {
        return 0.95;
    }
    if short >= 5 && fuzzy::within(a, b, 1).is_some() {
        return 0.85;
    }
    // «везти», «привезти»; «отрезать», «подрезать»
    let bare = |s: &str| -> Vec<String> {
        let rest = PREFIXES.iter().filter_map(|p| s.strip_prefix(p));
        rest.filter(|rest| rest.chars().count() >= 3).map(str::to_owned).collect()
    };
    let (bare_a, bare_b) = (bare(a), bare(b));
    if bare_a.iter().any(|s| s == b || bare_b.contains(s)) || bare_b.iter().any(|s| s == a) {
        return 0.85;
    }
    if a.starts_with(b) || b.starts_with(a) {
        return 0.75;
    }
    let (grams, others) = (char_ngrams(a, 3), char_ngrams(b, 3));
    let common = grams.iter().filter(|g| others.contains(g)).count();
    let dice = 2.0 * common as f32 / (grams.len() + others.len()) as f32;
    if dice >= 0.6 { dice } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_and_damaged_stems_are_near_others_are_not() {
        assert!(likeness("привезт", "везт") > 0.8);
        assert!(likeness("жилудок", "желудок") > 0.9);
        assert_eq!(likeness("кот", "код"), 0.0);
        assert_eq!(likeness("собак", "парковк"), 0.0);
    }
}
