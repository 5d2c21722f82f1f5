//! Chunks in their order, though they may arrive in another.

use std::collections::BTreeMap;

/// So many chunks (of 20 ms) are waited for a missing one; then it is lost.
const PATIENCE: usize = 5;

/// Puts numbered chunks in order.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// The number that comes next; none before the first.
    next: Option<u64>,
    early: BTreeMap<u64, Vec<u8>>,
}

impl Order {
    /// What can be heard now. A chunk without a number is taken as it comes; one that comes twice, or too late, is dropped.
    pub(super) fn push(&mut self, number: Option<u64>, sound: Vec<u8>) -> Vec<Vec<u8>> {
        let Some(number) = number else { return vec![sound] };
        if self.next.is_some_and(|next| number < next) {
            return Vec::new();
        }
        self.next.get_or_insert(number);
        self.early.insert(number, sound);
        let mut ready = Vec::new();
        while let Some(first) = self.early.first_entry() {
            if Some(*first.key()) != self.next && self.early.len() <= PATIENCE {
                break;
            }
            if let Some((number, sound)) = self.early.pop_first() {
                self.next = number.checked_add(1);
                ready.push(sound);
            }
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn push_all(numbers: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let mut order = Order::default();
        let sounds = numbers.into_iter().flat_map(|n| order.push(Some(n), n.to_le_bytes().to_vec()));
        sounds.collect::<Vec<_>>().iter().map(|s| u64::from_le_bytes(s[..].try_into().unwrap())).collect()
    }

    #[test]
    fn swapped_doubled_late_and_lost() {
        assert_eq!(push_all([2, 4, 3, 5, 5, 3, 6]), [2, 3, 4, 5, 6]);
        assert_eq!(push_all([1, 3, 4, 5, 6, 7, 8, 2, 9]), [1, 3, 4, 5, 6, 7, 8, 9], "chunk 2 was given up");
        assert_eq!(push_all([1, u64::MAX, 2]), [1, 2]);
    }

    proptest! {
        #[test]
        fn a_little_disorder_is_no_disorder(swaps in proptest::collection::vec(any::<bool>(), 100)) {
            let mut numbers: Vec<u64> = (1..=200).collect();
            for (pair, swap) in numbers[2..].chunks_mut(2).zip(swaps) {
                if swap { pair.reverse(); }
            }
            prop_assert_eq!(push_all(numbers), (1..=200).collect::<Vec<u64>>());
        }

        #[test]
        fn never_backwards_and_never_more_than_came(numbers in proptest::collection::vec(0..60_u64, 0..100)) {
            let heard = push_all(numbers.clone());
            prop_assert!(heard.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(heard.iter().all(|n| numbers.contains(n)));
        }
    }
}
