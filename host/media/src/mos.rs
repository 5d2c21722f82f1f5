//! What a listener would say of the line: the E-model.
//!
//! ITU-T G.107: R = 93.2 − Id − Ie,eff with everything at its default but delay and loss. Delay by the usual short form of
//! its figure (R. Cole and J. Rosenbluth, "Voice over IP performance monitoring", 2001):
//! Id = 0.024 d + 0.11 (d − 177.3) where d is above 177.3 ms. Loss: Ie,eff = Ie + (95 − Ie) · P / (P + Bpl).

/// The score, 1 to 4.5, of a line that delays one way by so many milliseconds and loses a share of its packets (0 to 1).
///
/// Ie is 0 and Bpl is 25.1, which ITU-T G.113 (appendix I) gives for G.711 with concealment of losses. It has no figures of
/// the narrowband scale for G.722 and Opus, which lose less by a lost packet than G.711: the same are used for them.
///
/// ```
/// assert!(media::mos::estimate(20.0, 0.0) > 4.3);
/// assert!(media::mos::estimate(20.0, 0.05) < 4.0);
/// assert!(media::mos::estimate(400.0, 0.0) < 3.8);
/// ```
pub fn estimate(one_way_ms: f64, lost: f64) -> f64 {
    const IE: f64 = 0.0;
    const BPL: f64 = 25.1;
    let delay = one_way_ms.max(0.0);
    let id = 0.024 * delay + 0.11 * (delay - 177.3).max(0.0);
    let percent = 100.0 * lost.clamp(0.0, 1.0);
    let ie = IE + (95.0 - IE) * percent / (percent + BPL);
    score(93.2 - id - ie)
}

/// G.107, annex B.
fn score(r: f64) -> f64 {
    match r {
        r if r <= 0.0 => 1.0,
        r if r >= 100.0 => 4.5,
        r => (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).max(1.0),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_scores_that_the_recommendation_prints() {
        // G.107, table B.1: the R of "satisfied" and of "nearly all users dissatisfied".
        for (r, mos) in [(90.0, 4.34), (80.0, 4.03), (70.0, 3.60), (60.0, 3.10), (50.0, 2.58)] {
            assert!((score(r) - mos).abs() < 0.01, "{r}: {}", score(r));
        }
    }

    proptest! {
        #[test]
        fn worse_is_never_better(delay in 0.0..2_000.0, lost in 0.0..1.0, more in 0.0..1.0) {
            let mos = estimate(delay, lost);
            prop_assert!((1.0..=4.5).contains(&mos));
            prop_assert!(estimate(delay + 1_000.0 * more, lost) <= mos + 1e-9);
            prop_assert!(estimate(delay, lost + more) <= mos + 1e-9);
        }
    }
}
