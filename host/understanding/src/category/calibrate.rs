//! Confidence that means what it says: temperature scaling (Guo et al. 2017) on predictions for calls not trained on,
//! and the confidence below which a person should look.

use super::model::softmax;

/// Logits of a held-out call with the index of its true label.
pub type HeldOut = (Vec<f32>, usize);

/// The temperature with the least negative log-likelihood, by golden-section search over 0.2 to 5 (log scale).
pub fn temperature(held_out: &[HeldOut]) -> f32 {
    let cost = |log_t: f32| -> f64 {
        held_out.iter().map(|(l, y)| -f64::from(softmax(l, log_t.exp())[*y].max(1e-9).ln())).sum()
    };
    let ratio = 0.618_034_f32;
    let (mut low, mut high) = (0.2_f32.ln(), 5.0_f32.ln());
    for _ in 0..40 {
        let (a, b) = (high - ratio * (high - low), low + ratio * (high - low));
        if cost(a) < cost(b) { high = b } else { low = a }
    }
    (0.5 * (low + high)).exp()
}

/// The lowest confidence from which on at least `accuracy` of the held-out verdicts are right, within 0.3 to 0.8.
pub fn review_below(held_out: &[HeldOut], temperature: f32, accuracy: f32) -> f32 {
    let mut verdicts: Vec<(f32, bool)> = held_out
        .iter()
        .map(|(logits, truth)| {
            let p = softmax(logits, temperature);
            let best = (0..p.len()).max_by(|&a, &b| p[a].total_cmp(&p[b])).unwrap_or(0);
            (p[best], best == *truth)
        })
        .collect();
    verdicts.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut right, mut threshold) = (0, 1.0_f32);
    for (n, &(confidence, ok)) in verdicts.iter().enumerate() {
        right += usize::from(ok);
        // Verdicts of one confidence are accepted or not together.
        let last = verdicts.get(n + 1).is_none_or(|next| next.0 < confidence);
        if last && right as f32 >= accuracy * (n + 1) as f32 {
            threshold = confidence;
        }
    }
    threshold.clamp(0.3, 0.8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overconfident_logits_are_cooled_and_the_threshold_follows() {
        // Says 0.98 and is right in seven of ten.
        let held_out: Vec<HeldOut> = (0..100).map(|n| (vec![4.0, 0.0], usize::from(n % 10 >= 7))).collect();
        let t = temperature(&held_out);
        assert!((softmax(&held_out[0].0, t)[0] - 0.7).abs() < 0.01, "{t}");
        assert_eq!(review_below(&held_out, t, 0.9), 0.8);
        assert!(review_below(&held_out, t, 0.6) < 0.71);
    }
}
