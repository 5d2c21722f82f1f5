//! How long people waited for an answer, as service level is measured for calls.
//!
//! | id | definition |
//! |---|---|
//! | `chat_first` | waits that begin with a visitor's first unanswered message and end with the next answer by robot or person |
//! | `chat_person` | waits that begin with a hand-over and end with a person's first answer |
//! | `within` | answered at or before the limit, of all waits whose limit has passed or that were answered; ended without an answer before the limit: left out |
//!
//! The program's own words («зову администратора») are no answer.

use records::{ChatWait, WaitKind};
use serde::Serialize;

/// The articles' goal: a minute.
pub const LIMIT_MS: i64 = 60_000;

/// One figure of a period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Answered {
    /// Waits that count.
    pub waits: u64,
    /// Answered at all.
    pub answered: u64,
    /// Answered at or before the limit.
    pub within: u64,
    /// Ended without an answer after the limit: the visitor or an operator closed it.
    pub lost: u64,
    /// `within` of `waits`, 0 to 1; none when there were no waits.
    pub share: Option<f64>,
    /// Half of the answers came no later, milliseconds.
    pub median_ms: Option<i64>,
    /// Nine of ten answers came no later.
    pub p90_ms: Option<i64>,
}

/// The figure of one kind of waits.
pub fn answered_within(waits: &[ChatWait], kind: WaitKind, limit_ms: i64, now_ms: i64) -> Answered {
    let mut figure = Answered::default();
    let mut took = Vec::new();
    for wait in waits.iter().filter(|wait| wait.kind == kind) {
        let until = wait.answered_ms.or(wait.ended_ms).unwrap_or(now_ms);
        let waited = (until - wait.from_ms).max(0);
        match wait.answered_ms {
            Some(_) => took.push(waited),
            // Too early to say, or gone before anybody could be late.
            None if waited <= limit_ms => continue,
            None if wait.ended_ms.is_some() => figure.lost += 1,
            None => {}
        }
        figure.waits += 1;
        figure.within += u64::from(wait.answered_ms.is_some() && waited <= limit_ms);
    }
    took.sort_unstable();
    figure.answered = took.len() as u64;
    figure.share = (figure.waits > 0).then(|| figure.within as f64 / figure.waits as f64);
    (figure.median_ms, figure.p90_ms) = (nearest_rank(&took, 50), nearest_rank(&took, 90));
    figure
}

/// The smallest value that so many of a hundred are not above.
fn nearest_rank(sorted: &[i64], percent: usize) -> Option<i64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(kind: WaitKind, from_ms: i64, answered_ms: Option<i64>, ended_ms: Option<i64>) -> ChatWait {
        ChatWait { thread: "t".into(), kind, from_ms, answered_ms, ended_ms, by: None }
    }

    #[test]
    fn the_minute_is_counted_as_it_is_defined() {
        let first = WaitKind::First;
        let waits = [
            wait(first, 0, Some(2_000), None),
            wait(first, 0, Some(60_000), None),
            wait(first, 0, Some(60_001), None),
            // Closed early: nobody was late.
            wait(first, 0, None, Some(30_000)),
            // Closed late.
            wait(first, 0, None, Some(90_000)),
            // Open and late; open and not yet late.
            wait(first, 0, None, None),
            wait(first, 95_000, None, None),
            wait(WaitKind::Person, 0, Some(1), None),
        ];
        let figure = answered_within(&waits, first, LIMIT_MS, 100_000);
        assert_eq!((figure.waits, figure.answered, figure.within, figure.lost), (5, 3, 2, 1));
        assert_eq!(figure.share, Some(0.4));
        assert_eq!((figure.median_ms, figure.p90_ms), (Some(60_000), Some(60_001)));
        assert_eq!(answered_within(&[], first, LIMIT_MS, 0), Answered::default());
    }
}
