//! Counters for Prometheus, in its text format 0.0.4. Small enough to be our own: two counters, a gauge, a histogram.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::Method;

/// Upper bounds of the histogram's buckets, seconds.
const BUCKETS: [f64; 9] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// What the server has done since it started. Labels are clinics, outcomes, routes: never anything of a caller.
#[derive(Debug, Default)]
pub struct Metrics {
    live: AtomicI64,
    sums: Mutex<Sums>,
}

#[derive(Debug, Default)]
struct Sums {
    calls: BTreeMap<(String, String), u64>,
    requests: BTreeMap<(String, String, u16), u64>,
    times: BTreeMap<String, Times>,
}

#[derive(Debug, Default)]
struct Times {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    seconds: f64,
}

impl Metrics {
    /// A live call has begun.
    pub fn call_started(&self) {
        self.live.fetch_add(1, Ordering::Relaxed);
    }

    /// A live call is over; `outcome` is a word of [`records::Outcome`], or how it ended without one.
    pub fn call_ended(&self, clinic: &str, outcome: &str) {
        self.live.fetch_sub(1, Ordering::Relaxed);
        *self.sums().calls.entry((clinic.to_owned(), outcome.to_owned())).or_default() += 1;
    }

    pub(crate) fn answered(&self, method: &Method, route: &str, status: u16, took: Duration) {
        // Anybody may invent a method; a label must not grow without end.
        let method = if *method == Method::GET || *method == Method::HEAD { method.as_str() } else { "other" };
        let seconds = took.as_secs_f64();
        let mut sums = self.sums();
        *sums.requests.entry((method.to_owned(), route.to_owned(), status)).or_default() += 1;
        let times = sums.times.entry(route.to_owned()).or_default();
        times.count += 1;
        times.seconds += seconds;
        for (bucket, bound) in times.buckets.iter_mut().zip(BUCKETS) {
            *bucket += u64::from(seconds <= bound);
        }
    }

    /// The text that Prometheus reads.
    pub fn render(&self) -> String {
        let sums = self.sums();
        let mut out = String::new();
        head(&mut out, "gudok_build_info", "gauge", "The program that runs.");
        let _ = writeln!(out, "gudok_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
        head(&mut out, "gudok_live_calls", "gauge", "Calls going on.");
        let _ = writeln!(out, "gudok_live_calls {}", self.live.load(Ordering::Relaxed));
        head(&mut out, "gudok_calls_total", "counter", "Live calls that are over, by what came of them.");
        for ((clinic, outcome), count) in &sums.calls {
            let (clinic, outcome) = (label(clinic), label(outcome));
            let _ = writeln!(out, "gudok_calls_total{{clinic=\"{clinic}\",outcome=\"{outcome}\"}} {count}");
        }
        head(&mut out, "gudok_http_requests_total", "counter", "Requests answered.");
        for ((method, route, status), count) in &sums.requests {
            let route = label(route);
            let _ = writeln!(
                out,
                "gudok_http_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}} {count}"
            );
        }
        head(&mut out, "gudok_http_request_seconds", "histogram", "How long answers took.");
        for (route, times) in &sums.times {
            let route = label(route);
            for (bucket, bound) in times.buckets.iter().zip(BUCKETS) {
                let _ = writeln!(out, "gudok_http_request_seconds_bucket{{route=\"{route}\",le=\"{bound}\"}} {bucket}");
            }
            let (count, seconds) = (times.count, times.seconds);
            let _ = writeln!(out, "gudok_http_request_seconds_bucket{{route=\"{route}\",le=\"+Inf\"}} {count}");
            let _ = writeln!(out, "gudok_http_request_seconds_sum{{route=\"{route}\"}} {seconds}");
            let _ = writeln!(out, "gudok_http_request_seconds_count{{route=\"{route}\"}} {count}");
        }
        out
    }

    /// Counting goes on even if somebody panicked while counting.
    fn sums(&self) -> MutexGuard<'_, Sums> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// A label's value, escaped as the format asks.
fn label(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_buckets_are_cumulative() {
        let metrics = Metrics::default();
        metrics.call_started();
        metrics.call_started();
        metrics.call_ended("vet\"1", "booked");
        metrics.answered(&Method::GET, "/healthz", 200, Duration::from_millis(3));
        metrics.answered(&Method::GET, "/healthz", 200, Duration::from_secs(60));
        metrics.answered(&Method::from_bytes(b"INVENTED").unwrap(), "none", 404, Duration::ZERO);
        let text = metrics.render();
        for line in [
            "gudok_live_calls 1",
            r#"gudok_calls_total{clinic="vet\"1",outcome="booked"} 1"#,
            r#"gudok_http_requests_total{method="GET",route="/healthz",status="200"} 2"#,
            r#"gudok_http_requests_total{method="other",route="none",status="404"} 1"#,
            r#"gudok_http_request_seconds_bucket{route="/healthz",le="0.001"} 0"#,
            r#"gudok_http_request_seconds_bucket{route="/healthz",le="0.005"} 1"#,
            r#"gudok_http_request_seconds_bucket{route="/healthz",le="+Inf"} 2"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
