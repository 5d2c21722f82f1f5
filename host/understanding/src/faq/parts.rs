//! Where one breath may hold several questions: the pieces of a text and the ways to group neighbours.

/// More pieces than this are joined to the last one.
const MOST: usize = 6;

/// The pieces between marks and conjunctions, folded.
pub(super) fn pieces(text: &str) -> Vec<String> {
    let folded = crate::normalise::fold(text);
    let mut out: Vec<String> = vec![String::new()];
    for word in folded.split_inclusive([' ', ',', '?', '.', '!', ';']) {
        let joint = matches!(word.trim(), "и" | "а" | "еще" | "также" | "заодно");
        if joint && out.last().is_some_and(|piece| !piece.trim().is_empty()) {
            out.push(String::new());
        }
        let ends = word.ends_with([',', '?', '.', '!', ';']);
        if let Some(piece) = out.last_mut() {
            piece.push_str(word);
        }
        if ends {
            out.push(String::new());
        }
    }
    out.retain(|piece| piece.chars().any(char::is_alphanumeric));
    while out.len() > MOST {
        if let (Some(last), Some(before)) = (out.pop(), out.last_mut()) {
            before.push_str(&last);
        }
    }
    out
}

/// All ways to part `pieces` neighbours, in their order, into two groups or more: the first and last piece of each.
pub(super) fn groupings(pieces: usize) -> Vec<Vec<(usize, usize)>> {
    let joints = pieces.saturating_sub(1);
    (1..1usize << joints)
        .map(|cuts| {
            let mut groups: Vec<(usize, usize)> = Vec::new();
            for nth in 0..pieces {
                match groups.last_mut() {
                    Some(group) if cuts >> (nth - 1) & 1 == 0 => group.1 = nth,
                    _ => groups.push((nth, nth)),
                }
            }
            groups
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_end_at_marks_and_conjunctions() {
        let trimmed: Vec<String> =
            pieces("А скидки есть? и можно ли когти, подстричь").iter().map(|p| p.trim().to_owned()).collect();
        assert_eq!(trimmed, ["а скидки есть?", "и можно ли когти,", "подстричь"]);
    }

    #[test]
    fn neighbours_are_grouped_in_every_way() {
        let all = groupings(3);
        assert_eq!(all.len(), 3);
        assert!(all.contains(&vec![(0, 1), (2, 2)]));
        assert!(groupings(0).is_empty() && groupings(1).is_empty());
    }
}
