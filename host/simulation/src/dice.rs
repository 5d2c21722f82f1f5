//! Chance, the same for the same seed on every machine and with every version of every library.

/// SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Debug, Clone)]
pub(crate) struct Dice {
    state: u64,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1, without 1.
    pub(crate) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True in so many of a hundred throws.
    pub(crate) fn percent(&mut self, percent: u32) -> bool {
        self.share() * 100.0 < f64::from(percent)
    }

    /// A whole number in `from..to`; `from` where that is empty.
    pub(crate) fn between(&mut self, from: i64, to: i64) -> i64 {
        let width = to.saturating_sub(from).max(1);
        from + (self.share() * width as f64) as i64
    }

    /// A place in a list of `length`; 0 for an empty one.
    pub(crate) fn place(&mut self, length: usize) -> usize {
        (self.share() * length as f64) as usize
    }

    /// One of them; none of none.
    pub(crate) fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.place(of.len()))
    }

    /// One of them, each with its weight.
    pub(crate) fn weighed<'a, T>(&mut self, of: &'a [(u32, T)]) -> Option<&'a T> {
        let all: u32 = of.iter().map(|(weight, _)| weight).sum();
        let mut left = self.share() * f64::from(all);
        for (weight, one) in of {
            left -= f64::from(*weight);
            if left < 0.0 {
                return Some(one);
            }
        }
        of.last().map(|(_, one)| one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_throws_the_same() {
        let throws = |seed| {
            let mut dice = Dice::new(seed);
            (0..5).map(|_| dice.between(0, 1_000)).collect::<Vec<_>>()
        };
        assert_eq!(throws(7), throws(7));
        assert_ne!(throws(7), throws(8));
    }

    #[test]
    fn weights_are_kept() {
        let mut dice = Dice::new(1);
        let of = [(9, "often"), (1, "rarely"), (0, "never")];
        let often = (0..1_000).filter(|_| dice.weighed(&of) == Some(&"often")).count();
        assert!((850..950).contains(&often), "{often}");
        assert!((0..1_000).all(|_| dice.weighed(&of) != Some(&"never")));
        assert_eq!(dice.one::<u8>(&[]), None);
    }
}
