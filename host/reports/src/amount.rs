//! Money in whole minor units, and what time costs.

use serde::{Deserialize, Serialize};

use crate::share::div_round;

/// An amount in the currency's minor unit (kopecks for `RUB`); only currencies with hundredths are meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// Hundredths of the major unit.
    pub minor: i64,
    /// ISO 4217, for example `RUB`.
    pub currency: String,
}

impl Amount {
    /// An amount.
    pub fn new(minor: i64, currency: impl Into<String>) -> Self {
        Self { minor, currency: currency.into() }
    }

    /// What a length of time costs at this price of a minute: exact, then rounded once to the minor unit, halves away from
    /// 0. A total is priced from its total time, so it may differ from the sum of its rounded rows by half a minor unit a row.
    ///
    /// ```
    /// use reports::Amount;
    /// let minute = Amount::new(950, "RUB");
    /// assert_eq!(minute.of_ms(90_000).minor, 1425);
    /// ```
    pub fn of_ms(&self, ms: i64) -> Self {
        let exact = div_round(i128::from(ms) * i128::from(self.minor), 60_000);
        let minor = i64::try_from(exact).unwrap_or(if exact < 0 { i64::MIN } else { i64::MAX });
        Self { minor, currency: self.currency.clone() }
    }

    /// The difference to an amount of the same currency; none if the currencies differ.
    pub fn since(&self, before: &Self) -> Option<Self> {
        (self.currency == before.currency)
            .then(|| Self { minor: self.minor.saturating_sub(before.minor), currency: self.currency.clone() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_minute_costs_what_it_costs() {
        let minute = Amount::new(950, "RUB");
        assert_eq!(minute.of_ms(60_000).minor, 950);
        assert_eq!(minute.of_ms(0).minor, 0);
        // 63 ms are 0.9975 kopecks, 31 ms are 0.49.
        assert_eq!(minute.of_ms(63).minor, 1);
        assert_eq!(minute.of_ms(31).minor, 0);
        // Exactly half a kopeck goes up.
        assert_eq!(Amount::new(1, "RUB").of_ms(30_000).minor, 1);
        assert_eq!(Amount::new(1, "RUB").since(&Amount::new(1, "EUR")), None);
    }

    proptest! {
        #[test]
        fn rows_and_total_differ_by_less_than_a_unit_a_row(
            times in prop::collection::vec(0i64..10_000_000, 1..20), price in 0i64..100_000,
        ) {
            let minute = Amount::new(price, "RUB");
            let rows: i64 = times.iter().map(|ms| minute.of_ms(*ms).minor).sum();
            let total = minute.of_ms(times.iter().sum()).minor;
            prop_assert!((rows - total).unsigned_abs() <= times.len() as u64);
        }
    }
}
