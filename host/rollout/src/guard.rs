//! When a version goes back by itself: the decision alone, without records and clock.
//!
//! A few unlucky calls must not decide, so the guard compares not the rate it saw but the lowest rate that could have
//! produced it: the lower bound of Wilson's score interval (E. B. Wilson, JASA 22, 1927), one-sided at 90 %. Only when
//! even that is worse than the version before by more than the clinic allows, it speaks.

use records::RunCounts;
use serde::{Deserialize, Serialize};

/// The normal quantile of 90 %.
const Z: f64 = 1.281_551_565_544_600_4;

/// How much worse a version may be than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// Before so many calls the guard says nothing.
    pub min_calls: u32,
    /// So much higher may the share of calls be in which the flow breaks: 0.02 is two in a hundred.
    pub traps_more: f64,
    /// So much higher may the share of calls be in which a person has to take over.
    pub handovers_more: f64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { min_calls: 20, traps_more: 0.02, handovers_more: 0.10 }
    }
}

/// What was worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The flow breaks more often.
    Traps,
    /// A person has to take over more often.
    Handovers,
}

impl Cause {
    /// The word in the log of changes and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Traps => "traps",
            Self::Handovers => "handovers",
        }
    }
}

/// Why a version has to go. Displays as a sentence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reason {
    /// What was worse.
    pub cause: Cause,
    /// What the version did.
    pub candidate: RunCounts,
    /// What the version before did.
    pub baseline: RunCounts,
    /// The lowest rate that could have produced this.
    pub at_least: f64,
    /// What was allowed: the rate before and the bound on top.
    pub allowed: f64,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (what, bad, before) = match self.cause {
            Cause::Traps => ("broke", self.candidate.traps, self.baseline.traps),
            Cause::Handovers => ("needed a person", self.candidate.handovers, self.baseline.handovers),
        };
        write!(
            f,
            "{bad} of {} calls {what}, before it {before} of {}; that is at least {:.1} %, allowed are {:.1} %",
            self.candidate.calls,
            self.baseline.calls,
            100.0 * self.at_least,
            100.0 * self.allowed
        )
    }
}

/// Whether the candidate has to go, and why.
///
/// Nothing is said before both `min_calls` and one call are over. Breaking is judged even without a baseline (as if it
/// never broke); taking over is not, since how often people take over differs from clinic to clinic: there the baseline
/// needs `min_calls` too.
///
/// ```
/// use records::RunCounts;
/// use rollout::guard::{Bounds, Cause, judge};
///
/// let before = RunCounts { calls: 200, traps: 1, handovers: 20 };
/// let fine = RunCounts { calls: 40, traps: 1, handovers: 5 };
/// let broken = RunCounts { calls: 40, traps: 6, handovers: 6 };
/// assert_eq!(judge(fine, before, &Bounds::default()), None);
/// assert_eq!(judge(broken, before, &Bounds::default()).map(|reason| reason.cause), Some(Cause::Traps));
/// ```
pub fn judge(candidate: RunCounts, baseline: RunCounts, bounds: &Bounds) -> Option<Reason> {
    if candidate.calls == 0 || candidate.calls < u64::from(bounds.min_calls) {
        return None;
    }
    let worse = |cause, bad: u64, before: u64, more: f64| {
        let allowed = rate(before, baseline.calls) + more;
        let at_least = lower_bound(bad, candidate.calls);
        (at_least > allowed).then_some(Reason { cause, candidate, baseline, at_least, allowed })
    };
    let traps = worse(Cause::Traps, candidate.traps, baseline.traps, bounds.traps_more);
    let comparable = baseline.calls > 0 && baseline.calls >= u64::from(bounds.min_calls);
    traps.or_else(|| {
        comparable.then(|| worse(Cause::Handovers, candidate.handovers, baseline.handovers, bounds.handovers_more))?
    })
}

fn rate(bad: u64, calls: u64) -> f64 {
    if calls == 0 { 0.0 } else { bad.min(calls) as f64 / calls as f64 }
}

/// Wilson's lower bound of a rate.
fn lower_bound(bad: u64, calls: u64) -> f64 {
    // The formula gives zero here, but for a last bit that would be more than a bound of zero.
    if bad == 0 {
        return 0.0;
    }
    let (n, p) = (calls as f64, rate(bad, calls));
    let centre = p + Z * Z / (2.0 * n);
    let margin = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    ((centre - margin) / (1.0 + Z * Z / n)).max(0.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counts() -> impl Strategy<Value = RunCounts> {
        (0u64..400).prop_flat_map(|calls| {
            (0..=calls, 0..=calls).prop_map(move |(traps, handovers)| RunCounts { calls, traps, handovers })
        })
    }

    fn bounds() -> impl Strategy<Value = Bounds> {
        let more = || prop_oneof![Just(0.0), 0.0..0.5f64];
        (0u32..60, more(), more()).prop_map(|(min_calls, traps_more, handovers_more)| Bounds {
            min_calls,
            traps_more,
            handovers_more,
        })
    }

    proptest! {
        #[test]
        fn says_nothing_before_its_time(candidate in counts(), baseline in counts(), bounds in bounds()) {
            if candidate.calls < u64::from(bounds.min_calls) {
                prop_assert_eq!(judge(candidate, baseline, &bounds), None);
            }
        }

        #[test]
        fn more_traps_never_acquit(candidate in counts(), baseline in counts(), bounds in bounds()) {
            if judge(candidate, baseline, &bounds).is_some() && candidate.traps < candidate.calls {
                let worse = RunCounts { traps: candidate.traps + 1, ..candidate };
                prop_assert!(judge(worse, baseline, &bounds).is_some());
            }
        }

        #[test]
        fn a_version_no_worse_than_the_one_before_stays(baseline in counts(), bounds in bounds()) {
            prop_assert_eq!(judge(baseline, baseline, &bounds), None);
        }

        #[test]
        fn the_bound_lies_below_the_rate(calls in 1u64..100_000, share in 0.0..=1.0f64) {
            let bad = (calls as f64 * share) as u64;
            let bound = lower_bound(bad, calls);
            prop_assert!((0.0..=rate(bad, calls)).contains(&bound));
        }
    }

    #[test]
    fn the_bound_is_wilsons() {
        // Worked by hand from the formula: 2 of 20 and 10 of 100 at z = 1.28155.
        assert!((lower_bound(2, 20) - 0.0423).abs() < 5e-5, "{}", lower_bound(2, 20));
        assert!((lower_bound(10, 100) - 0.0678).abs() < 5e-5, "{}", lower_bound(10, 100));
        assert_eq!(lower_bound(0, 50), 0.0);
    }

    #[test]
    fn people_taking_over_is_judged_against_enough_calls_only() {
        let bad = RunCounts { calls: 50, traps: 0, handovers: 30 };
        let few = RunCounts { calls: 19, traps: 0, handovers: 1 };
        let many = RunCounts { calls: 20, traps: 0, handovers: 1 };
        assert_eq!(judge(bad, few, &Bounds::default()), None);
        let reason = judge(bad, many, &Bounds::default()).unwrap();
        assert_eq!(
            reason.to_string(),
            "30 of 50 calls needed a person, before it 1 of 20; that is at least 50.9 %, allowed are 15.0 %"
        );
    }
}
