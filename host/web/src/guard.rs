//! What every request goes through: the host name, room, a time limit, headers, counters and a log line without secrets.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::{AppState, Problem};

/// An answer that takes longer helps nobody.
const LIMIT: Duration = Duration::from_secs(15);
/// What changes something may have to compile a flow first: the largest take half a minute on a quiet machine.
const LIMIT_OF_CHANGES: Duration = Duration::from_secs(180);

/// Nothing from elsewhere, no script and no style inside a page; a page that needs less says so itself.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";

pub(crate) async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let mut response = if !is_ours(request.headers(), &state.hosts) {
        Problem::wrong_host().into_response()
    } else if let Ok(_room) = state.room.try_acquire() {
        let limit = if method == Method::POST { LIMIT_OF_CHANGES } else { LIMIT };
        let answer = tokio::time::timeout(limit, next.run(request)).await;
        answer.unwrap_or_else(|_| Problem::too_slow().into_response())
    } else {
        Problem::busy().into_response()
    };
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CACHE_CONTROL, "no-store");
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    // A form's page must send its origin to us; nobody else learns an address here.
    set(header::REFERRER_POLICY, "same-origin");
    if state.entry.https {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
    let (status, took) = (response.status().as_u16(), started.elapsed());
    state.metrics.answered(&method, &route, status, took);
    tracing::debug!(%method, route, status, took_ms = took.as_millis() as u64, "answered");
    response
}

/// Whether the request calls this server by a name that is ours. A page in a browser can make its own name point here, but
/// not an IP address; a request without a host is no browser's.
pub(crate) fn is_ours(headers: &HeaderMap, extra: &[String]) -> bool {
    let Some(host) = headers.get(header::HOST) else { return true };
    let Ok(host) = host.to_str() else { return false };
    // `name`, `name:port`, `1.2.3.4:port`, `[::1]:port`
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let known = |ours: &String| ours.eq_ignore_ascii_case(name);
    name.parse::<IpAddr>().is_ok() || name.eq_ignore_ascii_case("localhost") || extra.iter().any(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_are_ours() {
        let asks = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
            is_ours(&headers, &["desk.clinic.lan".to_owned()])
        };
        for ours in ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "[::1]:8080", "10.0.0.5", "desk.clinic.lan:80"] {
            assert!(asks(ours), "{ours}");
        }
        for foreign in ["evil.example", "localhost.evil.example:8080", "127.0.0.1.evil.example", "[evil]:80", ""] {
            assert!(!asks(foreign), "{foreign}");
        }
        assert!(is_ours(&HeaderMap::new(), &[]));
    }
}
