//! How long to wait after wrong passwords: nothing for a few slips, then twice as long each time.

/// Failures that cost nothing, of one user and of one address (a clinic's whole desk may share one).
pub(crate) const SLIPS: (i64, i64) = (5, 20);
/// After so long without a failure they are forgotten.
pub(crate) const FORGET_MS: i64 = 24 * 3_600_000;
const FIRST_MS: i64 = 2_000;
const LONGEST_MS: i64 = 15 * 60_000;

/// Milliseconds that are still to be waited, after so many failures of which the last was then.
pub fn wait_ms(failures: i64, last_ms: i64, slips: i64, now_ms: i64) -> i64 {
    let beyond = failures - slips;
    if beyond < 0 || now_ms - last_ms > FORGET_MS {
        return 0;
    }
    let wait = FIRST_MS.saturating_mul(1 << beyond.min(20)).min(LONGEST_MS);
    (last_ms + wait - now_ms).clamp(0, LONGEST_MS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_failure_doubles_the_wait_up_to_a_quarter_of_an_hour() {
        let wait = |failures| wait_ms(failures, 0, 5, 0);
        assert_eq!([4, 5, 6, 7, 8].map(wait), [0, 2_000, 4_000, 8_000, 16_000]);
        assert_eq!(wait(1_000), LONGEST_MS);
        assert_eq!(wait_ms(6, 0, 5, 3_000), 1_000);
        assert_eq!(wait_ms(1_000, 0, 5, FORGET_MS + 1), 0);
    }

    proptest! {
        #[test]
        fn more_failures_never_shorten_the_wait(failures in 0..200_i64, since in 0..2_000_000_i64) {
            prop_assert!(wait_ms(failures, 0, 5, since) <= wait_ms(failures + 1, 0, 5, since));
        }
    }
}
