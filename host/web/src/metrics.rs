//! Counters for Prometheus, in its text format 0.0.4. Small enough to be our own: counters, gauges, two histograms.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::Method;
use rollout::RolloutStats;

/// Upper bounds of the histogram's buckets, seconds.
const BUCKETS: [f64; 9] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// The same for compiling a flow, which takes from a blink to half a minute.
const COMPILE_BUCKETS: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];

/// Whether a trunk is registered, and whether its server answers; none: it is not asked to.
type Reach = (Option<bool>, Option<bool>);

/// What the server has done since it started. Labels are clinics, outcomes, routes, versions: never anything of a caller.
#[derive(Debug, Default)]
pub struct Metrics {
    live: AtomicI64,
    sums: Mutex<Sums>,
}

/// Mean opinion scores, from "nobody can be understood" to as good as G.711 gets.
const MOS_BUCKETS: [f64; 9] = [1.5, 2.0, 2.5, 3.0, 3.3, 3.6, 3.9, 4.1, 4.3];

#[derive(Debug, Default)]
struct Sums {
    refused: BTreeMap<String, u64>,
    mos: Times,
    calls: BTreeMap<(String, String), u64>,
    requests: BTreeMap<(String, String, u16), u64>,
    times: BTreeMap<String, Times>,
    flow_rollbacks: BTreeMap<(String, String, String), u64>,
    flow_compile: Times,
    trunks: BTreeMap<String, Reach>,
}

#[derive(Debug, Default)]
struct Times {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    seconds: f64,
}

impl Times {
    fn add(&mut self, seconds: f64, bounds: [f64; BUCKETS.len()]) {
        self.count += 1;
        self.seconds += seconds;
        for (bucket, bound) in self.buckets.iter_mut().zip(bounds) {
            *bucket += u64::from(seconds <= bound);
        }
    }

    /// The lines of a histogram; `labels` are its own, without braces.
    fn write(&self, out: &mut String, name: &str, labels: &str, bounds: [f64; BUCKETS.len()]) {
        let (comma, braced) = if labels.is_empty() { ("", String::new()) } else { (",", format!("{{{labels}}}")) };
        for (bucket, bound) in self.buckets.iter().zip(bounds) {
            let _ = writeln!(out, "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {bucket}");
        }
        let _ = writeln!(out, "{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {}", self.count);
        let _ = writeln!(out, "{name}_sum{braced} {}", self.seconds);
        let _ = writeln!(out, "{name}_count{braced} {}", self.count);
    }
}

impl Sums {
    fn write_flows(&self, out: &mut String, flows: Option<&RolloutStats>) {
        let Some(flows) = flows else { return };
        head(out, "gudok_flow_live_versions", "gauge", "Versions of flows in memory: on routes, or held by calls.");
        let _ = writeln!(out, "gudok_flow_live_versions {}", flows.live_versions);
        head(out, "gudok_flow_calls_total", "counter", "Calls that a version of a flow was picked for.");
        for call in &flows.calls {
            let (clinic, digest) = (label(&call.clinic), label(&call.digest));
            let (entry, role, count) = (call.entry, call.role, call.calls);
            let _ = writeln!(
                out,
                "gudok_flow_calls_total{{clinic=\"{clinic}\",entry=\"{entry}\",digest=\"{digest}\",role=\"{role}\"}} {count}"
            );
        }
        head(out, "gudok_flow_rollbacks_total", "counter", "Routes that went back to the version before, by cause.");
        for ((clinic, entry, cause), count) in &self.flow_rollbacks {
            let (clinic, entry, cause) = (label(clinic), label(entry), label(cause));
            let _ = writeln!(
                out,
                "gudok_flow_rollbacks_total{{clinic=\"{clinic}\",entry=\"{entry}\",cause=\"{cause}\"}} {count}"
            );
        }
        head(out, "gudok_flow_compile_seconds", "histogram", "How long versions of flows took to compile.");
        self.flow_compile.write(out, "gudok_flow_compile_seconds", "", COMPILE_BUCKETS);
    }
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

    /// A call was refused before anything was done for it; `why` is a word of the gate.
    pub fn call_refused(&self, why: &str) {
        *self.sums().refused.entry(why.to_owned()).or_default() += 1;
    }

    /// How a trunk is doing: registered, and its server answers; none where nobody knows or wants to.
    pub fn trunk(&self, name: &str, registered: Option<bool>, answers: Option<bool>) {
        self.sums().trunks.insert(name.to_owned(), (registered, answers));
    }

    /// How good the line of a call was, as a mean opinion score.
    pub fn line_measured(&self, mos: f64) {
        self.sums().mos.add(mos, MOS_BUCKETS);
    }

    /// A route went back to the version before: `cause` is what was worse, or `asked` when a person wanted it.
    pub fn flow_rolled_back(&self, clinic: &str, entry: &str, cause: &str) {
        *self.sums().flow_rollbacks.entry((clinic.to_owned(), entry.to_owned(), cause.to_owned())).or_default() += 1;
    }

    /// A flow was compiled.
    pub fn flow_compiled(&self, seconds: f64) {
        self.sums().flow_compile.add(seconds, COMPILE_BUCKETS);
    }

