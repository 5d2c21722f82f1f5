//! A share as what it is: so many out of so many.

use std::fmt;

use serde::Serialize;
use serde::ser::{SerializeStruct as _, Serializer};

/// `part` out of `whole`, exact. The whole is never 0: a share of nothing does not exist ([`Share::of`] gives `None`).
///
/// ```
/// use reports::Share;
/// let lost = Share::of(13, 34).unwrap();
/// assert_eq!(lost.to_string(), "38.2%");
/// assert_eq!(lost.ru(), "38,2\u{a0}%");
/// assert_eq!(Share::of(0, 0), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Share {
    part: i64,
    whole: i64,
}

impl Share {
    /// None when there is no whole, or the part is not between 0 and the whole.
    pub fn of(part: i64, whole: i64) -> Option<Self> {
        (whole > 0 && (0..=whole).contains(&part)).then_some(Self { part, whole })
    }

    /// How many.
    pub fn part(self) -> i64 {
        self.part
    }

    /// Out of how many.
    pub fn whole(self) -> i64 {
        self.whole
    }

    /// Tenths of a per cent, halves rounded up: 0 to 1000.
    pub fn permille(self) -> i64 {
        let (part, whole) = (i128::from(self.part), i128::from(self.whole));
        i64::try_from((part * 2000 + whole) / (whole * 2)).expect("invariant: between 0 and 1000")
    }

    /// As a fraction, for drawing.
    pub fn as_f64(self) -> f64 {
        self.part as f64 / self.whole as f64
    }

    /// The difference to an earlier share in tenths of a percentage point, halves rounded away from 0; from the exact
    /// ratios, not from the rounded ones.
    pub fn points_since(self, before: Self) -> i64 {
        let [a, b, c, d] = [self.part, self.whole, before.part, before.whole].map(i128::from);
        i64::try_from(div_round((a * d - c * b) * 1000, b * d)).expect("invariant: between -1000 and 1000")
    }

    /// As Russian writes it: `38,2 %` with a no-break space.
    pub fn ru(self) -> String {
        format!("{},{}\u{a0}%", self.permille() / 10, self.permille() % 10)
    }
}

/// As English writes it: `38.2%`.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}%", self.permille() / 10, self.permille() % 10)
    }
}

/// `{"part": 13, "whole": 34, "percent": 38.2}`: the per cent, rounded to a tenth, is for reading, the ratio for counting on.
impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Share", 3)?;
        out.serialize_field("part", &self.part)?;
        out.serialize_field("whole", &self.whole)?;
        out.serialize_field("percent", &(self.permille() as f64 / 10.0))?;
        out.end()
    }
}

/// `a / b` to the nearest whole number, halves away from 0; `b` is positive.
pub(crate) fn div_round(a: i128, b: i128) -> i128 {
    let magnitude = (a.abs() * 2 + b) / (b * 2);
    if a < 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rounds_once_and_to_the_nearest() {
        assert_eq!(Share::of(1, 2000).map(Share::permille), Some(1));
        assert_eq!(Share::of(1, 2001).map(Share::permille), Some(0));
        assert_eq!(Share::of(2, 3).map(Share::ru).as_deref(), Some("66,7\u{a0}%"));
        assert_eq!(Share::of(5, 5).map(|all| all.to_string()).as_deref(), Some("100.0%"));
    }

    #[test]
    fn a_difference_comes_from_the_ratios() {
        // 33.35 % and 33.25 % both print as 33.3 or 33.4, but differ by exactly one tenth.
        let (now, before) = (Share::of(667, 2000).unwrap(), Share::of(665, 2000).unwrap());
        assert_eq!(now.points_since(before), 1);
        assert_eq!(before.points_since(now), -1);
    }

    #[test]
    fn what_is_no_share_is_none() {
        for (part, whole) in [(0, 0), (1, 0), (-1, 5), (6, 5), (1, -5)] {
            assert_eq!(Share::of(part, whole), None, "{part}/{whole}");
        }
    }

    proptest! {
        #[test]
        fn any_share_prints_between_0_and_100(whole in 1..i64::MAX, seed in any::<u64>()) {
            let part = (u128::from(seed) % (whole as u128 + 1)) as i64;
            let share = Share::of(part, whole).unwrap();
            prop_assert!((0..=1000).contains(&share.permille()));
            prop_assert_eq!(share.points_since(share), 0);
        }
    }
}
