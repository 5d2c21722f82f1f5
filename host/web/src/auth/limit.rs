//! How often one token may ask: a bucket that fills steadily, and the headers that tell how full it is
//! (draft-ietf-httpapi-ratelimit-headers).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// Requests at once, and that come back in a minute.
const BURST: u32 = 1_000;
const PER_MINUTE: u32 = 6_000;
/// Buckets that are kept; the fullest go first.
const KEPT: usize = 10_000;

/// A bucket for each that asks.
#[derive(Debug)]
pub(crate) struct Limiter {
    burst: u32,
    per_minute: u32,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at_ms: i64,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// Seconds to wait; none: go on.
    pub(crate) wait: Option<u32>,
    limit: u32,
    left: u32,
    full_in: u32,
}

impl Default for Limiter {
    fn default() -> Self {
        Self::new(BURST, PER_MINUTE)
    }
}

impl Limiter {
    pub(crate) fn new(burst: u32, per_minute: u32) -> Self {
        Self { burst, per_minute, buckets: Mutex::default() }
    }

    /// Takes one request out of the bucket of `who`.
    pub(crate) fn take(&self, who: &str, now_ms: i64) -> Allowance {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let per_ms = f64::from(self.per_minute) / 60_000.0;
        let full = f64::from(self.burst);
        let filled = |bucket: Bucket| (bucket.left + (now_ms - bucket.at_ms).max(0) as f64 * per_ms).min(full);
        if buckets.len() >= KEPT {
            buckets.retain(|_, bucket| filled(*bucket) < full);
        }
        let mut left = buckets.get(who).map_or(full, |bucket| filled(*bucket));
        let wait = if left >= 1.0 {
            left -= 1.0;
            None
        } else {
            Some((((1.0 - left) / per_ms / 1_000.0).ceil() as u32).max(1))
        };
        buckets.insert(who.to_owned(), Bucket { left, at_ms: now_ms });
        let full_in = ((full - left) / per_ms / 1_000.0).ceil() as u32;
        Allowance { wait, limit: self.burst, left: left as u32, full_in }
    }
}

impl Allowance {
    pub(crate) fn tell(self, headers: &mut HeaderMap) {
        let mut set = |name: HeaderName, number: u32| headers.insert(name, HeaderValue::from(number));
        set(HeaderName::from_static("ratelimit-limit"), self.limit);
        set(HeaderName::from_static("ratelimit-remaining"), self.left);
        set(HeaderName::from_static("ratelimit-reset"), self.full_in);
        if let Some(wait) = self.wait {
            set(header::RETRY_AFTER, wait);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_a_steady_pace_each_for_themselves() {
        let limiter = Limiter::new(3, 60);
        let waits = |who: &str, now| limiter.take(who, now).wait;
        assert_eq!([0, 0, 0, 0].map(|now| waits("a", now)), [None, None, None, Some(1)]);
        assert_eq!(waits("b", 0), None);
        assert_eq!(waits("a", 1_000), None);
        assert_eq!(waits("a", 1_000), Some(1));
        assert_eq!(limiter.take("a", 3_600_000).left, 2);
    }
}