    pub(crate) fn answered(&self, method: &Method, route: &str, status: u16, took: Duration) {
        // Anybody may invent a method; a label must not grow without end.
        let method = if *method == Method::GET || *method == Method::HEAD { method.as_str() } else { "other" };
        let seconds = took.as_secs_f64();
        let mut sums = self.sums();
        *sums.requests.entry((method.to_owned(), route.to_owned(), status)).or_default() += 1;
        sums.times.entry(route.to_owned()).or_default().add(seconds, BUCKETS);
    }

    /// The text that Prometheus reads; `flows` are the figures of the switchboard, where there is one.
    pub fn render(&self, flows: Option<&RolloutStats>) -> String {
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
        head(
            &mut out,
            "gudok_calls_refused_total",
            "counter",
            "Calls refused before they were answered, by what was full.",
        );
        for (why, count) in &sums.refused {
            let _ = writeln!(out, "gudok_calls_refused_total{{why=\"{}\"}} {count}", label(why));
        }
        let of_trunks = |out: &mut String, name: &str, about: &str, value: fn(&Reach) -> Option<bool>| {
            head(out, name, "gauge", about);
            for (trunk, state) in &sums.trunks {
                if let Some(good) = value(state) {
                    let _ = writeln!(out, "{name}{{trunk=\"{}\"}} {}", label(trunk), u8::from(good));
                }
            }
        };
        of_trunks(&mut out, "gudok_trunk_registered", "Whether a trunk is registered at its provider.", |state| {
            state.0
        });
        of_trunks(&mut out, "gudok_trunk_answers", "Whether a trunk's server answers OPTIONS.", |state| state.1);
        head(&mut out, "gudok_call_mos", "histogram", "Mean opinion score of calls over a network, as estimated.");
        sums.mos.write(&mut out, "gudok_call_mos", "", MOS_BUCKETS);
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
            times.write(&mut out, "gudok_http_request_seconds", &format!("route=\"{}\"", label(route)), BUCKETS);
        }
        sums.write_flows(&mut out, flows);
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
    use records::{Entry, Role};
    use rollout::CallCount;

    use super::*;

    #[test]
    fn counts_and_buckets_are_cumulative() {
        let metrics = Metrics::default();
        metrics.call_started();
        metrics.call_started();
        metrics.call_ended("vet\"1", "booked");
        metrics.call_refused("late");
        metrics.trunk("provider", Some(true), Some(false));
        metrics.trunk("pbx", None, Some(true));
        metrics.line_measured(4.2);
        metrics.answered(&Method::GET, "/healthz", 200, Duration::from_millis(3));
        metrics.answered(&Method::GET, "/healthz", 200, Duration::from_secs(60));
        metrics.answered(&Method::from_bytes(b"INVENTED").unwrap(), "none", 404, Duration::ZERO);
        metrics.flow_rolled_back("vet", "day", "traps");
        metrics.flow_compiled(0.3);
        let call = CallCount {
            clinic: "vet".to_owned(),
            entry: Entry::Day,
            digest: "d1".to_owned(),
            role: Role::Stable,
            calls: 2,
        };
        let flows = RolloutStats { live_versions: 2, calls: vec![call], ..RolloutStats::default() };
        assert!(!metrics.render(None).contains("gudok_flow"));
        let text = metrics.render(Some(&flows));
        for line in [
            "gudok_flow_live_versions 2",
            r#"gudok_flow_calls_total{clinic="vet",entry="day",digest="d1",role="stable"} 2"#,
            r#"gudok_flow_rollbacks_total{clinic="vet",entry="day",cause="traps"} 1"#,
            r#"gudok_flow_compile_seconds_bucket{le="0.25"} 0"#,
            r#"gudok_flow_compile_seconds_bucket{le="0.5"} 1"#,
            "gudok_flow_compile_seconds_count 1",
            r#"gudok_http_request_seconds_count{route="/healthz"} 2"#,
            "gudok_live_calls 1",
            r#"gudok_calls_refused_total{why="late"} 1"#,
            r#"gudok_trunk_registered{trunk="provider"} 1"#,
            r#"gudok_trunk_answers{trunk="pbx"} 1"#,
            r#"gudok_trunk_answers{trunk="provider"} 0"#,
            r#"gudok_call_mos_bucket{le="4.1"} 0"#,
            r#"gudok_call_mos_bucket{le="4.3"} 1"#,
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

    /// `docs/grafana.json` asks for nothing that is not told.
    #[test]
    fn the_dashboard_shows_figures_that_there_are() {
        let dashboard = include_str!("../../../docs/grafana.json");
        let parsed: serde_json::Value = serde_json::from_str(dashboard).unwrap();
        let told = Metrics::default().render(Some(&RolloutStats::default()));
        let names: Vec<&str> =
            told.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
        let mut asked = 0;
        for panel in parsed["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().unwrap() {
                let expression = target["expr"].as_str().unwrap();
                let word = |letter: char| !(letter.is_ascii_alphanumeric() || letter == '_');
                for name in expression.split(word).filter(|word| word.starts_with("gudok_")) {
                    let name = name.strip_suffix("_bucket").unwrap_or(name);
                    assert!(names.contains(&name), "{name} is not among {names:?}");
                    asked += 1;
                }
            }
        }
        assert!(asked >= names.len(), "some figure is on no panel");
    }
}
