//! Comparing words that a recogniser may have damaged: optimal string alignment distance (Damerau–Levenshtein with
//! each letter moved at most once), bounded so that far words cost little.

use super::stems::stem;

/// The distance between two words if it is at most `limit`. Insertion, deletion, substitution and swapping of
/// neighbours cost one each.
///
/// ```
/// use understanding::normalise::fuzzy::within;
/// assert_eq!(within("четверг", "четверк", 1), Some(1));
/// assert_eq!(within("среда", "срдеа", 1), Some(1));
/// assert_eq!(within("среда", "вторник", 2), None);
/// ```
pub fn within(a: &str, b: &str, limit: usize) -> Option<usize> {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let changed = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (above[j] + 1).min(row[j - 1] + 1).min(above[j - 1] + changed);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        if row.iter().all(|&d| d > limit) {
            return None;
        }
        before = above;
        above = row;
    }
    above.last().copied().filter(|&d| d <= limit)
}

/// How many errors a word of this many letters may carry and still be taken for another: none up to three letters,
/// one up to six, two from there on.
pub fn tolerance(letters: usize) -> usize {
    match letters {
        0..=3 => 0,
        4..=6 => 1,
        _ => 2,
    }
}

/// Whether two folded words are the same but for recognition errors (see [`tolerance`], counted on the shorter).
///
/// ```
/// use understanding::normalise::fuzzy::same;
/// assert!(same("послезавтро", "послезавтра"));
/// assert!(!same("кот", "код"));
/// ```
pub fn same(a: &str, b: &str) -> bool {
    a == b || within(a, b, tolerance(a.chars().count().min(b.chars().count()))).is_some()
}

/// Whether two words share a stem, or nearly (see [`tolerance`], counted on the shorter stem).
///
/// ```
/// use understanding::normalise::fuzzy::same_stem;
/// assert!(same_stem("вакцинацию", "вокцинация"));
/// assert!(!same_stem("кошка", "мышка"));
/// ```
pub fn same_stem(a: &str, b: &str) -> bool {
    let (a, b) = (stem(a), stem(b));
    a == b || same(&a, &b) && a.chars().next() == b.chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn distance_is_symmetric_and_zero_only_for_equals(a in "[а-я]{0,9}", b in "[а-я]{0,9}") {
            prop_assert_eq!(within(&a, &b, 9), within(&b, &a, 9));
            prop_assert_eq!(within(&a, &b, 9) == Some(0), a == b);
        }
    }
}
