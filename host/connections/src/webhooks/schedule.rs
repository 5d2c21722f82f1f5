//! When a delivery is tried again, and when an endpoint is given up: pure functions.

/// Pauses before the attempts, the specification's own example: ten attempts in about three days.
const PAUSES_S: [i64; 10] = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
const DAY_MS: i64 = 86_400_000;
/// An endpoint that says it is overloaded is left alone for so long when it does not say for how long.
const THROTTLE_MS: i64 = 60_000;
/// However long an endpoint wants to be left alone, it is asked again within a day.
const LONGEST_MS: i64 = DAY_MS;

/// What came back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status; none when there was no answer.
    pub status: Option<u16>,
    /// `Retry-After`, already turned into milliseconds from now.
    pub retry_after_ms: Option<i64>,
}

/// What follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Delivered.
    Delivered,
    /// Not delivered.
    Failed {
        /// When it is tried again; none = given up.
        again_ms: Option<i64>,
        /// Until when nothing is sent to the endpoint.
        pause_until_ms: Option<i64>,
        /// Why the endpoint is switched off.
        off: Option<String>,
    },
}

/// When the attempt after number `attempts` (from 1) is due; none when that was the last. `jitter` from 0 to 1 spreads
/// attempts over a tenth of the pause more.
pub fn next_ms(attempts: i64, now_ms: i64, jitter: f64) -> Option<i64> {
    let pause_ms = PAUSES_S.get(usize::try_from(attempts).ok()?)? * 1_000;
    Some(now_ms + pause_ms + (pause_ms as f64 * 0.1 * jitter.clamp(0.0, 1.0)) as i64)
}

/// Judges an answer to attempt number `attempts`, at an endpoint that has failed since `failing_since_ms` and is to be
/// switched off after `off_after_days`.
pub fn judge(
    answer: Answer,
    attempts: i64,
    failing_since_ms: Option<i64>,
    off_after_days: i64,
    now_ms: i64,
    jitter: f64,
) -> Verdict {
    let status = answer.status.unwrap_or(0);
    if (200..300).contains(&status) {
        return Verdict::Delivered;
    }
    let wait_ms = answer.retry_after_ms.map(|ms| ms.clamp(0, LONGEST_MS));
    let pause_ms = match status {
        429 | 502 | 504 => Some(wait_ms.unwrap_or(THROTTLE_MS)),
        503 => wait_ms,
        _ => None,
    };
    let pause_until_ms = pause_ms.map(|ms| now_ms + ms);
    let again_ms = next_ms(attempts, now_ms, jitter).map(|again| again.max(pause_until_ms.unwrap_or(0)));
    let failing_ms = failing_since_ms.map_or(0, |since_ms| now_ms - since_ms);
    let off = if status == 410 {
        Some("it answered 410 Gone: it wants no more events".to_owned())
    } else if failing_ms >= off_after_days * DAY_MS {
        Some(format!("nothing could be delivered for {off_after_days} days"))
    } else {
        None
    };
    // What an endpoint that is switched off did not get waits for it.
    let again_ms = if off.is_some() { Some(again_ms.unwrap_or(now_ms)) } else { again_ms };
    Verdict::Failed { again_ms, pause_until_ms, off }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16) -> Answer {
        Answer { status: Some(status), retry_after_ms: None }
    }

    #[test]
    fn ten_attempts_span_three_days() {
        let mut at_ms = 0;
        let mut attempts = 1;
        while let Some(next) = next_ms(attempts, at_ms, 0.0) {
            assert!(next > at_ms);
            at_ms = next;
            attempts += 1;
        }
        // 75:35:05, as the specification's table ends.
        assert_eq!((attempts, at_ms), (10, 272_105_000));
        assert_eq!(next_ms(1, 0, 1.0), Some(5_500));
    }

    #[test]
    fn only_answers_from_200_to_299_are_success() {
        for good in [200, 202, 204, 299] {
            assert_eq!(judge(status(good), 1, None, 5, 0, 0.0), Verdict::Delivered);
        }
        for bad in [100, 301, 400, 404, 500] {
            let expected = Verdict::Failed { again_ms: Some(5_000), pause_until_ms: None, off: None };
            assert_eq!(judge(status(bad), 1, None, 5, 0, 0.0), expected, "{bad}");
        }
    }

    #[test]
    fn who_asks_to_be_left_alone_is_left_alone() {
        let answer = Answer { status: Some(429), retry_after_ms: Some(90_000) };
        let expected = Verdict::Failed { again_ms: Some(90_000), pause_until_ms: Some(90_000), off: None };
        assert_eq!(judge(answer, 1, None, 5, 0, 0.0), expected);
        let years = Answer { status: Some(503), retry_after_ms: Some(i64::MAX) };
        let Verdict::Failed { again_ms, .. } = judge(years, 1, None, 5, 0, 0.0) else { unreachable!("a failure") };
        assert_eq!(again_ms, Some(86_400_000));
    }

    #[test]
    fn gone_and_days_of_failure_switch_it_off_and_keep_the_event() {
        let Verdict::Failed { again_ms, off, .. } = judge(status(410), 1, None, 5, 7, 0.0) else {
            unreachable!("a failure")
        };
        assert!(off.unwrap().contains("410"));
        assert!(again_ms.is_some());
        let days = 5 * 86_400_000;
        let Verdict::Failed { off, again_ms, .. } = judge(status(500), 10, Some(0), 5, days, 0.0) else {
            unreachable!("a failure")
        };
        assert_eq!(off.as_deref(), Some("nothing could be delivered for 5 days"));
        assert_eq!(again_ms, Some(days));
        let Verdict::Failed { off, again_ms, .. } = judge(status(500), 10, Some(1), 5, days, 0.0) else {
            unreachable!("a failure")
        };
        assert_eq!((off, again_ms), (None, None));
    }
}
